package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// BrokerRuntime reads a broker's figures by upstream's names.
func (c *Client) BrokerRuntime(ctx context.Context, addr string) (map[string]string, error) {
	table, err := askJSON[protocol.KVTable](ctx, c, addr, protocol.GetBrokerRuntimeInfo, nil, nil)
	return table.Table, err
}

// BrokerConfig reads the configuration of a broker.
func (c *Client) BrokerConfig(ctx context.Context, addr string) (map[string]string, error) {
	return c.properties(ctx, addr, protocol.GetBrokerConfig)
}

// UpdateBrokerConfig changes the configuration of a broker.
func (c *Client) UpdateBrokerConfig(ctx context.Context, addr string, values map[string]string) error {
	return c.do(ctx, addr, protocol.UpdateBrokerConfig, nil, compat.AppendProperties(nil, values))
}

// BrokerStats reads one series of a broker's statistics: statsName is upstream's, such
// as TOPIC_PUT_NUMS, key a topic, or a topic and a group with @ between.
func (c *Client) BrokerStats(ctx context.Context, addr, statsName, key string) (*protocol.BrokerStatsData, error) {
	s, err := askJSON[protocol.BrokerStatsData](ctx, c, addr, protocol.ViewBrokerStatsData, &protocol.ViewBrokerStatsDataRequestHeader{StatsName: statsName, StatsKey: key}, nil)
	return &s, err
}

// DaySum is the number of events of the last day, as far as the series goes back.
func DaySum(s *protocol.BrokerStatsData) int64 {
	for _, n := range []int64{s.StatsDay.Sum, s.StatsHour.Sum, s.StatsMinute.Sum} {
		if n != 0 {
			return n
		}
	}
	return 0
}

// CleanExpiredQueues removes the consume queue files whose messages are gone.
func (c *Client) CleanExpiredQueues(ctx context.Context, addr string) error {
	return c.do(ctx, addr, protocol.CleanExpiredConsumequeue, nil, nil)
}

// CleanUnusedTopics removes the consume queues of topics that are gone.
func (c *Client) CleanUnusedTopics(ctx context.Context, addr string) error {
	return c.do(ctx, addr, protocol.CleanUnusedTopic, nil, nil)
}

// DeleteExpiredCommitLog removes commit log files that may go, without waiting for the
// hour when brokers do so.
func (c *Client) DeleteExpiredCommitLog(ctx context.Context, addr string) error {
	return c.do(ctx, addr, protocol.DeleteExpiredCommitlog, nil, nil)
}

// ColdDataInfo reads how a broker limits groups that read cold data, as JSON text.
func (c *Client) ColdDataInfo(ctx context.Context, addr string) ([]byte, error) {
	f, err := c.ask(ctx, addr, protocol.GetColdDataFlowCtrInfo, nil, nil)
	if err != nil {
		return nil, err
	}
	return f.Body, nil
}

// SetColdDataLimit limits how many bytes of cold data a group reads in a second.
func (c *Client) SetColdDataLimit(ctx context.Context, addr, group string, bytes int64) error {
	return c.do(ctx, addr, protocol.UpdateColdDataFlowCtrConfig, nil, compat.AppendProperties(nil, map[string]string{group: strconv.FormatInt(bytes, 10)}))
}

// RemoveColdDataLimit undoes SetColdDataLimit.
func (c *Client) RemoveColdDataLimit(ctx context.Context, addr, group string) error {
	return c.do(ctx, addr, protocol.RemoveColdDataFlowCtrConfig, nil, []byte(group))
}

// ReadAhead is how the operating system is told that the commit log is read (the numbers
// of madvise, upstream's LibC).
type ReadAhead int

// What brokers take.
const (
	ReadAheadNormal ReadAhead = 0 // MADV_NORMAL
	ReadAheadRandom ReadAhead = 1 // MADV_RANDOM: nothing ahead of what is asked for
)

// SetReadAhead says how a broker's commit log is read ahead. It returns what the broker says of it.
func (c *Client) SetReadAhead(ctx context.Context, addr string, mode ReadAhead) (string, error) {
	f, err := c.call(ctx, addr, &codec.Command{Code: int32(protocol.SetCommitlogReadMode), Ext: codec.Fields{{Key: "READ_AHEAD_MODE", Value: strconv.Itoa(int(mode))}}})
	if err != nil {
		return "", err
	}
	if err := answerError(f, addr, protocol.SetCommitlogReadMode); err != nil {
		return "", err
	}
	return strings.Clone(f.Remark), nil
}

// TimerEngine is what keeps messages with a delivery time of their own.
type TimerEngine string

// The engines that brokers know.
const (
	TimerFiles   TimerEngine = "F" // a wheel in files
	TimerRocksDB TimerEngine = "R"
)

