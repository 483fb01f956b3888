package remoting

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// PoolOptions describes a worker pool.
type PoolOptions struct {
	Name string
	// Workers is how many requests run at once; 0 means 1.
	Workers int
	// Queue is how many more may wait; what comes then is answered with
	// SYSTEM_BUSY "[OVERLOAD]…".
	Queue int
	// MaxWait is how long a request may wait before it is answered with
	// SYSTEM_BUSY "[TIMEOUT_CLEAN_QUEUE]…" instead of being served (upstream's
	// BrokerFastFailure, waitTimeMillsInSendQueue and its like). 0 means forever.
	MaxWait time.Duration
}

// Pool runs handlers in goroutines of its own. It has none while it has nothing
// to do. One pool may serve several routes, servers and clients.
type Pool struct {
	name    string
	workers int
	maxWait atomic.Int64
	wg      sync.WaitGroup

	mu      sync.Mutex // guards what follows
	queue   ring
	running int
	expiry  *time.Timer // fires when the oldest waiting job is due; nil when not set
	closed  bool
}

// NewPool makes a pool. Close it after the servers that use it.
func NewPool(o PoolOptions) *Pool {
	p := &Pool{name: o.Name, workers: max(o.Workers, 1), queue: ring{limit: o.Queue}}
	p.maxWait.Store(int64(o.MaxWait))
	return p
}

// Name is the name that the pool was given.
func (p *Pool) Name() string { return p.name }

// SetMaxWait changes how long requests may wait.
func (p *Pool) SetMaxWait(d time.Duration) { p.maxWait.Store(int64(d)) }

// Len is the number of requests that wait, Cap how many may.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.n
}

// Cap is how many requests may wait.
func (p *Pool) Cap() int { return p.queue.limit }

// HeadWait is how long the oldest waiting request has waited, or 0.
func (p *Pool) HeadWait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue.n == 0 {
		return 0
	}
	return time.Since(p.queue.head().req.Received)
}

// Close refuses further requests and waits until those that were taken are
// served. It may be called twice.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wg.Wait()
	p.mu.Lock()
	if p.expiry != nil {
		p.expiry.Stop()
	}
	p.mu.Unlock()
}

// submit runs or queues a job. It reports false when there is no room, or the
// pool is closed.
func (p *Pool) submit(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return false
	case p.running < p.workers:
		p.running++
		p.wg.Go(func() { p.work(j) })
		return true
	case !p.queue.push(j):
		return false
	}
	if wait := p.maxWait.Load(); wait > 0 && p.expiry == nil {
		p.expiry = time.AfterFunc(time.Duration(wait), p.expire)
	}
	return true
}

// work runs j and then what waits, until nothing does.
func (p *Pool) work(j *job) {
	for j != nil {
		j.run()
		j = p.take()
	}
}

// take returns the next job that is not overdue, or ends the worker.
func (p *Pool) take() *job {
	for {
		p.mu.Lock()
		j := p.queue.pop()
		left := p.queue.n
		if j == nil {
			p.running--
		}
		p.mu.Unlock()
		if j == nil {
			return nil
		}
		waited, overdue := p.overdue(j)
		if !overdue {
			return j
		}
		j.expire(waited, left)
	}
}

func (p *Pool) overdue(j *job) (waited time.Duration, overdue bool) {
	limit := time.Duration(p.maxWait.Load())
	if limit <= 0 {
		return 0, false
	}
	waited = time.Since(j.req.Received)
	return waited, waited >= limit
}

// expire answers what has waited too long while all workers are busy, and sets
// the timer for the next.
func (p *Pool) expire() {
	for {
		p.mu.Lock()
		p.expiry = nil
		if p.queue.n == 0 {
			p.mu.Unlock()
			return
		}
		j := p.queue.head()
		waited, overdue := p.overdue(j)
		if !overdue {
			if limit := time.Duration(p.maxWait.Load()); limit > 0 && !p.closed {
				p.expiry = time.AfterFunc(max(limit-waited, time.Millisecond), p.expire)
			}
			p.mu.Unlock()
			return
		}
		p.queue.pop()
		left := p.queue.n
		p.mu.Unlock()
		j.expire(waited, left)
	}
}

// job is a request on its way through a pool. It owns its frame.
type job struct {
	req   Request
	route *Route
	conn  *conn
}

func (j *job) run() {
	j.conn.host.serve(&j.req, j.route)
	j.settle()
}

func (j *job) expire(waited time.Duration, left int) {
	j.req.Reply(protocol.ResponseSystemBusy, fmt.Sprintf(remarkTimeout, waited.Milliseconds(), left), nil, nil)
	j.conn.host.observeRequest(&j.req)
	j.settle()
}

// settle takes the request out of those in flight, unless a Pending does it.
func (j *job) settle() {
	if j.req.state != requestDetached {
		j.conn.settled()
	}
}

// ring is a bounded queue of jobs. Its memory grows with its use.
type ring struct {
	limit int
	jobs  []*job
	first int
	n     int
}

func (q *ring) push(j *job) bool {
	if q.n >= q.limit {
		return false
	}
	if q.n == len(q.jobs) {
		grown := make([]*job, min(max(2*q.n, 16), q.limit))
		for i := range q.n {
			grown[i] = q.jobs[(q.first+i)%q.n]
		}
		q.jobs, q.first = grown, 0
	}
	q.jobs[(q.first+q.n)%len(q.jobs)] = j
	q.n++
	return true
}

func (q *ring) head() *job { return q.jobs[q.first] }

func (q *ring) pop() *job {
	if q.n == 0 {
		return nil
	}
	j := q.jobs[q.first]
	q.jobs[q.first] = nil
	q.first = (q.first + 1) % len(q.jobs)
	q.n--
	return j
}
