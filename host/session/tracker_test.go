package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

var trackTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// trackStore is a database of its own that counts what is asked of it, and fails on demand.
type trackStore struct {
	engine.Store
	mu     sync.Mutex
	reads  int // of sessions
	writes int // of rows
	broken error
	slow   bool // reads wait until their context ends
}

func openTrackStore(t testing.TB) *trackStore {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "sessions.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return &trackStore{Store: s}
}

func (s *trackStore) is(broken error, slow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.slow = broken, slow
}

func (s *trackStore) state(read bool, rows int) (error, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if read {
		s.reads++
	}
	s.writes += rows
	return s.broken, s.slow
}

func (s *trackStore) GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (engine.Session, error) {
	err, slow := s.state(true, 0)
	if slow {
		<-ctx.Done()
		return engine.Session{}, ctx.Err()
	}
	if err != nil {
		return engine.Session{}, err
	}
	return s.Store.GetSession(ctx, k, now)
}

func (s *trackStore) ListNotes(ctx context.Context, k engine.SessionKey, now time.Time, limit int) ([]engine.Note, error) {
	if err, _ := s.state(false, 0); err != nil {
		return nil, err
	}
	return s.Store.ListNotes(ctx, k, now, limit)
}

func (s *trackStore) SaveSessions(ctx context.Context, rows []engine.Session) error {
	if err, _ := s.state(false, len(rows)); err != nil {
		return err
	}
	return s.Store.SaveSessions(ctx, rows)
}

func (s *trackStore) AddNotes(ctx context.Context, notes []engine.Note) error {
	if err, _ := s.state(false, len(notes)); err != nil {
		return err
	}
	return s.Store.AddNotes(ctx, notes)
}

func keyOf(user, id string) engine.SessionKey {
	return engine.SessionKey{AccountID: "acme", UserID: user, ID: id}
}

func turnOf(k engine.SessionKey, at time.Time, model string) engine.Turn {
	return engine.Turn{SessionKey: k, At: at, Model: model, Agent: "planner"}
}

// handed adds a handoff and its note.
func handed(turn engine.Turn, id, from string) engine.Turn {
	turn.Handoff = &engine.Handoff{SessionKey: turn.SessionKey, ID: id, FromModel: from, ToModel: turn.Model, Reason: engine.HandoffRouting, CreatedAt: turn.At}
	turn.Notes = []engine.Note{{SessionKey: turn.SessionKey, ID: id, Type: engine.NoteHandoff, Text: "note " + id, CreatedAt: turn.At, ExpiresAt: turn.At.Add(engine.NoteLifetime)}}
	return turn
}

func noteTexts(notes []engine.Note) (texts []string) {
	for _, n := range notes {
		texts = append(texts, n.Text)
	}
	return texts
}

