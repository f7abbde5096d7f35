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

// watchdog stops calls that take too long. It looks at every instance at a fixed
// interval and counts how often it has seen the same call, so that a call costs two
// atomic operations and no clock, and a process that was itself halted (a debugger, a
// starved container) does not take its own absence for a guest's slowness.
// See RATIONALE.md, "How is an overdue call stopped?".
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
	scans int
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
	defer close(w.done)
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	idle := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			continue
		case <-ticker.C:
		}
		if w.scan() {
			idle = 0
			continue
		}
		if idle++; idle < idleScans {
			continue
		}
		// A call that begins now either sees asleep, or is seen by this scan.
		w.asleep.Store(true)
		if !w.scan() {
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
		}
		w.asleep.Store(false)
		idle = 0
	}
}

// scan looks at every instance once, stops those that are overdue, and reports
// whether any is busy.
func (w *watchdog) scan() (busy bool) {
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
		seen.scans++
		if time.Duration(seen.scans)*w.every >= time.Duration(in.limit.Load()) {
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
