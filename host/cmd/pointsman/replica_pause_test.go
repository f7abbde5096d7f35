package main

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process that is stopped for longer than its lease lasts, while another uses what there is up, has
// nothing when it goes on: what it held was given to the other.
func TestPausedReplicaHasNoLease(t *testing.T) {
	const burst, perHour = 120, 3600 // one a second on top
	r := startReplicas(t, 2)
	r.limit(map[string]any{"id": "paused", "kind": "requests", "amount": perHour, "window": "hour", "burst": burst})
	began := time.Now()
	n := 0
	offer := func(p *process, count int) {
		var calls sync.WaitGroup
		for range count {
			n++
			name := fmt.Sprintf("call-9-%d", n)
			calls.Go(func() { p.completes(t.Context(), name, false) })
		}
		calls.Wait()
	}
	offer(r.all[0], 10) // it has a lease now, and more in hand than it used
	p := r.all[0].cmd.Process
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resumed := false
	defer func() {
		if !resumed {
			_ = p.Signal(syscall.SIGCONT)
		}
	}()
	for deadline := time.Now().Add(time.Minute); r.reached() < burst; {
		offer(r.all[1], 20)
		if time.Now().After(deadline) {
			t.Fatalf("%d requests reached the provider while one process is stopped, want all %d: what it held is given to the other", r.reached(), burst)
		}
	}
	resumed = true
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	offer(r.all[0], burst)
	if status, _, _ := r.all[0].call(http.MethodGet, "/readyz", nil); status != http.StatusOK {
		t.Errorf("GET /readyz of a process that went on = %d, want 200", status)
	}
	// A limit that is leased may be over by one in a hundred, and by what it gained meanwhile; a lease
	// that had ended is worth ten times that.
	const over = (burst + 99) / 100
	if got, most := r.reached(), burst+over+1+int(time.Since(began)*perHour/time.Hour); got > most {
		t.Errorf("%d requests reached the provider in %v, want at most %d: a lease that had ended was used", got, time.Since(began), most)
	}
}
