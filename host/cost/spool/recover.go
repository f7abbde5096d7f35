package spool

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

const suffix = ".usage"

// recover takes over the files of an earlier process: rows in them are handed on, and what
// began in them and never ended is kept for settleAbandoned.
func (s *Spool) recover() error {
	paths, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*"+suffix))
	if err != nil {
		return err
	}
	if err := s.removeParts(); err != nil {
		return err
	}
	slices.Sort(paths) // numbers have leading zeros
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), suffix)
		number, err := strconv.ParseUint(name, 10, 64)
		if err != nil && !strings.HasPrefix(name, latePrefix) {
			continue // not one of ours
		}
		seg, err := s.adopt(path, number)
		if err != nil {
			return err
		}
		s.segments = append(s.segments, seg)
		s.number = max(s.number, number)
	}
	return nil
}

// adopt counts what is in a file.
func (s *Spool) adopt(path string, number uint64) (*segment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	seg := &segment{path: path, number: number, sealed: true, abandoned: map[string]engine.Usage{}}
	seg.spilled.Store(true)
	used, damaged := scan(data, func(kind byte, u *engine.Usage) {
		if kind == kindReserve {
			seg.abandoned[u.ID] = *u
			return
		}
		seg.pending.Add(1)
		seg.settled = append(seg.settled, u.ID)
	})
	if damaged > 0 {
		// Mostly a torn record at the end, which the end of the process or a full disk left:
		// nobody was told that it is kept.
		s.cfg.Log.Warn().Str("file", path).Int("bytes", damaged).Msg("a part of a usage spool file is not whole, and is left out")
	}
	if used < len(data) {
		// What was promised to the process before goes back; if not, the file is deleted later.
		if err := os.Truncate(path, int64(used)); err != nil {
			s.cfg.Log.Warn().Err(err).Str("file", path).Msg("the end of a usage spool file is not used, and could not be cut")
			used = len(data)
		}
	}
	seg.size.Store(int64(used))
	s.bytes.Add(int64(used))
	s.pending.Add(seg.pending.Load())
	return seg, nil
}

// settleAbandoned writes a row for each attempt that began and was never settled: it may
// have reached the provider, so that it costs what Reserve was told it costs at least. What
// the disk does not take stays open in its old file until the database has it.
func (s *Spool) settleAbandoned() {
	open := map[string]homeless{}
	for _, seg := range s.segments {
		for id, u := range seg.abandoned {
			u.Estimated, u.Outcome = true, engine.OutcomeInterrupted
			open[id] = homeless{u, Token{seg}}
		}
		seg.abandoned = nil
	}
	for _, seg := range s.segments {
		for _, id := range seg.settled {
			delete(open, id)
		}
		seg.settled = nil
	}
	if len(open) == 0 {
		return
	}
	all := slices.Collect(maps.Values(open))
	var left []homeless
	for i := range all {
		if _, err := s.append(kindSettle, &all[i].row); err != nil {
			left = append(left, all[i])
		}
	}
	// Only when it is on the disk may the files be deleted in which they began.
	if err := s.sync(); err != nil {
		s.failed.Store(true)
		s.cfg.Log.Error().Err(err).Msg("usage spool not synced at the start: no request that costs is taken until it is")
		left = all
	}
	for _, h := range left {
		h.token.segment.open.Add(1)
	}
	s.keep(left...)
	s.cfg.Log.Warn().Int("rows", len(open)).Msg("requests were under way when the process ended: their usage is estimated")
}

// begin makes the first file. A disk that is full gives it no promise of space: then it
// takes what there is room for, and requests are refused until Flush has made room.
func (s *Spool) begin() error {
	err := s.rotate()
	if !isFull(err) {
		return err
	}
	s.failed.Store(true)
	s.cfg.Log.Error().Err(err).Msg("usage spool has no space at the start: no request that costs is taken until there is some")
	s.mu.Lock()
	defer s.mu.Unlock()
	path, number := s.next()
	seg, err := openSegment(path, number, 0, true)
	if isFull(err) {
		seg, err = &segment{path: path, number: number, out: refusing{err}}, nil
	}
	if err != nil {
		return fmt.Errorf("begin a new spool file: %w", err)
	}
	s.follow(seg)
	s.poke() // Flush tries again, also when there is nothing to hand on
	return nil
}

// rotate begins a new file and lets nobody write to the one before it any more, which sync
// closes.
func (s *Spool) rotate() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rotateLocked()
}

func (s *Spool) rotateLocked() error {
	if s.closed.Load() {
		return ErrClosed
	}
	path, number := s.next()
	seg, err := openSegment(path, number, s.capacity(), s.cfg.plain)
	if err != nil {
		return fmt.Errorf("begin a new spool file: %w", err)
	}
	s.cfg.Failpoint("rotate")
	s.follow(seg)
	return nil
}

// next is what another file is called. Under mu.
func (s *Spool) next() (path string, number uint64) {
	s.number++
	return filepath.Join(s.cfg.Dir, fmt.Sprintf("%012d%s", s.number, suffix)), s.number
}

// follow makes a file the current one. Under mu.
func (s *Spool) follow(seg *segment) {
	before := s.current.Swap(seg)
	s.segments = append(s.segments, seg)
	if before != nil {
		before.seal()
	}
}

// capacity is how long a mapped file is: Flush begins another one at SegmentBytes, and what
// comes until it does has room.
func (s *Spool) capacity() int64 { return max(s.cfg.SegmentBytes+s.cfg.SegmentBytes/4, 2*maxRecord) }

// extend begins a new file for those that found no room in seg, unless one has already.
func (s *Spool) extend(seg *segment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.Load() != seg {
		return nil
	}
	return s.rotateLocked()
}
