package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var hammerTests = []test{
	{"one of many creators wins", hammerCreate},
	{"no update is lost", hammerUpdate},
	{"one version is active at any instant", hammerActivate},
	{"a usage row added by many is stored once", hammerUsage},
}

const writers = 8

// crowd runs one function in many goroutines at once, on two stores if the
// database is shared, and ends the test when any fails.
func crowd(t *testing.T, d Database, run func(s engine.Store, n int) error) engine.Store {
	t.Helper()
	stores := []engine.Store{open(t, d)}
	if d.shared {
		stores = append(stores, open(t, d))
	}
	errs := make([]error, writers)
	var group sync.WaitGroup
	for n := range writers {
		group.Go(func() { errs[n] = run(stores[n%len(stores)], n) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return stores[0]
}

func hammerCreate(t *testing.T, d Database) {
	const rules = 10
	wins := make([]int, writers)
	s := crowd(t, d, func(s engine.Store, n int) error {
		for i := range rules {
			err := s.CreateRule(t.Context(), plainRule("a", fmt.Sprint(i)))
			switch {
			case err == nil:
				wins[n]++
			case !errors.Is(err, engine.ErrConflict):
				return fmt.Errorf("CreateRule(%d) = %w, want nil or %w", i, err, engine.ErrConflict)
			}
		}
		return nil
	})
	total := 0
	for _, w := range wins {
		total += w
	}
	if total != rules {
		t.Errorf("CreateRule() of %d rules succeeded %d times", rules, total)
	}
	wantRevision(t, s, 0, rules)
}

func hammerUpdate(t *testing.T, d Database) {
	const each = 8
	first := d.Open(t, never)
	must(t, "CreateRule()", first.CreateRule(t.Context(), plainRule("a", "r")))
	must(t, "Close()", first.Close())
	s := crowd(t, d, func(s engine.Store, n int) error {
		for done := 0; done < each; {
			r, err := s.GetRule(t.Context(), "a", "r")
			if err != nil {
				return err
			}
			was := r.UpdatedAt
			r.Priority++
			r.UpdatedAt = was.Add(time.Millisecond)
			switch err := s.UpdateRule(t.Context(), r, was); {
			case err == nil:
				done++
			case !errors.Is(err, engine.ErrConflict):
				return fmt.Errorf("UpdateRule() = %w, want nil or %w", err, engine.ErrConflict)
			}
		}
		return nil
	})
	r, err := s.GetRule(t.Context(), "a", "r")
	must(t, "GetRule()", err)
	if r.Priority != writers*each {
		t.Errorf("GetRule().Priority = %d after %d updates of +1", r.Priority, writers*each)
	}
	wantRevision(t, s, 1, writers*each)
}

func hammerActivate(t *testing.T, d Database) {
	first := d.Open(t, never)
	for n := range writers {
		p := plainPlugin("a", "p", fmt.Sprint(n))
		p.Active = true
		must(t, "CreatePlugin()", first.CreatePlugin(t.Context(), p))
	}
	must(t, "Close()", first.Close())
	crowd(t, d, func(s engine.Store, n int) error {
		for i := range 8 {
			if n%2 == 0 {
				if err := s.ActivatePlugin(t.Context(), "a", "p", fmt.Sprint((n+i)%writers)); err != nil {
					return err
				}
				continue
			}
			all, err := s.ListPlugins(t.Context())
			if err != nil {
				return err
			}
			active := 0
			for _, p := range all {
				if p.Active {
					active++
				}
			}
			if active != 1 || len(all) != writers {
				return fmt.Errorf("ListPlugins() has %d active versions of %d, want 1 of %d", active, len(all), writers)
			}
		}
		return nil
	})
}

func hammerUsage(t *testing.T, d Database) {
	const rows = 200
	s := crowd(t, d, func(s engine.Store, n int) error {
		batch := make([]engine.Usage, rows)
		for i := range batch {
			batch[i] = plainUsage("a", fmt.Sprintf("%03d", i), int64(i))
		}
		if n%2 == 1 {
			slices.Reverse(batch) // opposite orders, which could lock each other out
		}
		for part := range slices.Chunk(batch, rows/4) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			err := s.AddUsage(ctx, part)
			cancel()
			if err != nil {
				return err
			}
		}
		return nil
	})
	got, err := s.ListUsage(t.Context(), "a", "", 1000)
	must(t, "ListUsage()", err)
	if len(got) != rows {
		t.Errorf("ListUsage() has %d rows, want %d", len(got), rows)
	}
	report, err := s.Report(t.Context(), daily())
	must(t, "Report()", err)
	if len(report) != 1 || report[0].Attempts != rows {
		t.Errorf("Report() = %s, want %d attempts", show(report), rows)
	}
}
