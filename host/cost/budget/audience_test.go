package budget_test

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// A threshold tells whom its actions name, and nobody else.
func TestThresholdTellsWhomItNames(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]engine.Notice{
		engine.ActionEvent:   {NoWebhook: true},
		engine.ActionWebhook: {NoEvent: true},
	} {
		feed := engine.NewNoticeFeed(zerolog.Nop())
		g := newGuard(t, budget.Config{Notices: feed}, engine.Budget{
			AccountID: "acme", ID: "soft", Period: engine.PeriodMonth, NanoUSD: 100, Enabled: true,
			Thresholds: []engine.Threshold{{Percent: 50, Actions: []string{action}}},
		})
		u := call
		h, err := g.Hold(t.Context(), &u, 60)
		if err != nil {
			t.Fatal(err)
		}
		g.Settle(h, 60)
		g.Tick(t.Context(), true)
		notices, _, _ := feed.After(0)
		if len(notices) != 1 || notices[0].NoEvent != want.NoEvent || notices[0].NoWebhook != want.NoWebhook {
			t.Errorf("%s: notices = %+v, want one, NoEvent %v, NoWebhook %v", action, notices, want.NoEvent, want.NoWebhook)
		}
	}
}
