package conformance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// patientQueues switches off what makes a server of a loaded test machine answer SYSTEM_BUSY:
// brokers fail requests that waited in a queue for 200 ms, which a cold JVM on two shared
// cores easily reaches. Cases about that behaviour set the keys themselves.
var patientQueues = map[string]string{
	"waitTimeMillsInSendQueue":        "20000",
	"waitTimeMillsInPullQueue":        "20000",
	"waitTimeMillsInLitePullQueue":    "20000",
	"waitTimeMillsInHeartbeatQueue":   "40000",
	"waitTimeMillsInTransactionQueue": "20000",
	"waitTimeMillsInAckQueue":         "20000",
	"waitTimeMillsInAdminBrokerQueue": "20000",
	"osPageCacheBusyTimeOutMills":     "20000",
}

// calm keeps official brokers from burning a core that the cases beside them need: their service
// for the counters of transactions does not wait, but spins, until its first interval is over,
// which is 10 s by default.
var calm = map[string]string{
	"transactionMetricFlushInterval": "300",
}

func (s *Server) configPath() string { return filepath.Join(s.dir, string(s.role)+".conf") }

// base are the keys every server of its role gets; settings of the case win.
func (s *Server) base() map[string]string {
	_, port, _ := strings.Cut(s.address, ":")
	if s.role == RoleNameServer {
		return map[string]string{
			"listenPort":      port,
			"kvConfigPath":    filepath.Join(s.dir, "namesrv", "kvConfig.json"),
			"configStorePath": filepath.Join(s.dir, "namesrv", "namesrv.properties"),
		}
	}
	id, _ := strconv.Atoi(strings.TrimPrefix(s.name, brokerName))
	haPort, _ := strconv.Atoi(port)
	config := map[string]string{
		"brokerClusterName": ClusterName,
		"brokerName":        brokerName + strconv.Itoa(id),
		"brokerId":          "0",
		"brokerIP1":         loopback,
		"listenPort":        port,
		"haListenPort":      strconv.Itoa(haPort + 1),
		"storePathRootDir":  s.StoreDir(),
		"namesrvAddr":       (&Cluster{NameServers: s.nameServers}).NameServerList(),
	}
	maps.Copy(config, patientQueues)
	maps.Copy(config, calm)
	return config
}

// systemProperties are the settings that the official programs take from Java's system properties
// and not from their files: those about TLS, and where a product environment is.
func (s *Server) systemProperties() map[string]string {
	properties := map[string]string{}
	for k, v := range s.config {
		if strings.HasPrefix(k, "tls.") || strings.HasPrefix(k, "rocketmq.") {
			properties[k] = v
		}
	}
	return properties
}

// writeConfig writes the configuration file in the official format.
func (s *Server) writeConfig() error {
	config := s.base()
	maps.Copy(config, s.config)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(config)) {
		// Of the properties syntax only the backslash needs an escape in what cases write.
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(config[k], `\`, `\\`))
	}
	return os.WriteFile(s.configPath(), []byte(b.String()), 0o644)
}
