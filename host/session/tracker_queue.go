package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	writeBatch   = 500 // rows of one transaction
	writeTimeout = 10 * time.Second
	maxRetry     = 5 * time.Second
)

// queue holds rows until they are written, each kind in the order in which it came. Of a
// session only the newest row waits. Start it before use.
type queue struct {
	most     int
	wake     chan struct{} // buffered 1, never closed
	flushing chan struct{} // 1 slot: one flush at a time, without a lock held over a query

	mu      sync.Mutex
	waiting rows
	writing rows // what a flush has taken
	lost    int64
	told    int64 // of lost: what was logged
}

type rows struct {
	sessions map[engine.SessionKey]engine.Session
	notes    []engine.Note
	handoffs []engine.Handoff
}

func (r *rows) len() int { return len(r.sessions) + len(r.notes) + len(r.handoffs) }

func (q *queue) start(most int) {
	q.most, q.wake, q.flushing = most, make(chan struct{}, 1), make(chan struct{}, 1)
	q.waiting.sessions = map[engine.SessionKey]engine.Session{}
}

// put adds what a turn has to write. When too many rows wait, its own are dropped: those
// before it are what a store that is down is waited for.
func (q *queue) put(s engine.Session, turn engine.Turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, replaced := q.waiting.sessions[s.SessionKey]
	if replaced || q.room() {
		q.waiting.sessions[s.SessionKey] = s
	} else {
		q.lost++
	}
	if turn.Handoff != nil {
		if q.room() {
			q.waiting.handoffs = append(q.waiting.handoffs, *turn.Handoff)
		} else {
			q.lost++
		}
	}
	for _, n := range turn.Notes {
		if q.room() {
			q.waiting.notes = append(q.waiting.notes, n)
		} else {
			q.lost++
		}
	}
}

func (q *queue) room() bool { return q.waiting.len()+q.writing.len() < q.most }

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// session returns the session's row that is not written yet.
func (q *queue) session(k engine.SessionKey) (engine.Session, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s, ok := q.waiting.sessions[k]; ok {
		return s, true
	}
	s, ok := q.writing.sessions[k]
	return s, ok
}

// withNotes adds the session's notes that are not written yet. Newest first, as given.
func (q *queue) withNotes(k engine.SessionKey, notes []engine.Note) []engine.Note {
	q.mu.Lock()
	defer q.mu.Unlock()
	stored := len(notes)
	for _, list := range [...][]engine.Note{q.writing.notes, q.waiting.notes} {
		for _, n := range list {
			same := func(o engine.Note) bool { return o.ID == n.ID }
			if n.SessionKey == k && !slices.ContainsFunc(notes[:stored], same) {
				notes = append(notes, n)
			}
		}
	}
	if len(notes) > stored {
		slices.SortStableFunc(notes, func(a, b engine.Note) int { return cmp.Compare(b.ID, a.ID) })
	}
	return notes
}

func (q *queue) dropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// take hands the rows that wait to a flush. newlyLost is how many were dropped since the last.
func (q *queue) take() (batch rows, newlyLost int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing, q.waiting = q.waiting, rows{sessions: map[engine.SessionKey]engine.Session{}}
	newlyLost, q.told = q.lost-q.told, q.lost
	return q.writing, newlyLost
}

// done forgets the rows of a flush, or puts them back before the others.
func (q *queue) done(written bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.writing
	q.writing = rows{}
	if written {
		return
	}
	// Rows of sessions that have had a turn meanwhile are out of date.
	maps.Copy(batch.sessions, q.waiting.sessions)
	q.waiting.sessions = batch.sessions
	q.waiting.notes = append(batch.notes, q.waiting.notes...)
	q.waiting.handoffs = append(batch.handoffs, q.waiting.handoffs...)
}

// Run writes rows until ctx ends, then what is left within 10 s. A batch that could not be
// written is kept and tried again, less and less often up to every 5 s.
// Errors: rows that could not be written before the end; they are lost.
func (t *Tracker) Run(ctx context.Context) error {
	retry := t.cfg.Every
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
			defer cancel()
			return t.finish(last)
		case <-t.queue.wake:
		}
		if !pause(ctx, retry) {
			continue
		}
		if err := t.Flush(ctx); err != nil {
			t.cfg.Log.Error().Err(err).Msg("sessions not written, will try again")
			retry = min(retry*2, maxRetry)
			t.queue.poke()
			continue
		}
		retry = t.cfg.Every
	}
}

// finish flushes until that succeeds or ctx ends.
func (t *Tracker) finish(ctx context.Context) error {
	for retry := t.cfg.Every; ; retry = min(retry*2, maxRetry) {
		err := t.Flush(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, retry) {
			return fmt.Errorf("write sessions at the end, %d rows lost: %w", t.queue.left(), err)
		}
	}
}

func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.len()
}

// Flush writes every row that waits. Rows that no store can keep are dropped, and counted.
// Errors: the store's; the rows wait again then.
func (t *Tracker) Flush(ctx context.Context) error {
	q := &t.queue
	select {
	case q.flushing <- struct{}{}:
		defer func() { <-q.flushing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	batch, lost := q.take()
	if lost > 0 {
		t.cfg.Log.Error().Int64("rows", lost).Msg("too many turns wait to be written, sessions lost rows")
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := t.write(ctx, batch)
	if engine.CodeOf(err) == engine.CodeInvalid {
		// Trying again would hold up everything behind it for ever.
		t.cfg.Log.Error().Err(err).Int("rows", batch.len()).Msg("sessions dropped, the store does not take them")
		q.mu.Lock()
		q.lost, q.told = q.lost+int64(batch.len()), q.told+int64(batch.len())
		q.mu.Unlock()
		err = nil
	}
	q.done(err == nil)
	return err
}

// write may be repeated: a session's row is replaced, and of a note or handoff the id is the key.
func (t *Tracker) write(ctx context.Context, batch rows) error {
	sessions := slices.Collect(maps.Values(batch.sessions))
	for part := range slices.Chunk(sessions, writeBatch) {
		if err := t.store.SaveSessions(ctx, part); err != nil {
			return fmt.Errorf("save sessions: %w", err)
		}
	}
	for part := range slices.Chunk(batch.notes, writeBatch) {
		if err := t.store.AddNotes(ctx, part); err != nil {
			return fmt.Errorf("add notes: %w", err)
		}
	}
	for part := range slices.Chunk(batch.handoffs, writeBatch) {
		if err := t.store.AddHandoffs(ctx, part); err != nil {
			return fmt.Errorf("add handoffs: %w", err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
