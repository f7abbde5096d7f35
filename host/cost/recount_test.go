package cost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// nightly notes what is recounted.
type nightly struct {
	mu      sync.Mutex
	days    []string
	wrong   int64
	err     error
	setting string
	repairs []budget.Repair
}

func (n *nightly) RecountUsage(_ context.Context, day time.Time, grains []engine.Grain) (engine.UsageRecount, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.days = append(n.days, fmt.Sprint(day.Format(time.DateOnly), " ", len(grains)))
	return engine.UsageRecount{Rows: 9, Sums: 5, Repaired: n.wrong}, n.err
}

func (n *nightly) Recount(context.Context) ([]budget.Repair, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.repairs, nil
}

// set changes what comes of the next night.
func (n *nightly) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func (n *nightly) GetSetting(context.Context, string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.setting == "" {
		return "", engine.ErrNotFound
	}
	return n.setting, nil
}

func (n *nightly) PutSetting(_ context.Context, _, value string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setting = value
	return nil
}

func TestRecountIsNightlyAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // from midnight of 2000-01-01 on
		n, feed := &nightly{}, engine.NewNoticeFeed(zerolog.Nop())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Recounter{Store: n, Lock: alone{}, Settings: n, Budgets: []BudgetRecounter{n}, Notices: feed}.Run(ctx)
		}()
		days := func(doing string, want ...string) {
			t.Helper()
			synctest.Wait()
			n.mu.Lock()
			defer n.mu.Unlock()
			if got := strings.Join(n.days, ", "); got != strings.Join(want, ", ") {
				t.Errorf("%s: days = %s, want %s", doing, got, strings.Join(want, ", "))
			}
			n.days = nil
		}
		time.Sleep(time.Hour + 59*time.Minute)
		days("before two o'clock")
		time.Sleep(2 * time.Minute)
		days("the first night", "1999-12-30 3", "1999-12-31 3")
		time.Sleep(20 * time.Hour)
		days("until midnight")
		n.set(func() {
			n.wrong, n.err = 2, errors.New("away")
			n.repairs = []budget.Repair{
				{Budget: engine.Budget{AccountID: "acme", ID: "day"}, Amount: 1_500_000_000}, {Budget: engine.Budget{AccountID: "acme", ID: engine.TokenBudget}, Amount: -7},
			}
		})
		time.Sleep(4*time.Hour + time.Minute)
		days("a night without a database", "1999-12-31 3")
		n.set(func() { n.err = nil })
		time.Sleep(recountEvery)
		days("it again", "1999-12-31 3", "2000-01-01 3")
		notices, _, _ := feed.After(0)
		var told []string
		for _, x := range notices {
			if x.Kind != engine.NoticeLedgerRepaired {
				t.Errorf("a notice is of the kind %s", x.Kind)
			}
			told = append(told, x.AccountID+"/"+x.Subject+": "+x.Message)
		}
		want := []string{
			"/1999-12-31: 2 of 5 sums over the usage of 1999-12-31 were not those of its 9 rows. They are repaired.",
			"/2000-01-01: 2 of 5 sums over the usage of 2000-01-01 were not those of its 9 rows. They are repaired.",
			"acme/day: The budget 'day' counted 1.50 dollars too little. It is repaired.",
			"acme/max_tokens_per_day: The budget 'max_tokens_per_day' counted 7 tokens too much. It is repaired.",
		}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("notices are\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
		n.set(func() { n.wrong, n.repairs, n.setting = 0, nil, "1999-12-01" }) // it was off for a month
		time.Sleep(recountEvery)
		synctest.Wait()
		stop()
		<-ended
		if len(n.days) != recountDays {
			t.Errorf("after a month, %d days are recounted, want %d", len(n.days), recountDays)
		}
	})
}
