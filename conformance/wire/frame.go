package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Header serialisations, the top byte of the header length word
// (upstream: org.apache.rocketmq.remoting.protocol.SerializeType).
const (
	SerializeJSON     byte = 0
	SerializeRocketMQ byte = 1
)

// Bits of Frame.Flag (upstream: RemotingCommand.RPC_TYPE and RPC_ONEWAY).
const (
	FlagResponse int32 = 1
	FlagOneway   int32 = 2
)

// Version550 is the client version that cases announce unless they say otherwise: the
// ordinal that release 5.5.0 sends (upstream: MQVersion.Version.V5_5_0).
const Version550 int32 = 513

// Language codes of the binary header, in upstream's order (LanguageCode).
var languages = []string{"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS", "RUST", "NODE_JS"}

// maxFrame bounds what the client accepts from a server, so that a broken answer is an
// error and not a memory exhaustion.
const maxFrame = 64 << 20

// Frame is one remoting command in either direction. Ext is never nil after Decode.
type Frame struct {
	Code      int32
	Language  string // upstream's name, for example "JAVA"; empty encodes as JAVA
	Version   int32
	Opaque    int32
	Flag      int32
	Remark    string
	HasRemark bool // a response may carry no remark, or an empty one
	Ext       map[string]string
	Body      []byte
	Serialize byte
	Header    []byte // the encoded header as it was received
}

// IsResponse reports whether the response bit of the flag is set.
func (f *Frame) IsResponse() bool { return f.Flag&FlagResponse != 0 }

// Encode renders the frame, length word included. A header that cannot be represented in
// the chosen serialisation is an error.
func (f *Frame) Encode() ([]byte, error) {
	header, err := f.EncodeHeader()
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(f.Body)))
	out = binary.BigEndian.AppendUint32(out, uint32(f.Serialize)<<24|uint32(len(header)))
	out = append(out, header...)
	return append(out, f.Body...), nil
}

// EncodeHeader renders the header alone, without any length word.
func (f *Frame) EncodeHeader() ([]byte, error) {
	if f.Serialize == SerializeRocketMQ {
		return f.encodeBinaryHeader()
	}
	h := map[string]any{
		"code": f.Code, "flag": f.Flag, "language": f.language(), "opaque": f.Opaque,
		"serializeTypeCurrentRPC": "JSON", "version": f.Version,
	}
	if len(f.Ext) > 0 {
		h["extFields"] = f.Ext
	}
	if f.HasRemark {
		h["remark"] = f.Remark
	}
	return json.Marshal(h)
}

func (f *Frame) language() string {
	if f.Language == "" {
		return languages[0]
	}
	return f.Language
}

func (f *Frame) encodeBinaryHeader() ([]byte, error) {
	lang := -1
	for i, name := range languages {
		if name == f.language() {
			lang = i
		}
	}
	if lang < 0 {
		return nil, fmt.Errorf("wire: language %q has no number in the binary header", f.Language)
	}
	if int32(int16(f.Code)) != f.Code {
		return nil, fmt.Errorf("wire: code %d does not fit the binary header", f.Code)
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(f.Code))
	out = append(out, byte(lang))
	out = binary.BigEndian.AppendUint16(out, uint16(f.Version))
	out = binary.BigEndian.AppendUint32(out, uint32(f.Opaque))
	out = binary.BigEndian.AppendUint32(out, uint32(f.Flag))
	out = binary.BigEndian.AppendUint32(out, uint32(len(f.Remark)))
	out = append(out, f.Remark...)
	var ext []byte
	for _, k := range sortedKeys(f.Ext) {
		ext = binary.BigEndian.AppendUint16(ext, uint16(len(k)))
		ext = append(ext, k...)
		ext = binary.BigEndian.AppendUint32(ext, uint32(len(f.Ext[k])))
		ext = append(ext, f.Ext[k]...)
	}
	out = binary.BigEndian.AppendUint32(out, uint32(len(ext)))
	return append(out, ext...), nil
}

