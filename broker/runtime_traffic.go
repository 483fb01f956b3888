package broker

import (
	"fmt"
	"strconv"
	"time"
)

// uptime writes a duration as upstream's StoreStatsService does.
func uptime(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("[ %d days, %d hours, %d minutes, %d seconds ]", s/86400, s/3600%24, s/60%60, s%60)
}

func (b *Broker) trafficInfo(info map[string]string) {
	put, get := b.stats.PutTotal(), b.stats.GetTotal()
	info["msgPutTotalTodayNow"], info["msgGetTotalTodayNow"] = strconv.FormatInt(put, 10), strconv.FormatInt(get, 10)
	info["putMessageTimesTotal"], info["getMessageTransferedMsgCount"] = strconv.FormatInt(put, 10), strconv.FormatInt(get, 10)
}
