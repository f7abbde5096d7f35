// Package spool keeps the ledger's rows on the local disk until the database has them,
// so that neither a crash nor a database that is away loses one.
//
// Before a provider is asked, Reserve writes down that an attempt begins, with everything
// that is known of it. Settle writes the row as it became. Rows are handed to
// the database in the background, and a file is deleted when every attempt that began in it
// is settled and every row in it is stored. What a crash leaves is read at the next start:
// rows go to the database again, which keeps one of each id, and attempts that nobody
// settled become rows by themselves, marked as estimated.
//
// Read spool.go first, then segment.go (one file) and medium.go (how it is written),
// recover.go (after a crash) and drain.go.
package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Defaults of Config.
const (
	defaultSegment = 16 << 20
	defaultSync    = 100 * time.Millisecond
	defaultMax     = 4 << 30
	defaultMemory  = 20_000
)

// Config is what a Spool is made of. Dir is required; the zero value of the rest works.
type Config struct {
	Dir          string        // its own folder; made when it is missing
	SegmentBytes int64         // another file begins beyond it; default 16 MiB. The current one takes up to a quarter more, from its beginning
	Sync         time.Duration // the longest that a write waits for the disk; default 100 ms
	// MaxBytes is how much the folder may hold before Reserve refuses, so that a database
	// that is away for days does not fill the disk. Default 4 GiB.
	MaxBytes int64
	Memory   int // rows kept in memory for the database; others are read from the disk. Default 20,000
	Log      zerolog.Logger
	// Failpoint is called at named points, for tests that end the process there. May be nil.
	Failpoint func(point string)

	plain bool // write as where files cannot be mapped
}

// ErrFull is why Reserve refuses: the folder holds as much as it may, or the disk takes no
// more. Rows that are there are not lost.
var ErrFull = errors.New("the usage spool cannot take more")

// ErrInUse is why Open refuses: another process has the folder.
var ErrInUse = errors.New("another process uses the usage spool")

// ErrClosed is why Reserve refuses after Close, and Flush when it had to begin a file.
var ErrClosed = errors.New("the usage spool is closed")

// Spool is the folder. Make one with Open; let Run hand on rows. Safe for concurrent use:
// Reserve and Settle take no lock that all requests share.
type Spool struct {
	cfg  Config
	lock *os.File

	current atomic.Pointer[segment]
	bytes   atomic.Int64 // in all files
	pending atomic.Int64 // settled rows that the database does not have
	failed  atomic.Bool  // the last write failed: the disk is full, or worse
	closed  atomic.Bool  // set under mu, before the files are sealed
	wake    chan struct{}

	mu       sync.Mutex // guards what follows; taken by requests only when the disk refuses
	segments []*segment // oldest first; the last one is current
	number   uint64
	homeless []homeless // settled rows that no file took

	flushing chan struct{}  // 1 slot: one flush at a time, without a lock held over a query
	rows     []engine.Usage // memory for a batch; of who has the slot
	batch    int            // how many rows go at once; likewise
}

// homeless is a row that is in memory alone. Its reservation stays open until the database
// has it: after a crash there is at least that.
type homeless struct {
	row   engine.Usage
	token Token
}

// Token is a reservation that is open. The zero value is none.
type Token struct{ segment *segment }

// Open takes the folder and reads what an earlier process left in it. Damage is never
// fatal: what is not a whole record is skipped, and logged. Nor is a full disk: Reserve
// refuses until Run or Flush has made room.
// Errors: ErrInUse, and what the file system says.
func Open(cfg Config) (*Spool, error) {
	if cfg.SegmentBytes <= 0 {
		cfg.SegmentBytes = defaultSegment
	}
	if cfg.Sync <= 0 {
		cfg.Sync = defaultSync
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMax
	}
	if cfg.Memory <= 0 {
		cfg.Memory = defaultMemory
	}
	if cfg.Failpoint == nil {
		cfg.Failpoint = func(string) {}
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, cfg.Dir)
	}
	s := &Spool{cfg: cfg, lock: lock, wake: make(chan struct{}, 1), flushing: make(chan struct{}, 1), batch: batch}
	if err = s.recover(); err == nil {
		err = s.begin()
	}
	if err != nil {
		// Nothing is deleted: what is open in the files is not known yet.
		return nil, errors.Join(fmt.Errorf("open usage spool: %w", err), s.release())
	}
	s.settleAbandoned()
	return s, nil
}

