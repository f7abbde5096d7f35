package wasm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// asks is an adapter whose events ask for a header, where a test can hold them.
func asks() asm {
	return adapter(abi.EntryEvent, seq(i32c(0), i32c(1), i32c(0), i32c(0), call(0), drop, i32c(0)), "http_field")
}

// TestPoolIsBounded: a call beyond the pool waits for an instance, or for its context.
func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	a := asks()
	a.data = "x"
	l := offer(t, Config{PoolSize: 2, ProviderLimit: time.Hour}, a.build(t))
	s := adapterOf(t, l, attempt(t, ""))
	entered, proceed := make(chan struct{}), make(chan struct{})
	held := &engine.UpstreamResponse{Field: func(string) string {
		entered <- struct{}{}
		<-proceed
		return ""
	}}
	results := make(chan error)
	event := func(ctx context.Context) {
		// Sessions are for one goroutine, but their pool is not: one each.
		other, err := l.OpenAdapter("", "test", attempt(t, ""))
		if err == nil {
			_, err = other.Event(ctx, held, "", nil)
			other.Close()
		}
		results <- err
	}
	for range 2 {
		go event(context.Background())
		<-entered
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Event(gone, held, "", nil); engine.CodeOf(err) != engine.CodeCanceled {
		t.Errorf("Event(cancelled) = %v, want %s", err, engine.CodeCanceled)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := s.Event(late, held, "", nil); engine.CodeOf(err) != engine.CodePluginFailed {
		t.Errorf("Event(late) = %v, want %s", err, engine.CodePluginFailed)
	}

	go event(context.Background()) // waits
	select {
	case <-entered:
		t.Error("a third call runs in a pool of two")
	case proceed <- struct{}{}: // one of the two goes on
		<-entered // and makes room for the third
	}
	close(proceed)
	for range 3 {
		if err := <-results; err != nil {
			t.Errorf("Event() = %v", err)
		}
	}
}

// TestCloseWaits: nothing is freed under a running call.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	l, err := Open(t.Context(), Config{ProviderLimit: time.Hour})
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	a := asks()
	a.data = "x"
	var s shelf
	s.add(t, "", a.build(t))
	s.sync(t, l)
	session, err := l.OpenAdapter("", "test", attempt(t, ""))
	if err != nil {
		t.Fatalf("OpenAdapter() = %v", err)
	}
	entered, proceed, result := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := session.Event(context.Background(), &engine.UpstreamResponse{Field: func(string) string {
			close(entered)
			<-proceed
			return ""
		}}, "", nil)
		session.Close()
		result <- err
	}()
	<-entered
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("Close() during a call = %v, want %v", err, context.Canceled)
	}
	if _, err := l.OpenAdapter("", "test", attempt(t, "")); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("OpenAdapter() while closing = %v, want %v", err, engine.ErrNotFound)
	}
	close(proceed)
	if err := <-result; err != nil {
		t.Errorf("Event() over Close = %v", err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

// fakeGlobal notes what it was set to.
type fakeGlobal struct {
	api.MutableGlobal
	value uint64
}

func (g *fakeGlobal) Set(v uint64) { g.value = v }

// TestWatchdog: a call is stopped after its limit, not before; one that ends in time,
// and the next one on the same instance, are left alone.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(5 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(w.done)
			w.run(ctx)
		}()
		halt := &fakeGlobal{}
		in := &instance{halt: halt}
		in.limit.Store(int64(50 * time.Millisecond))
		w.add(in)
		begin := func() uint64 {
			busy := in.state.Load() + callUnit | busyFlag
			in.state.Store(busy)
			w.begun()
			return busy
		}
		end := func(busy uint64) bool { return in.state.CompareAndSwap(busy, busy&^flags) }

		for range 10 {
			busy := begin()
			time.Sleep(45 * time.Millisecond)
			if !end(busy) {
				t.Fatal("a call of 45 ms was stopped")
			}
		}
		time.Sleep(time.Minute) // it falls asleep
		synctest.Wait()
		if !w.asleep.Load() {
			t.Error("it does not sleep without calls")
		}
		busy := begin()
		time.Sleep(61 * time.Millisecond)
		synctest.Wait()
		if end(busy) || !in.stopped() || halt.value == 0 {
			t.Errorf("after 61 ms: stopped %v with global %d, want it set", in.stopped(), halt.value)
		}
		cancel()
		<-w.done
	})
}

// TestWatchdogForgivesAbsence: a pause of the process counts little.
func TestWatchdogForgivesAbsence(t *testing.T) {
	t.Parallel()
	w := newWatchdog(time.Millisecond)
	in := &instance{halt: &fakeGlobal{}}
	in.limit.Store(int64(50 * time.Millisecond))
	w.add(in)
	in.state.Store(callUnit | busyFlag)
	w.scan(time.Hour) // sees the call first
	for i := range leastScans {
		if in.stopped() {
			t.Fatalf("stopped after %d long gaps", i)
		}
		w.scan(time.Hour)
	}
	if !in.stopped() {
		t.Errorf("not stopped after %d long gaps", leastScans)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m, err := newMemory(4 * abi.PageSize)
	if err != nil {
		t.Fatalf("newMemory() = %v", err)
	}
	one := m.Reallocate(abi.PageSize)
	one[0], one[abi.PageSize-1] = 1, 2
	two := m.Reallocate(2 * abi.PageSize)
	if len(two) != 2*abi.PageSize || &one[0] != &two[0] || two[0] != 1 || two[abi.PageSize] != 0 {
		t.Error("growing moves or loses what is there")
	}
	if got := m.Reallocate(4 * abi.PageSize); len(got) != 4*abi.PageSize {
		t.Errorf("Reallocate(limit) has %d bytes", len(got))
	}
	if got := m.Reallocate(5 * abi.PageSize); got != nil {
		t.Errorf("Reallocate(past the limit) has %d bytes, want none", len(got))
	}
	m.Free()
	m.Free()
	if m.view != nil {
		t.Error("Free leaves a view")
	}
	if empty, err := newMemory(0); err != nil || empty.Reallocate(0) != nil {
		t.Errorf("newMemory(0) = %v", err)
	} else {
		empty.Free()
	}
}
