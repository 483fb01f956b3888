package mqadmin

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
)

func userCommands() cli.Set {
	all := cli.Value("c", "clusterName", "all brokers of this cluster")
	name := cli.Need("u", "username", "user's name")
	return in(areaUsers,
		&cli.Command{Name: "createUser", Help: "add a user", Options: []cli.Option{
			all, optBroker, name, cli.Need("p", "password", "password"), cli.Value("t", "userType", "Super or Normal"),
		}, OneOf: oneBroker, Run: createUser},
		&cli.Command{Name: "updateUser", Help: "change a user", Options: []cli.Option{
			all, optBroker, name, cli.Value("p", "password", "new password"), cli.Value("t", "userType", "Super or Normal"), cli.Value("s", "userStatus", "enable or disable"),
		}, OneOf: oneBroker, Run: updateUser},
		&cli.Command{Name: "deleteUser", Help: "remove a user", Options: []cli.Option{all, optBroker, name}, OneOf: oneBroker, Run: deleteUser},
		&cli.Command{Name: "getUser", Help: "one user", Options: []cli.Option{optCluster, optBroker, name}, OneOf: oneBroker, Run: getUser},
		&cli.Command{Name: "listUser", Help: "all users", Options: []cli.Option{optCluster, optBroker, cli.Value("f", "filter", "only names with this in them")}, OneOf: oneBroker, Run: listUser},
		&cli.Command{Name: "copyUser", Help: "copy users from one broker to another", Local: true, Options: []cli.Option{
			cli.Need("f", "fromBroker", "broker's address"), cli.Need("t", "toBroker", "broker's address"), cli.Value("u", "usernames", "names, with commas between; otherwise all"),
		}, Run: copyUser},
	)
}

// everywhere does a thing at the broker of -b or all brokers of the cluster of -c, and
// reports each.
func everywhere(ctx context.Context, c *cli.Call, what string, do func(addr string) error) error {
	addrs, err := c.Brokers(ctx, true)
	if err != nil {
		return err
	}
	return eachBroker(c, addrs, func(addr string) error {
		if err := do(addr); err != nil {
			return err
		}
		c.Out.Say("%s to %s success.", what, addr)
		return nil
	})
}

func userOf(c *cli.Call) *admin.User {
	return &admin.User{Username: c.Value("u"), Password: c.Value("p"), UserType: c.Value("t"), UserStatus: c.Value("s")}
}

func createUser(ctx context.Context, c *cli.Call) error {
	return everywhere(ctx, c, "create user", func(addr string) error { return c.Client.CreateUser(ctx, addr, userOf(c)) })
}

func updateUser(ctx context.Context, c *cli.Call) error {
	n := 0
	for _, key := range []string{"p", "t", "s"} {
		if c.Has(key) {
			n++
		}
	}
	if n != 1 {
		return cli.Usagef("exactly one of -p (--password), -t (--userType) and -s (--userStatus) says what to change")
	}
	return everywhere(ctx, c, "update user", func(addr string) error { return c.Client.UpdateUser(ctx, addr, userOf(c)) })
}

func deleteUser(ctx context.Context, c *cli.Call) error {
	return everywhere(ctx, c, "delete user", func(addr string) error { return c.Client.DeleteUser(ctx, addr, c.Value("u")) })
}

// userTable prints its head before its first row.
type userTable struct {
	c *cli.Call
	t *cli.Table
}

func (u *userTable) add(user *admin.User) {
	if u.t == nil {
		const format = "%-16s  %-22s  %-22s  %-22s"
		u.t = u.c.Out.Table("users", format, format, "#UserName=username", "#Password", "#UserType", "#UserStatus")
	}
	u.t.Row(user.Username, user.Password, user.UserType, user.UserStatus)
}

func getUser(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		u, err := c.Client.GetUser(ctx, addr, c.Value("u"))
		if err != nil {
			return err
		}
		if u != nil {
			table := userTable{c: c}
			table.add(u)
			return nil
		}
	}
	return fmt.Errorf("there is no user %q; listUser shows all", c.Value("u"))
}

func listUser(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	c.Out.Set("users", []any{})
	return eachBroker(c, addrs, func(addr string) error {
		users, err := c.Client.ListUsers(ctx, addr, c.Value("f"))
		table := userTable{c: c}
		for _, u := range users {
			table.add(&u)
		}
		return err
	})
}

func copyUser(ctx context.Context, c *cli.Call) error {
	from, to := c.Value("f"), c.Value("t")
	var users []admin.User
	if names := c.List("u"); names != nil {
		for _, name := range names {
			u, err := c.Client.GetUser(ctx, from, name)
			if err != nil {
				return err
			}
			if u == nil {
				return fmt.Errorf("%s has no user %q", from, name)
			}
			users = append(users, *u)
		}
	} else {
		var err error
		if users, err = c.Client.ListUsers(ctx, from, ""); err != nil {
			return err
		}
	}
	for i := range users {
		u := &users[i]
		old, err := c.Client.GetUser(ctx, to, u.Username)
		if err != nil {
			return err
		}
		put := c.Client.UpdateUser
		if old == nil {
			put = c.Client.CreateUser
		}
		if err := put(ctx, to, u); err != nil {
			return err
		}
		c.Out.Say("copy user of %s from %s to %s success.", u.Username, from, to)
	}
	return nil
}
