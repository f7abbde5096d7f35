package host

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/tenancy"
)

func TestFreshness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f freshness
		var told []tenancy.Age
		f.begin(tenancy.NewKeys(nil, nil), time.Minute, func(a tenancy.Age, _ time.Time) { told = append(told, a) })
		defer f.stop()
		f.confirm(time.Now())
		want := func(when string, age tenancy.Age, times int) {
			t.Helper()
			synctest.Wait()
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.age != age || len(told) != times {
				t.Errorf("%s: age = %d, told %v, want %d, told %d times", when, f.age, told, age, times)
			}
		}
		want("at first", tenancy.Fresh, 0)
		for range 5 {
			time.Sleep(59 * time.Second)
			f.confirm(time.Now())
		}
		want("confirmed in time", tenancy.Fresh, 0)
		f.doubt()
		f.doubt()
		want("unanswered", tenancy.Old, 1)
		f.confirm(time.Now())
		want("answered again", tenancy.Fresh, 2)
		asked := time.Now()
		time.Sleep(30 * time.Second)
		f.confirm(asked) // the answer was slow
		time.Sleep(30*time.Second - time.Millisecond)
		want("a minute, all but, after a slow answer's question", tenancy.Fresh, 2)
		time.Sleep(time.Millisecond)
		want("a minute after it", tenancy.Stale, 3)
		f.doubt()
		want("unanswered when it is stale", tenancy.Stale, 3)
		f.confirm(asked.Add(-time.Second))
		want("an answer older than the last one", tenancy.Stale, 3)
		f.confirm(time.Now())
		want("answered at last", tenancy.Fresh, 4)
		time.Sleep(time.Minute)
		want("silent from then on", tenancy.Stale, 5)
	})
}

// Without a bound nothing ages: the database is embedded.
func TestFreshnessWithoutABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f freshness
		f.confirm(time.Now())
		f.doubt()
		time.Sleep(24 * time.Hour)
		if f.age != tenancy.Fresh || f.end != nil {
			t.Errorf("age = %d, timer %v, want it fresh and no timer", f.age, f.end)
		}
	})
}

// brokenStore is a store that panics.
type brokenStore struct{ engine.Store }

func (brokenStore) Revision(context.Context) (int64, error) { panic("broken") }

// Keys end that nobody confirmed: neither what the connection that listens tells, of which nobody
// knows how old it is, nor a panic where the store is asked, keeps them.
func TestFreshnessEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(t *testing.T, h *Host)
	}{
		{"a poll or a notification that tells of nothing new", func(_ *testing.T, h *Host) { h.changed(h.revision.Load()) }},
		{"a panic", func(t *testing.T, h *Host) {
			if engine.Contain(zerolog.Nop(), "age of keys", func() { h.confirm(t.Context()) }) == nil {
				t.Error("confirm() with a broken store = nil, want its panic")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &Host{store: brokenStore{}}
				h.fresh.begin(tenancy.NewKeys(nil, nil), time.Minute, func(tenancy.Age, time.Time) {})
				defer h.fresh.stop()
				h.fresh.confirm(time.Now())
				time.Sleep(30 * time.Second)
				c.do(t, h)
				time.Sleep(30 * time.Second)
				synctest.Wait()
				h.fresh.mu.Lock()
				defer h.fresh.mu.Unlock()
				if h.fresh.age != tenancy.Stale {
					t.Errorf("age = %d, want %d", h.fresh.age, tenancy.Stale)
				}
			})
		})
	}
}

// lateStore answers late.
type lateStore struct{ engine.Store }

func (lateStore) Revision(ctx context.Context) (int64, error) {
	select {
	case <-time.After(2 * confirmEvery):
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// A store that answers late confirms keys as of its question, and is doubted meanwhile.
func TestFreshnessOfALateAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []tenancy.Age
		h := &Host{store: lateStore{}}
		h.fresh.begin(tenancy.NewKeys(nil, nil), time.Minute, func(a tenancy.Age, _ time.Time) { told = append(told, a) })
		defer h.fresh.stop()
		h.confirmOnce(t.Context(), confirmEvery)
		synctest.Wait()
		h.fresh.mu.Lock()
		defer h.fresh.mu.Unlock()
		if want := []tenancy.Age{tenancy.Old, tenancy.Fresh}; !slices.Equal(told, want) || time.Since(h.fresh.last) != 2*confirmEvery {
			t.Errorf("told %v, confirmed %v ago, want %v, %v", told, time.Since(h.fresh.last), want, 2*confirmEvery)
		}
	})
}
