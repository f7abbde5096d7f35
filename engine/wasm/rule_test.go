package wasm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

const atNoon = 1_700_000_000_000

func TestGoRule(t *testing.T) {
	t.Parallel()
	g := ruleGuestOf(t, offer(t, cached(), goGuest(t, abi.KindRule)), "", "test")
	context := `{"request":{"text":"Please  REFACTOR this","has_image":false,"tokens":12,"command":"","stream":true}}`
	tests := []struct {
		name    string
		context string
		config  string
		want    engine.RuleAnswer
	}{
		{"a word", context, ``, engine.RuleAnswer{Targets: []string{"coder"}, Reason: "asks for refactoring"}},
		{"an image", `{"request":{"has_image":true}}`, ``, engine.RuleAnswer{Targets: []string{"vision"}}},
		{"many tokens", `{"request":{"tokens":100001}}`, ``, engine.RuleAnswer{Targets: []string{"large"}}},
		{"a command", `{"request":{"command":"/fast"}}`, ``, engine.RuleAnswer{Targets: []string{"fast"}}},
		{"a stream", `{"request":{"stream":true}}`, ``, engine.RuleAnswer{Verdict: engine.VerdictAbstain}},
		{"nothing", `{}`, ``, engine.RuleAnswer{Targets: []string{"standard"}}},
		{"text", context, `{"do":"text"}`, engine.RuleAnswer{Reason: "Please  REFACTOR this"}},
		{"reject", context, `{"do":"reject"}`, engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 403, Message: "not for you"}},
		{"output is logged", context, `{"do":"print"}`, engine.RuleAnswer{Logs: []engine.LogLine{
			{Level: abi.LevelInfo, Text: "one"}, {Level: abi.LevelInfo, Text: "two"}, {Level: abi.LevelInfo, Text: "three"}}}},
		{"time stands still and sleep ends", context, `{"do":"clock"}`, engine.RuleAnswer{Tags: []engine.Pair{
			{Name: "now", Value: "1700000000000"}, {Name: "slept", Value: "1h0m0s"}, {Name: "now_ms", Value: "1700000000000"}}}},
		{"no files", context, `{"do":"files"}`, engine.RuleAnswer{Tags: []engine.Pair{
			{Name: "file", Value: "open /etc/passwd: Bad file number"}, {Name: "env", Value: "0"}, {Name: "args", Value: "0"}, {Name: "stdin", Value: "0 EOF"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got engine.RuleAnswer
			if err := g.Decide(t.Context(), ruleCall(t, tt.context, tt.config), &got); err != nil {
				t.Fatalf("Decide(%s) = %v", tt.config, err)
			}
			if got.Verdict != tt.want.Verdict || got.Reason != tt.want.Reason || got.Status != tt.want.Status || got.Message != tt.want.Message ||
				!slices.Equal(got.Targets, tt.want.Targets) || !slices.Equal(got.Tags, tt.want.Tags) || !slices.Equal(got.Logs, tt.want.Logs) {
				t.Errorf("Decide(%s, %s) = %+v, want %+v", tt.context, tt.config, got, tt.want)
			}
		})
	}
}

func ruleCall(t testing.TB, context, config string) *engine.RuleCall {
	call := &engine.RuleCall{RequestID: "req-1", NowMS: atNoon, Context: jsonNode(t, context)}
	if config != "" {
		call.Config = jsonNode(t, config)
	}
	return call
}

// Not parallel, like all tests of guests that take the processor for themselves.
func TestGoRuleFailures(t *testing.T) {
	cfg := cached()
	cfg.RuleLimit = 200 * time.Millisecond
	g := ruleGuestOf(t, offer(t, cfg, goGuest(t, abi.KindRule)), "", "test")
	tests := []struct{ do, want, log string }{
		{"panic", errFuel.Error(), "by request"}, // it is printing its stack by then
		{"block", errFuel.Error(), "deadlock"},
		{"hoard", errFuel.Error(), ""},
		{"spin", errFuel.Error(), ""},
	}
	for _, tt := range tests {
		t.Run(tt.do, func(t *testing.T) {
			var answer engine.RuleAnswer
			err := g.Decide(t.Context(), ruleCall(t, `{}`, `{"do":"`+tt.do+`"}`), &answer)
			var e *engine.Error
			if !errors.As(err, &e) || e.Code != engine.CodePluginFailed || !strings.Contains(e.Message, tt.want) {
				t.Fatalf("Decide(%s) = %v, want %q", tt.do, err, tt.want)
			}
			if !strings.Contains(e.Error(), tt.log) {
				t.Errorf("Decide(%s) = %v, want %q in it for the log", tt.do, err, tt.log)
			}
			if err := g.Decide(t.Context(), ruleCall(t, `{}`, ``), &answer); err != nil || answer.Targets[0] != "standard" {
				t.Errorf("after %s: Decide() = %v, %v, want standard", tt.do, answer.Targets, err)
			}
		})
	}
}

// TestRandomReplays: the same request sees the same numbers, on whatever instance.
func TestRandomReplays(t *testing.T) {
	t.Parallel()
	module := goGuest(t, abi.KindRule)
	seen := map[string]string{}
	for range 2 {
		g := ruleGuestOf(t, offer(t, cached(), module), "", "test")
		for _, id := range []string{"a", "b", "a"} {
			var answer engine.RuleAnswer
			call := ruleCall(t, `{}`, `{"do":"random"}`)
			call.RequestID = id
			if err := g.Decide(t.Context(), call, &answer); err != nil {
				t.Fatalf("Decide(%s) = %v", id, err)
			}
			number := answer.Tags[0].Value
			if was, ok := seen[id]; ok && was != number {
				t.Errorf("request %s drew %s and %s", id, was, number)
			}
			seen[id] = number
		}
	}
	if seen["a"] == seen["b"] {
		t.Errorf("requests a and b both drew %s", seen["a"])
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	g := ruleGuestOf(t, offer(t, cached(), goGuest(t, abi.KindRule)), "", "test")
	tests := []struct {
		name, config string
		param, want  string // want "" for no error
	}{
		{"none", ``, "", ""},
		{"good", `{"do":"route"}`, "", ""},
		{"not JSON", `{`, "config", "config"},
		{"twice the same", `{"do":"a","do":"b"}`, "config", "do"},
		{"wrong kind", `{"do":1}`, "config.do", "want string"},
		{"unknown member", `{"doo":"x"}`, "config", "doo"},
		{"too many", `{"words":[1,2,3]}`, "config.words", "maxItems"},
		{"refused by the guest", `{"do":"refuse"}`, "config", "this will not do"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := g.Configure(t.Context(), []byte(tt.config))
			if tt.want == "" {
				if err != nil {
					t.Errorf("Configure(%s) = %v, want nil", tt.config, err)
				}
				return
			}
			var e *engine.Error
			if !errors.As(err, &e) || e.Code != engine.CodeInvalid || e.Param != tt.param || !strings.Contains(e.Message, tt.want) {
				t.Errorf("Configure(%s) = %#v, want %s of %s with %q", tt.config, err, engine.CodeInvalid, tt.param, tt.want)
			}
		})
	}
}

// TestDecideAllocatesNothing is design §7, row one.
func TestDecideAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	g := ruleGuestOf(t, offer(t, cached(), goGuest(t, abi.KindRule)), "", "test")
	call := ruleCall(t, `{"request":{"text":"Please refactor this","has_image":false,"tokens":12,"command":"","stream":true}}`, `{"do":"route"}`)
	var answer engine.RuleAnswer
	ctx := t.Context()
	got := testing.AllocsPerRun(500, func() {
		if err := g.Decide(ctx, call, &answer); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("Decide allocates %v times a call, want 0", got)
	}
}

func BenchmarkRuleCall(b *testing.B) {
	g := ruleGuestOf(b, offer(b, cached(), goGuest(b, abi.KindRule)), "", "test")
	call := ruleCall(b, `{"request":{"text":"Please tidy up this function for me, it is long","has_image":false,"tokens":12,"command":"","stream":false}}`, ``)
	var answer engine.RuleAnswer
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Decide(ctx, call, &answer); err != nil {
			b.Fatal(err)
		}
	}
}
