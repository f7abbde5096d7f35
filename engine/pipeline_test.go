package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// run makes one completion, plain or streamed to its end.
func (g *rig) run(t testing.TB, ctx context.Context, r *Request, stream bool) (text string, meta Meta, err error) {
	t.Helper()
	if stream {
		got := g.stream(t, ctx, r)
		return got.text(), got.meta, got.err
	}
	c, err := g.Complete(ctx, r)
	if err != nil {
		return "", c.Meta, err
	}
	doc, err := document.Parse(c.Body, document.Limits{})
	if err != nil {
		t.Fatalf("body %s: %v", c.Body, err)
	}
	return doc.Root().Pointer("/choices/0/message/content").Text(), c.Meta, nil
}

// works is a provider that answers, plain and streamed.
func works(text string) *script {
	return &script{
		body:   answerOf(text, `,"usage":{"prompt_tokens":7,"completion_tokens":5}`),
		events: []string{deltaOf(0, text), finishOf(0), usageOf(7, 5)},
	}
}

func refusal(code Code) func(context.Context) (AdapterReply, error) {
	return func(context.Context) (AdapterReply, error) {
		return AdapterReply{}, &Error{Code: code, Message: "plugin a@1 failed: trap"}
	}
}

// Whatever breaks at whatever stage, each attempt has one row, everything is closed,
// and the next target is tried where that may help.
func TestFailureAtEveryStage(t *testing.T) {
	t.Parallel()
	failedWith := func(class abi.Class) string { return fmt.Sprintf(`{"fail":%d}`, class) }
	tests := []struct {
		name     string
		a        script
		more     string
		wantCode Code // of the first row
		wantStop bool // the second target is not tried
		wantIn   int64
		status   int
	}{
		{name: "no manifest", a: script{manifest: func() error { return ErrNotFound }}, wantCode: CodePluginFailed},
		{name: "no adapter", a: script{open: func() error { return ErrNotFound }}, wantCode: CodePluginFailed},
		{name: "the manifest panics", a: script{manifest: func() error { panic("x") }}, wantCode: CodeInternal},
		{name: "opening panics", a: script{open: func() error { panic("x") }}, wantCode: CodeInternal},
		{name: "the adapter refuses the request", a: script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, &Error{Code: CodeInvalid, Message: "no such thing"}
		}}, wantCode: CodeInvalid},
		{name: "the adapter traps", a: script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, Errorf(CodePluginFailed, "trap")
		}}, wantCode: CodePluginFailed},
		{name: "building the request panics", a: script{request: func(context.Context) (AdapterRequest, error) { panic("x") }}, wantCode: CodeInternal},
		{name: "strict, and a field is lost", more: `,"metadata":{"strict":"true"}`, a: script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{Lossy: []string{"seed"}}, nil
		}}, wantCode: CodeInvalid},
		{name: "no connection", a: script{doErr: Errorf(CodeUpstreamFailed, "refused")}, wantCode: CodeUpstreamFailed},
		{name: "no answer in time", a: script{doErr: Errorf(CodeUpstreamTimeout, "late")}, wantCode: CodeUpstreamTimeout, wantIn: rigPrompt},
		{name: "a bare deadline", a: script{doErr: context.DeadlineExceeded}, wantCode: CodeUpstreamTimeout, wantIn: rigPrompt},
		{name: "an unknown error", a: script{doErr: errors.New("secret")}, wantCode: CodeInternal},
		{name: "the client panics", a: script{onDo: func(context.Context) { panic("x") }}, wantCode: CodeInternal},
		{name: "302", a: script{status: 302}, wantCode: CodeUpstreamFailed, status: 302},
		{name: "400", a: script{status: 400}, wantCode: CodeInvalid, wantStop: true, status: 400},
		{name: "401", a: script{status: 401}, wantCode: CodeUpstreamFailed, status: 401},
		{name: "402", a: script{status: 402}, wantCode: CodeUpstreamOverloaded, status: 402},
		{name: "403", a: script{status: 403}, wantCode: CodeUpstreamFailed, status: 403},
		{name: "404", a: script{status: 404}, wantCode: CodeUpstreamFailed, status: 404},
		{name: "408", a: script{status: 408}, wantCode: CodeUpstreamFailed, status: 408},
		{name: "422", a: script{status: 422}, wantCode: CodeInvalid, wantStop: true, status: 422},
		{name: "429", a: script{status: 429}, wantCode: CodeRateLimited, status: 429},
		{name: "500", a: script{status: 500}, wantCode: CodeUpstreamFailed, status: 500},
		{name: "503", a: script{status: 503}, wantCode: CodeUpstreamOverloaded, status: 503},
		{name: "529", a: script{status: 529}, wantCode: CodeUpstreamOverloaded, status: 529},
		{name: "600", a: script{status: 600}, wantCode: CodeUpstreamFailed, status: 600},
		{name: "400 that the adapter calls overloaded", a: script{status: 400, body: failedWith(abi.ClassOverloaded)}, wantCode: CodeUpstreamOverloaded, status: 400},
		{name: "500 that the adapter calls invalid", a: script{status: 500, body: failedWith(abi.ClassInvalid)}, wantCode: CodeInvalid, wantStop: true, status: 500},
		{name: "400 too long", a: script{status: 400, body: failedWith(abi.ClassContextLength)}, wantCode: CodeContextLength, status: 400},
		{name: "400 filtered", a: script{status: 400, body: failedWith(abi.ClassContentFilter)}, wantCode: CodeContentFilter, wantStop: true, status: 400},
		{name: "an unknown class", a: script{status: 400, body: failedWith(77)}, wantCode: CodeUpstreamFailed, status: 400},
		{name: "503, and the adapter traps on it", a: script{status: 503, refuse: refusal(CodePluginFailed)}, wantCode: CodeUpstreamOverloaded, status: 503},
		{name: "503, and reading it panics", a: script{status: 503, refuse: func(context.Context) (AdapterReply, error) { panic("x") }}, wantCode: CodeInternal, status: 503},
		{name: "200 that is not JSON", a: script{body: "<html>", events: []string{"<html>"}}, wantCode: CodeUpstreamFailed, status: 200},
		{name: "200 without choices", a: script{body: "{}", events: []string{"{}"}}, wantCode: "", status: 200},
		{name: "200 with no choice", a: script{body: `{"choices":[]}`, events: []string{`{"choices":[]}`}}, wantCode: "", status: 200},
		{name: "200 of nothing", a: script{body: "[]"}, wantCode: "", status: 200},
		{name: "200 with an error in it", a: script{body: failedWith(abi.ClassRateLimited), events: []string{roleChunk, failedWith(abi.ClassRateLimited)}}, wantCode: CodeRateLimited, status: 200},
		{name: "200 with an unclassed error", a: script{body: failedWith(0), events: []string{failedWith(0)}}, wantCode: CodeUpstreamFailed, status: 200},
		{name: "200 with an invalid request", a: script{body: failedWith(abi.ClassInvalid), events: []string{failedWith(abi.ClassInvalid)}}, wantCode: CodeInvalid, wantStop: true, status: 200},
		{name: "200, and the adapter traps", a: script{response: refusal(CodePluginFailed), events: []string{dataTrap}}, wantCode: CodePluginFailed, status: 200},
		{name: "200, and reading it panics", a: script{response: func(context.Context) (AdapterReply, error) { panic("x") }, events: []string{dataPanic}}, wantCode: CodeInternal, status: 200},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				t.Parallel()
				a := tt.a
				g := newRig(t, map[string]*script{"a": &a, "b": works("from b")})
				text, meta, err := g.run(t, t.Context(), rigRequest(t, tt.more), stream)
				g.closed(t)
				wantCode := tt.wantCode
				if wantCode == "" {
					wantCode = CodeUpstreamFailed
					if stream {
						wantCode = CodeUpstreamTruncated
					}
				}
				rows := g.ledger.all()
				if wantRows := 2 - oneIf(tt.wantStop); len(rows) != wantRows {
					t.Fatalf("%d rows, want %d: %+v", len(rows), wantRows, rows)
				}
				if r := rows[0]; r.Code != wantCode || r.Outcome == OutcomeOK || r.Attempt != 1 || r.ModelID != "m-a" || r.Status != tt.status || r.PremiumUse != 0 {
					t.Errorf("first row = %+v, want %s with status %d", r, wantCode, tt.status)
				}
				if r := rows[0]; r.Tokens != (Tokens{Prompt: tt.wantIn}) || r.CostNanoUSD != tt.wantIn*promptPrice {
					t.Errorf("first row used %+v for %d, want %d of prompt", r.Tokens, r.CostNanoUSD, tt.wantIn)
				}
				if tt.wantStop {
					if CodeOf(err) != wantCode || meta.Attempts != 1 || meta.Model != "" {
						t.Errorf("= %v after %d attempts, want %s after 1", err, meta.Attempts, wantCode)
					}
					return
				}
				if err != nil || text != "from b" || meta.Model != "m-b" || meta.Attempts != 2 {
					t.Errorf("= %q by %q after %d attempts, %v, want b's answer", text, meta.Model, meta.Attempts, err)
				}
				if r := rows[1]; r.Outcome != OutcomeOK || r.Attempt != 2 || r.Tokens != (Tokens{Prompt: 7, Completion: 5}) || r.PremiumUse != 33 {
					t.Errorf("second row = %+v, want b's", r)
				}
				if !strings.Contains(meta.Decision, "failed: m-a failed") {
					t.Errorf("decision %q does not say that a failed", meta.Decision)
				}
			})
		}
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A request that ends at any stage is recorded as canceled, once, never as somebody's
// failure, and nothing else is tried. Its prompt is billed from the sending on.
func TestCancelAtEveryStage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		script   func(cancel func()) script
		wantRows int
		wantIn   int64
		wantCode Code // of the row; default CodeCanceled
	}{
		{name: "before", script: func(cancel func()) script { cancel(); return script{} }},
		{name: "while the request is built", wantRows: 1, script: func(cancel func()) script {
			return script{request: func(ctx context.Context) (AdapterRequest, error) {
				cancel()
				return AdapterRequest{}, &Error{Code: CodePluginFailed, Message: "busy", Err: ctx.Err()}
			}}
		}},
		{name: "before it is sent", wantRows: 1, script: func(cancel func()) script {
			return script{request: func(context.Context) (AdapterRequest, error) { cancel(); return AdapterRequest{}, nil }}
		}},
		{name: "while waiting for the answer", wantRows: 1, wantIn: rigPrompt, script: func(cancel func()) script {
			return script{onDo: func(context.Context) { cancel() }}
		}},
		{name: "while the answer is read", wantRows: 1, wantIn: rigPrompt, script: func(cancel func()) script {
			stop := func(ctx context.Context) (AdapterReply, error) {
				cancel()
				return AdapterReply{}, &Error{Code: CodeCanceled, Message: "the caller is gone", Err: ctx.Err()}
			}
			return script{response: stop, events: []string{"x"}, event: func(ctx context.Context, _ string, _ []byte) (AdapterReply, error) { return stop(ctx) }}
		}},
		{name: "while the error is read", wantRows: 1, wantCode: CodeRateLimited, script: func(cancel func()) script {
			return script{status: 429, refuse: func(ctx context.Context) (AdapterReply, error) {
				cancel()
				return AdapterReply{}, &Error{Code: CodeCanceled, Message: "the caller is gone", Err: ctx.Err()}
			}}
		}},
		{name: "between two attempts", wantRows: 1, wantCode: CodeUpstreamOverloaded, script: func(cancel func()) script {
			return script{status: 503, refuse: func(context.Context) (AdapterReply, error) { cancel(); return AdapterReply{}, nil }}
		}},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a := tt.script(cancel)
				g := newRig(t, map[string]*script{"a": &a, "b": works("from b")})
				_, _, err := g.run(t, ctx, rigRequest(t, ""), stream)
				want := tt.wantCode
				if want == "" {
					want = CodeCanceled
				}
				if CodeOf(err) != want {
					t.Errorf("= %v, want %s", err, want)
				}
				rows := g.ledger.all()
				if len(rows) != tt.wantRows {
					t.Fatalf("%d rows, want %d: %+v", len(rows), tt.wantRows, rows)
				}
				for _, r := range rows {
					if r.Code != want || (r.Outcome == OutcomeCanceled) != (want == CodeCanceled) || r.Tokens != (Tokens{Prompt: tt.wantIn}) || r.PremiumUse != 0 {
						t.Errorf("row = %+v, want %s with %d of prompt", r, want, tt.wantIn)
					}
				}
				g.closed(t)
			})
		}
	}
}

