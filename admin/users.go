package admin

import (
	"context"

	"github.com/gantrymq/gantry/protocol"
)

// User is a user of a broker. Empty fields are not sent: a change leaves them alone.
type User struct {
	Password   string `json:"password,omitempty"`
	UserStatus string `json:"userStatus,omitempty"` // enable or disable
	UserType   string `json:"userType,omitempty"`   // Super or Normal
	Username   string `json:"username,omitempty"`
}

// CreateUser adds a user on one broker.
func (c *Client) CreateUser(ctx context.Context, addr string, u *User) error {
	return c.doJSON(ctx, addr, protocol.AuthCreateUser, &protocol.CreateUserRequestHeader{Username: u.Username}, u)
}

// UpdateUser changes a user on one broker.
func (c *Client) UpdateUser(ctx context.Context, addr string, u *User) error {
	return c.doJSON(ctx, addr, protocol.AuthUpdateUser, &protocol.UpdateUserRequestHeader{Username: u.Username}, u)
}

// DeleteUser removes a user from one broker.
func (c *Client) DeleteUser(ctx context.Context, addr, name string) error {
	return c.do(ctx, addr, protocol.AuthDeleteUser, &protocol.DeleteUserRequestHeader{Username: name}, nil)
}

// GetUser reads a user of one broker; nil when there is none.
func (c *Client) GetUser(ctx context.Context, addr, name string) (*User, error) {
	return askJSON[*User](ctx, c, addr, protocol.AuthGetUser, &protocol.GetUserRequestHeader{Username: name}, nil)
}

// ListUsers lists the users of one broker whose names contain filter.
func (c *Client) ListUsers(ctx context.Context, addr, filter string) ([]User, error) {
	return askJSON[[]User](ctx, c, addr, protocol.AuthListUser, &protocol.ListUsersRequestHeader{Filter: filter}, nil)
}

// ACL says what a subject may do on one broker (upstream's AclInfo).
type ACL struct {
	Policies []Policy `json:"policies"`
	Subject  string   `json:"subject,omitempty"`
}

// Policy is the custom or the default part of an ACL.
type Policy struct {
	Entries    []PolicyEntry `json:"entries"`
	PolicyType string        `json:"policyType,omitempty"`
}

// PolicyEntry is one rule.
type PolicyEntry struct {
	Actions   []string `json:"actions,omitzero"`
	Decision  string   `json:"decision,omitempty"`
	Resource  string   `json:"resource,omitempty"`
	SourceIPs []string `json:"sourceIps,omitzero"`
}

// NewACL gives a subject the same rule for several resources.
func NewACL(subject string, resources, actions, sourceIPs []string, decision string) *ACL {
	var p Policy
	for _, r := range resources {
		p.Entries = append(p.Entries, PolicyEntry{Actions: actions, Decision: decision, Resource: r, SourceIPs: sourceIPs})
	}
	return &ACL{Policies: []Policy{p}, Subject: subject}
}

// CreateACL adds rules on one broker.
func (c *Client) CreateACL(ctx context.Context, addr string, a *ACL) error {
	return c.doJSON(ctx, addr, protocol.AuthCreateACL, &protocol.CreateAclRequestHeader{Subject: a.Subject}, a)
}

// UpdateACL changes rules on one broker.
func (c *Client) UpdateACL(ctx context.Context, addr string, a *ACL) error {
	return c.doJSON(ctx, addr, protocol.AuthUpdateACL, &protocol.UpdateAclRequestHeader{Subject: a.Subject}, a)
}

// DeleteACL removes a subject's rules from one broker: that for a resource, or with ""
// all.
func (c *Client) DeleteACL(ctx context.Context, addr, subject, resource string) error {
	return c.do(ctx, addr, protocol.AuthDeleteACL, &protocol.DeleteAclRequestHeader{Subject: subject, Resource: resource}, nil)
}

// GetACL reads a subject's rules from one broker; nil when there are none.
func (c *Client) GetACL(ctx context.Context, addr, subject string) (*ACL, error) {
	return askJSON[*ACL](ctx, c, addr, protocol.AuthGetACL, &protocol.GetAclRequestHeader{Subject: subject}, nil)
}

// ListACLs lists the rules of one broker whose subjects and resources contain the
// filters.
func (c *Client) ListACLs(ctx context.Context, addr, subject, resource string) ([]ACL, error) {
	return askJSON[[]ACL](ctx, c, addr, protocol.AuthListACL, &protocol.ListAclsRequestHeader{SubjectFilter: subject, ResourceFilter: resource}, nil)
}
