package broker

import (
	"fmt"
	"math"
	"strconv"
	"syscall"

	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// runtimeInfo serves GET_BROKER_RUNTIME_INFO (28): every key of the official
// broker, with this one's figures. What has no equivalent here has the value that
// an idle official broker shows.
func (b *Broker) runtimeInfo(r *remoting.Request) error {
	info := map[string]string{}
	b.storeInfo(info)
	b.trafficInfo(info)
	b.poolInfo(info)
	for _, o := range b.delay.Progress() {
		info["scheduleMessageOffset_"+strconv.Itoa(int(o.Level))] = fmt.Sprintf("%d,%d", o.Offset, o.End)
	}
	return replyJSON(r, &protocol.KVTable{Table: info})
}

func (b *Broker) storeInfo(info map[string]string) {
	f := b.store.Facts()
	cfg := b.config.Load()
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	info["commitLogMinOffset"], info["commitLogMaxOffset"] = number(f.LogMin), number(f.LogMax)
	if f.LogMax == 0 {
		info["commitLogMinOffset"] = "-1" // of a log without a file
	}
	info["commitLogDiskRatio"] = ratio(f.LogDiskRatio)
	info["commitLogDiskRatio_"+f.LogDir] = ratio(f.LogDiskRatio)
	info["consumeQueueDiskRatio"] = ratio(f.QueueDiskRatio)
	info["dispatchBehindBytes"] = number(f.DispatchBehind)
	info["pageCacheLockTimeMills"] = "0"
	info["earliestMessageTimeStamp"] = number(b.store.EarliestLogTime())
	info["remainTransientStoreBufferNumbs"] = strconv.Itoa(1<<31 - 1)
	info["remainHowManyDataToFlush"] = bytesText(f.LogMax - f.Flushed)
	if total, free, ok := diskSpace(cfg.StorePathRootDir); ok {
		info["commitLogDirCapacity"] = fmt.Sprintf("Total : %s, Free : %s.", bytesText(total), bytesText(free))
	}
	info["brokerActive"] = "true"
	info["brokerVersionDesc"] = "V5_5_0"
	info["bootTimestamp"] = number(b.started.UnixMilli())
	info["runtime"] = uptime(b.now().Sub(b.started))
	info["startAcceptSendRequestTimeStamp"] = number(cfg.StartAcceptSendRequestTimeStamp)
	var t timer.Status
	if b.timer != nil {
		t = b.timer.Status()
	}
	info["timerReadBehind"], info["timerOffsetBehind"], info["timerCongestNum"] = number(t.ReadBehind), number(t.OffsetBehind), number(t.Waiting)
	info["timerEnqueueTps"] = string(compat.AppendFloat(nil, float64(t.EnqueueTPS), 32))
	info["timerDequeueTps"] = string(compat.AppendFloat(nil, float64(t.DequeueTPS), 32))
}

func (b *Broker) poolInfo(info map[string]string) {
	for name, pool := range map[string]*remoting.Pool{"send": b.pools.back, "pull": b.pools.pull, "query": b.pools.query} {
		info[name+"ThreadPoolQueueSize"] = strconv.Itoa(pool.Len())
		info[name+"ThreadPoolQueueCapacity"] = strconv.Itoa(pool.Cap())
		info[name+"ThreadPoolQueueHeadWaitTimeMills"] = strconv.FormatInt(pool.HeadWait().Milliseconds(), 10)
	}
	for _, name := range []string{"litePull", "ack"} {
		info[name+"ThreadPoolQueueSize"], info[name+"ThreadPoolQueueHeadWaitTimeMills"] = "0", "0"
		info[name+"ThreadPoolQueueCapacity"] = "100000"
	}
	info["EndTransactionQueueSize"], info["EndTransactionThreadPoolQueueCapacity"] = strconv.Itoa(b.pools.end.Len()), strconv.Itoa(b.pools.end.Cap())
}

// ratio writes a share of a disk as upstream does: in whole percent, rounded up;
// -1.0 is unknown.
func ratio(share float64) string {
	if share >= 0 {
		share = math.Ceil(share*100) / 100
	}
	return string(compat.AppendFloat(nil, share, 64))
}

// bytesText writes a number of bytes as upstream's MixAll.humanReadableByteCount
// does with 1024 as its unit.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, exponent := float64(n)/unit, 0
	for value >= unit && exponent < 5 {
		value /= unit
		exponent++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[exponent])
}

// diskSpace is how large the disk of a directory is and how much of it is free.
func diskSpace(dir string) (total, free int64, ok bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * s.Bsize, int64(s.Bfree) * s.Bsize, true
}
