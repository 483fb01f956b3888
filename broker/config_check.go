package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gantrymq/gantry/protocol"
)

// check refuses a configuration that asks for what this version cannot give and
// whose absence would do harm: a door left open, or data half understood.
func (c *Config) check() error {
	var faults []error
	refuse := func(when bool, format string, args ...any) {
		if when {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(c.BrokerID != protocol.MasterID || c.BrokerRole == "SLAVE",
		"brokerId=%d, brokerRole=%s: this version runs masters only; set brokerId=0 and brokerRole=ASYNC_MASTER", c.BrokerID, c.BrokerRole)
	refuse(c.AuthenticationEnabled || c.AuthorizationEnabled,
		"authenticationEnabled or authorizationEnabled is on, and this version checks neither: it would let everybody in; switch both off or keep the official broker")
	refuse(c.StoreType != "default" && c.StoreType != "",
		"storeType=%s: queues in RocksDB cannot be read; set storeType=default after converting them with the official broker", c.StoreType)
	refuse(c.EnableDLegerCommitLog, "enableDLegerCommitLog=true: a DLedger log cannot be read; take the messages over by consuming them")
	refuse(c.EnableControllerMode, "enableControllerMode=true: there is no controller mode in this version; set it to false")
	refuse(c.MessageStorePlugIn != "", "messageStorePlugIn=%s: store plug-ins are Java classes; take the key out", c.MessageStorePlugIn)
	refuse(c.FlushDiskType != "ASYNC_FLUSH" && c.FlushDiskType != "SYNC_FLUSH", "flushDiskType=%s: it is ASYNC_FLUSH or SYNC_FLUSH", c.FlushDiskType)
	return errors.Join(faults...)
}

// refuseRocksConfig refuses a directory whose topics, groups or offsets an
// official broker keeps in RocksDB: this broker would begin with empty tables.
func refuseRocksConfig(dir string) error {
	for _, name := range []string{"rdb", "metadata", "topics", "subscriptionGroups", "consumerOffsets"} {
		if _, err := os.Stat(filepath.Join(dir, name, "CURRENT")); err == nil {
			return fmt.Errorf("%s holds configuration in RocksDB, which cannot be read: export it with the official mqadmin rocksDBConfigToJson, or start the official broker with configManagerVersion=v1 once", filepath.Join(dir, name))
		}
	}
	return nil
}