// errShort is returned by the binary header reader when a length points beyond the header.
var errShort = errors.New("wire: the header ends in the middle of a field")

// Decode reads one frame without its leading length word. The frame keeps views into b.
func Decode(b []byte) (*Frame, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("wire: a frame of %d bytes has no header length", len(b))
	}
	word := binary.BigEndian.Uint32(b)
	n := int(word & 0xFFFFFF)
	if n > len(b)-4 {
		return nil, fmt.Errorf("wire: header of %d bytes in a frame with %d bytes left", n, len(b)-4)
	}
	f := &Frame{Serialize: byte(word >> 24), Header: b[4 : 4+n], Body: b[4+n:], Ext: map[string]string{}}
	switch f.Serialize {
	case SerializeJSON:
		return f, f.decodeJSONHeader()
	case SerializeRocketMQ:
		return f, f.decodeBinaryHeader()
	}
	return nil, fmt.Errorf("wire: unknown header serialisation %d", f.Serialize)
}

func (f *Frame) decodeJSONHeader() error {
	var h struct {
		Code      int32             `json:"code"`
		Language  string            `json:"language"`
		Version   int32             `json:"version"`
		Opaque    int32             `json:"opaque"`
		Flag      int32             `json:"flag"`
		Remark    *string           `json:"remark"`
		ExtFields map[string]string `json:"extFields"`
	}
	if err := json.Unmarshal(f.Header, &h); err != nil {
		return fmt.Errorf("wire: header %.200q is not the JSON of a command: %w", f.Header, err)
	}
	f.Code, f.Language, f.Version, f.Opaque, f.Flag = h.Code, h.Language, h.Version, h.Opaque, h.Flag
	if h.Remark != nil {
		f.Remark, f.HasRemark = *h.Remark, true
	}
	for k, v := range h.ExtFields {
		f.Ext[k] = v
	}
	return nil
}

func (f *Frame) decodeBinaryHeader() error {
	b := f.Header
	if len(b) < 21 {
		return errShort
	}
	f.Code = int32(int16(binary.BigEndian.Uint16(b)))
	f.Language = fmt.Sprint(b[2])
	if int(b[2]) < len(languages) {
		f.Language = languages[b[2]]
	}
	f.Version = int32(int16(binary.BigEndian.Uint16(b[3:])))
	f.Opaque = int32(binary.BigEndian.Uint32(b[5:]))
	f.Flag = int32(binary.BigEndian.Uint32(b[9:]))
	remark, b, err := takeString(b[13:], 4)
	if err != nil {
		return err
	}
	f.Remark, f.HasRemark = remark, remark != ""
	ext, _, err := takeString(b, 4)
	if err != nil {
		return err
	}
	for rest := []byte(ext); len(rest) > 0; {
		var k, v string
		if k, rest, err = takeString(rest, 2); err != nil {
			return err
		}
		if v, rest, err = takeString(rest, 4); err != nil {
			return err
		}
		f.Ext[k] = v
	}
	return nil
}

// takeString reads a string behind its length of width 2 or 4 bytes.
func takeString(b []byte, width int) (string, []byte, error) {
	if len(b) < width {
		return "", nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	if width == 4 {
		n = int(int32(binary.BigEndian.Uint32(b)))
	}
	b = b[width:]
	if n < 0 || n > len(b) {
		return "", nil, errShort
	}
	return string(b[:n]), b[n:], nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// String is for logs: code, flags, remark and fields on one line.
func (f *Frame) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "code=%d opaque=%d flag=%d", f.Code, f.Opaque, f.Flag)
	if f.HasRemark {
		fmt.Fprintf(&b, " remark=%q", f.Remark)
	}
	for _, k := range sortedKeys(f.Ext) {
		fmt.Fprintf(&b, " %s=%q", k, f.Ext[k])
	}
	fmt.Fprintf(&b, " body=%d bytes", len(f.Body))
	return b.String()
}
