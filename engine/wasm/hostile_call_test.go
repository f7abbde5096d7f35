package wasm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestWideFrames is W4: recursion pays for the stack that it may take, so that none of it
// comes near wazero's 400 MB.
func TestWideFrames(t *testing.T) {
	t.Parallel()
	// Calls itself; in an arm that is never taken so many values outlive a call.
	wide := func(values int) []byte {
		loads, adds := make([]byte, 0, 5*values), make([]byte, 0, values)
		for range values {
			loads, adds = append(append(loads, 0x20, 0), loadI32...), append(adds, 0x6a)
		}
		return seq(i32c(100), loadI32, []byte{0x04, 0x7f}, loads, call(0), adds, []byte{0x05}, call(0), []byte{0x0b})
	}
	for _, values := range []int{0, 500, 2_000, 10_000} {
		t.Run(fmt.Sprint(values), func(t *testing.T) {
			l := offer(t, Config{RuleLimit: patience}, rule(wide(values)).build(t))
			in := freshInstance(t, l)
			defer in.close()
			in.reset(frameInput(), entryDecide)
			_, err := in.call(entryDecide)
			if trapOf(err) != trapFuel {
				t.Errorf("recursion over %d values = %v, want %v", values, err, errFuel)
			}
			// wazero doubles: at most twice what was needed, and what a level takes.
			if got, most := stackOf(in.calls[entryDecide]), 2*(framePerUnit*abi.RuleFuel+16*values)+(64<<10); got == 0 || got > most {
				t.Errorf("recursion over %d values takes %d bytes of stack, want at most %d", values, got, most)
			}
		})
	}
}

// freshInstance is an instance of the only rule, which the test closes.
func freshInstance(t *testing.T, l *Library) *instance {
	t.Helper()
	p, err := l.lookup("", "test", abi.KindRule)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.instantiate(p.own)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestDeepStacksGo: a call that ended well after deep recursion does not leave its stack in
// the pool.
func TestDeepStacksGo(t *testing.T) {
	t.Parallel()
	a := rich(seq(i32c(20_000), []byte{0x24, 0}, call(0)))
	a.global, a.locals = true, 0
	a.helpers = [][]byte{seq([]byte{0x23, 0, 0x45, 0x04, 0x7f}, i32c(0), []byte{0x05, 0x23, 0}, i32c(1), []byte{0x6b, 0x24, 0}, call(0), []byte{0x0b})}
	for name, tt := range map[string]struct {
		guest asm
		want  int
	}{"deep": {a, 0}, "shallow": {rule(i32c(0)), 1}} {
		l := offer(t, Config{RuleLimit: patience}, tt.guest.build(t))
		var answer engine.RuleAnswer
		if err := ruleGuestOf(t, l, "", "test").Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil {
			t.Fatal(err)
		}
		p, err := l.lookup("", "test", abi.KindRule)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.own.warm); got != tt.want {
			t.Errorf("%s: %d instances stay, want %d", name, got, tt.want)
		}
	}
}

// TestStateStaysAtHome is W12: what a guest keeps is not seen by another account's calls, whose
// module has the same bytes and the same code.
func TestStateStaysAtHome(t *testing.T) {
	t.Parallel()
	a := rule(seq(i32c(64), i32c(64), loadI32, i32c(1), []byte{0x6a}, storeI32, i32c(0), i32c(64), loadI32, call(0), i32c(0)), "reason")
	a.data = "abcdefgh"
	l := open(t, Config{PoolSize: 1})
	var s shelf
	for _, account := range []string{"acme", "rival"} {
		s.add(t, account, a.build(t))
	}
	s.sync(t, l)
	for _, call := range []struct{ account, want string }{{"acme", "a"}, {"acme", "ab"}, {"rival", "a"}, {"acme", "abc"}, {"rival", "ab"}} {
		var answer engine.RuleAnswer
		if err := ruleGuestOf(t, l, call.account, "test").Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil || answer.Reason != call.want {
			t.Errorf("%s: reason %q, %v, want %q, as many letters as it made calls", call.account, answer.Reason, err, call.want)
		}
	}
	if len(l.codes) != 1 {
		t.Errorf("%d modules are compiled, want 1 for both", len(l.codes))
	}
}

