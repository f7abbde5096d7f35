package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// shownTotals is a usage.totals event.
type shownTotals struct {
	AccountID string `json:"account_id"`
	Day       string
	Total     struct {
		Requests, Errors int64
		Nano             int64  `json:"cost_nano_usd"`
		USD              string `json:"cost_usd"`
	}
	Models []struct {
		Model    string
		Requests int64
	}
}

// nextTotals reads the next totals of a stream.
func nextTotals(t *testing.T, r *bufio.Reader) (x shownTotals) {
	t.Helper()
	for {
		event := nextEvent(r)
		if event == "" {
			t.Fatal("the stream has ended")
		}
		if text, ok := strings.CutPrefix(event, "event: usage.totals\ndata: "); ok {
			if err := json.Unmarshal([]byte(text), &x); err != nil {
				t.Fatalf("%v in %q", err, event)
			}
			return x
		}
	}
}

// Totals come as rows settle, before and after the database has them, and are never more
// than was settled. Those of other processes come with the next reading of the database.
func TestLiveTotals(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 0)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.live.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	row := func(account string, n int) engine.Usage {
		return engine.Usage{AccountID: account, ID: fmt.Sprintf("%s-%04d", account, n), ModelID: "gpt-5", Attempt: 1, CostNanoUSD: 1000, Outcome: engine.OutcomeOK, StartedAt: testNow}
	}
	// What an earlier process left, and what yesterday cost.
	old := row("acme", 9999)
	old.StartedAt = testNow.AddDate(0, 0, -1)
	s.add(old, row("acme", 0))
	boss, super := s.follow(s.keys["acme/boss"]), s.follow(s.super)
	if x := nextTotals(t, boss); x.AccountID != "acme" || x.Day != "2026-11-22" || x.Total.Requests != 1 || x.Total.USD != "0.000001" || len(x.Models) != 1 || x.Models[0].Model != "gpt-5" {
		t.Fatalf("first totals = %+v, want what is stored of today", x)
	}
	const rows = 400
	ledger := s.live.Store(s.store)
	running.Go(func() {
		for i := 1; i <= rows; i++ {
			u, theirs := row("acme", i), row("rival", i)
			s.live.Settled(&u)
			s.live.Settled(&theirs)
			if i%7 == 0 || i == rows {
				var batch []engine.Usage
				for j := i - (i-1)%7; j <= i; j++ {
					batch = append(batch, row("acme", j), row("rival", j))
				}
				if err := ledger.AddUsage(ctx, batch); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for last := int64(1); last < rows+1; {
		x := nextTotals(t, boss)
		if x.Total.Requests < last || x.Total.Requests > rows+1 || x.Total.Nano != 1000*x.Total.Requests {
			t.Fatalf("totals = %+v after %d, want them to rise to %d", x.Total, last, rows+1)
		}
		last = x.Total.Requests
	}
	for x := nextTotals(t, super); x.Total.Requests != 2*rows+1; x = nextTotals(t, super) {
		if x.AccountID != "" || x.Total.Requests > 2*rows+1 {
			t.Fatalf("totals of all = %+v, want no more than %d", x, 2*rows+1)
		}
	}
	// Settled, and the database is away.
	pending := row("acme", rows+1)
	pending.Outcome = engine.OutcomeFailed
	s.live.Settled(&pending)
	if x := nextTotals(t, boss); x.Total.Requests != rows+2 || x.Total.Errors != 1 {
		t.Errorf("totals = %+v, want the row that waits, too", x.Total)
	}
	// Another process writes.
	s.add(row("acme", rows+2))
	if x := nextTotals(t, boss); x.Total.Requests != rows+3 {
		t.Errorf("totals = %+v, want what another process settled, too", x.Total)
	}
	// A new day begins at nothing.
	s.at(testNow.AddDate(0, 0, 1))
	if x := nextTotals(t, boss); x.Day != "2026-11-23" || x.Total.Requests != 0 {
		t.Errorf("totals = %+v, want a new day", x)
	}
}
