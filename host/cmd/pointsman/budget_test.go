package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// gate is a provider that keeps what reaches it waiting.
type gate struct {
	url     string
	reached atomic.Int64
	first   chan struct{} // closed by the first request
	open    chan struct{} // closed by the test
}

func newGate(t *testing.T) *gate {
	t.Helper()
	behind, err := url.Parse(newProvider(t).url)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{first: make(chan struct{}), open: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: behind.Scheme, Host: behind.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			if g.reached.Add(1) == 1 {
				close(g.first)
			}
			<-g.open
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL + behind.Path
	return g
}

// spend sends one request until it is answered or refused by a budget, and returns that
// status: 503 says that nobody could tell in time.
func (p *process) spend(client *http.Client) (status int, body string) {
	question := []byte(`{"model":"gpt-4o","models":[],"max_tokens":64,"messages":[{"role":"user","content":"What is a zebra?"}]}`)
	for deadline := time.Now().Add(2 * time.Minute); ; {
		req, err := http.NewRequest(http.MethodPost, p.url+"/v1/chat/completions", bytes.NewReader(question))
		if err != nil {
			return 0, err.Error()
		}
		req.Header.Set("Authorization", "Bearer "+p.key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, err.Error()
		}
		if resp.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return resp.StatusCode, string(text)
		}
	}
}

// A thousand requests at once on a budget for ten: ten reach the provider, whether one
// process serves them or three.
func TestBudgetHoldsUnderConcurrency(t *testing.T) {
	for name, c := range map[string]struct {
		database  string
		processes int
	}{"one process": {"sqlite", 1}, "three processes": {"postgres", 3}} {
		t.Run(name, func(t *testing.T) {
			const requests, allowed = 1000, 10
			g := newGate(t)
			admin := strings.Repeat("admin-", 5)
			env := append(databases(t)[c.database](t), "POINTSMAN_ADMIN_KEY="+admin, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+g.url)
			var processes []*process
			for range c.processes {
				p := serve(t, t.TempDir(), env...)
				p.key = admin
				processes = append(processes, p)
			}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: requests}}
			p := processes[0]
			status, _, made := p.call(http.MethodPost, "/api/v1/budgets", map[string]any{"id": "ten", "period": "month", "amount": "1000.00", "hard": true})
			if status != http.StatusCreated {
				t.Fatalf("create budget = %d %s", status, made)
			}
			// What one request holds while the provider thinks.
			var calls sync.WaitGroup
			var answered, refused atomic.Int64
			call := func(p *process) {
				calls.Go(func() {
					switch status, body := p.spend(client); {
					case status == http.StatusOK:
						answered.Add(1)
					case status == http.StatusTooManyRequests && strings.Contains(body, "budget_exceeded") && strings.Contains(body, "'ten'"):
						refused.Add(1)
					default:
						t.Errorf("a request was answered %d %s, want 200, or 429 naming the budget", status, body)
					}
				})
			}
			call(p)
			<-g.first
			held := p.heldOf(t, "ten")
			status, _, made = p.call(http.MethodPatch, "/api/v1/budgets/ten", map[string]any{"amount": engine.FormatUSD(allowed * held)})
			if status != http.StatusOK {
				t.Fatalf("change budget = %d %s", status, made)
			}
			for _, p := range processes {
				p.waitForAmount(t, "ten", engine.FormatUSD(allowed*held))
			}
			for i := range requests - 1 {
				call(processes[i%len(processes)])
			}
			for deadline := time.Now().Add(3 * time.Minute); refused.Load()+g.reached.Load() < requests && time.Now().Before(deadline) && !t.Failed(); {
				time.Sleep(10 * time.Millisecond)
			}
			close(g.open)
			calls.Wait()
			if got := g.reached.Load(); got != allowed {
				t.Errorf("%d of %d requests reached the provider on a budget for %d, want exactly those", got, requests, allowed)
			}
			if answered.Load() != g.reached.Load() || refused.Load() != requests-answered.Load() {
				t.Errorf("%d were answered and %d refused of %d", answered.Load(), refused.Load(), requests)
			}
			if c.processes > 1 {
				tokensHold(t, client, processes, env, answered.Load())
			}
		})
	}
}

