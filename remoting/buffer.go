package remoting

import "sync"

// buffer is a piece of pooled memory. One owner at a time: whoever frees it must
// know that nobody looks at its bytes any more.
type buffer struct {
	b []byte
}

// The sizes of pooled memory. What is larger belongs to the garbage collector,
// so that one huge body does not stay in the pools.
const (
	smallestBuffer = 4 << 10
	largestBuffer  = 1 << 20
)

// bufferPools holds buffers of smallestBuffer, four times that, and so on.
var bufferPools [5]sync.Pool

func bufferSize(class int) int { return smallestBuffer << (2 * class) }

// takeBuffer returns a buffer with room for n bytes at least and no content.
func takeBuffer(n int) *buffer {
	for class := range bufferPools {
		if size := bufferSize(class); n <= size {
			if b, ok := bufferPools[class].Get().(*buffer); ok {
				return b
			}
			return &buffer{b: make([]byte, 0, size)}
		}
	}
	return &buffer{b: make([]byte, 0, n)}
}

// grown returns a buffer with the content of b and room for n bytes more: b, or a
// larger one, with b freed.
func (b *buffer) grown(n int) *buffer {
	if cap(b.b)-len(b.b) >= n {
		return b
	}
	larger := takeBuffer(max(len(b.b)+n, 4*len(b.b)))
	larger.b = append(larger.b, b.b...)
	b.free()
	return larger
}

// free gives the memory back. The buffer may have been grown by append: it joins
// the largest class that it can serve.
func (b *buffer) free() {
	if cap(b.b) > largestBuffer {
		return
	}
	for class := len(bufferPools) - 1; class >= 0; class-- {
		if cap(b.b) >= bufferSize(class) {
			b.b = b.b[:0]
			bufferPools[class].Put(b)
			return
		}
	}
}
