package broker

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/compat"
)

// uptime writes a duration as upstream's StoreStatsService does.
func uptime(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("[ %d days, %d hours, %d minutes, %d seconds ]", s/86400, s/3600%24, s/60%60, s%60)
}

// trafficInfo is what went in and out.
func (b *Broker) trafficInfo(info map[string]string) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	days := b.stats.DayTotals()
	info["msgPutTotalYesterdayMorning"], info["msgPutTotalTodayMorning"] = number(days.PutYesterdayMorning), number(days.PutTodayMorning)
	info["msgGetTotalYesterdayMorning"], info["msgGetTotalTodayMorning"] = number(days.GetYesterdayMorning), number(days.GetTodayMorning)
	info["msgPutTotalTodayNow"], info["msgGetTotalTodayNow"] = number(b.stats.PutTotal()), number(b.stats.GetTotal())

	rates := b.stats.Rates()
	times, bytes := max(1, rates.Put.Sum()), rates.PutBytes.Sum() // upstream, too, shows 1 before the first message
	info["putMessageTimesTotal"], info["putMessageSizeTotal"] = number(times), number(bytes)
	info["putMessageAverageSize"] = string(compat.AppendFloat(nil, float64(bytes)/float64(times), 64))
	info["putMessageFailedTimes"] = number(rates.PutFailed.Sum())
	info["putMessageEntireTimeMax"], info["getMessageEntireTimeMax"] = number(rates.PutTime.Max()), number(rates.GetTime.Max())
	info["putMessageDistributeTime"] = rates.PutTime.String()
	info["putLatency99"], info["putLatency999"] = fmt.Sprintf("%.2f", rates.PutTime.Quantile(0.99)), fmt.Sprintf("%.2f", rates.PutTime.Quantile(0.999))
	info["dispatchMaxBuffer"] = "0" // upstream never counts it
	info["putTps"], info["getFoundTps"], info["getMissTps"] = rates.Put.String(), rates.Found.String(), rates.Miss.String()
	info["getTotalTps"], info["getTransferredTps"] = rates.Total(), rates.Transferred.String()
}
