package cost

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

const (
	liveEvery    = time.Second     // between two notices to those who follow
	liveRefresh  = 5 * time.Second // between two readings of the store's sums
	liveTimeout  = 4 * time.Second // for one
	maxPending   = 100_000         // rows that wait for the store and are counted
	maxLiveRows  = 20_000          // pairs of account and model
	maxLiveModel = 300             // of an account
)

// LiveConfig is what a Live is made of. Reports is required.
type LiveConfig struct {
	Reports engine.ReportStore
	// Flush hands every row settled so far to the store, as Ledger.Flush does. With it, rows are
	// counted only while somebody follows. nil: always.
	Flush   func(context.Context) error
	Now     func() time.Time // nil: time.Now
	Every   time.Duration    // 0: 1 s
	Refresh time.Duration    // 0: 5 s
	Log     zerolog.Logger
}

// Live keeps the sums of today, in UTC, for those who follow them: the store's, which have
// what other processes spent, and on top what this process settled since they were read. A row
// counts once: see RATIONALE.md, "How is nothing counted twice live?". While nobody follows, a
// row costs one look at a flag.
//
// Give Settled to the ledger, and Store as its store; let Run refresh it. Safe for concurrent use.
type Live struct {
	cfg   LiveConfig
	turn  chan struct{} // 1 slot: either rows are written or sums are read
	awake chan struct{} // 1 slot: somebody began to follow
	// counting is whether settled rows are taken note of. Set under mu.
	counting atomic.Bool

	mu        sync.Mutex
	followers int
	day       time.Time             // whose sums these are
	base      map[liveKey]liveSums  // the store's; nil: not read
	readAt    time.Time             // when base was
	delta     map[liveKey]liveSums  // settled here, and not in base
	pending   map[string]pendingRow // by id: settled here, and not yet in the store
	dirty     bool
	totals    map[string]engine.UsageTotals // by account, as of the last tick; made when asked for
	changed   chan struct{}                 // closed with the next tick that has news
}

type (
	liveKey    struct{ account, model string }
	liveSums   = engine.UsageSums
	pendingRow struct {
		key  liveKey
		day  time.Time
		sums liveSums
	}
)

// NewLive returns one that has counted nothing.
func NewLive(cfg LiveConfig) *Live {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Every <= 0 {
		cfg.Every = liveEvery
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = liveRefresh
	}
	v := &Live{
		cfg: cfg, turn: make(chan struct{}, 1), awake: make(chan struct{}, 1), changed: make(chan struct{}),
		delta: map[liveKey]liveSums{}, pending: map[string]pendingRow{},
	}
	v.counting.Store(cfg.Flush == nil)
	return v
}

// Settled counts a row that the store does not have yet. It is for Config.Settled.
func (v *Live) Settled(u *engine.Usage) {
	if !v.counting.Load() {
		return
	}
	row := engine.ReportRow{}
	row.Add(u)
	p := pendingRow{liveKey{u.AccountID, u.ModelID}, dayOf(u.StartedAt), row.Live()}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.counting.Load() {
		return // the last one who followed left meanwhile
	}
	if _, twice := v.pending[u.ID]; twice || len(v.pending) >= maxPending {
		return // the latter count when the store has them
	}
	v.pending[u.ID] = p
	if p.day.Equal(v.day) {
		v.add(p)
		v.dirty = true
	}
}

// add counts what is not in base. The caller holds mu.
func (v *Live) add(p pendingRow) {
	sums, known := v.delta[p.key]
	if !known && len(v.delta) >= maxLiveRows {
		p.key.model = ""
		sums = v.delta[p.key]
	}
	sums.Add(p.sums)
	v.delta[p.key] = sums
}

// Store is s, with Live knowing which rows it has.
func (v *Live) Store(s engine.UsageStore) engine.UsageStore { return &countedStore{s, v} }

type countedStore struct {
	engine.UsageStore
	live *Live
}

// AddUsage implements engine.UsageStore.
func (s *countedStore) AddUsage(ctx context.Context, rows []engine.Usage) error {
	v := s.live
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.UsageStore.AddUsage(ctx, rows); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.pending) == 0 {
		return nil
	}
	for i := range rows {
		delete(v.pending, rows[i].ID)
	}
	return nil
}

// Run refreshes the sums while anybody follows them, until ctx ends.
func (v *Live) Run(ctx context.Context) {
	tick := time.NewTicker(v.cfg.Every)
	defer tick.Stop()
	for {
		v.runOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-v.awake:
		}
	}
}

func (v *Live) runOnce(ctx context.Context) {
	now := v.cfg.Now()
	v.mu.Lock()
	today := dayOf(now)
	if v.followers == 0 {
		v.base = nil // to be read anew for the next one
		v.rest()
	}
	if !v.day.Equal(today) {
		v.day, v.base = today, nil
		clear(v.delta)
	}
	first := v.base == nil
	due := v.followers > 0 && (first || time.Since(v.readAt) >= v.cfg.Refresh)
	v.mu.Unlock()
	if due {
		v.refresh(ctx, today, first)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dirty && v.base != nil {
		v.dirty, v.totals = false, nil
		close(v.changed)
		v.changed = make(chan struct{})
	}
}

// rest counts no more rows until somebody follows again. The caller holds mu.
func (v *Live) rest() {
	if v.cfg.Flush == nil || !v.counting.Swap(false) {
		return
	}
	clear(v.pending)
	clear(v.delta)
}

// refresh reads the store's sums while no rows are written to it by this process, so that
// what is pending then is what they lack. Before the first reading the store is given what was
// settled while nothing was counted.
func (v *Live) refresh(ctx context.Context, today time.Time, first bool) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	if first && v.cfg.Flush != nil {
		if err := v.cfg.Flush(ctx); err != nil {
			return // the ledger has said why; the next tick tries again
		}
	}
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return // the store is slow: the last sums stay
	}
	rows, err := v.cfg.Reports.Report(ctx, engine.ReportQuery{
		From: today, To: today.Add(day), Grain: engine.GrainDay, GroupBy: []string{engine.DimAccount, engine.DimModel},
	})
	if err != nil {
		if ctx.Err() == nil {
			v.cfg.Log.Error().Err(err).Msg("live totals not read")
		}
		return
	}
	base := make(map[liveKey]liveSums, len(rows))
	models := map[string]int{}
	for i := range rows {
		key := liveKey{rows[i].Group[engine.DimAccount], rows[i].Group[engine.DimModel]}
		if models[key.account]++; models[key.account] > maxLiveModel {
			key.model = ""
		}
		sums := base[key]
		sums.Add(rows[i].Live())
		base[key] = sums
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.base, v.readAt, v.dirty = base, time.Now(), true
	clear(v.delta)
	for _, p := range v.pending {
		if p.day.Equal(today) {
			v.add(p)
		}
	}
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(day) }