// TestLateHostCalls is W10: once a call was told to end, the first host function that the guest
// calls ends it, whatever fuel is left.
func TestLateHostCalls(t *testing.T) {
	t.Parallel()
	l := offer(t, Config{RuleLimit: patience}, rule(seq(call(0), drop, i32c(0)), "now_ms").build(t))
	in := freshInstance(t, l)
	defer in.close()
	in.reset(frameInput(), entryDecide)
	if _, err := in.call(entryDecide); err != nil {
		t.Fatalf("in time: %v", err)
	}
	in.reset(frameInput(), entryDecide)
	in.state.Store(in.state.Load() | stoppedFlag)
	if _, err := in.calls[entryDecide].Call(in); !errors.Is(err, errOverdue) {
		t.Errorf("a host call after the end = %v, want %v", err, errOverdue)
	}
}

// TestOutputIsChecked is W8: what a provider emits is one bounded, valid document or a failure.
func TestOutputIsChecked(t *testing.T) {
	t.Parallel()
	emit := func(text string) asm {
		a := adapter(abi.EntryEvent, seq(i32c(0), i32c(int32(len(text))), call(0), i32c(0)), "emit")
		a.data = text
		return a
	}
	flood := adapter(abi.EntryEvent, seq([]byte{0x03, 0x40}, i32c(0), i32c(1<<20), call(0), []byte{0x0c, 0, 0x0b}, i32c(0)), "emit")
	flood.pages = 17
	for _, tt := range []struct {
		name  string
		guest asm
		want  string
	}{
		{"a string that is not UTF-8", emit("\"\xff\""), errJSON.Error()},
		{"half a surrogate in UTF-8", emit("\"\xed\xa0\x80\""), errJSON.Error()},
		{"two documents", emit("{}{}"), errJSON.Error()},
		{"cut off", emit(`{"a":`), errJSON.Error()},
		{"too deep", emit(strings.Repeat("[", 20_000)), errJSON.Error()},
		{"without end", flood, document.ErrOutput.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := offer(t, Config{ProviderLimit: patience}, tt.guest.build(t))
			_, err := adapterOf(t, l, engine.AdapterAttempt{Request: longNode(t)}).Event(t.Context(), nil, "", nil)
			if engine.CodeOf(err) != engine.CodePluginFailed || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Event() = %v, want %s with %q", err, engine.CodePluginFailed, tt.want)
			}
		})
	}
}

// TestHostWorkIsBounded is W9: a host function that walks over what the guest names costs by
// its length, and stops in the middle.
func TestHostWorkIsBounded(t *testing.T) {
	t.Parallel()
	const pages = abi.RuleMemory / abi.PageSize
	all := i32c(abi.RuleMemory - 1)
	// A thousand vectors, each of the whole memory, as they are filled with newlines.
	flood := seq(i32c(1), i32c(8), i32c(1_000), i32c(0), call(0), drop, i32c(0))
	vectors := strings.Repeat("\x00\x00\x00\x00\xff\xff\xff\x01", 1_001)
	tests := []struct {
		name  string
		guest asm
		want  error
	}{
		{"fd_write of everything a thousand times", asm{wasi: []string{"fd_write"}, data: vectors, functions: map[string][]byte{abi.EntryDecide: flood}}, document.ErrWork},
		{"fd_write of ten thousand lines", asm{wasi: []string{"fd_write"}, data: "\x08\x00\x00\x00\x22\x4e\x00\x00" + strings.Repeat("x\n", 10_001),
			functions: map[string][]byte{abi.EntryDecide: seq(i32c(1), i32c(0), i32c(1), i32c(0), call(0), drop, i32c(0))}}, document.ErrCalls},
		{"random_get of everything", asm{wasi: []string{"random_get"}, functions: map[string][]byte{abi.EntryDecide: seq(i32c(0), all, call(0), drop, i32c(0))}}, document.ErrWork},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.guest.pages = pages
			_, err := decideOnce(t, Config{RuleLimit: patience}, tt.guest)
			if err == nil || !strings.Contains(err.Error(), tt.want.Error()) {
				t.Errorf("Decide() = %v, want %q", err, tt.want)
			}
		})
	}
}
