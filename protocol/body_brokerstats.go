package protocol

// BrokerStatsData answers VIEW_BROKER_STATS_DATA (code 315).
type BrokerStatsData struct {
	StatsDay    BrokerStatsItem `json:"statsDay"`
	StatsHour   BrokerStatsItem `json:"statsHour"`
	StatsMinute BrokerStatsItem `json:"statsMinute"`
}

// BrokerStatsItem is a counter over one window of time.
type BrokerStatsItem struct {
	AvgPT float64 `json:"avgpt"` // sum per call
	Sum   int64   `json:"sum"`
	TPS   float64 `json:"tps"` // sum per second
}
