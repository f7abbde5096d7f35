package budget

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// mark is a threshold of a counter, in money.
type mark struct {
	engine.Threshold
	nano    int64
	stop    bool
	cheaper bool
	told    int64 // the alert window in which it was told of
	reached int64 // the alert window in which it was reached
}

func marksOf(b *engine.Budget) []mark {
	marks := make([]mark, len(b.Thresholds))
	for i, t := range b.Thresholds {
		marks[i] = mark{
			Threshold: t, nano: percentOf(b.NanoUSD, int64(t.Percent)),
			stop: slices.Contains(t.Actions, engine.ActionStop), cheaper: slices.Contains(t.Actions, engine.ActionPreferCheaper),
			told: math.MinInt64, reached: math.MinInt64,
		}
	}
	return marks
}

// percentOf is that part of an amount, at least 1, within an int64.
func percentOf(amount, percent int64) int64 {
	if amount/100 > math.MaxInt64/percent {
		return math.MaxInt64
	}
	return max(add(amount/100*percent, amount%100*percent/100), 1)
}

func sameThresholds(a, b []engine.Threshold) bool {
	return slices.EqualFunc(a, b, func(a, b engine.Threshold) bool {
		return a.Percent == b.Percent && a.Projected == b.Projected && slices.Equal(a.Actions, b.Actions)
	})
}

// mark notes which thresholds are reached by what is spent. c.mu is held.
func (c *counter) mark() {
	if len(c.marks) == 0 || len(c.cells) == 0 {
		return
	}
	spent := c.spent()
	s := spanAt(c.b.Period, c.cells[len(c.cells)-1].start)
	for i := range c.marks {
		if m := &c.marks[i]; !m.Projected && spent >= m.nano {
			c.reach(m, s)
		}
	}
}

func (c *counter) reach(m *mark, s span) {
	window, end := alertWindow(c.b.Period, s), alertEnd(c.b.Period, s)
	m.reached = window
	if m.stop {
		c.stop = end
	}
	if m.cheaper {
		c.cheaper = end
	}
	c.untold = c.untold || m.told != window
}

// settleIn is the part of a window before which nothing is projected: the first few requests
// say nothing of the rest.
const settleIn = 20

// projected is what the window's spending comes to at its end at this rate. c.mu is held.
func (c *counter) projected(now int64) int64 {
	spent := c.spent()
	if len(c.cells) == 0 || rolls(c.b.Period) {
		return spent
	}
	s := spanAt(c.b.Period, c.cells[len(c.cells)-1].start)
	gone, whole := now-s.from, s.end-s.from
	if gone < whole/settleIn || spent <= 0 {
		return spent
	}
	p := float64(spent) * float64(whole) / float64(min(gone, whole))
	return int64(min(p, most))
}

// tell stores the thresholds that were reached, and publishes those that nobody had stored.
func (g *Guard) tell(ctx context.Context, x *index) {
	now := g.cfg.Now()
	for i := range x.all {
		c := x.all[i].c
		if len(x.all[i].b.Thresholds) == 0 {
			continue
		}
		for _, a := range c.alerts(now) {
			fired := true
			if g.cfg.Alerts != nil {
				var err error
				if fired, err = g.cfg.Alerts.AddBudgetAlert(ctx, a); err != nil {
					if ctx.Err() == nil {
						g.cfg.Log.Warn().Err(err).Str("budget", a.BudgetID).Msg("an alert is not stored, it will be again")
					}
					continue
				}
			}
			c.told(a)
			event, webhook := slices.Contains(a.Threshold.Actions, engine.ActionEvent), slices.Contains(a.Threshold.Actions, engine.ActionWebhook)
			if fired && (event || webhook) {
				g.cfg.Notices.Publish(engine.Notice{
					At: now, Kind: engine.NoticeBudgetThreshold, AccountID: a.AccountID, Subject: a.BudgetID, Message: text(a),
					NoEvent: !event, NoWebhook: !webhook,
				})
			}
		}
	}
}

func text(a engine.BudgetAlert) string {
	verb := "has used"
	if a.Threshold.Projected {
		verb = "is on its way to"
	}
	return fmt.Sprintf("The budget '%s' %s %d %% of its %s dollars: %s.", a.BudgetID, verb, a.Threshold.Percent, engine.FormatUSD(a.NanoUSD), engine.FormatUSD(max(a.Spent, 0)))
}

// alerts are those that are reached and not told of.
func (c *counter) alerts(now time.Time) (list []engine.BudgetAlert) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cells) == 0 {
		return nil
	}
	c.untold = false
	ms := now.UnixMilli()
	s := spanAt(c.b.Period, c.cells[len(c.cells)-1].start)
	window := alertWindow(c.b.Period, s)
	spent, projected := c.spent(), c.projected(ms)
	for i := range c.marks {
		m := &c.marks[i]
		amount := spent
		if m.Projected {
			if amount = projected; amount >= m.nano && ms < s.end {
				c.reach(m, s)
			}
		}
		if m.reached != window || m.told == window {
			continue
		}
		list = append(list, engine.BudgetAlert{
			AccountID: c.b.AccountID, BudgetID: c.b.ID, TeamID: c.b.TeamID, UserID: c.b.UserID, KeyID: c.b.KeyID, ModelID: c.b.ModelID,
			WindowStart: time.UnixMilli(window).UTC(), Threshold: m.Threshold, NanoUSD: c.b.NanoUSD, Spent: amount, FiredAt: now.UTC(),
		})
	}
	c.untold = false
	return list
}

// told notes that an alert is stored.
func (c *counter) told(a engine.BudgetAlert) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.marks {
		if m := &c.marks[i]; m.Percent == a.Threshold.Percent && m.Projected == a.Threshold.Projected {
			m.told = a.WindowStart.UnixMilli()
		}
	}
}
