// Package admin is the client library of administration: one method for each
// operation that name servers, brokers and controllers offer to an administrator.
//
// A Client knows the addresses of the name servers. Methods that name a broker take
// its address; methods that concern a topic or group ask the name servers where it
// lies and ask all its brokers. Every method takes a context; a call that is
// not answered within Options.Timeout ends earlier. Answers that are not SUCCESS are
// *Error, connections that cannot be made *remoting.ConnectError: a caller decides by
// errors.As and HasCode what an answer means.
//
// What the operations mean is upstream's DefaultMQAdminExt and MQClientAPIImpl, release
// 5.5.0. The package knows no command lines and prints nothing: that is admin/mqadmin.
package admin
