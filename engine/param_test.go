package engine

import (
	"context"
	"testing"
)

// What a rule plugin proposes reaches the adapter, and never overrules the caller.
func TestProposedParameters(t *testing.T) {
	const body = `{"model":"auto","messages":[{"role":"user","content":"twelve bytes"}]`
	tests := []struct {
		name   string
		more   string
		params []Pair
		want   string
	}{
		{"nothing", `,"max_tokens":9}`, nil, `,"max_tokens":9}`},
		{"a missing limit is set", `}`, []Pair{{"max_tokens", "50"}}, `,"max_tokens":50}`},
		{"a higher limit is lowered", `,"max_tokens":90,"n":1}`, []Pair{{"max_tokens", "50"}}, `,"max_tokens":50,"n":1}`},
		{"the newer name too", `,"max_completion_tokens":90}`, []Pair{{"max_tokens", "50"}}, `,"max_completion_tokens":50}`},
		{"both names", `,"max_tokens":80,"max_completion_tokens":90}`, []Pair{{"max_tokens", "50"}}, `,"max_tokens":50,"max_completion_tokens":50}`},
		{"a lower limit stays", `,"max_tokens":9}`, []Pair{{"max_tokens", "50"}}, `,"max_tokens":9}`},
		{"an effort is set", `}`, []Pair{{"reasoning_effort", "low"}}, `,"reasoning_effort":"low"}`},
		{"the caller's effort stays", `,"reasoning_effort":"high"}`, []Pair{{"reasoning_effort", "low"}}, `,"reasoning_effort":"high"}`},
		{"both, with space at the end", `,"max_tokens":90 } `, []Pair{{"reasoning_effort", "low"}, {"max_tokens", "50"}}, `,"max_tokens":50 ,"reasoning_effort":"low"} `},
		{"no numbers, no efforts, other names", `}`, []Pair{{"max_tokens", "-1"}, {"max_tokens", "x"}, {"reasoning_effort", `"`}, {"model", "gpt-5"}}, `}`},
		{"twice", `}`, []Pair{{"max_tokens", "5"}, {"max_tokens", "6"}}, `}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := ParseChat([]byte(body + tt.more))
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewRequest(doc, Arrival{ID: "req-1", Received: rigTime})
			if err != nil {
				t.Fatal(err)
			}
			g := newRig(t, map[string]*script{"a": works("x")})
			decide := g.decide
			g.decide = func(ctx context.Context, r *Request) (Decision, error) {
				d, err := decide(ctx, r)
				d.Params = tt.params
				return d, err
			}
			if _, err := g.Complete(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := string(r.Doc.Bytes()); got != body+tt.want {
				t.Errorf("propose(%v) = %s, want %s", tt.params, got, body+tt.want)
			}
		})
	}
}