// A session is read once, then known; what became of it is there after a restart.
func TestTrackerRemembers(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{}), keyOf("u", "s")
	if got := tracker.Begin(t.Context(), k, trackTime); got != (engine.Session{}) {
		t.Errorf("a new session = %+v, want the zero one", got)
	}
	for i, model := range []string{"a", "b", "b"} {
		turn := turnOf(k, trackTime.Add(time.Duration(i)*time.Second), model)
		if i == 1 {
			turn = handed(turn, "01", "a")
		}
		turn.Was = tracker.Begin(t.Context(), k, turn.At)
		tracker.Served(turn)
	}
	again := turnOf(k, trackTime.Add(2*time.Second), "c")
	again.Again = true
	tracker.Served(again)
	want := engine.Session{
		SessionKey: k, Turns: 3, Model: "c", Agent: "planner",
		CreatedAt: trackTime, UpdatedAt: trackTime.Add(2 * time.Second), ExpiresAt: trackTime.Add(2*time.Second + engine.NoteLifetime),
	}
	later := trackTime.Add(3 * time.Second)
	if got := tracker.Begin(t.Context(), k, later); got != want || s.reads != 1 {
		t.Errorf("Begin = %+v after %d reads, want %+v after 1", got, s.reads, want)
	}
	if got := noteTexts(tracker.Notes(t.Context(), k, later)); fmt.Sprint(got) != "[note 01]" {
		t.Errorf("Notes before they are written = %v, want the one that waits", got)
	}
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.writes != 2 {
		t.Errorf("%d rows were written, want a session's newest and a note", s.writes)
	}
	restarted := NewTracker(s, TrackerConfig{})
	if got := restarted.Begin(t.Context(), k, later); got != want {
		t.Errorf("Begin after a restart = %+v, want %+v", got, want)
	}
	if got := noteTexts(restarted.Notes(t.Context(), k, later)); fmt.Sprint(got) != "[note 01]" {
		t.Errorf("Notes after a restart = %v, want one", got)
	}
	if h, err := s.ListHandoffs(t.Context(), k, 9); err != nil || len(h) != 1 || h[0].FromModel != "a" || h[0].ToModel != "b" {
		t.Errorf("handoffs = %+v, %v, want a to b", h, err)
	}
	// Nobody else has a session of that id.
	for _, other := range []engine.SessionKey{keyOf("v", "s"), {AccountID: "globex", UserID: "u", ID: "s"}} {
		if got := restarted.Begin(t.Context(), other, later); got != (engine.Session{}) {
			t.Errorf("Begin(%v) = %+v, want a session of its own", other, got)
		}
		if got := restarted.Notes(t.Context(), other, later); len(got) != 0 {
			t.Errorf("Notes(%v) = %v, want none", other, got)
		}
	}
}

// Who looks at a session sees the turn that was answered just before.
func TestTrackerCurrent(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{}), keyOf("u", "s")
	seen := tracker.Current(s)
	reads := map[string]func() (int, error){
		"GetSession": func() (int, error) {
			got, err := seen.GetSession(t.Context(), k, trackTime)
			return int(got.Turns), err
		},
		"PageSessions": func() (int, error) {
			got, err := seen.PageSessions(t.Context(), "acme", "u", trackTime, engine.SessionMark{}, 9)
			return int(got[0].Turns), err
		},
		"ListNotes": func() (int, error) {
			got, err := seen.ListNotes(t.Context(), k, trackTime, 9)
			return len(got), err
		},
		"ListHandoffs": func() (int, error) {
			got, err := seen.ListHandoffs(t.Context(), k, 9)
			return len(got), err
		},
	}
	want := 0
	for name, read := range reads {
		want++
		tracker.Served(handed(turnOf(k, trackTime, "a"), fmt.Sprintf("%02d", want), "z"))
		if got, err := read(); got != want || err != nil {
			t.Errorf("%s after %d turns = %d, %v, want %d", name, want, got, err, want)
		}
	}
	tracker.Served(handed(turnOf(k, trackTime, "a"), "99", "z"))
	if err := seen.DeleteNote(t.Context(), k, "99"); err != nil {
		t.Errorf("DeleteNote = %v, want nil: it was written just before", err)
	}
	tracker.Served(handed(turnOf(k, trackTime, "a"), "98", "z"))
	s.is(errors.New("the store is down"), false)
	if got, err := s.Store.ListHandoffs(t.Context(), k, 9); err != nil || len(got) != want+1 {
		t.Errorf("handoffs = %d, %v, want %d", len(got), err, want+1)
	}
	if got, err := tracker.Current(s.Store).ListHandoffs(t.Context(), k, 9); err != nil || len(got) != want+1 {
		t.Errorf("handoffs while nothing can be written = %d, %v, want those that are stored", len(got), err)
	}
}

// Seven days after its last turn a session is forgotten, in memory as in the store.
func TestTrackerForgets(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{}), keyOf("u", "s")
	for range 5 {
		tracker.Served(turnOf(k, trackTime, "a"))
	}
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	over := trackTime.Add(engine.NoteLifetime)
	if got := tracker.Begin(t.Context(), k, over.Add(-time.Millisecond)); got.Turns != 5 {
		t.Errorf("Begin just before = %+v, want 5 turns", got)
	}
	if got := tracker.Begin(t.Context(), k, over); got != (engine.Session{}) {
		t.Errorf("Begin after seven days = %+v, want the zero one", got)
	}
	tracker.Served(turnOf(k, over, "b"))
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := NewTracker(s, TrackerConfig{}).Begin(t.Context(), k, over)
	if got.Turns != 1 || got.Model != "b" || !got.CreatedAt.Equal(over) {
		t.Errorf("the session that came after = %+v, want a first turn by b", got)
	}
}