// The caller is shown the failure that says most about its request.
func TestErrorShown(t *testing.T) {
	t.Parallel()
	cannot := func() *script {
		return &script{request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, &Error{Code: CodeInvalid, Param: "n", Message: "only one choice"}
		}}
	}
	status := func(n int) *script { return &script{status: n} }
	tests := []struct {
		name string
		a, b *script
		want Code
	}{
		{"the last of two that were asked", status(503), status(429), CodeRateLimited},
		{"the first, when the second cannot be asked", status(503), cannot(), CodeUpstreamOverloaded},
		{"the second, when the first could not be asked", cannot(), status(503), CodeUpstreamOverloaded},
		{"the last of two that could not", cannot(), &script{open: func() error { return ErrNotFound }}, CodePluginFailed},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				t.Parallel()
				g := newRig(t, map[string]*script{"a": tt.a, "b": tt.b})
				if _, _, err := g.run(t, t.Context(), rigRequest(t, ""), stream); CodeOf(err) != tt.want {
					t.Errorf("error = %v, want %s", err, tt.want)
				}
			})
		}
	}
}

// A guest's or provider's advice to wait is passed on, within reason.
func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	for said, want := range map[time.Duration]time.Duration{
		0: defaultRetryAfter, -time.Second: defaultRetryAfter, 9 * time.Second: 9 * time.Second, 1e9 * time.Second: time.Hour,
	} {
		s := &script{status: 429, refuse: func(context.Context) (AdapterReply, error) {
			return AdapterReply{Failure: &AdapterFailure{Class: abi.ClassRateLimited, After: said}}, nil
		}}
		g := newRig(t, map[string]*script{"a": s})
		_, err := g.Complete(t.Context(), rigRequest(t, ""))
		var e *Error
		if !errors.As(err, &e) || e.After != want {
			t.Errorf("after %v: %v, want to wait %v", said, err, want)
		}
	}
}

