package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// When everything is down, retries add a tenth to the load and no more; when only one
// provider is, every caller is served.
func TestRetryBudget(t *testing.T) {
	down := func() *script { return &script{status: 503} }
	for _, tt := range []struct {
		name         string
		b, c         *script
		wantServed   int // of 3,000
		wantAttempts [2]int
	}{
		{"one provider is down", works("x"), works("x"), 3000, [2]int{6000, 6000}},
		{"all are down", down(), down(), 0, [2]int{3300, 3300 + 4*2*minRetries}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, map[string]*script{"a": down(), "b": tt.b, "c": tt.c})
				served, refused := 0, 0
				for range 3000 { // 100 a second
					_, meta, err := g.run(t, t.Context(), rigRequest(t, ""), false)
					if err == nil {
						served++
					} else if CodeOf(err) != CodeUpstreamOverloaded {
						t.Fatalf("error = %v, want the provider's overload", err)
					}
					if strings.Contains(meta.Decision, string(SkipRetryBudget)) {
						refused++
					}
					time.Sleep(10 * time.Millisecond)
				}
				attempts := len(g.ledger.all())
				if served != tt.wantServed || attempts < tt.wantAttempts[0] || attempts > tt.wantAttempts[1] {
					t.Errorf("%d requests were served in %d attempts, want %d in %v", served, attempts, tt.wantServed, tt.wantAttempts)
				}
				if (refused > 0) != (tt.wantServed == 0) {
					t.Errorf("%d decisions name the retry budget", refused)
				}
			})
		})
	}
}

// Where health has found everything down, retries add little also to few requests, and what is
// well again is found all the same.
func TestRetryBudgetOfTheLastResort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &script{status: 503}
		g := newRig(t, map[string]*script{"a": {status: 503}, "b": b, "c": {status: 503}})
		down := HealthState{Status: HealthDown, Out: true}
		g.cfg.Health = &written{states: map[string]HealthState{"a": down, "b": down, "c": down}}
		for range 120 { // 2 a second
			_, _, _ = g.run(t, t.Context(), rigRequest(t, ""), false)
			time.Sleep(500 * time.Millisecond)
		}
		if n := len(g.ledger.all()); n < 120+6 || n > 120*12/10 {
			t.Errorf("120 requests are %d attempts, want 126 to 144", n)
		}
		*b = *works("x")
		served := 0
		for range 20 {
			if _, _, err := g.run(t, t.Context(), rigRequest(t, ""), false); err == nil {
				served++
			}
			time.Sleep(500 * time.Millisecond)
		}
		if served == 0 {
			t.Error("of 20 requests in 10 s none is served by what is well again")
		}
	})
}

// What is under way counts as much as what came before it failed.
func TestRetryWindow(t *testing.T) {
	overloaded := &attemptError{baseError: Errorf(CodeUpstreamOverloaded, "x"), retryable: true}
	invalid := &attemptError{baseError: Errorf(CodeInvalid, "x")}
	allowed := func(w *retryWindow, n int) (got int) {
		for range n {
			if w.allow(minRetries) {
				got++
			}
		}
		return got
	}
	tests := []struct {
		name     string
		requests int
		before   []error // outcomes of retries
		wait     time.Duration
		want     int // of 1,000 retries at once
	}{
		{"nothing is known", 0, nil, 0, 1000},
		{"all of them failed", 0, many(overloaded, 4), 0, 6},
		{"the floor is used up", 50, many(overloaded, 10), 0, 0},
		{"a tenth of many", 1000, many(overloaded, 60), 0, 40},
		{"half of them failed", 0, append(many(overloaded, 5), many(nil, 5)...), 0, 10},
		{"the caller's faults do not count", 0, many(invalid, 50), 0, 1000},
		{"it is forgotten after ten seconds", 0, many(overloaded, 50), 10 * time.Second, 1000},
		{"and not before", 0, many(overloaded, 50), 9 * time.Second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w retryWindow
				for range tt.requests {
					w.request()
				}
				for _, err := range tt.before {
					w.pending.Add(1)
					w.done(err)
				}
				time.Sleep(tt.wait)
				if got := allowed(&w, 1000); got != tt.want {
					t.Errorf("%d retries were allowed, want %d", got, tt.want)
				}
			})
		})
	}
}

func many(err error, n int) []error {
	list := make([]error, n)
	for i := range list {
		list[i] = err
	}
	return list
}

