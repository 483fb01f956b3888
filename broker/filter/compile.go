package filter

import (
	"fmt"
	"sync"

	"github.com/gantrymq/gantry/broker/filter/sql92"
	"github.com/gantrymq/gantry/protocol"
)

// Compile reads an expression of a type that is not tags. The error's text is
// upstream's.
func Compile(expressionType, expression string) (*sql92.Expression, error) {
	if expressionType != protocol.ExpressionSQL92 {
		return nil, fmt.Errorf("there are no expressions of type %s, only TAG and SQL92", expressionType)
	}
	return sql92.Compile(expression)
}

// cacheSize bounds a Cache. Upstream's parser remembers as many.
const cacheSize = 100

// Cache remembers what expressions of pulls were compiled to, since a client
// that brings its expression along brings it with every pull. It is safe for
// concurrent use; the zero value is ready.
type Cache struct {
	mu       sync.Mutex // guards compiled
	compiled map[cacheKey]*sql92.Expression
}

type cacheKey struct{ kind, expression string }

// Compile is the function Compile with a memory; of what does not compile it
// remembers that. The arguments may be views into a request.
func (c *Cache) Compile(expressionType, expression string) *sql92.Expression {
	c.mu.Lock()
	e, ok := c.compiled[cacheKey{expressionType, expression}]
	c.mu.Unlock()
	if ok {
		return e
	}
	e, err := Compile(expressionType, expression)
	if err != nil {
		e = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.compiled == nil || len(c.compiled) >= cacheSize {
		c.compiled = make(map[cacheKey]*sql92.Expression, cacheSize)
	}
	c.compiled[cacheKey{string([]byte(expressionType)), string([]byte(expression))}] = e
	return e
}
