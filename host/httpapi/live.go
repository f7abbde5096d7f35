package httpapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// LiveService has today's sums as they are now.
type LiveService interface {
	// Follow keeps them fresh until stop is called.
	Follow() (stop func())
	// Totals returns an account's, "" for those of all accounts; ok is false while they are
	// not known. changed is closed when there may be others.
	Totals(accountID string) (totals engine.UsageTotals, ok bool, changed <-chan struct{})
}

// noLive knows no totals.
type noLive struct{}

func (noLive) Follow() (stop func()) { return func() {} }
func (noLive) Totals(string) (engine.UsageTotals, bool, <-chan struct{}) {
	return engine.UsageTotals{}, false, nil
}

type (
	// totalSums are sums of today.
	totalSums struct {
		Requests    int64   `json:"requests"`
		Attempts    int64   `json:"attempts"`
		Errors      int64   `json:"errors"`
		Prompt      int64   `json:"prompt_tokens"`
		Completion  int64   `json:"completion_tokens"`
		CostNanoUSD int64   `json:"cost_nano_usd"`
		CostUSD     string  `json:"cost_usd"`
		Premium     float64 `json:"premium_requests"`
	}
	modelTotals struct {
		Model string `json:"model"`
		totalSums
	}
	// totals is the event usage.totals.
	totals struct {
		AccountID string        `json:"account_id"` // "": all
		Day       string        `json:"day"`        // in UTC
		Total     totalSums     `json:"total"`
		Models    []modelTotals `json:"models"` // by id
		// OverheadUS is what this process itself took for 95 of 100 requests of the last minutes, of
		// all accounts; left out while there are none.
		OverheadUS int64 `json:"overhead_p95_us,omitempty"`
	}
)

func shownTotalSums(s engine.UsageSums) totalSums {
	return totalSums{s.Requests, s.Attempts, s.Errors, s.Prompt, s.Completion, s.CostNanoUSD, engine.FormatUSD(s.CostNanoUSD), float64(s.PremiumUse) / 100}
}

// totalsFeed is the totals that one stream is sent. One goroutine uses it.
type totalsFeed struct {
	live    LiveService
	own     func() (p95 time.Duration, n int64)
	account string // "": all
	sent    []byte
	stop    func()
}

// followTotals begins the feed of what the principal may see. stop must be called.
func (s *Server) followTotals(p engine.Principal) *totalsFeed {
	return &totalsFeed{live: s.cfg.Live, own: s.cfg.Overhead, account: totalsOf(p), stop: s.cfg.Live.Follow()}
}

func totalsOf(p engine.Principal) string {
	if p.Role == engine.RoleSuperAdmin {
		return ""
	}
	return p.AccountID
}

// of reports whether the principal may still see them: it may have become less.
func (f *totalsFeed) of(p engine.Principal) bool { return totalsOf(p) == f.account }

// next returns totals that were not sent, nil when there are none until changed is closed.
func (f *totalsFeed) next() (text []byte, changed <-chan struct{}, err error) {
	t, ok, changed := f.live.Totals(f.account)
	if !ok {
		return nil, changed, nil
	}
	shown := totals{AccountID: f.account, Day: t.Day.Format("2006-01-02"), Total: shownTotalSums(t.Total), Models: []modelTotals{}}
	for _, id := range slices.Sorted(maps.Keys(t.Models)) {
		shown.Models = append(shown.Models, modelTotals{id, shownTotalSums(t.Models[id])})
	}
	if p95, n := f.own(); n > 0 {
		shown.OverheadUS = p95.Microseconds()
	}
	if text, err = json.Marshal(shown); err != nil || bytes.Equal(text, f.sent) {
		return nil, changed, err
	}
	f.sent = text
	return text, changed, nil
}
