package decision

import (
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Config is how a Log works. The zero value is the default.
type Config struct {
	Policies func() *engine.Policies // nil: nothing is set
	Every    time.Duration           // decisions that come within it share a write; default 250 ms
	Queue    int                     // bytes that may wait to be written; default 16 MiB
	Log      zerolog.Logger
}

// Log keeps decisions. It implements engine.DecisionLog. Make one with NewLog, and call Run.
// Safe for concurrent use. See RATIONALE.md, "What does a record cost its request?".
type Log struct {
	store    engine.DecisionStore
	cfg      Config
	settings atomic.Pointer[settings]
	queue    queue

	written  atomic.Int64
	refused  atomic.Int64         // by the store
	flushing chan struct{}        // 1 slot: one flush at a time, without a lock held over a query
	pending  []engine.DecisionRow // taken from the queue, not yet written; of who has the slot
	suspects int                  // of the first so many of pending one at least is not taken; 0: none is known; likewise
	spare    []engine.DecisionRow // memory for pending; likewise
}

var _ engine.DecisionLog = (*Log)(nil)

// settings are those in force. They are never changed.
type settings struct {
	usual    engine.DecisionSettings
	accounts map[string]engine.DecisionSettings
}

// Usual is what holds where nothing is set.
func Usual() engine.DecisionSettings {
	return engine.DecisionSettings{Share: engine.DefaultDecisionShare, Days: engine.DefaultDecisionDays}
}

// NewLog returns a log on that store under the usual settings.
func NewLog(store engine.DecisionStore, cfg Config) *Log {
	if cfg.Every <= 0 {
		cfg.Every = 250 * time.Millisecond
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 16 << 20
	}
	l := &Log{store: store, cfg: cfg, flushing: make(chan struct{}, 1)}
	l.queue.start(cfg.Queue)
	l.Set(nil)
	return l
}

// Set puts settings in force: those of AccountID "" for accounts that have none.
func (l *Log) Set(rows []engine.DecisionSettings) {
	s := &settings{usual: Usual(), accounts: make(map[string]engine.DecisionSettings, len(rows))}
	for _, r := range rows {
		if r.AccountID == "" {
			s.usual = r
			s.usual.Text = false // only an account itself turns that on
		} else {
			s.accounts[r.AccountID] = r
		}
	}
	l.settings.Store(s)
}

// Settings returns what holds for an account, and whether it has settings of its own.
func (l *Log) Settings(accountID string) (engine.DecisionSettings, bool) {
	s := l.settings.Load()
	own, ok := s.accounts[accountID]
	if !ok {
		own = s.usual
		own.AccountID = accountID
	}
	return own, ok || accountID == ""
}

// Kept returns for how many days decisions are kept: those of accounts with settings of their
// own, and of the others.
func (l *Log) Kept() (usual int, accounts map[string]int) {
	s := l.settings.Load()
	accounts = make(map[string]int, len(s.accounts))
	for id, own := range s.accounts {
		accounts[id] = own.Days
	}
	return s.usual.Days, accounts
}

// Detail implements engine.DecisionLog.
func (l *Log) Detail(p *engine.Principal, requestID string) engine.DecisionDetail {
	s := l.settings.Load()
	own, ok := s.accounts[p.AccountID]
	if !ok {
		own = s.usual
	}
	if engine.DrawShare(requestID) >= own.Share {
		return engine.DecisionUnrecorded
	}
	if !own.Text {
		return engine.DecisionRecorded
	}
	if l.cfg.Policies != nil && !l.cfg.Policies().Of(*p).KeepsText() {
		return engine.DecisionRecorded
	}
	return engine.DecisionWithText
}

// Record implements engine.DecisionLog.
func (l *Log) Record(r *engine.DecisionRecord) {
	if r.Detail != engine.DecisionUnrecorded {
		l.queue.put(r)
	}
}

// Stats returns the counts so far.
func (l *Log) Stats() engine.DecisionStats {
	dropped, waiting := l.queue.counts()
	return engine.DecisionStats{Written: l.written.Load(), Dropped: dropped + l.refused.Load(), Waiting: waiting}
}
