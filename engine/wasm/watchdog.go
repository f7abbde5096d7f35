package wasm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// The state of an instance is the number of its call, above two flags.
const (
	busyFlag    uint64 = 1 // in a call
	stoppedFlag uint64 = 2 // the call was overdue and told to end; stays for ever
	flags              = busyFlag | stoppedFlag
	callUnit           = flags + 1
)

// idleScans is how many scans without a call make the watchdog sleep.
const idleScans = 200

// leastScans is how many scans must see a call before it is overdue, however much
// time they took. Where the machine has no time for the scans, it had none for the guest
// either: an overloaded or halted process must not take that for a guest's slowness.
const leastScans = 8

// watchdog stops calls that take too long. It looks at every instance at a fixed
// interval and adds up for how long it has seen the same call, so that a call costs
// two atomic operations and no clock.
// See RATIONALE.md, "How is a call stopped?".
type watchdog struct {
	every  time.Duration
	wake   chan struct{} // capacity 1; sent by begin, never closed
	asleep atomic.Bool
	done   chan struct{} // closed by run

	mu        sync.Mutex
	instances map[*instance]*sighting
}

// sighting is what the watchdog remembers of an instance.
type sighting struct {
	state uint64
	spent time.Duration // since the scan that saw it first
}

func newWatchdog(every time.Duration) *watchdog {
	return &watchdog{
		every:     every,
		wake:      make(chan struct{}, 1),
		done:      make(chan struct{}),
		instances: map[*instance]*sighting{},
	}
}

// run scans until ctx ends.
func (w *watchdog) run(ctx context.Context) {
	w.asleep.Store(false)
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	idle, last := 0, time.Now()
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			continue
		case <-ticker.C:
			now = time.Now() // the tick itself may be old
		}
		gap := now.Sub(last)
		last = now
		if w.scan(gap) {
			idle = 0
			continue
		}
		if idle++; idle < idleScans {
			continue
		}
		// A call that begins now either sees asleep, or is seen by this scan.
		w.asleep.Store(true)
		if !w.scan(0) {
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
		}
		w.asleep.Store(false)
		idle, last = 0, time.Now()
	}
}

// scan looks at every instance, gap after it looked before, stops those that are
// overdue, and reports whether any is busy.
func (w *watchdog) scan(gap time.Duration) (busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for in, seen := range w.instances {
		state := in.state.Load()
		if state&flags != busyFlag {
			continue
		}
		busy = true
		if state != seen.state {
			*seen = sighting{state: state}
			continue
		}
		limit := time.Duration(in.limit.Load())
		if seen.spent += min(gap, limit/leastScans); seen.spent >= limit {
			in.stop(state)
		}
	}
	return busy
}

func (w *watchdog) add(in *instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instances[in] = &sighting{}
}

func (w *watchdog) remove(in *instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.instances, in)
}

// begun is called after every begin of a call.
func (w *watchdog) begun() {
	if w.asleep.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
