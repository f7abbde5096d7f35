package wasm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// decideOnce calls the only rule of a library made of that guest.
func decideOnce(t *testing.T, cfg Config, a asm) (engine.RuleAnswer, error) {
	t.Helper()
	g := ruleGuestOf(t, offer(t, cfg, a.build(t)), "", "test")
	var answer engine.RuleAnswer
	err := g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{"request":{"text":"hello"}}`)}, &answer)
	return answer, err
}

// rich is a rule with all the fuel that one may ask for.
func rich(body []byte, imports ...string) asm {
	a := rule(body, imports...)
	a.fuel = abi.MaxRuleFuel
	return a
}

// longNode is a document for whose length a provider is given all the fuel there is.
func longNode(t testing.TB) document.Node {
	return jsonNode(t, `"`+strings.Repeat("x", abi.MaxProviderFuel/abi.ProviderFuelPerByte)+`"`)
}

func TestBrokenGuests(t *testing.T) {
	t.Parallel()
	text := seq(i32c(abi.DocContext), call(0)) // of a guest that imports doc first
	tests := []struct {
		name  string
		guest asm
		want  string // in the message
	}{
		{"trap", rule(unreachable), "unreachable"},
		{"division by zero", rule(seq(i32c(1), i32c(0), []byte{0x6d})), "integer divide by zero"},
		{"load outside memory", rule(seq(i32c(-4), loadI32)), "out of bounds memory access"},
		{"negative answer", rule(i32c(-1)), "pm_decide_v1 returned -1"},
		{"unknown answer", rule(i32c(3)), "pm_decide_v1 returned 3"},
		{"reject without fail", rule(i32c(abi.Reject)), "rejected with status 0"},
		{"reject as a server error", rule(seq(i32c(500), i32c(0), i32c(0), call(0), i32c(abi.Reject)), "fail"), "rejected with status 500"},
		{"pointer past the end", rule(seq(i32c(65536), i32c(1), call(0), i32c(0)), "target"), errBounds.Error()},
		{"pointer and length wrap", rule(seq(i32c(-1), i32c(-1), call(0), i32c(0)), "target"), errBounds.Error()},
		{"length of 4 GiB", rule(seq(i32c(0), i32c(-1), call(0), i32c(0)), "reason"), errBounds.Error()},
		{"buffer past the end", rule(seq(text, i32c(65535), i32c(2), call(1)), "doc", "raw"), errBounds.Error()},
		{"too many host calls", rich(seq(repeat(20_000, seq(call(0), []byte{0x1a})), i32c(0)), "now_ms"), "too many host calls"},
		{"log flood", rich(seq(repeat(1_000_000, seq(i32c(0), i32c(0), i32c(8), call(0))), i32c(0)), "log"), "too many host calls"},
		{"too much output", rule(seq(repeat(2, seq(i32c(0), i32c(60_000), call(0))), i32c(0)), "emit"), "too much output"},
		{"too many targets", rule(seq(repeat(65, seq(i32c(0), i32c(1), call(0))), i32c(0)), "target"), "too many targets"},
		{"exit", asm{wasi: []string{"proc_exit"}, functions: map[string][]byte{abi.EntryDecide: seq(i32c(0), call(0), i32c(0))}}, "exited with code 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.guest.data == "" {
				tt.guest.data = "abcdefgh"
			}
			_, err := decideOnce(t, Config{}, tt.guest)
			var e *engine.Error
			if !errors.As(err, &e) || e.Code != engine.CodePluginFailed || !strings.Contains(e.Message, tt.want) {
				t.Fatalf("Decide() = %v, want %s with %q", err, engine.CodePluginFailed, tt.want)
			}
			if !strings.Contains(e.Message, "test@1.0.0") {
				t.Errorf("message %q does not name the plugin", e.Message)
			}
		})
	}
}

// TestEndlessGuests is W1 and W6 for both kinds: whoever never returns is stopped,
// and the next call has a fresh instance. Not parallel: they take the processor.
func TestEndlessGuests(t *testing.T) {
	// endless unless the context has a member "stop".
	body := seq(i32c(abi.DocContext), call(0), i32c(0), i32c(4), call(1), call(2),
		[]byte{0x45, 0x04, 0x40}, forever, []byte{0x0b}, i32c(0)) // i32.eqz if
	imports := []string{"doc", "get", "kind"}

	t.Run("rule", func(t *testing.T) {
		a := rule(body, imports...)
		a.data = "stop"
		g := ruleGuestOf(t, offer(t, Config{}, a.build(t)), "", "test")
		var answer engine.RuleAnswer
		for range 3 {
			err := g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{}`)}, &answer)
			if engine.CodeOf(err) != engine.CodePluginFailed || !strings.Contains(err.Error(), errFuel.Error()) {
				t.Fatalf("Decide({}) = %v, want %q", err, errFuel)
			}
			if err := g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{"stop":1}`)}, &answer); err != nil {
				t.Fatalf("Decide({stop}) = %v", err)
			}
		}
	})
	for _, e := range abi.RequiredEntries(abi.KindProvider) {
		t.Run(e, func(t *testing.T) {
			a := adapter(e, forever, imports...)
			a.functions[e] = seq(forever, i32c(0))
			l := offer(t, Config{ProviderLimit: 10 * time.Millisecond}, a.build(t))
			for _, tt := range []struct {
				request document.Node
				want    error
			}{{jsonNode(t, `{}`), errFuel}, {longNode(t), errOverdue}} {
				s := adapterOf(t, l, engine.AdapterAttempt{Request: tt.request})
				if _, err := callEntry(s, e, nil); engine.CodeOf(err) != engine.CodePluginFailed || !strings.Contains(err.Error(), tt.want.Error()) {
					t.Fatalf("%s of %d bytes = %v, want %q", e, nodeSize(tt.request), err, tt.want)
				}
			}
		})
	}
	t.Run("start", func(t *testing.T) {
		a := rule(i32c(0))
		a.functions[abi.Initialize] = forever
		l := open(t, Config{})
		err := l.Prepare(t.Context(), engine.PluginVersion{Module: a.build(t)})
		if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), errFuel.Error()) {
			t.Fatalf("Prepare() = %v, want %q", err, errFuel)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		a := rule(seq(forever, i32c(0)))
		l := offer(t, Config{PoolSize: 4}, a.build(t))
		g := ruleGuestOf(t, l, "", "test")
		errs := make(chan error)
		for range 20 {
			go func() {
				var answer engine.RuleAnswer
				errs <- g.Decide(context.Background(), &engine.RuleCall{}, &answer)
			}()
		}
		for range 20 {
			if err := <-errs; engine.CodeOf(err) != engine.CodePluginFailed {
				t.Errorf("Decide() = %v, want %s", err, engine.CodePluginFailed)
			}
		}
	})
}

// callEntry calls an adapter by the name of the entry point.
func callEntry(s engine.Adapter, e string, body []byte) (engine.AdapterReply, error) {
	r := &engine.UpstreamResponse{Status: 200, Field: func(string) string { return "" }}
	ctx := context.Background()
	switch e {
	case abi.EntryRequest:
		_, err := s.Request(ctx)
		return engine.AdapterReply{}, err
	case abi.EntryResponse:
		return s.Response(ctx, r, body)
	case abi.EntryEvent:
		return s.Event(ctx, r, "", body)
	}
	r.Status = 500
	return s.Error(ctx, r, body)
}

// TestGrowth is W5: memory ends at the limit, and an instance that grew far is replaced.
func TestGrowth(t *testing.T) {
	t.Parallel()
	const pages = abi.RuleMemory / abi.PageSize
	// Decides abstain when the guest cannot grow to n pages.
	grow := func(by int32) asm {
		return rule(seq(i32c(by), growMemory, i32c(-1), []byte{0x46})) // i32.eq: 1 when it failed
	}
	tests := []struct {
		name string
		by   int32
		want engine.Verdict
	}{
		{"to the limit", pages - 1, engine.VerdictDecided},
		{"past the limit", pages, engine.VerdictAbstain},
		{"by minus one", -1, engine.VerdictAbstain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen []int
			cfg := Config{PoolSize: 1, AfterCall: func(_ string, memory []byte) { seen = append(seen, len(memory)) }}
			g := ruleGuestOf(t, offer(t, cfg, grow(tt.by).build(t)), "", "test")
			var answer engine.RuleAnswer
			for i := range 2 {
				if err := g.Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil || answer.Verdict != tt.want {
					t.Fatalf("call %d: Decide() = %v, %v, want %v", i, answer.Verdict, err, tt.want)
				}
			}
			want := abi.PageSize
			if tt.want == engine.VerdictDecided {
				want = abi.RuleMemory // both times: the second call has a fresh instance
			}
			for i, size := range seen {
				if size != want {
					t.Errorf("call %d: memory of %d bytes, want %d", i, size, want)
				}
			}
		})
	}
}

// TestDiscardAfterTrap: what a trap leaves behind is never seen again.
func TestDiscardAfterTrap(t *testing.T) {
	t.Parallel()
	// Adds one to a counter in memory and traps when the context has "trap";
	// otherwise it answers with the counter as the reason's length.
	a := rule(seq(
		i32c(64), i32c(64), loadI32, i32c(1), []byte{0x6a}, storeI32,
		i32c(abi.DocContext), call(0), i32c(0), i32c(4), call(1), call(2),
		[]byte{0x04, 0x40}, unreachable, []byte{0x0b},
		i32c(0), i32c(64), loadI32, call(3), i32c(0)), "doc", "get", "kind", "reason")
	a.data = "trap"
	g := ruleGuestOf(t, offer(t, Config{PoolSize: 1}, a.build(t)), "", "test")
	var answer engine.RuleAnswer
	decide := func(context string) error {
		return g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, context)}, &answer)
	}
	for i, want := range []string{"t", "tr"} {
		if err := decide(`{}`); err != nil || answer.Reason != want {
			t.Fatalf("call %d: reason %q, %v, want %q", i, answer.Reason, err, want)
		}
	}
	if err := decide(`{"trap":1}`); engine.CodeOf(err) != engine.CodePluginFailed {
		t.Fatalf("Decide({trap}) = %v, want %s", err, engine.CodePluginFailed)
	}
	if err := decide(`{}`); err != nil || answer.Reason != "t" {
		t.Errorf("after the trap: reason %q, %v, want %q of a fresh instance", answer.Reason, err, "t")
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	a := rule(seq(i32c(402), i32c(0), i32c(7), call(0), i32c(abi.Reject)), "fail")
	a.data = "no more!"
	answer, err := decideOnce(t, Config{}, a)
	if err != nil || answer.Verdict != engine.VerdictReject || answer.Status != 402 || answer.Message != "no more" {
		t.Errorf("Decide() = %+v, %v, want a reject with 402 %q", answer, err, "no more")
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	// The import of AssemblyScript stands in a module of its own.
	message := "\x08\x00\x00\x00o\x00o\x00p\x00s\x00"
	a := rule(seq(i32c(4), i32c(0), i32c(1), i32c(2), call(0), i32c(0)))
	a.data = message
	a.env = []string{"abort"}
	_, err := decideOnce(t, Config{}, a)
	if err == nil || !strings.Contains(err.Error(), errAbort.Error()) || !strings.Contains(err.Error(), "abort: oops") {
		t.Errorf("Decide() = %v, want %q and %q", err, errAbort, "abort: oops")
	}
}

// frameInput is what a guest is given that reads nothing.
func frameInput() document.FrameInput { return document.FrameInput{} }
