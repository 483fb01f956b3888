package javadriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Pool keeps driver processes that cases share: one for each set of options, started when
// it is first asked for. The zero Pool is ready. Close must be called.
type Pool struct {
	mu      sync.Mutex // guards entries
	entries map[string]*entry
}

type entry struct {
	mu     sync.Mutex // serialises starting; guards what follows
	driver *Driver
	err    error // what the first start failed with; it is not tried again
}

// Get returns the running process for the options. A process that has died is replaced.
func (p *Pool) Get(ctx context.Context, o Options) (*Driver, error) {
	e := p.entry(fmt.Sprint(o.Release, o.Properties)) // maps print sorted
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.driver != nil && e.driver.alive() {
		return e.driver, nil
	}
	if errors.Is(e.err, ErrLacking) {
		return nil, e.err
	}
	if e.driver != nil {
		_ = e.driver.Close() // dead: what it ended with was told to whoever waited for it
	}
	// The case that happens to come first must not take the process with it when its
	// time is over.
	e.driver, e.err = Start(context.WithoutCancel(ctx), o)
	return e.driver, e.err
}

func (p *Pool) entry(key string) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries == nil {
		p.entries = map[string]*entry{}
	}
	if p.entries[key] == nil {
		p.entries[key] = &entry{}
	}
	return p.entries[key]
}

// Prepare builds the driver for the releases, so that no case has to wait for Maven.
// What the machine lacks is told again by Get, to the cases that need it.
func (p *Pool) Prepare(ctx context.Context, releases ...string) error {
	for _, release := range releases {
		if _, err := Build(ctx, release); err != nil && !errors.Is(err, ErrLacking) {
			return err
		}
	}
	return nil
}

// Close ends all processes.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, e := range p.entries {
		if e.driver != nil {
			errs = append(errs, e.driver.Close())
		}
	}
	p.entries = nil
	return errors.Join(errs...)
}

// alive tells whether the process still answers.
func (d *Driver) alive() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}
