package codec

import (
	"encoding/binary"
	"strconv"

	"github.com/gantrymq/gantry/protocol"
)

// Command is one command to be written. Header and Ext are both ext fields on
// the wire; Ext follows.
type Command struct {
	Code      int32
	Language  protocol.Language
	Version   protocol.Version
	Opaque    int32
	Flag      int32
	Remark    string
	Serialize SerializeType
	Header    protocol.Header // may be nil
	Ext       Fields
	Body      []byte
}

// AppendCommand appends the whole frame, length word included. A code beyond 16
// bits does not fit the binary header and is written in JSON, as upstream's
// clients do.
func AppendCommand(dst []byte, c *Command) []byte {
	dst = AppendCommandHead(dst, c, len(c.Body))
	return append(dst, c.Body...)
}

// AppendCommandHead appends everything but the body, for a body of bodyLen bytes
// that the caller writes himself. c.Body is not looked at.
func AppendCommandHead(dst []byte, c *Command, bodyLen int) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	form := c.Serialize
	if form == SerializeRocketMQ && int32(int16(c.Code)) != c.Code {
		form = SerializeJSON
	}
	if form == SerializeRocketMQ {
		dst = appendBinaryHead(dst, c)
	} else {
		dst = appendJSONHead(dst, c)
	}
	headLen := len(dst) - start - LengthSize - headWord
	binary.BigEndian.PutUint32(dst[start:], uint32(headWord+headLen+bodyLen))
	binary.BigEndian.PutUint32(dst[start+LengthSize:], uint32(form)<<24|uint32(headLen))
	return dst
}

func appendBinaryHead(dst []byte, c *Command) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Code))
	dst = append(dst, byte(c.Language))
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.Version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.Opaque))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.Flag))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Remark)))
	dst = append(dst, c.Remark...)
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	w := binaryWriters.Get()
	w.dst = dst
	if c.Header != nil {
		c.Header.WriteFields(w)
	}
	for i := range c.Ext {
		w.WriteString(c.Ext[i].Key, c.Ext[i].Value)
	}
	dst = w.dst
	binaryWriters.Put(w)
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// appendJSONHead writes the keys in the order that fastjson gives them.
func appendJSONHead(dst []byte, c *Command) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c.Code), 10)
	if c.Header != nil || len(c.Ext) > 0 {
		dst = appendJSONExt(dst, c)
	}
	dst = append(dst, `,"flag":`...)
	dst = strconv.AppendInt(dst, int64(c.Flag), 10)
	dst = append(dst, `,"language":"`...)
	dst = append(dst, c.Language.String()...)
	dst = append(dst, `","opaque":`...)
	dst = strconv.AppendInt(dst, int64(c.Opaque), 10)
	if c.Remark != "" {
		dst = append(dst, `,"remark":`...)
		dst = appendJSONString(dst, c.Remark)
	}
	dst = append(dst, `,"serializeTypeCurrentRPC":"JSON","version":`...)
	dst = strconv.AppendInt(dst, int64(c.Version), 10)
	return append(dst, '}')
}

func appendJSONExt(dst []byte, c *Command) []byte {
	dst = append(dst, `,"extFields":{`...)
	w := jsonWriters.Get()
	w.dst, w.first = dst, true
	if c.Header != nil {
		c.Header.WriteFields(w)
	}
	for i := range c.Ext {
		w.WriteString(c.Ext[i].Key, c.Ext[i].Value)
	}
	dst = w.dst
	jsonWriters.Put(w)
	return append(dst, '}')
}