// A conversation that is too long goes only to a model that holds more.
func TestContextLengthFailover(t *testing.T) {
	t.Parallel()
	window := func(c *Catalogue, sizes map[string]int64) *Catalogue {
		var models []Model
		var prices []Price
		for _, m := range c.Models("") {
			m.ContextWindow = sizes[m.ID]
			models = append(models, m)
			prices = append(prices, Price{ProviderID: m.ProviderID, UpstreamID: m.UpstreamID})
		}
		return NewCatalogue(models, c.Providers(""), prices)
	}
	tooLong, tooLarge := failing(400, abi.ClassContextLength, 0), failing(429, abi.ClassContextLength, 0)
	tests := []struct {
		name     string
		a        *script
		sizes    map[string]int64
		want     string // model; "": nobody
		wantSkip string
	}{
		{"the larger one", tooLong, map[string]int64{"m-a": 100, "m-b": 100, "m-c": 200}, "m-c", "m-b context_too_small"},
		{"one of unknown size", tooLong, map[string]int64{"m-a": 100, "m-b": 100}, "m-c", "m-b context_too_small"},
		{"none is larger", tooLong, map[string]int64{"m-a": 100, "m-b": 100, "m-c": 50}, "", "m-c context_too_small"},
		{"the failed one's is unknown", tooLong, map[string]int64{"m-b": 100, "m-c": 50}, "m-b", ""},
		{"a limit of the account is not the window's", tooLarge, map[string]int64{"m-a": 100, "m-b": 100, "m-c": 200}, "m-b", ""},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				t.Parallel()
				g := newRig(t, map[string]*script{"a": tt.a, "b": works("b"), "c": works("c")})
				g.catalogue.Store(window(g.catalogue.Load(), tt.sizes))
				_, meta, err := g.run(t, t.Context(), rigRequest(t, ""), stream)
				if meta.Model != tt.want || (tt.want == "") != (CodeOf(err) == CodeContextLength) {
					t.Errorf("served by %q, %v, want %q", meta.Model, err, tt.want)
				}
				if !strings.Contains(meta.Decision, tt.wantSkip) {
					t.Errorf("decision = %q, want it to say %q", meta.Decision, tt.wantSkip)
				}
			})
		}
	}
}

// When all are busy the caller learns when the first of them can take it.
func TestShortestRetryAfter(t *testing.T) {
	t.Parallel()
	status := func(n, after int) *script {
		class := abi.ClassRateLimited
		if n == 503 {
			class = abi.ClassOverloaded
		}
		return failing(n, class, after)
	}
	tests := []struct {
		name string
		a, b *script
		code Code
		want time.Duration
	}{
		{"the first is sooner", status(429, 3), status(429, 20), CodeRateLimited, 3 * time.Second},
		{"the second is sooner", status(429, 20), status(429, 3), CodeRateLimited, 3 * time.Second},
		{"only one says", status(429, 20), status(503, 0), CodeUpstreamOverloaded, 20 * time.Second},
		{"nobody says", status(503, 0), status(503, 0), CodeUpstreamOverloaded, defaultRetryAfter},
		{"broken is not busy", status(429, 20), &script{status: 500}, CodeUpstreamFailed, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": tt.a, "b": tt.b})
			_, err := g.Complete(t.Context(), rigRequest(t, ""))
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.code || e.After != tt.want {
				t.Errorf("error = %v, want %s after %v", err, tt.code, tt.want)
			}
			var f *attemptError
			if !errors.As(err, &f) || f.After != tt.want {
				t.Errorf("the attempt's error = %v, want the same", err)
			}
		})
	}
}

// Four attempts are made, whoever is left, and between them nothing is waited for.
func TestAttemptsAreFour(t *testing.T) {
	for _, stream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			scripts := map[string]*script{}
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				scripts[id] = &script{status: 500}
			}
			scripts["e"] = works("from e")
			g, began := newRig(t, scripts), time.Now()
			_, meta, err := g.run(t, t.Context(), rigRequest(t, ""), stream)
			if CodeOf(err) != CodeUpstreamFailed || meta.Attempts != 4 || len(g.ledger.all()) != 4 {
				t.Errorf("%d attempts, %d rows, %v, want 4 and a failure", meta.Attempts, len(g.ledger.all()), err)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("four attempts took %v of waiting, want none", took)
			}
			g.closed(t)
		})
	}
}

// BenchmarkFailover is what a failed attempt costs the engine before the next one is
// sent: the difference between the two.
func BenchmarkFailover(b *testing.B) {
	for name, first := range map[string]*script{"served": works("x"), "failed over": {status: 500, body: `{"error":{"message":"x"}}`}} {
		b.Run(name, func(b *testing.B) {
			g := newRig(b, map[string]*script{"a": first, "b": works("x")})
			r := rigRequest(b, "")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Complete(context.Background(), r); err != nil {
					b.Fatal(err)
				}
				if len(g.ledger.rows) > 1000 {
					g.ledger.rows, g.asked = nil, nil
				}
			}
		})
	}
}
