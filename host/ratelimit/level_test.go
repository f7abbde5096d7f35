package ratelimit_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
	"github.com/pointsman/pointsman/host/store"
)

func TestARestartGivesNoNewWindow(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "p.db"), store.Options{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	defer s.Close()
	day := one("day", func(l *engine.Limit) { l.Amount, l.Window, l.Per = 24, 24*time.Hour, engine.LimitByUser })
	minute := one("minute", func(l *engine.Limit) { l.Kind, l.Amount = engine.LimitTokens, 600 })
	places := one("places", func(l *engine.Limit) { l.Kind, l.Window, l.Amount = engine.LimitConcurrency, 0, 9 })
	q := engine.LimitRequest{AccountID: "a", UserID: "bob", Tokens: 100}
	for _, c := range []struct {
		name       string
		down       time.Duration // by the wall clock
		change     func(day *engine.Limit)
		wantDay    int64
		wantMinute int64
	}{
		{"at once", 0, nil, 14, 100},
		{"after an hour", time.Hour, nil, 15, 600},
		{"the clock was set back", -time.Hour, nil, 14, 100},
		{"with a larger limit", 0, func(l *engine.Limit) { l.Amount *= 10 }, 140, 100},
		{"after a reset", 0, func(l *engine.Limit) { l.Resets++ }, 24, 100},
		{"of another window", 0, func(l *engine.Limit) { l.Window = time.Hour }, 24, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, wall := time.Second, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			cfg := ratelimit.Config{Levels: s, Clock: func() time.Duration { return now }, Wall: func() time.Time { return wall }}
			l := newLimiter(t, cfg, day, minute, places)
			for i := range 10 {
				sent := q
				if i >= 5 {
					sent.Tokens = 1
				}
				r, err := l.Reserve(t.Context(), &sent)
				if err != nil {
					t.Fatalf("Reserve() = %v, want nil", err)
				}
				r.Settle(sent.Tokens / 2 * 2) // 100, or none
			}
			if err := l.Close(t.Context()); err != nil {
				t.Fatalf("Close() = %v, want nil", err)
			}
			before := l.Peek(&q)
			if before.Requests.Remaining != 14 || before.Tokens.Remaining != 100 {
				t.Fatalf("left before the restart = %+v, want 14 and 100", before)
			}
			now, wall = 10*time.Minute, wall.Add(c.down)
			changed := day
			if c.change != nil {
				c.change(&changed)
			}
			again := newLimiter(t, cfg, changed, minute, places)
			if err := again.Restore(t.Context()); err != nil {
				t.Fatalf("Restore() = %v, want nil", err)
			}
			r, err := again.Reserve(t.Context(), &q)
			if err != nil {
				t.Fatalf("Reserve() after the restart = %v, want nil", err)
			}
			r.Cancel()
			left := again.Peek(&q)
			if left.Requests.Remaining != c.wantDay || left.Tokens.Remaining != c.wantMinute || left.Concurrency.Remaining != 9 {
				t.Errorf("left after the restart = %+v, want %d requests, %d tokens and 9 places", left, c.wantDay, c.wantMinute)
			}
		})
	}
}
