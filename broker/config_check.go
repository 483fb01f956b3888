package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/config"
)

// check refuses settings that ask for what this version cannot give and whose
// absence would do harm: a door left open, or data half understood. An update
// that would keep the broker from starting again is refused by it too.
func check(s *config.Settings, c *Config) error {
	var faults []error
	refuse := func(when bool, format string, args ...any) {
		if when {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(c.BrokerRole == "SLAVE", "brokerRole=SLAVE: this version runs masters only; set brokerRole=ASYNC_MASTER and brokerId=0")
	refuse(isSet(s, "authenticationEnabled") || isSet(s, "authorizationEnabled"),
		"authenticationEnabled or authorizationEnabled is on, and this version checks neither: it would let everybody in; switch both off or keep the official broker")
	storeType, _ := s.Get("storeType")
	refuse(storeType != "default" && storeType != "",
		"storeType=%s: queues in RocksDB cannot be read; set storeType=default after converting them with the official broker", storeType)
	refuse(isSet(s, "transRocksDBEnable") && !isSet(s, "transWriteOriginTransHalfEnable"),
		"transRocksDBEnable=true with transWriteOriginTransHalfEnable=false: half messages in RocksDB cannot be read, and nobody would be asked about them; set transWriteOriginTransHalfEnable=true and let the official broker end them first")
	refuse(isSet(s, "timerRocksDBEnable"), "timerRocksDBEnable=true: messages that wait in RocksDB cannot be read; let the official broker deliver them, and set it to false")
	refuse(c.TimerWheelEnable && c.TimerPrecision < time.Millisecond, "timerPrecisionMs=%d: steps of the timer have a length; the default is 1000", c.TimerPrecision.Milliseconds())
	refuse(isSet(s, "enableDLegerCommitLog"), "enableDLegerCommitLog=true: a DLedger log cannot be read; take the messages over by consuming them")
	refuse(isSet(s, "enableControllerMode"), "enableControllerMode=true: there is no controller mode in this version; set it to false")
	plugIn, _ := s.Get("messageStorePlugIn")
	refuse(plugIn != "", "messageStorePlugIn=%s: store plug-ins are Java classes; take the key out", plugIn)
	return errors.Join(faults...)
}

// checkNameServers refuses a list of name servers that cannot be one; an empty
// list is none. Only the start is kept from: as upstream, an update may set
// anything.
func checkNameServers(list string) error {
	for _, server := range nameServers(list) {
		_, port, err := net.SplitHostPort(server)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("namesrvAddr=%s: %q is no address; give name servers as 192.168.0.1:9876;192.168.0.2:9876", list, server)
		}
	}
	return nil
}

func isSet(s *config.Settings, key string) bool {
	text, _ := s.Get(key)
	return text == "true"
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
