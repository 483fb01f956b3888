package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// SerializeType says how the header of a command is written. Each command names its
// own form, and the two sides of a connection choose theirs alone: the official
// server answers in JSON whatever the request's form was, unless it is started with
// rocketmq.serialize.type=ROCKETMQ.
type SerializeType uint8

// The two header forms of RocketMQ.
const (
	SerializeJSON     SerializeType = 0
	SerializeRocketMQ SerializeType = 1
)

func (t SerializeType) String() string {
	switch t {
	case SerializeJSON:
		return "JSON"
	case SerializeRocketMQ:
		return "ROCKETMQ"
	}
	return fmt.Sprintf("SerializeType(%d)", uint8(t))
}

// LengthSize is the size of the length word in front of a frame; the word counts
// what follows it.
const LengthSize = 4

// MaxFrameSize is the largest frame that 5.5.0 reads by default, length word included
// (com.rocketmq.remoting.frameMaxLength).
const MaxFrameSize = 16 << 20

// headWord is the size of the word that holds the header's form and length.
const headWord = 4

// Frame is one decoded command.
//
// Its strings, ext fields and body are views into the bytes that Decode was
// given: they hold as long as those bytes are not used for something else.
type Frame struct {
	Code      int32
	Language  protocol.Language
	Version   protocol.Version
	Opaque    int32
	Flag      int32
	Remark    string
	Serialize SerializeType
	Ext       Fields
	// EmptyExt says that the header has ext fields, none of which has a value. Upstream tells them from none.
	EmptyExt bool
	Body     []byte
}

// IsResponse reports whether the command answers another.
func (f *Frame) IsResponse() bool { return f.Flag&protocol.FlagResponse != 0 }

// IsOneway reports whether the sender wants no answer.
func (f *Frame) IsOneway() bool { return f.Flag&protocol.FlagOneway != 0 }

// FrameError says what is wrong with the bytes of a frame. The stream that such
// bytes came from cannot be trusted any more.
type FrameError struct {
	Reason string
}

func (e *FrameError) Error() string { return "broken frame: " + e.Reason }

func brokenFrame(format string, args ...any) error {
	return &FrameError{Reason: fmt.Sprintf(format, args...)}
}

// Decode reads one frame from b, which holds all that follows the length word.
// It rewrites escaped strings of a JSON header in place and keeps views into b:
// b belongs to the frame until the frame is decoded again or dropped. The room
// of f.Ext is used again; in steady state nothing is allocated.
func (f *Frame) Decode(b []byte) error {
	*f = Frame{Ext: f.Ext[:0]}
	if len(b) < headWord {
		return brokenFrame("%d bytes cannot hold the header's length", len(b))
	}
	word := binary.BigEndian.Uint32(b)
	f.Serialize = SerializeType(word >> 24)
	headLen := int(word & 0xFFFFFF)
	if headLen > len(b)-headWord {
		return brokenFrame("header of %d bytes in a frame that has %d left", headLen, len(b)-headWord)
	}
	head := b[headWord : headWord+headLen : headWord+headLen]
	f.Body = b[headWord+headLen:]
	switch f.Serialize {
	case SerializeJSON:
		return f.decodeJSON(head)
	case SerializeRocketMQ:
		rest, err := f.decodeBinary(b[headWord:], headLen)
		if err != nil {
			return err
		}
		if len(rest) < len(f.Body) {
			return brokenFrame("a binary header of %d bytes goes beyond its end", headLen)
		}
		f.Body = rest[:len(f.Body)]
		return nil
	}
	return brokenFrame("unknown header form %d", word>>24)
}

// DecodeHeaderLoosely is DecodeHeader for the headers that upstream reads by
// reflection: a number that cannot be read counts as absent (see Missing).
func DecodeHeaderLoosely(h protocol.Header, ext Fields) {
	h.Reset()
	for i := range ext {
		_ = h.SetField(ext[i].Key, ext[i].Value)
	}
}

// DecodeHeaderNeeding is DecodeHeaderLoosely but for the numbers of the keys in need:
// upstream uses them, and stumbles over one that is absent. All fields are read; the error
// is the first that concerns one of those keys.
func DecodeHeaderNeeding(h protocol.Header, ext Fields, need ...string) error {
	h.Reset()
	var first error
	for i := range ext {
		if err := h.SetField(ext[i].Key, ext[i].Value); err != nil && first == nil && slices.Contains(need, ext[i].Key) {
			first = err
		}
	}
	return first
}

// DecodeHeader fills h from the ext fields of a command. h keeps views into
// them. Keys that h does not know are passed over.
func DecodeHeader(h protocol.Header, ext Fields) error {
	h.Reset()
	for i := range ext {
		if err := h.SetField(ext[i].Key, ext[i].Value); err != nil {
			return err
		}
	}
	return nil
}
