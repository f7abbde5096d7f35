package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// bounds are limits at several scopes and hard budgets that hold while processes are restarted: some
// that the traffic never reaches, whose leases change hands all the same, and one of each kind that a
// caller with a key of its own runs into.
type bounds struct {
	f     *fleet
	loads []*boundLoad
	stop  context.CancelFunc
	group sync.WaitGroup
}

// boundLoad is a caller that asks for more than its limit or budget lets through.
type boundLoad struct {
	load
	id, key  string
	every    time.Duration
	refusal  string // what it is refused with
	budget   int64  // nano-USD; 0: a limit
	sent     atomic.Int64
	ok       atomic.Int64
	failed   atomic.Int64 // neither answered nor refused
	first    atomic.Pointer[string]
	began    time.Time
	answered sync.Mutex // guards last
	last     time.Time  // when an answer came
}

func (f *fleet) create(path string, body, out any) {
	f.t.Helper()
	status, _, text := f.all[0].call(http.MethodPost, path, body)
	if status != http.StatusCreated {
		f.t.Fatalf("POST %s = %d, want 201\n%s", path, status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			f.t.Fatalf("POST %s = %s: %v", path, text, err)
		}
	}
}

// bound sets limits and budgets, and begins to run into them.
func (f *fleet) bound() *bounds {
	f.t.Helper()
	for id, limit := range map[string]map[string]any{
		"of-account": {"kind": "requests", "amount": 1_000_000, "window": "minute", "scope": map[string]any{}},
		"of-model":   {"kind": "tokens", "amount": 1_000_000_000, "window": "minute", "scope": map[string]any{"model": "gpt-4o"}},
		"of-places":  {"kind": "concurrency", "amount": 10_000, "scope": map[string]any{"provider": "openai"}},
	} {
		limit["id"] = id
		f.create("/api/v1/limits", limit, nil)
	}
	f.create("/api/v1/budgets", map[string]any{"id": "of-account", "period": "month", "amount": "1000000", "hard": true}, nil)
	b := &bounds{f: f}
	for _, l := range []*boundLoad{
		{id: "leased", load: load{amount: 600, burst: 60}, every: time.Second / 15, refusal: "rate_limit_exceeded"},
		{id: "exact", load: load{amount: 30, burst: 5, exact: true}, every: time.Second / 2, refusal: "rate_limit_exceeded"},
		{id: "spent", every: time.Second / 4, refusal: "budget_exceeded", budget: 1_000_000},
	} {
		var made struct {
			Secret string
			ID     string
		}
		f.create("/api/v1/keys", map[string]any{"name": l.id}, &made)
		l.key = made.Secret
		scope := map[string]any{"key_id": made.ID}
		if l.budget > 0 {
			f.create("/api/v1/budgets", map[string]any{"id": l.id, "period": "month", "amount": engine.FormatUSD(l.budget), "hard": true, "account_id": engine.DefaultAccount, "key_id": made.ID}, nil)
		} else {
			f.create("/api/v1/limits", map[string]any{"id": l.id, "account_id": engine.DefaultAccount, "kind": "requests", "amount": l.amount, "burst": l.burst, "window": "minute", "scope": scope}, nil)
		}
		b.loads = append(b.loads, l)
	}
	want := f.all[0].revision()
	for place, p := range f.all {
		for deadline := time.Now().Add(20 * time.Second); p.revision() < want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				f.t.Fatalf("process %d has not taken up the limits and budgets in 20 s", place)
			}
		}
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	b.stop = cancel
	f.t.Cleanup(cancel)
	for _, l := range b.loads {
		l.began = time.Now()
		b.group.Go(func() { l.run(ctx, f.url) })
	}
	return b
}

// revision is that of the configuration that the process has in force.
func (p *process) revision() int64 {
	p.t.Helper()
	_, _, text := p.call(http.MethodGet, "/metrics", nil)
	n, err := strconv.ParseFloat(firstMatch(string(text), `(?m)^pointsman_snapshot_revision (\S+)$`), 64)
	if err != nil {
		p.t.Fatalf("/metrics has no pointsman_snapshot_revision: %v", err)
	}
	return int64(n)
}

// run sends requests at a rate until ctx ends.
func (l *boundLoad) run(ctx context.Context, to string) {
	client := &http.Client{}
	var calls sync.WaitGroup
	defer calls.Wait()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.sent.Add(1)
		calls.Go(func() {
			why := l.ask(client, to)
			l.answered.Lock()
			l.last = time.Now()
			l.answered.Unlock()
			if why != "" {
				l.failed.Add(1)
				l.first.CompareAndSwap(nil, &why)
			}
		})
	}
}

// ask sends one request, and says what is wrong with an answer that is neither whole nor the refusal
// that the caller ran into.
func (l *boundLoad) ask(client *http.Client, to string) (why string) {
	req, err := http.NewRequest(http.MethodPost, to+"/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o","models":[],"max_tokens":20,"messages":[{"role":"user","content":"Well?"}]}`))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+l.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode == http.StatusOK && strings.Contains(string(text), "Yes."):
		l.ok.Add(1)
	case resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(string(text), l.refusal):
		return resp.Status + " " + string(text)
	}
	return ""
}

// end stops the loads.
func (b *bounds) end() (answered int64) {
	b.stop()
	b.group.Wait()
	for _, l := range b.loads {
		answered += l.ok.Load()
	}
	return answered
}

// audit holds what was let through against the limits and the budget, and the database's books against
// the ledger. The processes have ended: nobody holds anything.
func (b *bounds) audit() {
	t := b.f.t
	for _, l := range b.loads {
		lasted, ok := l.last.Sub(l.began), l.ok.Load()
		if n := l.failed.Load(); n > 0 {
			t.Errorf("%s: %d of %d requests were neither answered nor refused by it; the first: %s", l.id, n, l.sent.Load(), *l.first.Load())
		}
		spent := b.f.query("select coalesce(sum(spent), 0)::bigint from budget_windows where budget_id = 'spent'")
		may := l.budget
		if l.budget == 0 {
			// What was let through came in between: as many as the bucket had, and what flowed in.
			may = int64(l.burst) + int64(float64(l.amount)*lasted.Minutes())
			if ok > may || ok < may/2 {
				t.Errorf("%s: %d requests of %d were let through in %v, want at most %d and at least half", l.id, ok, l.sent.Load(), lasted, may)
			}
		} else if spent > may || ok == 0 || ok == l.sent.Load() {
			t.Errorf("%s: %d requests of %d were let through for %d nano-USD, want at most %d, and not all", l.id, ok, l.sent.Load(), spent, may)
		}
		t.Logf("%s: %d of %d requests were let through, %d failed; at most %d", l.id, ok, l.sent.Load(), l.failed.Load(), may)
	}
	for what, query := range map[string]string{
		"places and requests that leases hold":            "select coalesce(sum(held), 0)::bigint from limit_leases",
		"money that leases hold":                          "select coalesce(sum(held), 0)::bigint from budget_leases",
		"money that windows hold":                         "select coalesce(sum(held), 0)::bigint from budget_windows",
		"what the ledger has beyond the account's budget": "select (select coalesce(sum(cost_nano_usd), 0) from usage)::bigint - (select coalesce(sum(spent), 0) from budget_windows where budget_id = 'of-account')::bigint",
	} {
		if n := b.f.query(query); n != 0 {
			t.Errorf("after every process has stopped: %s is %d, want 0", what, n)
		}
	}
}
