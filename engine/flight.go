package engine

import (
	"context"
	"sync"
)

// flight counts the requests that may still write a row. The zero value has none.
type flight struct {
	mu      sync.Mutex
	n       int
	landing chan struct{} // closed when n falls to 0; nil when nobody waits
}

func (f *flight) enter() {
	f.mu.Lock()
	f.n++
	f.mu.Unlock()
}

func (f *flight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 && f.landing != nil {
		close(f.landing)
		f.landing = nil
	}
}

// count is how many there are.
func (f *flight) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// busy reports whether there is any.
func (f *flight) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n > 0
}

// wait returns when none is under way, or with ctx's error.
func (f *flight) wait(ctx context.Context) error {
	for {
		f.mu.Lock()
		if f.n == 0 {
			f.mu.Unlock()
			return nil
		}
		if f.landing == nil {
			f.landing = make(chan struct{})
		}
		landing := f.landing
		f.mu.Unlock()
		select {
		case <-landing:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
