package namesrv

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/gantrymq/gantry/config"
)

// Config holds the official keys of a name server (upstream's NamesrvConfig and
// NettyServerConfig), by the names and with the defaults of 5.5.0.
type Config struct {
	config.NettyServer

	RocketmqHome    string `conf:"rocketmqHome"`
	KVConfigPath    string `conf:"kvConfigPath"`
	ConfigStorePath string `conf:"configStorePath"` // what UPDATE_NAMESRV_CONFIG rewrites
	ConfigBlackList string `conf:"configBlackList" default:"configBlackList;configStorePath;kvConfigPath"`

	ClusterTest    bool   `conf:"clusterTest" default:"false"`
	ProductEnvName string `conf:"productEnvName" default:"center"`

	OrderMessageEnable             bool `conf:"orderMessageEnable" default:"false"`
	ReturnOrderTopicConfigToBroker bool `conf:"returnOrderTopicConfigToBroker" default:"true"`

	DefaultThreadPoolNums                int32 `conf:"defaultThreadPoolNums" default:"16"`
	DefaultThreadPoolQueueCapacity       int32 `conf:"defaultThreadPoolQueueCapacity" default:"10000"`
	ClientRequestThreadPoolNums          int32 `conf:"clientRequestThreadPoolNums" default:"8" inert:"route queries are answered by each connection's own goroutine"`
	ClientRequestThreadPoolQueueCapacity int32 `conf:"clientRequestThreadPoolQueueCapacity" default:"50000" inert:"route queries do not queue"`

	ScanNotActiveBrokerInterval   time.Duration `conf:"scanNotActiveBrokerInterval" unit:"ms" default:"5000"`
	UnRegisterBrokerQueueCapacity int32         `conf:"unRegisterBrokerQueueCapacity" default:"3000"`

	SupportActingMaster               bool          `conf:"supportActingMaster" default:"false"`
	NotifyMinBrokerIDChanged          bool          `conf:"notifyMinBrokerIdChanged" default:"false"`
	EnableAllTopicList                bool          `conf:"enableAllTopicList" default:"true"`
	EnableTopicList                   bool          `conf:"enableTopicList" default:"true"`
	NeedWaitForService                bool          `conf:"needWaitForService" default:"false"`
	WaitForService                    time.Duration `conf:"waitSecondsForService" unit:"s" default:"45"`
	DeleteTopicWithBrokerRegistration bool          `conf:"deleteTopicWithBrokerRegistration" default:"false"`
	EnableControllerInNamesrv         bool          `conf:"enableControllerInNamesrv" default:"false" inert:"this release has no controller"`

	// File holds every property of the configuration file, those that no key
	// reads included: GET_NAMESRV_CONFIG shows them. It may be nil.
	File map[string]string
	// ProductNamesrvAddrs are the name servers that a cluster test asks for topics
	// it does not know. Upstream takes them from NAMESRV_ADDR.
	ProductNamesrvAddrs []string
}

// DefaultPort is the listenPort of a name server whose configuration has none.
const DefaultPort = 9876

// DefaultConfig is what an official name server runs with when it is given
// nothing, for the user whose home directory is userHome.
func DefaultConfig(userHome string) Config {
	c := Config{
		KVConfigPath:    filepath.Join(userHome, "namesrv", "kvConfig.json"),
		ConfigStorePath: filepath.Join(userHome, "namesrv", "namesrv.properties"),
	}
	config.SetDefaults(&c)
	c.ListenPort = DefaultPort
	return c
}

// neverRemote are the keys that no request may change, whatever configBlackList
// says. One that could name a file would let anybody who reaches the port write
// anywhere (CVE-2023-37582).
var neverRemote = []string{"configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"}

// refused is the set of keys that UPDATE_NAMESRV_CONFIG must not contain. Like
// upstream's it is made once, at the start.
func (c *Config) refused() map[string]bool {
	keys := map[string]bool{}
	for _, key := range neverRemote {
		keys[key] = true
	}
	for key := range strings.SplitSeq(c.ConfigBlackList, ";") {
		keys[key] = true
	}
	return keys
}
