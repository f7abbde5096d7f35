package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// A process that is stopped amid an exchange has locked what the others need too: they wait for as long as the
// server gives it, and refuse nobody.
func TestReplicaStoppedAmidAnExchange(t *testing.T) {
	r := startReplicas(t, 1)
	name := fmt.Sprintf("stopped_%d_%d", os.Getpid(), time.Now().UnixNano())
	stopped := serveProgram(t, binary, t.TempDir(), append(slices.Clone(r.env), "POINTSMAN_DATABASE_URL="+r.database()+"&application_name="+name)...)
	stopped.key = r.all[0].key
	r.all = append(r.all, stopped)
	r.limit(map[string]any{"id": "shared", "kind": "requests", "amount": 60_000, "window": "minute"})
	n := 0
	offer := func(p *process, count int) (served int) {
		var calls sync.WaitGroup
		var ok atomic.Int64
		for range count {
			n++
			name := fmt.Sprintf("call-8-%d", n)
			calls.Go(func() {
				if p.completes(t.Context(), name, false) {
					ok.Add(1)
				}
			})
		}
		calls.Wait()
		return int(ok.Load())
	}
	for _, p := range r.all {
		if offer(p, 1) != 1 {
			t.Fatal("a process does not work before anything happens")
		}
	}
	holder, watch := r.connect(), r.connect()
	if _, err := holder.Exec(t.Context(), "begin; select 1 from limit_buckets for update"); err != nil {
		t.Fatal(err)
	}
	is := func(state string) func() bool {
		return func() (is bool) {
			if err := watch.QueryRow(t.Context(), "select count(*) > 0 from pg_stat_activity where application_name = $1 and query like '%LockLimitBucket%' and "+state, name).Scan(&is); err != nil {
				t.Fatal(err)
			}
			return is
		}
	}
	until(t, "the process asks for the row, for its lease is to be renewed", is("wait_event_type = 'Lock'"))
	if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stopped.cmd.Process.Signal(syscall.SIGCONT) }()
	if _, err := holder.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	until(t, "the process has the row, and says nothing", is("state = 'idle in transaction'"))
	const count = 60 // more than a lease in hand
	began := time.Now()
	if served := offer(r.all[0], count); served != count {
		t.Errorf("%d of %d requests of the other process were served in %v, want all", served, count, time.Since(began))
	}
	t.Logf("%d requests took %v while a process that was stopped had their limit", count, time.Since(began).Round(time.Millisecond))
}

// database is the URL that the processes have.
func (r *replicas) database() (url string) {
	for _, v := range r.env {
		if u, ok := strings.CutPrefix(v, "POINTSMAN_DATABASE_URL="); ok {
			url = u
		}
	}
	return url
}

// connect opens a connection of the test's own to what the processes share.
func (r *replicas) connect() *pgx.Conn {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.database())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// leased waits until the database knows that so many were spent, of a lease that goes on. A lease
// that has ended meanwhile, on a machine that is slow, is begun again by one more.
func (r *replicas) leased(spent int64, oneMore func()) {
	r.t.Helper()
	conn := r.connect()
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
