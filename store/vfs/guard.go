package vfs

import (
	"runtime"
	"runtime/debug"
)

// faultAddr is what the runtime's error for a memory fault has and its other errors lack.
type faultAddr interface {
	runtime.Error
	Addr() uintptr
}

// Catch turns a memory fault of the calling function into a *FaultError in err. Other panics go on. Use it around every
// access to mapped memory, in this form:
//
//	defer vfs.Catch("copy a record", vfs.Arm(), &err)
//
// Without it a disk error under a mapping kills the process with SIGBUS.
func Catch(what string, armed bool, err *error) {
	debug.SetPanicOnFault(armed)
	r := recover()
	if r == nil {
		return
	}
	fault, ok := r.(faultAddr)
	if !ok {
		panic(r)
	}
	*err = &FaultError{Name: what, Cause: fault}
}

// Arm makes memory faults of this goroutine panics until Catch, and returns the setting that Catch restores.
func Arm() bool { return debug.SetPanicOnFault(true) }

// CopyIn copies src to mapped memory. On a fault dst holds any part of src.
func CopyIn(dst, src []byte) (err error) {
	defer Catch("write to a mapped file", Arm(), &err)
	copy(dst, src)
	return nil
}

// CopyOut copies mapped memory to dst.
func CopyOut(dst, src []byte) (err error) {
	defer Catch("read a mapped file", Arm(), &err)
	copy(dst, src)
	return nil
}
