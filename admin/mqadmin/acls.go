package mqadmin

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
)

func aclCommands() cli.Set {
	all := cli.Value("c", "clusterName", "all brokers of this cluster")
	subject := cli.Need("s", "subject", "who, such as User:alice")
	rule := []cli.Option{
		all, optBroker, subject, cli.Need("r", "resources", "on what, such as Topic:orders; several with commas between"),
		cli.Need("a", "actions", "Pub, Sub, Create, …, with commas between"), cli.Need("d", "decision", "Allow or Deny"),
		cli.Value("i", "sourceIp", "only from these addresses, with commas between"),
	}
	return in(areaUsers,
		&cli.Command{Name: "createAcl", Help: "add rules", Options: rule, OneOf: oneBroker, Run: createACL},
		&cli.Command{Name: "updateAcl", Help: "change rules", Options: rule, OneOf: oneBroker, Run: updateACL},
		&cli.Command{Name: "deleteAcl", Help: "remove rules", Options: []cli.Option{all, optBroker, subject, cli.Value("r", "resources", "only that for this resource")}, OneOf: oneBroker, Run: deleteACL},
		&cli.Command{Name: "getAcl", Help: "rules of a subject", Options: []cli.Option{optCluster, optBroker, subject}, OneOf: oneBroker, Run: getACL},
		&cli.Command{Name: "listAcl", Help: "all rules", Options: []cli.Option{
			optCluster, optBroker, cli.Value("s", "subject", "only subjects with this in them"), cli.Value("r", "resource", "only resources with this in them"),
		}, OneOf: oneBroker, Run: listACL},
		&cli.Command{Name: "copyAcl", Help: "copy rules from one broker to another", Local: true, Options: []cli.Option{
			cli.Need("f", "fromBroker", "broker's address"), cli.Need("t", "toBroker", "broker's address"), cli.Value("s", "subjects", "with commas between; otherwise all"),
		}, Run: copyACL},
	)
}

func aclOf(c *cli.Call) *admin.ACL {
	return admin.NewACL(c.Value("s"), c.List("r"), c.List("a"), c.List("i"), c.Value("d"))
}

func createACL(ctx context.Context, c *cli.Call) error {
	return everywhere(ctx, c, "create acl", func(addr string) error { return c.Client.CreateACL(ctx, addr, aclOf(c)) })
}

func updateACL(ctx context.Context, c *cli.Call) error {
	return everywhere(ctx, c, "update acl", func(addr string) error { return c.Client.UpdateACL(ctx, addr, aclOf(c)) })
}

func deleteACL(ctx context.Context, c *cli.Call) error {
	return everywhere(ctx, c, "delete acl", func(addr string) error { return c.Client.DeleteACL(ctx, addr, c.Value("s"), c.Value("r")) })
}

// aclTable shows rules, under a head before the first.
type aclTable struct {
	c *cli.Call
	t *cli.Table
}

func (t *aclTable) add(a *admin.ACL) {
	if t.t == nil {
		const format = "%-16s  %-10s  %-22s  %-20s  %-24s  %-10s"
		t.t = t.c.Out.Table("rules", format, format, "#Subject", "#PolicyType", "#Resource", "#Actions", "#SourceIp", "#Decision")
	}
	if len(a.Policies) == 0 {
		t.t.Row(a.Subject, "", "", "", "", "")
	}
	for _, p := range a.Policies {
		for _, e := range p.Entries {
			t.t.Row(a.Subject, p.PolicyType, e.Resource, cli.Cell{Text: listText(e.Actions), Data: e.Actions},
				cli.Cell{Text: orNull(listText(e.SourceIPs), e.SourceIPs != nil), Data: e.SourceIPs}, e.Decision)
		}
	}
}

func getACL(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	found := false
	for _, addr := range addrs {
		a, err := c.Client.GetACL(ctx, addr, c.Value("s"))
		if err != nil {
			return err
		}
		if a != nil {
			table := aclTable{c: c}
			table.add(a)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("there is no rule for %q; listAcl shows all", c.Value("s"))
	}
	return nil
}

func listACL(ctx context.Context, c *cli.Call) error {
	addrs, err := c.Brokers(ctx, false)
	if err != nil {
		return err
	}
	c.Out.Set("rules", []any{})
	return eachBroker(c, addrs, func(addr string) error {
		all, err := c.Client.ListACLs(ctx, addr, c.Value("s"), c.Value("r"))
		table := aclTable{c: c}
		for i := range all {
			table.add(&all[i])
		}
		return err
	})
}

func copyACL(ctx context.Context, c *cli.Call) error {
	from, to := c.Value("f"), c.Value("t")
	var all []admin.ACL
	if subjects := c.List("s"); subjects != nil {
		for _, s := range subjects {
			a, err := c.Client.GetACL(ctx, from, s)
			if err != nil {
				return err
			}
			if a == nil {
				return fmt.Errorf("%s has no rule for %q", from, s)
			}
			all = append(all, *a)
		}
	} else {
		var err error
		if all, err = c.Client.ListACLs(ctx, from, "", ""); err != nil {
			return err
		}
	}
	for i := range all {
		a := &all[i]
		old, err := c.Client.GetACL(ctx, to, a.Subject)
		if err != nil {
			return err
		}
		put := c.Client.UpdateACL
		if old == nil {
			put = c.Client.CreateACL
		}
		if err := put(ctx, to, a); err != nil {
			return err
		}
		c.Out.Say("copy acl of %s from %s to %s success.", a.Subject, from, to)
	}
	return nil
}
