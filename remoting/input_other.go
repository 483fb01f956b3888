//go:build !unix

package remoting

import "syscall"

// rawReads says that connections are read and written through net.Conn here.
const rawReads = false

func (in *input) tryRead(uintptr) bool { panic("remoting: no raw reads on this platform") }

func (in *input) readReady(uintptr) int { panic("remoting: no raw reads on this platform") }

func writeNow(syscall.RawConn, []byte) (int, error) { return 0, nil }
