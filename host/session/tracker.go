package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"github.com/pointsman/pointsman/engine"
)

// TrackerStore is the part of engine.SessionStore that a Tracker needs.
type TrackerStore interface {
	GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (engine.Session, error)
	SaveSessions(ctx context.Context, rows []engine.Session) error
	AddNotes(ctx context.Context, notes []engine.Note) error
	ListNotes(ctx context.Context, k engine.SessionKey, now time.Time, limit int) ([]engine.Note, error)
	AddHandoffs(ctx context.Context, handoffs []engine.Handoff) error
}

// TrackerConfig is how a Tracker works. The zero value is the default.
type TrackerConfig struct {
	Size  int           // sessions in memory; default 20,000, some 10 MB
	Fresh time.Duration // for which one in memory is believed; default 10 s
	Wait  time.Duration // a request's longest wait for the store; default 100 ms
	Every time.Duration // turns that come within it share a write; default 100 ms
	Queue int           // rows that may wait to be written; default 20,000
	Log   zerolog.Logger
}

// Tracker knows the sessions of this process's requests and writes down what becomes of
// them. It implements engine.Sessions. Make one with NewTracker, and call Run. Safe for
// concurrent use. See RATIONALE.md, "Who knows where a session is?".
type Tracker struct {
	store TrackerStore
	cfg   TrackerConfig
	reads singleflight.Group // of one session, one at a time
	rests atomic.Int64       // nothing is read until then, Unix nanoseconds of the requests' clock
	queue queue

	mu    sync.Mutex
	known *simplelru.LRU[engine.SessionKey, *state]
}

// state is a session in memory. A zero Session is one that is new.
type state struct {
	engine.Session
	confirmed time.Time // when the store was asked last
}

var _ engine.Sessions = (*Tracker)(nil)

const (
	// restAfter is how long the store is left alone, and a session believed, after a read
	// that failed.
	restAfter = time.Second
	// maxNotes is how many notes are read: more than fit into a block by far.
	maxNotes = 200
)

// NewTracker returns a tracker on that store.
func NewTracker(store TrackerStore, cfg TrackerConfig) *Tracker {
	if cfg.Size <= 0 {
		cfg.Size = 20_000
	}
	if cfg.Fresh <= 0 {
		cfg.Fresh = 10 * time.Second
	}
	if cfg.Wait <= 0 {
		cfg.Wait = 100 * time.Millisecond
	}
	if cfg.Every <= 0 {
		cfg.Every = 100 * time.Millisecond
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 20_000
	}
	known, err := simplelru.NewLRU[engine.SessionKey, *state](cfg.Size, nil)
	if err != nil {
		panic("session: " + err.Error()) // it refuses only a size below 1
	}
	t := &Tracker{store: store, cfg: cfg, known: known}
	t.queue.start(cfg.Queue)
	return t
}

// Begin implements engine.Sessions. A session that is in memory costs a look into a map;
// any other one read, which requests of the same session share.
func (t *Tracker) Begin(_ context.Context, k engine.SessionKey, now time.Time) engine.Session {
	t.mu.Lock()
	if s, ok := t.known.Get(k); ok && near(now, s.confirmed, t.cfg.Fresh) {
		defer t.mu.Unlock()
		return s.at(now)
	}
	t.mu.Unlock()
	return t.refresh(k, now)
}

// refresh asks the store, unless that failed just now. It is not the caller's context that
// bounds it: others wait for the same answer.
func (t *Tracker) refresh(k engine.SessionKey, now time.Time) engine.Session {
	if now.UnixNano() >= t.rests.Load() {
		_, _, _ = t.reads.Do(k.AccountID+"\x00"+k.UserID+"\x00"+k.ID, func() (any, error) {
			ctx, cancel := context.WithTimeout(context.Background(), t.cfg.Wait)
			defer cancel()
			// Before the store is asked: what is written meanwhile may be in neither afterwards.
			waiting, _ := t.queue.session(k)
			stored, err := t.store.GetSession(ctx, k, now)
			if err != nil && !errors.Is(err, engine.ErrNotFound) {
				t.rests.Store(now.Add(restAfter).UnixNano())
				t.cfg.Log.Warn().Str("tenant_id", k.AccountID).Err(err).Msg("session not read, its last turns may count for nothing")
				t.learn(k, now.Add(restAfter-t.cfg.Fresh), waiting)
				return nil, nil
			}
			t.learn(k, now, waiting, stored) // the zero Session when there is none
			return nil, nil
		})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.known.Get(k); ok {
		return s.at(now)
	}
	return engine.Session{}
}

// learn takes in what was found, unless more is known here: of turns that are not written yet.
func (t *Tracker) learn(k engine.SessionKey, confirmed time.Time, found ...engine.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.known.Get(k)
	if !ok {
		s = &state{}
		s.Session, _ = t.queue.session(k)
		t.known.Add(k, s)
	}
	for _, f := range found {
		if f.Turns > s.Turns || f.Turns == s.Turns && f.UpdatedAt.After(s.UpdatedAt) {
			s.Session = f
		}
	}
	s.confirmed = confirmed
}

// Notes implements engine.Sessions. It reads the store each time: a handoff is rare.
func (t *Tracker) Notes(ctx context.Context, k engine.SessionKey, now time.Time) []engine.Note {
	var notes []engine.Note
	if now.UnixNano() >= t.rests.Load() {
		ctx, cancel := context.WithTimeout(ctx, t.cfg.Wait)
		defer cancel()
		var err error
		if notes, err = t.store.ListNotes(ctx, k, now, maxNotes); err != nil {
			t.cfg.Log.Warn().Str("tenant_id", k.AccountID).Err(err).Msg("session notes not read, the next model goes without")
			notes = nil
		}
	}
	return t.queue.withNotes(k, notes)
}

// Served implements engine.Sessions.
func (t *Tracker) Served(turn engine.Turn) {
	t.mu.Lock()
	s, ok := t.known.Get(turn.SessionKey)
	if !ok {
		s = &state{Session: turn.Was, confirmed: turn.At}
		if waiting, ok := t.queue.session(turn.SessionKey); ok {
			s.Session = waiting
		}
		t.known.Add(turn.SessionKey, s)
	}
	s.serve(turn)
	saved := s.Session
	// Within the lock: what is written last must be what came last.
	t.queue.put(saved, turn)
	t.mu.Unlock()
	t.queue.poke()
}

// Dropped returns how many rows were not written because too many waited.
func (t *Tracker) Dropped() int64 { return t.queue.dropped() }

// at is the session as it is then: the zero one when it is forgotten.
func (s *state) at(now time.Time) engine.Session {
	if s.Turns == 0 || !now.Before(s.ExpiresAt) {
		return engine.Session{}
	}
	return s.Session
}

// serve counts a turn.
func (s *state) serve(turn engine.Turn) {
	if s.at(turn.At).Turns == 0 {
		s.Session = engine.Session{SessionKey: turn.SessionKey, CreatedAt: turn.At}
	}
	if !turn.Again || s.Turns == 0 {
		s.Turns++
	}
	s.Model, s.Agent = turn.Model, turn.Agent
	if turn.At.After(s.UpdatedAt) {
		s.UpdatedAt = turn.At
	}
	s.ExpiresAt = s.UpdatedAt.Add(engine.NoteLifetime)
}

// near reports whether less than d lies between the two, whichever is first: a clock may
// be set back.
func near(a, b time.Time, d time.Duration) bool { return a.Sub(b).Abs() < d }
