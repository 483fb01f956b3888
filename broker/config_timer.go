package broker

import "time"

// TimerConfig says how messages with a delivery time of their own wait.
type TimerConfig struct {
	TimerWheelEnable                  bool          `conf:"timerWheelEnable" when:"start"`
	TimerMaxDelay                     time.Duration `conf:"timerMaxDelaySec" unit:"s"`
	TimerPrecision                    time.Duration `conf:"timerPrecisionMs" unit:"ms" when:"start"`
	TimerRollWindowSlot               int32         `conf:"timerRollWindowSlot" when:"start"`
	TimerFlushInterval                time.Duration `conf:"timerFlushIntervalMs" unit:"ms" when:"start"`
	TimerCongestNumEachSlot           int32         `conf:"timerCongestNumEachSlot"`
	TimerStopEnqueue                  bool          `conf:"timerStopEnqueue"`
	MappedFileSizeTimerLog            int64         `conf:"mappedFileSizeTimerLog" when:"start"`
	AppendTopicForTimerDeleteKey      bool          `conf:"appendTopicForTimerDeleteKey"`
	RecallMessageEnable               bool          `conf:"recallMessageEnable"`
	AllowRecallWhenBrokerNotWriteable bool          `conf:"allowRecallWhenBrokerNotWriteable"`
}