// Reserve writes down that an attempt begins: u as it is to be kept if nobody settles it.
// It has reached the operating system when Reserve returns, so that the end of the process
// cannot lose it, and the disk within Config.Sync.
// Errors: ErrFull, which is ErrClosed too after Close.
func (s *Spool) Reserve(u *engine.Usage) (Token, error) {
	if s.failed.Load() || s.bytes.Load() > s.cfg.MaxBytes {
		return Token{}, ErrFull
	}
	s.cfg.Failpoint("reserve")
	seg, err := s.append(kindReserve, u)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.cfg.Failpoint("reserved")
	return Token{seg}, nil
}

// Settle writes the attempt's row and hands it on to the database. It must follow each
// Reserve exactly once, with the same id. A row that the disk does not take is kept in
// memory, and the database gets it all the same. After Close the next start estimates it, or
// finds it in a file of its own when nothing was reserved that could be estimated.
func (s *Spool) Settle(t Token, u *engine.Usage) {
	s.cfg.Failpoint("settle")
	if _, err := s.append(kindSettle, u); err != nil {
		if errors.Is(err, ErrClosed) && s.leave(t, u) {
			return
		}
		s.keep(homeless{*u, t})
		return
	}
	s.cfg.Failpoint("settled")
	t.settled()
	s.poke()
}

// keep holds rows that no file took for the database.
func (s *Spool) keep(rows ...homeless) {
	s.mu.Lock()
	s.homeless = append(s.homeless, rows...)
	s.mu.Unlock()
	s.pending.Add(int64(len(rows)))
	s.poke()
}

func (t Token) settled() {
	if t.segment != nil {
		t.segment.open.Add(-1)
	}
}

// append writes one record to the current file, and counts it there.
func (s *Spool) append(kind byte, u *engine.Usage) (*segment, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	*buffer = appendRecord((*buffer)[:0], kind, u)
	for {
		seg := s.enter()
		if seg == nil {
			return nil, ErrClosed
		}
		err := s.appendTo(seg, kind, *buffer, u)
		seg.leave()
		if err == nil {
			return seg, nil
		}
		// Once there is no space for a file, Flush is who tries again.
		if errors.Is(err, errNoRoom) && !s.failed.Load() {
			if err = s.extend(seg); err == nil || errors.Is(err, ErrClosed) {
				continue // after Close, enter finds out
			}
		}
		if !s.failed.Swap(true) {
			s.cfg.Log.Error().Err(err).Msg("usage spool cannot be written: no request that costs is taken until it can")
		}
		s.poke()
		return nil, err
	}
}

// appendTo writes to a file that was entered.
func (s *Spool) appendTo(seg *segment, kind byte, record []byte, u *engine.Usage) error {
	// Counted before it is written: nobody may take the file for finished in between.
	switch kind {
	case kindReserve:
		seg.open.Add(1)
	case kindSettle:
		seg.pending.Add(1)
		s.pending.Add(1)
	}
	n, err := seg.write(record)
	s.bytes.Add(int64(n))
	if err == nil {
		if kind == kindSettle {
			seg.keep(u, int64(s.cfg.Memory), s.pending.Load())
		}
		return nil
	}
	switch kind {
	case kindReserve:
		seg.open.Add(-1)
	case kindSettle:
		seg.pending.Add(-1)
		s.pending.Add(-1)
	}
	return err
}

// enter returns the current file, which is not closed before leave; nil after Close.
func (s *Spool) enter() *segment {
	for {
		if seg := s.current.Load(); seg.enter() {
			return seg
		}
		if s.closed.Load() { // asked last: it costs those who find the file open nothing
			return nil
		}
	}
}

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends the use of the folder. What is in it stays for the next Open, and files in
// which nothing is left are deleted. Writers at work are waited for; later ones are refused.
// Errors: what the file system says; then nothing is deleted.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.closeFiles()
	// What began in one may be settled in a later one: all are on the disk before one is deleted.
	if err == nil {
		for _, seg := range s.segments {
			if seg.finished() {
				err = errors.Join(err, seg.remove())
			}
		}
	}
	s.segments = nil
	return errors.Join(err, s.lock.Close())
}

// release ends the use of the folder and leaves every file where it is.
func (s *Spool) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.closeFiles(), s.lock.Close())
}

// closeFiles lets no more be written, and closes. Under mu.
func (s *Spool) closeFiles() error {
	s.closed.Store(true)
	var errs []error
	for _, seg := range s.segments {
		seg.seal()
		errs = append(errs, seg.close())
	}
	return errors.Join(errs...)
}
