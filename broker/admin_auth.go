package broker

import (
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
	if err := need(r, "subject"); err != nil {
		return err
	}
	return b.accessListRequest(r)
}

// accessListRequest serves AUTH_DELETE_ACL (3008) and AUTH_GET_ACL (3009), which
// concern one subject too.
func (b *Broker) accessListRequest(r *remoting.Request) error {
	if subject, _ := r.Ext.Get("subject"); subject == "" {
		return refuse(protocol.ResponseNoPermission, "The subject is null.")
	}
	return refuse(protocol.ResponseSystemError, noMetadata)
}

// listAuth serves AUTH_LIST_USER (3005) and AUTH_LIST_ACL (3010).
func (b *Broker) listAuth(*remoting.Request) error {
	return refuse(protocol.ResponseSystemError, noMetadata)
}
