package broker

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// noMetadata is what an official broker answers to requests about users and
// access lists when no provider of their metadata is configured, as by default.
const noMetadata = "An system error occurred, please try again later."

// writeUser serves AUTH_CREATE_USER (3001) and AUTH_UPDATE_USER (3002) of a broker that keeps no
// users.
func (b *Broker) writeUser(r *remoting.Request) error {
	name, _ := r.Ext.Get("username")
	if name == "" {
		return refuse(protocol.ResponseInvalidParameter, "The username is blank")
	}
	var user struct {
		Password string `json:"password"`
	}
	if err := readBody(r, &user); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(name) == "":
		return refuse(protocol.ResponseNoPermission, "username can not be blank")
	case strings.TrimSpace(user.Password) == "" && protocol.RequestCode(r.Code) == protocol.AuthCreateUser:
		return refuse(protocol.ResponseNoPermission, "password can not be blank")
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// getUser serves AUTH_GET_USER (3004).
func (b *Broker) getUser(r *remoting.Request) error {
	if user, _ := r.Ext.Get("username"); strings.TrimSpace(user) == "" {
		return refuse(protocol.ResponseInvalidParameter, "The username is blank")
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// deleteUser serves AUTH_DELETE_USER (3003).
func (b *Broker) deleteUser(r *remoting.Request) error {
	if user, _ := r.Ext.Get("username"); strings.TrimSpace(user) == "" {
		return refuse(protocol.ResponseNoPermission, "username can not be blank")
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// accessList is the body of a request to write an access list (upstream: AclInfo).
type accessList struct {
	Subject  string `json:"subject"`
	Policies []struct {
		Entries []accessEntry `json:"entries"`
	} `json:"policies"`
}

type accessEntry struct {
	Actions   []string `json:"actions"`
	Decision  string   `json:"decision"`
	Resource  string   `json:"resource"`
	SourceIPs []string `json:"sourceIps"`
}

// writeAccessList serves AUTH_CREATE_ACL (3006) and AUTH_UPDATE_ACL (3007): what is wrong with the
// list is said before it is missed that nobody keeps lists.
func (b *Broker) writeAccessList(r *remoting.Request) error {
	var list accessList
	if err := readBody(r, &list); err != nil {
		return err
	}
	if len(list.Policies) == 0 {
		return errors.New("the access list has no policies")
	}
	var entries []accessEntry
	for _, policy := range list.Policies {
		entries = append(entries, policy.Entries...)
	}
	for _, entry := range entries {
		if entry.Actions == nil {
			return errors.New("an entry of the access list has no actions")
		}
	}
	subject, _ := r.Ext.Get("subject")
	if !isSubject(list.Subject) && !isSubject(subject) {
		return refuse(protocol.ResponseSystemError, noMetadata) // upstream stumbles over it
	}
	if len(entries) == 0 {
		return refuse(protocol.ResponseNoPermission, "The policies is empty.")
	}
	for i := range entries {
		if fault := entries[i].fault(); fault != "" {
			return refuse(protocol.ResponseNoPermission, "%s", fault)
		}
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// What an entry of an access list may name, in any case.
var (
	authResources = []string{"Unknown", "Any", "Cluster", "Namespace", "Topic", "Group"}
	authActions   = []string{"Unknown", "All", "Any", "Pub", "Sub", "Create", "Update", "Delete", "Get", "List"}
	authDecisions = []string{"Allow", "Deny"}
)

func isOneOf(names []string, name string) bool {
	return slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(known, name) })
}

// fault says what is wrong with an entry, in upstream's order and words.
func (e *accessEntry) fault() string {
	kind, _, _ := strings.Cut(e.Resource, ":")
	actions := slices.DeleteFunc(slices.Clone(e.Actions), func(name string) bool { return !isOneOf(authActions, name) })
	switch {
	case e.Resource != "*" && !isOneOf(authResources, kind):
		return "The resource is null."
	case len(actions) == 0:
		return "The actions is empty."
	case isOneOf(actions, "Any"):
		return "The actions can not be Any."
	}
	for _, ip := range e.SourceIPs {
		_, notAddress := netip.ParseAddr(ip)
		_, notNetwork := netip.ParsePrefix(ip)
		switch {
		case strings.TrimSpace(ip) == "":
			return "The source ip is empty."
		case notAddress != nil && notNetwork != nil:
			return "The source ip is invalid."
		}
	}
	if !isOneOf(authDecisions, e.Decision) {
		return "The decision is null or illegal."
	}
	return ""
}

// accessListRequest serves AUTH_DELETE_ACL (3008) and AUTH_GET_ACL (3009), which
// concern one subject too.
func (b *Broker) accessListRequest(r *remoting.Request) error {
	if subject, _ := r.Ext.Get("subject"); !isSubject(subject) {
		return refuse(protocol.ResponseNoPermission, "The subject is null.")
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// isSubject reports whether a subject is of the only kind there is: a user (upstream: Subject.of).
func isSubject(subject string) bool {
	kind, _, _ := strings.Cut(subject, ":")
	return strings.EqualFold(kind, "User")
}

// listAuth serves AUTH_LIST_USER (3005) and AUTH_LIST_ACL (3010).
func (b *Broker) listAuth(*remoting.Request) error {
	return refuse(protocol.ResponseSystemError, noMetadata)
}
