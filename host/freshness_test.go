package host

import (
	"testing"
	"testing/synctest"
	"time"

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
