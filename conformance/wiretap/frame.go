package wiretap

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds what the tap buffers. The server's own limit is 16 MiB.
const maxFrame = 32 << 20

// flagResponse and flagOneway are bits of a command's flag field
// (org.apache.rocketmq.remoting.protocol.RemotingCommand).
const (
	flagResponse = 1 << 0
	flagOneway   = 1 << 1
)

// Head is the part of a frame's header that pairs requests with replies.
type Head struct {
	Code    int
	Version int
	Opaque  int32
	Flag    int32
	Binary  bool // the ROCKETMQ header serialisation; otherwise JSON
}

// IsResponse tells a reply from a request.
func (h Head) IsResponse() bool { return h.Flag&flagResponse != 0 }

// IsOneway tells that no reply will come.
func (h Head) IsOneway() bool { return h.Flag&flagOneway != 0 }

// readFrame reads one frame, its 4-byte length included. The slice is the caller's. With
// an error it holds what was read, so that bytes that are no frame can be passed on.
func readFrame(r io.Reader) ([]byte, error) {
	var word [4]byte
	if n, err := io.ReadFull(r, word[:]); err != nil {
		return word[:n:n], err
	}
	size := binary.BigEndian.Uint32(word[:])
	if size > maxFrame {
		return word[:], fmt.Errorf("frame of %d bytes is beyond the tap's limit of %d", size, maxFrame)
	}
	frame := make([]byte, 4+int(size))
	copy(frame, word[:])
	n, err := io.ReadFull(r, frame[4:])
	return frame[:4+n], err
}

// ParseHead reads the head of a frame that starts with its length.
func ParseHead(frame []byte) (Head, error) {
	if len(frame) < 8 {
		return Head{}, errors.New("frame is shorter than its two length words")
	}
	mark := binary.BigEndian.Uint32(frame[4:8])
	size := int(mark & 0xffffff)
	header := frame[8:]
	if size > len(header) {
		return Head{}, fmt.Errorf("header of %d bytes in a frame with %d left", size, len(header))
	}
	header = header[:size]
	if mark>>24 == 1 {
		return parseBinaryHead(header)
	}
	var v struct {
		Code    int   `json:"code"`
		Version int   `json:"version"`
		Opaque  int32 `json:"opaque"`
		Flag    int32 `json:"flag"`
	}
	if err := json.Unmarshal(header, &v); err != nil {
		return Head{}, fmt.Errorf("header is not JSON: %w", err)
	}
	return Head{Code: v.Code, Version: v.Version, Opaque: v.Opaque, Flag: v.Flag}, nil
}

// parseBinaryHead reads code(2) language(1) version(2) opaque(4) flag(4), the start of
// org.apache.rocketmq.remoting.protocol.RocketMQSerializable's layout.
func parseBinaryHead(b []byte) (Head, error) {
	if len(b) < 13 {
		return Head{}, fmt.Errorf("binary header of %d bytes", len(b))
	}
	return Head{
		Code:    int(int16(binary.BigEndian.Uint16(b[0:2]))),
		Version: int(int16(binary.BigEndian.Uint16(b[3:5]))),
		Opaque:  int32(binary.BigEndian.Uint32(b[5:9])),
		Flag:    int32(binary.BigEndian.Uint32(b[9:13])),
		Binary:  true,
	}, nil
}
