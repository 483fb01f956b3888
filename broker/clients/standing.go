package clients

// Standing is what a registration leaves behind that has changed nothing. While
// it holds, the same registration by the same session would again change nothing
// but the time when the client was last heard of, and come to the same result.
// The zero Standing never holds.
type Standing struct {
	client  *Client
	group   *group // nil in a group of producers
	changes uint64 // of group
}

// Refresh does what repeating the registration would do, and reports whether it
// still would do no more than that: the client is the member that it was, and
// nobody has changed what the group's registrations are compared with.
func (s Standing) Refresh(now int64) bool {
	if s.client == nil || s.client.left.Load() || s.group != nil && s.group.changes.Load() != s.changes {
		return false
	}
	s.client.seen.Store(now)
	return true
}
