package protocol

import (
	"fmt"
	"strconv"
	"strings"
)

// Header is the part of a command that upstream calls its custom header: a
// class whose fields travel as ext fields. Every generated header implements it
// on its pointer.
type Header interface {
	// WriteFields gives every field that has a value to w, in the order of the
	// definition. Required fields are always written.
	WriteFields(w FieldWriter)
	// SetField stores the text of one ext field. Keys that the header does not
	// have are ignored, as upstream ignores them. The value is kept, not copied.
	// Text that is no number is reported as a *FieldError.
	SetField(key, value string) error
	// Missing names the first required field that SetField was not given or could
	// not read, or is empty. Upstream only demands required fields of the headers that it
	// decodes by hand, so whether this matters is for the handler to say.
	Missing() string
	// Reset clears every field, so that a header can be used again.
	Reset()
}

// FieldWriter receives the fields of a header; codec implements it once for
// each serialisation.
type FieldWriter interface {
	WriteString(key, value string)
	WriteInt(key string, value int64)
	WriteBool(key string, value bool)
}

// Opt is a value that upstream keeps in a boxed type and that may be null.
type Opt[T any] struct {
	V   T
	Set bool
}

// Some is an Opt that has a value.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, Set: true} }

// Or returns the value, or fallback when there is none.
func (o Opt[T]) Or(fallback T) T {
	if o.Set {
		return o.V
	}
	return fallback
}

// FieldError reports an ext field whose text cannot be read as its type.
type FieldError struct {
	Key   string
	Value string
	Type  string // int32 or int64
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("header field %s: %q is not an %s", e.Key, e.Value, e.Type)
}

// RPCFields are the fields that upstream's RpcRequestHeader gives to every
// request header below it.
type RPCFields struct {
	Namespace    string    // ns
	Namespaced   Opt[bool] // nsd
	TargetBroker string    // bname: the broker the client means
	OneWay       Opt[bool] // oway
}

func (f *RPCFields) setField(key, value string) error {
	switch key {
	case "ns":
		f.Namespace = value
	case "nsd":
		f.Namespaced = Some(strings.EqualFold(value, "true"))
	case "bname":
		f.TargetBroker = value
	case "oway":
		f.OneWay = Some(strings.EqualFold(value, "true"))
	}
	return nil
}

func (f *RPCFields) writeFields(w FieldWriter) {
	if f.Namespace != "" {
		w.WriteString("ns", f.Namespace)
	}
	if f.Namespaced.Set {
		w.WriteBool("nsd", f.Namespaced.V)
	}
	if f.TargetBroker != "" {
		w.WriteString("bname", f.TargetBroker)
	}
	if f.OneWay.Set {
		w.WriteBool("oway", f.OneWay.V)
	}
}

// TopicRPCFields are RPCFields with the one that upstream's TopicRequestHeader adds.
type TopicRPCFields struct {
	RPCFields
	LogicalQueue Opt[bool] // lo: the queue id is one of a static topic's logical queues
}

func (f *TopicRPCFields) setField(key, value string) error {
	if key == "lo" {
		f.LogicalQueue = Some(strings.EqualFold(value, "true"))
		return nil
	}
	return f.RPCFields.setField(key, value)
}

func (f *TopicRPCFields) writeFields(w FieldWriter) {
	if f.LogicalQueue.Set {
		w.WriteBool("lo", f.LogicalQueue.V)
	}
	f.RPCFields.writeFields(w)
}

// fieldSet remembers which required fields were set, one bit each in the order
// of the definition.
type fieldSet uint32

func (s fieldSet) firstMissing(required ...string) string {
	for i, key := range required {
		if s&(1<<i) == 0 {
			return key
		}
	}
	return ""
}

func parseInt32(key, value string) (int32, error) {
	if n, ok := digits(value, 9); ok {
		return int32(n), nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0, &FieldError{Key: key, Value: strings.Clone(value), Type: "int32"}
	}
	return int32(n), nil
}

func parseInt64(key, value string) (int64, error) {
	if n, ok := digits(value, 18); ok {
		return n, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, &FieldError{Key: key, Value: strings.Clone(value), Type: "int64"}
	}
	return n, nil
}

// digits reads a number that is nothing but digits, most at most, as nearly all are.
func digits(value string, most int) (n int64, ok bool) {
	if len(value) == 0 || len(value) > most {
		return 0, false
	}
	for i := range len(value) {
		c := value[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

// parseBool follows Boolean.parseBoolean: anything but "true" is false.
func parseBool(_, value string) (bool, error) { return strings.EqualFold(value, "true"), nil }
