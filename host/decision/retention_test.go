package decision

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// forgetter is a DecisionStore and a JobLock that notes what is to be forgotten.
type forgetter struct {
	engine.DecisionStore
	mu     sync.Mutex
	jobs   []string
	asked  []map[string]time.Time
	broken bool
}

func (f *forgetter) TryJob(ctx context.Context, name string, job func(context.Context) error) (bool, error) {
	f.mu.Lock()
	f.jobs = append(f.jobs, name)
	f.mu.Unlock()
	return true, job(ctx)
}

func (f *forgetter) DeleteDecisionsBefore(_ context.Context, before time.Time, accounts map[string]time.Time) error {
	all := map[string]time.Time{"": before}
	for id, at := range accounts {
		all[id] = at
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, all)
	if f.broken {
		return errors.New("away")
	}
	return nil
}

func (f *forgetter) breaks(broken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

// calls are those so far.
func (f *forgetter) calls() []map[string]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &forgetter{}
		l := NewLog(f, Config{})
		l.Set([]engine.DecisionSettings{{Share: 1, Days: 30}, {AccountID: "short", Days: 1}, {AccountID: "long", Days: 90}})
		now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			Retention{Store: f, Lock: f, Kept: l.Kept, Now: func() time.Time { return now }}.Run(ctx)
		}()
		synctest.Wait()
		day := 24 * time.Hour
		want := map[string]time.Time{"": now.Add(-30 * day), "short": now.Add(-day), "long": now.Add(-90 * day)}
		if asked := f.calls(); len(asked) != 1 || !reflect.DeepEqual(asked[0], want) {
			t.Errorf("forgotten at the start: %v, want %v", asked, want)
		}
		f.breaks(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		f.breaks(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(f.calls()); n != 3 {
			t.Errorf("asked %d times within an hour and a minute, want again after an hour and, as that failed, a minute", n)
		}
		stop()
		<-done
		if f.jobs[0] != "decision retention" {
			t.Errorf("the job is named %q", f.jobs[0])
		}
	})
}
