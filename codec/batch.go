package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBatch says that a batch body is not a run of entries.
var ErrBatch = errors.New("batch body is malformed")

// batchEntryFixed is the size of an entry's words: total size, magic, checksum, flag, body length, properties length.
const batchEntryFixed = 4 + 4 + 4 + 4 + 4 + 2

// BatchBody is the body of a batch send (request 320): entries one after the other, each a message without its topic.
type BatchBody []byte

// BatchEntry is one message of a batch. Its fields are views into the batch body.
type BatchEntry struct {
	Flag       int32
	Body       []byte
	Properties string
}

// Next reads the entry that b starts with into e and returns the rest. The entry's total size, magic and checksum are not
// looked at: upstream's MessageExtEncoder passes over them, and clients fill them in differently.
func (b BatchBody) Next(e *BatchEntry) (rest BatchBody, err error) {
	if len(b) < batchEntryFixed {
		return nil, fmt.Errorf("entry of a batch needs %d bytes where %d are left: %w", batchEntryFixed, len(b), ErrBatch)
	}
	be := binary.BigEndian
	e.Flag = int32(be.Uint32(b[12:]))
	n := int(int32(be.Uint32(b[16:])))
	if n < 0 || n > len(b)-batchEntryFixed {
		return nil, fmt.Errorf("entry of a batch claims a body of %d bytes where %d are left: %w", n, len(b)-batchEntryFixed, ErrBatch)
	}
	e.Body = b[20 : 20+n : 20+n]
	p := int(int16(be.Uint16(b[20+n:])))
	if left := len(b) - batchEntryFixed - n; p < 0 || p > left {
		return nil, fmt.Errorf("entry of a batch claims properties of %d bytes where %d are left: %w", p, left, ErrBatch)
	}
	e.Properties = viewString(b[22+n : 22+n+p])
	return b[22+n+p:], nil
}

// Count walks the whole body and tells how many entries it has. A body that it accepts is accepted by Next throughout.
func (b BatchBody) Count() (n int, err error) {
	var e BatchEntry
	for len(b) > 0 {
		if b, err = b.Next(&e); err != nil {
			return 0, fmt.Errorf("entry %d: %w", n, err)
		}
		n++
	}
	return n, nil
}

// CountWhole counts the entries of a batch that is stored whole, by their total sizes alone, as upstream does
// (MessageDecoder.countInnerMsgNum): what is in them is for the client to read. A size that does not lead on within the body
// is an error; upstream never comes back from one that is 0.
func (b BatchBody) CountWhole() (n int, err error) {
	for len(b) > 0 {
		if len(b) < 4 {
			return 0, fmt.Errorf("entry %d: %d bytes are left: %w", n, len(b), ErrBatch)
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		if size <= 0 || size > len(b) {
			return 0, fmt.Errorf("entry %d claims %d bytes where %d are left: %w", n, size, len(b), ErrBatch)
		}
		b = b[size:]
		n++
	}
	return n, nil
}

// AppendBatchEntry appends one entry as a client writes it: magic and checksum 0.
func AppendBatchEntry(dst []byte, e *BatchEntry) ([]byte, error) {
	if n := len(e.Properties); n > MaxProperties {
		return dst, fmt.Errorf("properties of %d bytes exceed %d: %w", n, MaxProperties, ErrPropertiesLength)
	}
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(batchEntryFixed+len(e.Body)+len(e.Properties)))
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint32(dst, uint32(e.Flag))
	dst = be.AppendUint32(dst, uint32(len(e.Body)))
	dst = append(dst, e.Body...)
	dst = be.AppendUint16(dst, uint16(len(e.Properties)))
	return append(dst, e.Properties...), nil
}