// The usage of a plain answer, as the provider gives it.
func TestCompleteUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, usage   string
		want          Tokens
		wantEstimated bool
	}{
		{"counted", `,"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}`, Tokens{Prompt: 9, Cached: 5, Completion: 4, Reasoning: 3}, false},
		{"missing", ``, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"null", `,"usage":null`, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"explicit zeros", `,"usage":{"prompt_tokens":0,"completion_tokens":0}`, Tokens{}, false},
		{"half", `,"usage":{"prompt_tokens":9}`, Tokens{Prompt: 9, Completion: 2}, true},
		{"negative", `,"usage":{"prompt_tokens":-1,"completion_tokens":4}`, Tokens{Prompt: rigPrompt, Completion: 4}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {body: answerOf("12345678", tt.usage)}})
			if _, err := g.Complete(t.Context(), rigRequest(t, "")); err != nil {
				t.Fatal(err)
			}
			rows := g.ledger.all()
			if len(rows) != 1 || rows[0].Tokens != tt.want || rows[0].Estimated != tt.wantEstimated {
				t.Errorf("rows = %+v, want %+v, estimated %v", rows, tt.want, tt.wantEstimated)
			}
		})
	}
}

// The prices of one account are nobody else's.
func TestAccountPrice(t *testing.T) {
	t.Parallel()
	c := NewCatalogue(nil, nil, []Price{
		{ProviderID: "p", UpstreamID: "m", Input: 3},
		{AccountID: "acme", ProviderID: "p", UpstreamID: "m", Input: 1},
		{AccountID: "acme", ProviderID: "p", UpstreamID: "own", Input: 2},
		{AccountID: "acme", ProviderID: "p", UpstreamID: "m", From: rigTime.Add(time.Hour), Input: 9},
	})
	for _, tt := range []struct {
		account, upstream string
		want              int64
		wantOK            bool
	}{
		{"acme", "m", 1, true}, {"other", "m", 3, true}, {"", "m", 3, true},
		{"acme", "own", 2, true}, {"other", "own", 0, false}, {"", "own", 0, false},
	} {
		p, ok := c.AccountPrice(tt.account, "p", tt.upstream, rigTime, 1)
		if ok != tt.wantOK || p.Input != tt.want {
			t.Errorf("AccountPrice(%q, %q) = %d, %v, want %d, %v", tt.account, tt.upstream, p.Input, ok, tt.want, tt.wantOK)
		}
	}
}

