package httpapi

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// callerWatch is how often the connections of waiting callers are looked at.
const callerWatch = 500 * time.Millisecond

// errCallerGone is the cause with which the context of a request ends whose caller left.
var errCallerGone = errors.New("the caller closed the connection")

// callers are the connections whose requests are under way. One goroutine looks at all of
// them, as long as there are any: fasthttp reads nothing while a handler runs, so
// nobody else would notice that a caller left. Nothing is read here either; a next
// request that is on the wire already stays there. The zero value is ready, and silent.
// See RATIONALE.md, "How is a caller who left noticed?".
type callers struct {
	log zerolog.Logger

	mu       sync.Mutex
	first    *caller       // newest
	watching bool          // the goroutine runs
	stop     chan struct{} // made with the first caller; closed by close
	closed   bool
	done     sync.WaitGroup
}

// caller is one of them. A nil one, of a connection that cannot be watched, does nothing.
type caller struct {
	set       *callers
	raw       syscall.RawConn
	gone      func()      // may be called more than once
	answering atomic.Bool // the answer's head is out
	over      atomic.Bool

	next, before *caller // in the set; guarded by its mu
}

// watch calls gone when the caller at the other end of c leaves, until it is released.
func (s *callers) watch(c net.Conn, gone func()) *caller {
	raw := rawConn(c)
	if raw == nil {
		return nil
	}
	k := &caller{set: s, raw: raw, gone: gone}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if k.next = s.first; k.next != nil {
		k.next.before = k
	}
	s.first = k
	if s.stop == nil {
		s.stop = make(chan struct{})
	}
	if !s.watching {
		s.watching = true
		s.done.Add(1)
		go s.run(s.stop)
	}
	return k
}

// answers says that the head of the answer is on its way: who closes only the sending
// half from now on still reads.
func (k *caller) answers() {
	if k != nil {
		k.answering.Store(true)
	}
}

// release ends the watch. It may be called again.
func (k *caller) release() {
	if k == nil || !k.over.CompareAndSwap(false, true) {
		return
	}
	k.set.mu.Lock()
	defer k.set.mu.Unlock()
	if k.next != nil {
		k.next.before = k.before
	}
	if k.before != nil {
		k.before.next = k.next
	} else {
		k.set.first = k.next
	}
	k.next, k.before = nil, nil
}

// close ends the goroutine and waits for it. Whoever is still there is watched no more.
func (s *callers) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if s.stop != nil {
			close(s.stop)
		}
	}
	s.mu.Unlock()
	s.done.Wait()
}

// run looks at everybody, again and again, until nobody is left.
func (s *callers) run(stop <-chan struct{}) {
	defer s.done.Done()
	tick := time.NewTicker(callerWatch)
	defer tick.Stop()
	var look lookout
	var all []*caller
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if all = s.snapshot(all[:0]); len(all) == 0 {
			return
		}
		_ = engine.Contain(s.log, "watch of callers", func() {
			for _, k := range all {
				if !k.over.Load() && look.left(k.raw, k.answering.Load()) {
					k.gone()
				}
			}
		})
		clear(all) // keeps no request alive
	}
}

// snapshot appends who is there now; with nobody there the watch is over.
func (s *callers) snapshot(all []*caller) []*caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := s.first; k != nil; k = k.next {
		all = append(all, k)
	}
	s.watching = len(all) > 0
	return all
}

// rawConn is the socket under c, nil when there is none. Under TLS it is that which TLS
// runs on: it is only asked how it is, never read.
func rawConn(c net.Conn) syscall.RawConn {
	for range 4 {
		switch inner := c.(type) {
		case *conn:
			c = inner.Conn
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
		case syscall.Conn:
			if raw, err := inner.SyscallConn(); err == nil {
				return raw
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}
