package cost

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// forgetful notes what it is told to forget.
type forgetful struct {
	mu    sync.Mutex
	calls []time.Time
	sums  map[engine.Grain]time.Time
	err   error
}

func (f *forgetful) DropUsage(_ context.Context, rows time.Time, sums map[engine.Grain]time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.sums = append(f.calls, rows), sums
	return f.err
}

func (f *forgetful) is(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// alone runs every job.
type alone struct{}

func (alone) TryJob(ctx context.Context, _ string, job func(context.Context) error) (bool, error) {
	return true, job(ctx)
}

func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, f := time.Now(), &forgetful{}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Retention{Store: f, Lock: alone{}, Kept: 48 * time.Hour}.Run(ctx)
		}()
		synctest.Wait()
		f.is(errors.New("away"))
		time.Sleep(retainEvery)
		synctest.Wait()
		f.is(nil)
		time.Sleep(retainRetry)
		synctest.Wait()
		stop()
		<-ended
		want := []time.Duration{0, retainEvery, retainEvery + retainRetry}
		if len(f.calls) != len(want) {
			t.Fatalf("rows were forgotten %d times, want %d: at once, each hour, and a minute after a failure", len(f.calls), len(want))
		}
		for i, after := range want {
			if at := began.Add(after - 48*time.Hour); !f.calls[i].Equal(at) {
				t.Errorf("call %d forgets what is before %v, want %v", i, f.calls[i], at)
			}
		}
		if _, ok := f.sums[engine.GrainDay]; ok || len(f.sums) != 2 {
			t.Errorf("sums forgotten: %v, want those by minute and hour; days are kept for ever", f.sums)
		}
	})
}