// An account's own adapter never gets to speak for a global provider.
func TestAdapterIsTheProviders(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"", "acme"} {
		g := newRig(t, map[string]*script{"a": works("x")})
		c := g.catalogue.Load()
		p, _ := c.Provider("", "a")
		own := *p
		own.AccountID = account
		g.catalogue.Store(NewCatalogue(c.Models(""), []Provider{own}, []Price{{ProviderID: "a", UpstreamID: "up-a"}}))
		if _, err := g.Complete(t.Context(), rigRequest(t, "")); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(g.asked, ", "), "manifest of a for "+account+", adapter a for "+account; got != want {
			t.Errorf("for the provider of account %q: %s, want %s", account, got, want)
		}
	}
}

// A shutdown waits for the rows of requests under way, and not for longer.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, map[string]*script{"a": {events: []string{deltaOf(0, "x"), markStall}, onDo: func(ctx context.Context) { <-ctx.Done() }}})
		if err := g.Drain(t.Context()); err != nil {
			t.Fatalf("Drain with nothing under way = %v", err)
		}
		soon, cancelSoon := context.WithTimeout(t.Context(), time.Second)
		defer cancelSoon()
		ctx, cancel := context.WithCancel(t.Context())
		go g.Complete(ctx, rigRequest(t, ""))
		synctest.Wait() // it waits for the provider
		g.script("a").onDo = nil
		s, _, err := g.Stream(ctx, rigRequest(t, `,"stream":true`))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := g.Drain(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain with two requests under way = %v, want to wait", err)
		}
		time.AfterFunc(time.Minute, cancel)
		time.AfterFunc(2*time.Minute, s.Close)
		if err := g.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(g.ledger.all()); n != 2 {
			t.Errorf("%d rows when Drain returned, want 2", n)
		}
		synctest.Wait()
		g.closed(t)
	})
}

