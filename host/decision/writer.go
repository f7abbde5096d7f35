package decision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	writeBatch   = 4_000 // rows of one transaction
	writeTimeout = 10 * time.Second
	maxRefusals  = 200 // of one write, in the search for rows that the store does not take
	maxRetry     = 5 * time.Second
)

// errUnfinished is why a flush ends that was refused too often: the next one goes on with the search.
var errUnfinished = errors.New("the store does not take some of the decisions, which are still looked for")

// Run writes decisions until ctx ends, then what is left within 10 s. What could not be written
// is kept and tried again, less and less often up to every 5 s; meanwhile the queue fills, and
// then drops. Errors: decisions that could not be written before the end; they are lost.
func (l *Log) Run(ctx context.Context) error {
	told, retry := int64(0), l.cfg.Every
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
			defer cancel()
			return l.finish(last)
		case <-l.queue.wake:
		}
		if !pause(ctx, retry) {
			continue
		}
		err := l.Flush(ctx)
		if dropped := l.Stats().Dropped; dropped > told {
			l.cfg.Log.Error().Int64("rows", dropped-told).Msg("decisions dropped, too many wait to be written")
			told = dropped
		}
		if err != nil && ctx.Err() == nil {
			if !errors.Is(err, errUnfinished) {
				l.cfg.Log.Error().Err(err).Msg("decisions not written, will try again")
			}
			retry = l.again(retry, err)
			l.poke()
			continue
		}
		retry = l.cfg.Every
	}
}

func (l *Log) poke() {
	select {
	case l.queue.wake <- struct{}{}:
	default:
	}
}

// finish flushes until that succeeds or ctx ends.
func (l *Log) finish(ctx context.Context) error {
	for retry := l.cfg.Every; ; {
		err := l.Flush(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, retry) {
			return fmt.Errorf("write decisions at the end: %w", err)
		}
		retry = l.again(retry, err)
	}
}

// again is how long to wait after a flush with that error, when it was retry before.
func (l *Log) again(retry time.Duration, err error) time.Duration {
	if errors.Is(err, errUnfinished) {
		return l.cfg.Every // the store is there, and answers
	}
	return min(2*retry, maxRetry)
}

// Flush writes every decision that waits. Those that no store can keep are dropped, and counted.
// Errors: the store's, also that it refused too many of them for one flush; they wait again then.
func (l *Log) Flush(ctx context.Context) error {
	select {
	case l.flushing <- struct{}{}:
		defer func() { <-l.flushing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	// First what could not be written before, then what has come since.
	if err := l.write(ctx); err != nil {
		return err
	}
	rows := l.queue.take(l.spare)
	l.pending, l.spare = rows, nil
	if err := l.write(ctx); err != nil {
		return err
	}
	if cap(rows) <= writeBatch {
		l.spare = rows[:0]
	}
	return nil
}

// write writes what is pending, without rows that the store does not take: of a batch with such a
// row one half after the other is tried, until that row is alone. What is known of them stays when it
// ends before, so that the next one goes on there. Its caller has the slot of flushing.
func (l *Log) write(ctx context.Context) error {
	for refusals := 0; len(l.pending) > 0; {
		size := writeBatch
		if l.suspects > 0 {
			size = max(l.suspects/2, 1)
		}
		batch := l.pending[:min(len(l.pending), size)]
		err := l.store.AddDecisions(ctx, batch)
		switch {
		case engine.CodeOf(err) == engine.CodeInvalid && len(batch) > 1:
			l.suspects = len(batch)
			if refusals++; refusals >= maxRefusals {
				return fmt.Errorf("%w: %w", errUnfinished, err)
			}
			continue
		case engine.CodeOf(err) == engine.CodeInvalid:
			// Trying again would hold up everything behind it for ever.
			l.cfg.Log.Error().Err(err).Str("request", batch[0].RequestID).Msg("decision dropped, the store does not take it")
			l.refused.Add(1)
			l.suspects = 0
		case err != nil:
			return fmt.Errorf("add decisions: %w", err)
		default:
			l.written.Add(int64(len(batch)))
			l.suspects = max(l.suspects-len(batch), 0)
		}
		clear(batch)
		l.pending = l.pending[len(batch):]
	}
	l.pending = nil
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
