package remoting

import (
	"unsafe"

	"github.com/gantrymq/gantry/codec"
)

// cloneFrame copies a frame with everything that it views, in one piece of memory
// for the bytes and one for the list of ext fields.
func cloneFrame(f *codec.Frame) *codec.Frame {
	n := len(f.Remark) + len(f.Body)
	for i := range f.Ext {
		n += len(f.Ext[i].Key) + len(f.Ext[i].Value)
	}
	mem := make([]byte, 0, n)
	text := func(s string) string {
		start := len(mem)
		mem = append(mem, s...)
		return unsafe.String(unsafe.SliceData(mem[start:]), len(s))
	}
	c := *f
	c.Remark = text(f.Remark)
	if len(f.Ext) > 0 {
		c.Ext = make(codec.Fields, len(f.Ext))
		for i := range f.Ext {
			c.Ext[i] = codec.Field{Key: text(f.Ext[i].Key), Value: text(f.Ext[i].Value)}
		}
	} else {
		c.Ext = nil
	}
	start := len(mem)
	mem = append(mem, f.Body...)
	c.Body = mem[start:len(mem):len(mem)]
	return &c
}
