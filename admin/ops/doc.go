// Package ops has the administrator's commands that the official tool lacks: how far
// groups are behind and for how long (lag), the messages of a topic as they come (tail),
// messages from and to other programs (produce, consume), a check of a whole cluster
// with advice (doctor), and a view that keeps itself up to date (top).
//
// Like the commands of admin/mqadmin they know only admin and their frame, admin/cli.
package ops

import (
	"github.com/gantrymq/gantry/admin/cli"
)

// Commands lists the commands.
func Commands() cli.Set {
	all := cli.Set{lagCommand(), tailCommand(), produceCommand(), consumeCommand(), doctorCommand(), topCommand()}
	for _, c := range all {
		c.Area = "Beyond the official tool"
	}
	return all
}
