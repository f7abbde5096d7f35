package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/session"
)

// sink takes notes and keeps none.
type sink struct{ engine.SessionStore }

func (*sink) CountNotes(context.Context, string, string, time.Time) (int64, error) { return 0, nil }
func (*sink) AddNotes(context.Context, []engine.Note) error                        { return nil }

// heap is expired rows to delete, and a lock that may be held elsewhere.
type heap struct {
	began   time.Time
	left    int64
	held    bool
	broken  error
	entered int             // TryJob with the lock
	calls   []time.Duration // of DeleteExpired
	limits  []int
	nows    []time.Time
}

func (h *heap) DeleteExpired(_ context.Context, now time.Time, limit int) (int64, error) {
	h.calls, h.limits, h.nows = append(h.calls, time.Since(h.began)), append(h.limits, limit), append(h.nows, now)
	if h.broken != nil {
		return 0, h.broken
	}
	n := min(h.left, int64(limit))
	h.left -= n
	return n, nil
}

func (h *heap) TryJob(ctx context.Context, name string, job func(context.Context) error) (bool, error) {
	if name == "" {
		return false, errors.New("a job without a name")
	}
	if h.held {
		return false, nil
	}
	h.entered++
	return true, job(ctx)
}

// run lets a cleaner go on for so long.
func run(t *testing.T, h *heap, cfg session.CleanerConfig, d time.Duration) {
	t.Helper()
	h.began = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	session.NewCleaner(h, h, cfg).Run(ctx)
	if got := time.Since(h.began); got != d {
		t.Errorf("Run() ended after %v, want %v, with its context", got, d)
	}
}

func TestCleanerRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		heap heap
		cfg  session.CleanerConfig
		d    time.Duration
		want []time.Duration
	}{
		{"at the start and every hour", heap{}, session.CleanerConfig{}, 3*time.Hour + 30*time.Minute, []time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour}},
		{"again soon after a failure", heap{broken: errors.New("down")}, session.CleanerConfig{}, 150 * time.Second, []time.Duration{0, time.Minute, 2 * time.Minute}},
		{"not while another process does", heap{held: true}, session.CleanerConfig{}, 3 * time.Hour, nil},
		{"batch by batch until nothing is left", heap{left: 25}, session.CleanerConfig{Batch: 10, Pause: time.Second}, time.Minute, []time.Duration{0, time.Second, 2 * time.Second}},
		{"once more after a full batch", heap{left: 20}, session.CleanerConfig{Batch: 10, Pause: time.Second}, time.Minute, []time.Duration{0, time.Second, 2 * time.Second}},
		{"not beyond its end", heap{left: 1e9}, session.CleanerConfig{Batch: 10, Pause: time.Second}, 2500 * time.Millisecond, []time.Duration{0, time.Second, 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := c.heap
				run(t, &h, c.cfg, c.d)
				if !slices.Equal(h.calls, c.want) {
					t.Errorf("DeleteExpired() was called at %v, want %v", h.calls, c.want)
				}
				batch := c.cfg.Batch
				if batch == 0 {
					batch = 500
				}
				for i, limit := range h.limits {
					if limit != batch {
						t.Errorf("DeleteExpired() had the limit %d, want %d", limit, batch)
					}
					if got := h.nows[i].Sub(h.began); c.cfg.Pause == 0 && got != c.want[i] {
						t.Errorf("DeleteExpired() was told %v, want %v", got, c.want[i])
					}
				}
			})
		})
	}
}

// TestCleanerDeletes is the whole life of rows on a fake clock: a real store, a restart
// within, and the cleaner that every start begins anew.
func TestCleanerDeletes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		began := time.Now()
		hours := []time.Duration{time.Hour / 2, 5 * time.Hour, 100 * time.Hour, engine.NoteLifetime}
		k := engine.SessionKey{AccountID: "acme", UserID: "ben", ID: "s"}
		for i, life := range hours {
			note := engine.Note{SessionKey: k, ID: fmt.Sprint(i), Type: engine.NoteContext, Text: "x", CreatedAt: began, ExpiresAt: began.Add(life)}
			must(t, "AddNotes()", o.AddNotes(t.Context(), []engine.Note{note}))
		}
		row := engine.Session{SessionKey: k, Turns: 1, CreatedAt: began, UpdatedAt: began, ExpiresAt: began.Add(engine.NoteLifetime)}
		must(t, "SaveSessions()", o.SaveSessions(t.Context(), []engine.Session{row}))
		must(t, "AddHandoffs()", o.AddHandoffs(t.Context(), []engine.Handoff{{SessionKey: k, ID: "h", Reason: engine.HandoffAgent, CreatedAt: began}}))

		// kept counts what is in the tables, expired or not.
		kept := func() (notes, others int) {
			t.Helper()
			n, err := o.Store.ListNotes(t.Context(), k, began.Add(-time.Hour), 10)
			must(t, "ListNotes()", err)
			h, err := o.Store.ListHandoffs(t.Context(), k, 10)
			must(t, "ListHandoffs()", err)
			if _, err := o.Store.GetSession(t.Context(), k, began.Add(-time.Hour)); err == nil {
				others++
			}
			return len(n), others + len(h)
		}
		for _, phase := range []struct {
			until         time.Duration
			notes, others int
		}{
			{31 * time.Minute, 4, 2}, // the run at the start found nothing, the next is far off
			{time.Hour, 3, 2},        // but there was a restart
			{4 * time.Hour, 3, 2},
			{99 * time.Hour, 2, 2},
			{engine.NoteLifetime - time.Minute, 1, 2},
			{engine.NoteLifetime + time.Hour, 0, 0},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				session.NewCleaner(o.Store, o.Store, session.CleanerConfig{}).Run(ctx)
			}()
			time.Sleep(phase.until - time.Since(began))
			notes, others := kept()
			if notes != phase.notes || others != phase.others {
				t.Errorf("after %v there are %d notes and %d other rows, want %d and %d", phase.until, notes, others, phase.notes, phase.others)
			}
			cancel()
			<-ended
			must(t, "Close()", o.Close())
			o.open(t)
		}
	})
}