// What another replica did is seen as soon as a session has not been looked at for ten
// seconds; the turn of this process that is not written yet is not lost by it.
func TestTrackerSeesOtherReplicas(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	here, there, k := NewTracker(s, TrackerConfig{}), NewTracker(s, TrackerConfig{}), keyOf("u", "s")
	serve := func(tracker *Tracker, at time.Duration, model string) {
		t.Helper()
		tracker.Begin(t.Context(), k, trackTime.Add(at))
		tracker.Served(turnOf(k, trackTime.Add(at), model))
	}
	model := func(at time.Duration) string {
		got := here.Begin(t.Context(), k, trackTime.Add(at))
		return fmt.Sprintf("%s %d", got.Model, got.Turns)
	}
	serve(here, 0, "a")
	if err := here.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	serve(there, time.Second, "b")
	if err := there.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := model(9 * time.Second); got != "a 1" {
		t.Errorf("after 9 s the session is %s, want a 1 without a read", got)
	}
	if got := model(10 * time.Second); got != "b 2" {
		t.Errorf("after 10 s the session is %s, want b 2", got)
	}
	serve(here, 11*time.Second, "c") // not written
	if got := model(30 * time.Second); got != "c 3" {
		t.Errorf("with a turn that waits the session is %s, want c 3", got)
	}
}

// A session that was put out of memory is what waits to be written, not what is stored.
func TestTrackerEvicts(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{Size: 1}), keyOf("u", "s")
	tracker.Served(turnOf(k, trackTime, "a"))
	tracker.Served(turnOf(keyOf("u", "other"), trackTime, "b"))
	if got := tracker.Begin(t.Context(), k, trackTime); got.Model != "a" || got.Turns != 1 {
		t.Errorf("Begin = %+v, want a's turn", got)
	}
	// Out of memory between its beginning and its end.
	long := turnOf(k, trackTime.Add(time.Second), "a")
	long.Was = tracker.Begin(t.Context(), k, trackTime.Add(time.Second))
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tracker.Served(turnOf(keyOf("u", "other"), trackTime, "b"))
	tracker.Served(long)
	if got := tracker.Begin(t.Context(), k, trackTime.Add(2*time.Second)); got.Turns != 2 {
		t.Errorf("Begin after a long turn = %+v, want 2 turns", got)
	}
}

// A store that is slow or broken costs a request a tenth of a second, then nothing for a
// while; the session is new, and known again when the store is back.
func TestTrackerWithoutStore(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	k := keyOf("u", "s")
	earlier := NewTracker(s, TrackerConfig{})
	earlier.Served(handed(turnOf(k, trackTime, "a"), "01", "z"))
	if err := earlier.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, slow := range map[string]bool{"broken": false, "slow": true} {
		s.is(errors.New("the store is down"), slow)
		tracker, before := NewTracker(s, TrackerConfig{Wait: 2 * time.Second}), s.reads
		for range 10 {
			if got := tracker.Begin(t.Context(), k, trackTime); got != (engine.Session{}) {
				t.Errorf("%s: Begin = %+v, want the zero session", name, got)
			}
			if got := tracker.Begin(t.Context(), keyOf("u", "another"), trackTime); got != (engine.Session{}) {
				t.Errorf("%s: Begin = %+v, want the zero session", name, got)
			}
		}
		if got := tracker.Notes(t.Context(), k, trackTime); got != nil {
			t.Errorf("%s: Notes = %v, want none", name, got)
		}
		if reads := s.reads - before; reads != 1 {
			t.Errorf("%s: %d reads in a second, want 1", name, reads)
		}
		s.is(nil, false)
		if got := tracker.Begin(t.Context(), k, trackTime.Add(restAfter)); got.Model != "a" {
			t.Errorf("%s: Begin a second later = %+v, want a's session", name, got)
		}
	}
}

