package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestCountTokens(t *testing.T) {
	t.Parallel()
	const estimate = `{"input_tokens":3}` // rigPrompt
	counts := func(body string) *script { return &script{body: body} }
	for _, tt := range []struct {
		name     string
		a        *script
		change   func(g *rig, r *Request)
		want     string
		wantCode Code // of the caller's error
		wantRows int
		counted  bool
	}{
		{name: "the provider's count", a: counts(`{"input_tokens":41}`), want: `{"input_tokens":41}`, wantRows: 1, counted: true},
		{name: "of nothing", a: counts(`{"input_tokens":0,"more":1}`), want: `{"input_tokens":0}`, wantRows: 1, counted: true},
		{name: "a pinned model", a: counts(`{"input_tokens":41}`), change: func(_ *rig, r *Request) { r.Model = "m-a" }, want: `{"input_tokens":41}`, wantRows: 1, counted: true},
		{name: "larger than the window", a: counts(`{"input_tokens":41}`), change: func(g *rig, r *Request) {
			c := g.catalogue.Load()
			models := append([]Model(nil), c.Models("")...)
			models[0].ContextWindow = 1
			g.catalogue.Store(NewCatalogue(models, c.Providers(""), []Price{{ProviderID: "a", UpstreamID: "up-a"}}))
		}, want: `{"input_tokens":41}`, wantRows: 1, counted: true},
		{name: "no such operation", a: &script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, Errorf(CodeInvalid, "the adapter has no operation 'count_tokens'")
		}}, want: estimate, wantRows: 1},
		{name: "unreachable", a: &script{doErr: Errorf(CodeUpstreamFailed, "refused")}, want: estimate, wantRows: 1},
		{name: "refused", a: &script{status: 400}, want: estimate, wantRows: 1},
		{name: "overloaded", a: &script{status: 529}, want: estimate, wantRows: 1},
		{name: "a negative count", a: counts(`{"input_tokens":-1}`), want: estimate, wantRows: 1},
		{name: "a count that is text", a: counts(`{"input_tokens":"41"}`), want: estimate, wantRows: 1},
		{name: "no count", a: counts(`{}`), want: estimate, wantRows: 1},
		{name: "the adapter panics", a: &script{response: func(context.Context) (AdapterReply, error) { panic("x") }}, want: estimate, wantRows: 1},
		{name: "nothing can be asked", a: counts(`{}`), change: func(g *rig, _ *Request) { g.catalogue.Store(NewCatalogue(g.catalogue.Load().Models(""), nil, nil)) }, want: estimate},
		{name: "an unknown model", a: counts(`{}`), change: func(_ *rig, r *Request) { r.Model = "nope" }, wantCode: CodeModelNotFound},
		{name: "a rule says no", a: counts(`{}`), change: func(g *rig, _ *Request) {
			g.decide = func(context.Context, *Request) (Decision, error) {
				return Decision{}, Errorf(CodeRuleRejected, "no")
			}
		}, wantCode: CodeRuleRejected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": tt.a, "b": counts(`{"input_tokens":99}`)})
			r := rigRequest(t, "")
			r.Operation = abi.OperationCountTokens
			if tt.change != nil {
				tt.change(g, r)
			}
			got, err := g.Complete(t.Context(), r)
			g.closed(t)
			if string(got.Body) != tt.want || CodeOf(err) != tt.wantCode {
				t.Fatalf("= %s, %v, want %s, %s", got.Body, err, tt.want, tt.wantCode)
			}
			if got.Meta.Estimated != (tt.want != "" && !tt.counted) || (got.Meta.Model == "m-a") != tt.counted {
				t.Errorf("meta = %+v, want the provider's count: %v", got.Meta, tt.counted)
			}
			rows := g.ledger.all()
			if len(rows) != tt.wantRows {
				t.Fatalf("%d rows, want %d: %+v", len(rows), tt.wantRows, rows)
			}
			for _, u := range rows {
				if u.Tokens != (Tokens{}) || u.CostNanoUSD != 0 || u.PremiumUse != 0 || u.Estimated || u.ModelID != "m-a" {
					t.Errorf("row = %+v, want a free one of m-a", u)
				}
			}
		})
	}
}

// A provider that does not answer is not waited for as long as for a chat.
func TestCountTokensDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, map[string]*script{"a": {onDo: func(ctx context.Context) { <-ctx.Done() }}})
		r := rigRequest(t, "")
		r.Operation = abi.OperationCountTokens
		began := time.Now()
		got, err := g.Complete(t.Context(), r)
		if err != nil || !got.Meta.Estimated || time.Since(began) != countWait {
			t.Errorf("= %s, %v after %v, want an estimate after %v", got.Body, err, time.Since(began), countWait)
		}
		if rows := g.ledger.all(); len(rows) != 1 || rows[0].Tokens != (Tokens{}) || rows[0].CostNanoUSD != 0 {
			t.Errorf("rows = %+v, want a free one", rows)
		}
	})
}

// A caller who is gone gets no estimate, and its row says so.
func TestCountTokensCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := newRig(t, map[string]*script{"a": {onDo: func(context.Context) { cancel() }}})
	r := rigRequest(t, "")
	r.Operation = abi.OperationCountTokens
	if got, err := g.Complete(ctx, r); CodeOf(err) != CodeCanceled {
		t.Errorf("= %s, %v, want %s", got.Body, err, CodeCanceled)
	}
	if rows := g.ledger.all(); len(rows) != 1 || rows[0].Outcome != OutcomeCanceled || rows[0].CostNanoUSD != 0 {
		t.Errorf("rows = %+v, want one canceled and free", rows)
	}
}

// The caller's own body, with the target's model and without what counters refuse.
func TestNativeCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wire                 API
		body, want, wantPath string
	}{
		{APIMessages, `{"model":"ours", "max_tokens":5,"stream":true,"metadata":{"user_id":"u"},"models":[],"system":"s","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"web_search_20250305"}],"thinking":{"type":"adaptive"},"temperature":1}`,
			`{"model":"up","system":"s","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"web_search_20250305"}],"thinking":{"type":"adaptive"}}`, "/v1/messages/count_tokens"},
		{APIResponses, `{"model":"ours","input":"hi","instructions":"s","max_output_tokens":9,"store":false,"include":[],"text":{"verbosity":"low"}}`,
			`{"model":"up","input":"hi","instructions":"s","text":{"verbosity":"low"}}`, "/responses/input_tokens"},
	} {
		source, err := document.Parse([]byte(tt.body), document.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		r := &Request{Wire: tt.wire, Source: source, Operation: abi.OperationCountTokens, Headers: []Pair{{"anthropic-beta", "a"}, {"openai-beta", "o"}}}
		got := r.nativeRequest(Target{Model: &Model{UpstreamID: "up"}}, "")
		if string(got.Body) != tt.want || got.Path != tt.wantPath || len(got.Headers) != 1 || got.Headers[0].Name != nativeHeaders[tt.wire] {
			t.Errorf("%s: %s %s with %v, want %s %s", tt.wire, got.Path, got.Body, got.Headers, tt.wantPath, tt.want)
		}
	}
}
