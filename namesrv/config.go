package namesrv

import (
	"time"

	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/remoting"
)

// Config is what a name server takes from its configuration: the keys of
// upstream's NamesrvConfig and NettyServerConfig that it honours. A snapshot of
// it never changes; an update makes a new one.
type Config struct {
	config.NettyServer
	TLS remoting.TLSSettings

	KVConfigPath    string `conf:"kvConfigPath" when:"start"`
	ConfigStorePath string `conf:"configStorePath" when:"start"` // what UPDATE_NAMESRV_CONFIG rewrites

	ClusterTest bool `conf:"clusterTest" when:"start"`

	OrderMessageEnable             bool `conf:"orderMessageEnable"`
	ReturnOrderTopicConfigToBroker bool `conf:"returnOrderTopicConfigToBroker"`

	DefaultThreadPoolNums          int32 `conf:"defaultThreadPoolNums" when:"start"`
	DefaultThreadPoolQueueCapacity int32 `conf:"defaultThreadPoolQueueCapacity" when:"start"`

	ScanNotActiveBrokerInterval   time.Duration `conf:"scanNotActiveBrokerInterval" unit:"ms"`
	UnRegisterBrokerQueueCapacity int32         `conf:"unRegisterBrokerQueueCapacity" when:"start"`

	SupportActingMaster               bool          `conf:"supportActingMaster"`
	NotifyMinBrokerIDChanged          bool          `conf:"notifyMinBrokerIdChanged"`
	EnableAllTopicList                bool          `conf:"enableAllTopicList"`
	EnableTopicList                   bool          `conf:"enableTopicList"`
	NeedWaitForService                bool          `conf:"needWaitForService"`
	WaitForService                    time.Duration `conf:"waitSecondsForService" unit:"s"`
	DeleteTopicWithBrokerRegistration bool          `conf:"deleteTopicWithBrokerRegistration"`
}