// Requests of one session that come at once share a read.
func TestTrackerReadsOnce(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker := NewTracker(s, TrackerConfig{Wait: time.Minute})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() { tracker.Begin(t.Context(), keyOf("u", "s"), trackTime) })
	}
	wg.Wait()
	// One that comes when the read is over, but began before, reads once more at most.
	if s.reads > 2 {
		t.Errorf("%d reads for 64 requests, want one", s.reads)
	}
}

// While the store is down turns wait, up to a bound, in order; what is beyond it is counted.
func TestTrackerWaitsForTheStore(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{Queue: 5}), keyOf("u", "s")
	s.is(errors.New("the store is down"), false)
	for i := range 3 {
		tracker.Served(handed(turnOf(k, trackTime.Add(time.Duration(i)), fmt.Sprint("m", i)), fmt.Sprintf("%02d", i), "z"))
		if err := tracker.Flush(t.Context()); err == nil {
			t.Fatal("Flush = nil, want the store's error")
		}
	}
	// A session and two handoffs with their notes fill it.
	if got := tracker.Dropped(); got != 2 {
		t.Errorf("Dropped = %d, want 2", got)
	}
	s.is(nil, false)
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := NewTracker(s, TrackerConfig{}).Begin(t.Context(), k, trackTime); got.Model != "m2" || got.Turns != 3 {
		t.Errorf("stored = %+v, want 3 turns, the last by m2", got)
	}
	handoffs, err := s.ListHandoffs(t.Context(), k, 9)
	if err != nil || len(handoffs) != 2 || handoffs[0].ToModel != "m1" || handoffs[1].ToModel != "m0" {
		t.Errorf("handoffs = %+v, %v, want m1 after m0", handoffs, err)
	}
}

// A row that no store keeps does not hold up those behind it.
func TestTrackerDropsWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker := NewTracker(s, TrackerConfig{})
	tracker.Served(turnOf(keyOf("u", "a\x00b"), trackTime, "a"))
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatalf("Flush = %v, want nil", err)
	}
	if got := tracker.Dropped(); got != 1 {
		t.Errorf("Dropped = %d, want 1", got)
	}
	k := keyOf("u", "s")
	tracker.Served(turnOf(k, trackTime, "a"))
	if err := tracker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetSession(t.Context(), k, trackTime); err != nil {
		t.Errorf("the next session = %v, want it stored", err)
	}
}

// memoryStore takes rows without a database, so that time can be a bubble's.
type memoryStore struct {
	TrackerStore
	mu     sync.Mutex
	failed int // calls that are still to fail
	writes []time.Time
	rows   int
}

func (m *memoryStore) SaveSessions(_ context.Context, rows []engine.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes = append(m.writes, time.Now())
	if m.failed > 0 {
		m.failed--
		return errors.New("the store is down")
	}
	m.rows += len(rows)
	return nil
}

// Turns that come close together share a write, a failure is tried again later and later,
// and what is left is written at the end.
func TestTrackerRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memoryStore{}
		tracker := NewTracker(s, TrackerConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- tracker.Run(ctx) }()
		for i := range 10 {
			tracker.Served(turnOf(keyOf("u", fmt.Sprint(i)), time.Now(), "a"))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.writes) != 1 || s.rows != 10 {
			t.Errorf("%d writes of %d rows, want 1 of 10", len(s.writes), s.rows)
		}
		s.failed = 3
		began := time.Now()
		tracker.Served(turnOf(keyOf("u", "x"), began, "a"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var waits []time.Duration
		for _, at := range s.writes[1:] {
			waits = append(waits, at.Sub(began))
		}
		if want := "[100ms 300ms 700ms 1.5s]"; fmt.Sprint(waits) != want || s.rows != 11 {
			t.Errorf("tried after %v, %d rows, want %s, and 11", waits, s.rows, want)
		}
		tracker.Served(turnOf(keyOf("u", "y"), time.Now(), "a"))
		cancel()
		if err := <-done; err != nil || s.rows != 12 {
			t.Errorf("Run = %v with %d rows, want nil and 12", err, s.rows)
		}
	})
}

