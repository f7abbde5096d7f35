package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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
	// It has said what it spent and has more in hand: what a process spends between its last word and its
	// pause is given to others too, at most one slice. See host/ratelimit/RATIONALE.md.
	const first = 10
	offer(r.all[0], first)
	r.leased(first, func() { offer(r.all[0], 1) })
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
	if got, most := r.reached(), burst+1+int(time.Since(began)*perHour/time.Hour); got > most {
		t.Errorf("%d requests reached the provider in %v, want at most %d: a lease that had ended was used", got, time.Since(began), most)
	}
}

// leased waits until the database knows that so many were spent, of a lease that goes on. A lease
// that has ended meanwhile, on a machine that is slow, is begun again by one more.
func (r *replicas) leased(spent int64, oneMore func()) {
	r.t.Helper()
	database := ""
	for _, v := range r.env {
		if url, ok := strings.CutPrefix(v, "POINTSMAN_DATABASE_URL="); ok {
			database = url
		}
	}
	conn, err := pgx.Connect(r.t.Context(), database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var known, held int64
		if err := conn.QueryRow(r.t.Context(), "select coalesce(sum(spent), 0)::bigint, coalesce(sum(held), 0)::bigint from limit_leases").Scan(&known, &held); err != nil {
			r.t.Fatal(err)
		}
		switch {
		case known == spent && held > 0:
			return
		case known == 0 && held == 0:
			oneMore()
			spent = 1
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the database knows of %d spent and %d held in a minute, want %d and some", known, held, spent)
		}
	}
}