// tokensHold sends more requests to processes that share one Postgres, after so many that
// were answered, than a bound on tokens per day lets through.
func tokensHold(t *testing.T, client *http.Client, processes []*process, env []string, answered int64) {
	t.Helper()
	var refused atomic.Int64
	var count sync.Mutex
	ask := func(p *process) (served bool) {
		status, body := p.spend(client)
		count.Lock()
		defer count.Unlock()
		switch {
		case status == http.StatusOK:
			answered++
			return true
		case status == http.StatusTooManyRequests && strings.Contains(body, "budget_exceeded") && strings.Contains(body, "'max_tokens_per_day'"):
			refused.Add(1)
		case status != http.StatusTooManyRequests || !strings.Contains(body, "'ten'"): // until its change is in force
			t.Errorf("a request was answered %d %s, want 200, or 429 naming the bound", status, body)
		}
		return false
	}
	bound := func(tokens int64) {
		status, _, body := processes[0].call(http.MethodPut, "/api/v1/preferences?level=account", map[string]any{"max_tokens_per_day": tokens})
		if status != http.StatusOK {
			t.Fatalf("bound tokens = %d %s", status, body)
		}
	}
	// A bound that is new begins with what the ledger has: rows of other processes that are on their
	// way then are not held against it. See host/cost/RATIONALE.md.
	rowsOf(t, env, answered)
	bound(1)
	if status, _, body := processes[0].call(http.MethodPatch, "/api/v1/budgets/ten", map[string]any{"amount": "1000.00"}); status != http.StatusOK {
		t.Fatalf("change budget = %d %s", status, body)
	}
	for _, p := range processes {
		p.waitForAmount(t, "ten", "1000.00")
		for before := refused.Load(); refused.Load() == before && !t.Failed(); {
			ask(p)
		}
	}
	rows := rowsOf(t, env, answered)
	const room = 1500
	most := tokensIn(rows) + room
	bound(most)
	for _, p := range processes {
		for deadline := time.Now().Add(time.Minute); !ask(p) && !t.Failed(); {
			if time.Now().After(deadline) {
				t.Fatal("a bound that was raised is not in force within a minute")
			}
		}
	}
	refused.Store(0)
	before := answered
	var calls sync.WaitGroup
	for i := range 240 {
		calls.Go(func() { ask(processes[i%len(processes)]) })
	}
	calls.Wait()
	if answered == before || refused.Load() == 0 {
		t.Errorf("%d requests were answered and %d refused, want some of each", answered-before, refused.Load())
	}
	if used := tokensIn(rowsOf(t, env, answered)); used > most {
		t.Errorf("%d tokens were used of %d", used, most)
	} else {
		t.Logf("%d tokens were used of %d, %d answers, %d refused", used, most, answered, refused.Load())
	}
}

// rowsOf waits until the ledger has so many rows of answers, and returns all rows.
func rowsOf(t *testing.T, env []string, answers int64) []engine.Usage {
	t.Helper()
	var s engine.Store
	for _, v := range env {
		if url, ok := strings.CutPrefix(v, "POINTSMAN_DATABASE_URL="); ok {
			opened, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			s = opened
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		rows := allUsage(t, s)
		got := int64(0)
		for _, u := range rows {
			if u.Outcome == engine.OutcomeOK {
				got++
			}
		}
		if got == answers {
			return rows
		}
		if time.Now().After(deadline) {
			t.Fatalf("the ledger has %d rows of answers, want %d", got, answers)
		}
	}
}

func tokensIn(rows []engine.Usage) (sum int64) {
	for _, u := range rows {
		sum += u.Tokens.Total()
	}
	return sum
}

type budgetView struct {
	Amount string
	State  struct{ Held, Spent string }
}

func (p *process) budget(t *testing.T, id string) (v budgetView) {
	t.Helper()
	status, _, body := p.call(http.MethodGet, "/api/v1/budgets/"+id, nil)
	if status == http.StatusServiceUnavailable {
		return v
	}
	if err := json.Unmarshal(body, &v); err != nil || status != http.StatusOK {
		t.Fatalf("budget %s = %d %s", id, status, body)
	}
	return v
}

// heldOf is what the one request in flight holds, in nano-USD. A process that could not tell in
// time what is left has more in hand until it looks after its budgets next: it is what stays.
func (p *process) heldOf(t *testing.T, id string) int64 {
	t.Helper()
	last := ""
	for same := 0; same < 15; time.Sleep(200 * time.Millisecond) {
		if held := p.budget(t, id).State.Held; held != last || held == "" {
			last, same = held, 0
		} else {
			same++
		}
	}
	held, err := engine.ParseUSD(last)
	if err != nil || held == 0 {
		t.Fatalf("held = %d, %v, want what the request may cost", held, err)
	}
	return held
}

// waitForAmount returns once the process has taken up a change.
func (p *process) waitForAmount(t *testing.T, id, amount string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); p.budget(t, id).Amount != amount; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the amount is not %s within a minute", amount)
		}
	}
}