// All attempts of one request share its time: a caller who has waited for as long as
// anybody waits is not made to wait for another target.
func TestAttemptsShareTheTime(t *testing.T) {
	for _, stream := range []bool{false, true} {
		for _, tt := range []struct {
			name     string
			takes    time.Duration // each attempt but the last
			wantRows int
			wantCode Code
		}{
			{"quick failures", time.Second, 4, ""},
			{"slow ones", 4 * time.Minute, 3, CodeUpstreamTimeout},
			{"one that takes it all", time.Hour, 1, CodeUpstreamTimeout},
		} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var given []time.Duration
					slow := func() *script {
						return &script{doErr: Errorf(CodeUpstreamTimeout, "late"), onSend: func(r *UpstreamRequest) {
							given = append(given, r.Total)
							time.Sleep(min(tt.takes, r.Total))
						}}
					}
					g := newRig(t, map[string]*script{"a": slow(), "b": slow(), "c": slow(), "d": works("from d")})
					began := time.Now()
					_, _, err := g.run(t, t.Context(), rigRequest(t, ""), stream)
					if took := time.Since(began); took > 10*time.Minute {
						t.Errorf("the request took %v, want at most 10 minutes", took)
					}
					if rows := len(g.ledger.all()); rows != tt.wantRows || CodeOf(err) != tt.wantCode {
						t.Errorf("%d rows and %v, want %d and code %q (given %v)", rows, err, tt.wantRows, tt.wantCode, given)
					}
				})
			})
		}
	}
}
