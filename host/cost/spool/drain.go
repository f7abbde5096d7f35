package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	batch        = 10_000                // sums over many rows cost what those over few do
	leastBatch   = batch / 16            // of a database that is slow
	slowBatch    = 5 * time.Second       // a batch that fails after so long was too large, perhaps
	gather       = 50 * time.Millisecond // rows that come within it share a transaction
	busyGather   = 5 * gather            // the same, when busyRows or more came at last
	busyRows     = 100
	keptRows     = 2_048 // of the memory for a batch, for the next one
	maxRetry     = 5 * time.Second
	finalFlush   = 10 * time.Second
	writeTimeout = 30 * time.Second
)

// Run hands rows to write until ctx ends, in batches, and then what is left for at most
// 10 s; what the database does not take stays on the disk for the next start. A batch
// that write refuses is tried again, less and less often up to every 5 s. write must keep
// one row of each id, however often it is given it, and nothing of the list, which is used again.
// Errors: none is fatal, so it returns nil; it logs.
func (s *Spool) Run(ctx context.Context, write func(context.Context, []engine.Usage) error) error {
	syncing, stop := context.WithCancel(ctx)
	synced := make(chan struct{})
	go func() {
		defer close(synced)
		engine.Keep(syncing, s.cfg.Log, "usage spool: sync", s.syncEvery)
	}()
	defer func() {
		stop() // ctx goes on when this is a panic
		<-synced
	}()
	retry := gather
	for pause(ctx, s.wake, retry) {
		waiting := s.pending.Load()
		err := s.Flush(ctx, write)
		if err == nil {
			if retry = gather; waiting >= busyRows {
				retry = busyGather
			}
			continue
		}
		if ctx.Err() == nil {
			s.cfg.Log.Error().Err(err).Int64("rows", s.pending.Load()).Msg("usage not written to the database, kept on the disk, will try again")
		}
		retry = min(2*retry, maxRetry)
		s.poke()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalFlush)
	defer cancel()
	for retry = gather; ; retry = min(2*retry, maxRetry) {
		err := s.Flush(last, write)
		if err == nil {
			return nil
		}
		s.poke()
		if !pause(last, s.wake, retry) {
			s.cfg.Log.Warn().Err(err).Int64("rows", s.pending.Load()).Msg("usage stays on the disk until the next start")
			return nil
		}
	}
}

