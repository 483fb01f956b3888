package broker

import (
	"errors"
	"strings"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// noMetadata is what an official broker answers to requests about users and
// access lists when no provider of their metadata is configured, as by default.
const noMetadata = "An system error occurred, please try again later."

// userRequest serves AUTH_CREATE_USER (3001), AUTH_UPDATE_USER (3002) and
// AUTH_GET_USER (3004) of a broker that keeps no users.
func (b *Broker) userRequest(r *remoting.Request) error {
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

// writeAccessList serves AUTH_CREATE_ACL (3006) and AUTH_UPDATE_ACL (3007).
func (b *Broker) writeAccessList(r *remoting.Request) error {
	if len(r.Body) == 0 {
		return errors.New("the request to write an access list has no body")
	}
	if hasExt(r, "subject") {
		return b.accessListRequest(r)
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
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
