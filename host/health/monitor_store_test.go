package health_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// openStore opens a store that has the providers of theCatalogue, and watches it for changes.
func openStore(t *testing.T, url string) engine.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range theCatalogue().AllProviders() {
		row := *p
		row.Name, row.Adapter, row.CreatedAt, row.UpdatedAt = row.ID, "openai", noon, noon
		if err := s.PutProvider(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { _ = s.Watch(ctx, func(int64) {}) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
		_ = s.Close()
	})
	return s
}

// eventually waits until it holds, and says how long that took.
func eventually(t *testing.T, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%s: not in 30 s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// Three processes on one Postgres, each with connections of its own.
func TestProcessesAgreeOnPostgres(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	var all []*watch
	for range 3 {
		all = append(all, newWatch(t, openStore(t, url), func(c *health.MonitorConfig) { c.ProbeEvery = time.Second }))
	}
	t.Cleanup(func() { // before their stores are closed
		for _, w := range all {
			w.stop()
		}
	})
	all[0].fail(5)
	took := eventually(t, "all know that the model is down", func() bool {
		for _, w := range all {
			if w.status().Status != engine.HealthDown {
				return false
			}
		}
		return true
	})
	t.Logf("down everywhere after %v", took)
	if _, err := all[1].SwitchHealth(t.Context(), root, mini, engine.HealthDrained, "maintenance"); err != nil {
		t.Fatal(err)
	}
	target := engine.HealthTarget(mini)
	took = eventually(t, "the switch is in force everywhere", func() bool {
		for _, w := range all {
			if !w.State(&target).Off {
				return false
			}
		}
		return true
	})
	t.Logf("drained everywhere after %v", took)
	// Probes come from one process, whichever it is, and all show what they found.
	probed := map[int]int{}
	eventually(t, "there are probes", func() bool {
		n := 0
		for i, w := range all {
			probed[i] += len(w.asker.took())
			n += probed[i]
		}
		return n >= 4
	})
	by := 0
	for _, n := range probed {
		if n > 0 {
			by++
		}
	}
	if by != 1 {
		t.Errorf("probes by process = %v, want those of one", probed)
	}
	sent := 0
	for _, w := range all {
		_, hooks := w.events()
		sent += count(hooks, engine.NoticeStatusChange+" gpt")
	}
	if sent != 1 {
		t.Errorf("%d processes sent the model's change to webhooks, want one", sent)
	}
}

// What was known holds again after a restart, on the embedded store.
func TestHealthSurvivesARestart(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "health.db")
	alone := func(c *health.MonitorConfig) { c.Alone, c.ProbeEvery = true, -1 }
	s := openStore(t, url)
	w := newWatch(t, s, alone)
	w.fail(5)
	before := w.status()
	if _, err := w.SwitchHealth(t.Context(), root, mini, engine.HealthDisabled, ""); err != nil {
		t.Fatal(err)
	}
	target := gptWith2
	pass, _ := w.Begin(&target, true)
	pass.Done(engine.HealthOutcome{Status: 200, Latency: 40 * time.Millisecond})
	w.stop()

	w = newWatch(t, s, alone)
	after := w.status()
	if after.Status != engine.HealthDown || after.RetryAt.Sub(before.RetryAt).Abs() > time.Millisecond || after.Reason == "" {
		t.Errorf("after a restart = %+v, want what was before: %+v", after, before)
	}
	disabled := engine.HealthTarget(mini)
	if !w.State(&disabled).Off {
		t.Error("what was disabled is asked after a restart")
	}
	list, _, err := w.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfModel})
	if err != nil || len(list[0].Cells) == 0 || list[0].LastError != "500 server: sad" {
		t.Fatalf("ListHealth() = %+v, %v, want the cells and the last error", list, err)
	}
	attempts := int64(0)
	for _, c := range list[0].Cells {
		attempts += c.Attempts
	}
	if attempts != 6 {
		t.Errorf("%d attempts in the cells, want 6", attempts)
	}
	moves, err := w.ListTransitions(t.Context(), root, "", "openai", 10)
	if err != nil || len(moves) < 2 || moves[len(moves)-1].Reason != engine.HealthConsecutive || moves[len(moves)-1].Subject != gpt {
		t.Errorf("ListTransitions() = %+v, %v, want how it went down first", moves, err)
	}
	w.stop()
}