// pause waits for the signal and then for d, so that what comes together goes together.
func pause(ctx context.Context, signal <-chan struct{}, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-signal:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// errUnread is about one file: others are handed on all the same.
var errUnread = errors.New("a usage spool file cannot be read")

// Flush hands every row settled so far to write, and deletes files in which nothing is left. When a batch
// takes long and comes to nothing the next ones are half as large, until all is written.
// Errors: ctx's, write's and those of the file system. What was written is not written again.
func (s *Spool) Flush(ctx context.Context, write func(context.Context, []engine.Usage) error) error {
	select {
	case s.flushing <- struct{}{}:
		defer func() { <-s.flushing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// A disk that is full keeps no row from the database: that is what empties it.
	renewed := s.renew()
	if err := s.flushHomeless(ctx, write); err != nil {
		return errors.Join(renewed, err)
	}
	errs := []error{renewed}
	for _, seg := range s.list() {
		err := s.flushSegment(ctx, seg, write)
		errs = append(errs, err)
		if err != nil && !errors.Is(err, errUnread) {
			return errors.Join(errs...)
		}
	}
	s.batch = min(2*s.batch, batch)
	return errors.Join(append(errs, s.sweep())...)
}

// list is the files there are now, oldest first.
func (s *Spool) list() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.segments)
}

// renew begins a new file when the current one is full, holds rows that memory does not,
// or failed: it may then end in half a record.
func (s *Spool) renew() error {
	seg := s.current.Load()
	failed := s.failed.Load()
	if !failed && seg.size.Load() < s.cfg.SegmentBytes && !seg.spilled.Load() {
		return nil
	}
	if err := s.rotate(); err != nil {
		return err
	}
	if failed {
		s.failed.Store(false)
		s.cfg.Log.Info().Msg("usage spool begins a new file")
	}
	return s.sync()
}

func (s *Spool) flushHomeless(ctx context.Context, write func(context.Context, []engine.Usage) error) error {
	for {
		s.mu.Lock()
		list := slices.Clone(s.homeless[:min(s.batch, len(s.homeless))])
		s.mu.Unlock()
		if len(list) == 0 {
			return nil
		}
		rows := make([]engine.Usage, len(list))
		for i := range list {
			rows[i] = list[i].row
		}
		if err := s.hand(ctx, rows, write); err != nil {
			return err
		}
		s.mu.Lock()
		s.homeless = slices.Clone(s.homeless[len(list):])
		s.mu.Unlock()
		for _, h := range list {
			h.token.settled()
		}
	}
}

// flushSegment hands on the rows of one file: from memory, and where memory has not all of
// them, every row of the file once more.
func (s *Spool) flushSegment(ctx context.Context, seg *segment, write func(context.Context, []engine.Usage) error) error {
	if seg.spilled.Load() && seg.isSealed() {
		return s.flushFile(ctx, seg, write)
	}
	return s.flushMemory(ctx, seg, write)
}

func (s *Spool) flushMemory(ctx context.Context, seg *segment, write func(context.Context, []engine.Usage) error) error {
	for {
		rows := seg.take(s.rows[:0], s.batch)
		if len(rows) == 0 {
			return nil
		}
		err := s.hand(ctx, rows, write)
		if err != nil {
			// They are read from the file when their turn comes again, and if it can be read.
			seg.putBack(rows)
			seg.spilled.Store(true)
		} else {
			seg.pending.Add(-int64(len(rows)))
		}
		clear(rows) // their texts can go
		if s.rows = nil; cap(rows) <= keptRows {
			s.rows = rows
		}
		if err != nil {
			return err
		}
	}
}

func (s *Spool) flushFile(ctx context.Context, seg *segment, write func(context.Context, []engine.Usage) error) error {
	if seg.pending.Load() == 0 {
		seg.forget()
		return nil
	}
	rows, err := seg.read()
	if err != nil {
		if failed := s.flushMemory(ctx, seg, write); failed != nil {
			return failed
		}
		if seg.pending.Load() == 0 {
			return nil
		}
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	seg.forget()
	for part := range slices.Chunk(rows, s.batch) {
		if err := s.write(ctx, part, write); err != nil {
			return err
		}
	}
	s.pending.Add(-seg.pending.Swap(0))
	return nil
}

func (s *Spool) hand(ctx context.Context, rows []engine.Usage, write func(context.Context, []engine.Usage) error) error {
	if err := s.write(ctx, rows, write); err != nil {
		return err
	}
	s.pending.Add(-int64(len(rows)))
	return nil
}

func (s *Spool) write(ctx context.Context, rows []engine.Usage, write func(context.Context, []engine.Usage) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	began := time.Now()
	var err error
	broken := engine.Contain(s.cfg.Log, "usage spool: store", func() {
		s.cfg.Failpoint("store")
		err = write(ctx, rows)
		s.cfg.Failpoint("stored")
	})
	if broken != nil {
		err = broken // the rows are handed on again
	}
	if err != nil && time.Since(began) >= slowBatch {
		s.batch = max(s.batch/2, leastBatch)
	}
	return err
}

// sweep deletes the files in which nothing is left, but for the current one.
func (s *Spool) sweep() error {
	finished := map[*segment]bool{}
	for _, seg := range s.list() {
		if seg.isSealed() && seg.finished() {
			finished[seg] = true
		}
	}
	if len(finished) == 0 {
		return nil
	}
	// What began there may be settled in a later one: that must be on the disk first.
	if err := s.sync(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	s.segments = slices.DeleteFunc(s.segments, func(seg *segment) bool {
		if !finished[seg] {
			return false
		}
		s.cfg.Failpoint("remove")
		if err := seg.remove(); err != nil {
			errs = append(errs, err)
			return false
		}
		s.bytes.Add(-seg.size.Load())
		return true
	})
	return errors.Join(errs...)
}

// syncEvery brings what was written to the disk, every Config.Sync.
func (s *Spool) syncEvery(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Sync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.cfg.Failpoint("sync")
		if err := s.sync(); err != nil {
			s.cfg.Log.Error().Err(err).Msg("usage spool not synced")
		}
	}
}

// sync brings everything that was written to the disk, and closes files to which nobody
// writes any more.
func (s *Spool) sync() error {
	var errs []error
	for _, seg := range s.list() {
		if !seg.isSealed() {
			errs = append(errs, seg.sync())
		} else if err := seg.close(); err != nil {
			// Another file is in use already; what this one holds is read back when it is its turn.
			s.cfg.Log.Error().Err(err).Str("file", seg.path).Msg("usage spool file not synced")
		}
	}
	return errors.Join(errs...)
}
