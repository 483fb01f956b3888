package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gantrymq/gantry/protocol"
)

// Compression is how a body is compressed, with upstream's numbers (CompressionType).
type Compression uint8

// The compressions a body can have. LZ4 is the frame format, not the bare block.
const (
	NoCompression Compression = 0
	LZ4           Compression = 1
	ZSTD          Compression = 2
	ZLIB          Compression = 3
)

// String is upstream's name of the compression.
func (c Compression) String() string {
	switch c {
	case NoCompression:
		return "NONE"
	case LZ4:
		return "LZ4"
	case ZSTD:
		return "ZSTD"
	case ZLIB:
		return "ZLIB"
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

// compressionShift is where the compression type starts in the system flag.
const compressionShift = 8

// CompressionOf reads a body's compression off a message's system flag. A compressed body without a type is ZLIB: producers
// before 4.9.4 knew no other.
func CompressionOf(sysFlag int32) Compression {
	if sysFlag&protocol.SysFlagCompressed == 0 {
		return NoCompression
	}
	if c := Compression(sysFlag & protocol.SysFlagCompressionMask >> compressionShift); c != 0 {
		return c
	}
	return ZLIB
}

// SysFlag is the bits of the system flag that announce c.
func (c Compression) SysFlag() int32 {
	if c == NoCompression {
		return 0
	}
	return protocol.SysFlagCompressed | int32(c)<<compressionShift
}

// Why a body was not decompressed.
var (
	ErrCompression      = errors.New("body cannot be decompressed")
	ErrDecompressedSize = errors.New("body is too large when decompressed")
)

// maxZstdWindow is the window that a ZSTD body may ask the decoder to keep. RFC 8878 §3.1.1.1.2 wants decoders to take
// 8 MiB; more than that only serves frames larger than a message may be.
const maxZstdWindow = 8 << 20

// AppendCompressed appends src, compressed, to dst. level is the client's compressLevel, 1 to 9, and matters to ZLIB only:
// LZ4 and ZSTD use their fast default.
func AppendCompressed(dst, src []byte, c Compression, level int) ([]byte, error) {
	out := appendWriter{b: dst}
	var w io.WriteCloser
	var err error
	switch c {
	case NoCompression:
		return append(dst, src...), nil
	case LZ4:
		w = lz4.NewWriter(&out)
	case ZSTD:
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	case ZLIB:
		w, err = zlib.NewWriterLevel(&out, level)
	default:
		err = fmt.Errorf("compression type %d is unknown", uint8(c))
	}
	if err == nil {
		_, err = w.Write(src)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return dst, fmt.Errorf("compress %d bytes by %s: %w", len(src), c, err)
	}
	return out.b, nil
}

// AppendDecompressed appends src, decompressed, to dst, and stops with ErrDecompressedSize beyond limit bytes: a few
// kilobytes can unfold to gigabytes. An empty body stays empty, whatever its type: upstream's readers do not unpack it. On
// error dst is returned as it was. Safe for concurrent use.
func AppendDecompressed(dst, src []byte, c Compression, limit int) ([]byte, error) {
	if c == NoCompression || len(src) == 0 {
		if len(src) > limit {
			return dst, fmt.Errorf("%d bytes exceed %d: %w", len(src), limit, ErrDecompressedSize)
		}
		return append(dst, src...), nil
	}
	if int(c) >= len(decompressors) {
		return dst, fmt.Errorf("compression type %d is unknown: %w", uint8(c), ErrCompression)
	}
	d, _ := decompressors[c].Get().(*decompressor)
	defer decompressors[c].Put(d)
	d.src.Reset(src)
	defer d.src.Reset(nil) // the pool must not keep the caller's bytes alive
	if err := d.reset(&d.src); err != nil {
		return dst, fmt.Errorf("%s body of %d bytes: %w: %w", c, len(src), ErrCompression, err)
	}
	out, err := appendAtMost(dst, d.r, limit)
	switch {
	case errors.Is(err, ErrDecompressedSize):
		return dst, fmt.Errorf("%s body of %d bytes unfolds to more than %d: %w", c, len(src), limit, err)
	case err != nil:
		return dst, fmt.Errorf("%s body of %d bytes: %w: %w", c, len(src), ErrCompression, err)
	}
	return out, nil
}

// decompressor is a reader that can be used again, with the source it reads.
type decompressor struct {
	src   bytes.Reader
	r     io.Reader
	reset func(src io.Reader) error
}

// decompressors holds idle decompressors by Compression: their tables cost far more than a body does.
var decompressors = [...]sync.Pool{
	LZ4: {New: func() any {
		r := lz4.NewReader(nil)
		return &decompressor{r: r, reset: func(src io.Reader) error { r.Reset(src); return nil }}
	}},
	ZSTD: {New: func() any {
		// Concurrency 1 decodes in the caller's goroutine: nothing has to be stopped when the pool drops the decoder.
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return &decompressor{r: bytes.NewReader(nil), reset: func(io.Reader) error { return err }}
		}
		return &decompressor{r: r, reset: r.Reset}
	}},
	ZLIB: {New: func() any {
		d := &decompressor{}
		d.reset = func(src io.Reader) error { // zlib reads its header at once, so the first reader is made on first use
			if z, ok := d.r.(zlib.Resetter); ok {
				return z.Reset(src, nil)
			}
			r, err := zlib.NewReader(src)
			if err == nil {
				d.r = r
			}
			return err
		}
		return d
	}},
}

// appendAtMost reads r to its end into dst, giving up once more than limit bytes have come.
func appendAtMost(dst []byte, r io.Reader, limit int) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return nil, ErrDecompressedSize
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// appendWriter collects what is written to it.
type appendWriter struct{ b []byte }

func (w *appendWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