// A store that stays down at the end costs the rows, and Run says so.
func TestTrackerRunLosesRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memoryStore{failed: 1 << 30}
		tracker := NewTracker(s, TrackerConfig{})
		tracker.Served(turnOf(keyOf("u", "y"), time.Now(), "a"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if err := tracker.Run(ctx); err == nil || time.Since(began) > 2*writeTimeout {
			t.Errorf("Run = %v after %v, want an error in time", err, time.Since(began))
		}
	})
}

// Many requests of many sessions at once; no turn is lost.
func TestTrackerHammer(t *testing.T) {
	t.Parallel()
	s := openTrackStore(t)
	tracker := NewTracker(s, TrackerConfig{Size: 8, Fresh: time.Nanosecond, Wait: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tracker.Run(ctx) }()
	const workers, turns = 16, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			k := keyOf("u", fmt.Sprint(w))
			for i := range turns {
				at := trackTime.Add(time.Duration(i) * time.Second)
				turn := handed(turnOf(k, at, "m"), fmt.Sprintf("%02d", i), "z")
				turn.Was = tracker.Begin(t.Context(), k, at)
				tracker.Notes(t.Context(), k, at)
				tracker.Served(turn)
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for w := range workers {
		k := keyOf("u", fmt.Sprint(w))
		got, err := s.GetSession(t.Context(), k, trackTime)
		if err != nil || got.Turns != turns {
			t.Errorf("session %d = %+v, %v, want %d turns", w, got, err, turns)
		}
		if notes, err := s.Store.ListNotes(t.Context(), k, trackTime, 99); err != nil || len(notes) != turns {
			t.Errorf("session %d has %d notes, %v, want %d", w, len(notes), err, turns)
		}
	}
}

// A session in memory costs a turn's beginning no allocation.
func TestTrackerHitAllocates(t *testing.T) {
	s := openTrackStore(t)
	tracker, k := NewTracker(s, TrackerConfig{}), keyOf("u", "s")
	tracker.Served(turnOf(k, trackTime, "a"))
	if n := testing.AllocsPerRun(100, func() { tracker.Begin(context.Background(), k, trackTime) }); n != 0 {
		t.Errorf("Begin of a session in memory allocates %v times, want 0", n)
	}
}

// BenchmarkTrackerHit is what a turn of a session in memory costs, begun and served.
func BenchmarkTrackerHit(b *testing.B) {
	s := &memoryStore{}
	tracker := NewTracker(s, TrackerConfig{})
	keys := make([]engine.SessionKey, 1024)
	for i := range keys {
		keys[i] = keyOf("u", fmt.Sprint(i))
		tracker.Served(turnOf(keys[i], trackTime, "a"))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := keys[i%len(keys)]
		i++
		turn := turnOf(k, trackTime, "a")
		turn.Was = tracker.Begin(context.Background(), k, trackTime)
		tracker.Served(turn)
	}
}

// hastyStore has something happen between a read of a session and its answer.
type hastyStore struct {
	*trackStore
	meanwhile func()
}

func (s hastyStore) GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (engine.Session, error) {
	row, err := s.trackStore.GetSession(ctx, k, now)
	s.meanwhile()
	return row, err
}

// A turn that is written while its session, which is no more in memory, is read is not lost.
func TestTrackerWritesWhileItReads(t *testing.T) {
	t.Parallel()
	var tracker *Tracker
	s := hastyStore{openTrackStore(t), func() {
		if err := tracker.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	tracker = NewTracker(s, TrackerConfig{Size: 1, Wait: time.Minute})
	k := keyOf("u", "x")
	tracker.Served(turnOf(k, trackTime, "m"))
	tracker.Served(turnOf(keyOf("u", "y"), trackTime, "m")) // takes its place
	if got := tracker.Begin(t.Context(), k, trackTime); got.Turns != 1 {
		t.Errorf("Begin() = %d turns, want the 1 that was written meanwhile", got.Turns)
	}
}