// SwitchTimerEngine says which engine keeps a broker's timer messages.
func (c *Client) SwitchTimerEngine(ctx context.Context, addr string, engine TimerEngine) error {
	f, err := c.call(ctx, addr, &codec.Command{Code: int32(protocol.SwitchTimerEngine), Ext: codec.Fields{{Key: "E_T", Value: string(engine)}}})
	if err != nil {
		return err
	}
	return answerError(f, addr, protocol.SwitchTimerEngine)
}

// HAStatus reads how replication stands at one broker.
func (c *Client) HAStatus(ctx context.Context, addr string) (*protocol.HARuntimeInfo, error) {
	info, err := askJSON[protocol.HARuntimeInfo](ctx, c, addr, protocol.GetBrokerHAStatus, nil, nil)
	return &info, err
}

// ResetMasterFlushOffset tells a slave how far its master has flushed.
func (c *Client) ResetMasterFlushOffset(ctx context.Context, addr string, offset int64) error {
	return c.do(ctx, addr, protocol.ResetMasterFlushOffset, &protocol.ResetMasterFlushOffsetHeader{MasterFlushOffset: offset}, nil)
}

// Epochs reads the terms of masters that one broker's log consists of.
func (c *Client) Epochs(ctx context.Context, addr string) (*EpochCache, error) {
	e, err := askJSON[EpochCache](ctx, c, addr, protocol.GetBrokerEpochCache, nil, nil)
	return &e, err
}

// EpochCache is what a broker says of its log's terms (upstream's EpochEntryCache).
type EpochCache struct {
	BrokerID    int64   `json:"brokerId"`
	BrokerName  string  `json:"brokerName,omitempty"`
	ClusterName string  `json:"clusterName,omitempty"`
	EpochList   []Epoch `json:"epochList"`
	MaxOffset   int64   `json:"maxOffset"`
}

// Epoch is one term: its number and the part of the log that was written in it.
type Epoch struct {
	EndOffset   int64 `json:"endOffset"`
	Epoch       int32 `json:"epoch"`
	StartOffset int64 `json:"startOffset"`
}

// ExportPopRecords has a broker write the POP records that it holds into its log.
func (c *Client) ExportPopRecords(ctx context.Context, addr string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	f, err := c.send(ctx, addr, &codec.Command{Code: int32(protocol.PopRollback)})
	if err != nil {
		return err
	}
	return answerError(f, addr, protocol.PopRollback)
}

// CheckRocksDB has a broker that keeps its consume queues in files and in RocksDB
// compare them, from a time in ms on; topic "" means all.
func (c *Client) CheckRocksDB(ctx context.Context, addr, topic string, from int64) (*RocksDBCheck, error) {
	r, err := askJSON[RocksDBCheck](ctx, c, addr, protocol.CheckRocksdbCQWriteProgress, &protocol.CheckRocksdbCqWriteProgressRequestHeader{Topic: topic, CheckStoreTime: from}, nil)
	return &r, err
}

// RocksDBCheck says how a comparison stands (upstream's CheckRocksdbCqWriteResult).
type RocksDBCheck struct {
	CheckResult string `json:"checkResult,omitempty"`
	CheckStatus int32  `json:"checkStatus"` // 0 equal, 1 not, 2 in progress, 3 failed
}

// RocksDBCheckFailed is the status of a comparison that could not be made.
const RocksDBCheckFailed = 3

// RocksDBTable is a part of a broker's configuration that can be kept in RocksDB.
type RocksDBTable string

// The tables that brokers export.
const (
	RocksDBTopics  RocksDBTable = "topics"
	RocksDBGroups  RocksDBTable = "subscriptionGroups"
	RocksDBOffsets RocksDBTable = "consumerOffsets"
)

// ExportRocksDB has a broker write tables that it keeps in RocksDB as JSON files.
func (c *Client) ExportRocksDB(ctx context.Context, addr string, tables []RocksDBTable) error {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = string(t)
	}
	return c.do(ctx, addr, protocol.ExportRocksdbConfigToJson, &protocol.ExportRocksDBConfigToJsonRequestHeader{ConfigType: strings.Join(names, ";")}, nil)
}

// AddBroker has a broker container at addr start another broker from a configuration
// file that lies there.
func (c *Client) AddBroker(ctx context.Context, container, configPath string) error {
	return c.do(ctx, container, protocol.AddBroker, &protocol.AddBrokerRequestHeader{ConfigPath: configPath}, nil)
}

// RemoveBroker has a broker container stop one of its brokers.
func (c *Client) RemoveBroker(ctx context.Context, container, cluster, name string, id int64) error {
	if id < 0 {
		return fmt.Errorf("broker id %d cannot be: ids start at 0", id)
	}
	return c.do(ctx, container, protocol.RemoveBroker, &protocol.RemoveBrokerRequestHeader{BrokerClusterName: cluster, BrokerName: name, BrokerID: id}, nil)
}
