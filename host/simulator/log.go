package simulator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// Outcomes of a served request.
const (
	OutcomeOK        = "ok"
	OutcomeRefused   = "refused"   // an error answer, scripted or earned
	OutcomeGarbage   = "garbage"   // a 200 that is no answer
	OutcomeCut       = "cut"       // closed by us in mid-answer
	OutcomeDropped   = "dropped"   // closed by us without an answer
	OutcomeStalled   = "stalled"   // still stalled when the client or the simulator went
	OutcomeMalformed = "malformed" // one event was broken JSON
	OutcomeError     = "error"     // an error event ended the stream
	OutcomeGone      = "gone"      // the client closed first
)

// Served is one request as it was served.
type Served struct {
	At         time.Time `json:"at"`
	ID         string    `json:"id"` // of the answer, in its wire's form; empty when it was refused
	Provider   string    `json:"provider"`
	Model      string    `json:"model"`
	Path       string    `json:"path"`
	Stream     bool      `json:"stream"`
	Credential string    `json:"credential_sha256"` // hex; empty when there was none
	Headers    []string  `json:"headers"`           // names in lower case, sorted
	BodyBytes  int       `json:"body_bytes"`
	Status     int       `json:"status"`
	Chunks     int       `json:"chunks"`     // pieces of text that were written
	TextBytes  int       `json:"text_bytes"` // bytes of text that were written
	Prompt     int       `json:"prompt"`     // tokens that the whole answer costs
	Completion int       `json:"completion"` // tokens that the whole answer costs
	Outcome    string    `json:"outcome"`
	Body       []byte    `json:"-"` // as it was received; nil unless KeepBodies was called
}

// Digest is the form of a credential in the log: its SHA-256 in hex, "" for "".
func Digest(key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// servedLog remembers the newest requests.
type servedLog struct {
	size int

	mu    sync.Mutex
	keep  bool // bodies
	rows  []Served
	total int
	begun int
	more  chan struct{} // closed by the next row, then made anew
}

func newLog(size int) *servedLog { return &servedLog{size: size, more: make(chan struct{})} }

func (l *servedLog) add(row Served) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rows) >= 2*l.size {
		l.rows = append([]Served(nil), l.rows[len(l.rows)-l.size+1:]...)
	}
	l.rows = append(l.rows, row)
	l.total++
	close(l.more)
	l.more = make(chan struct{})
}

// next numbers the requests from 0, as they come, and says whether their bodies are kept.
func (l *servedLog) next() (n int, keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	return l.begun - 1, l.keep
}

// newest returns a copy of the rows, and how many there have ever been.
func (l *servedLog) newest() ([]Served, int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Served{}, l.rows[max(len(l.rows)-l.size, 0):]...), l.total, l.more
}

// Log returns what was served, in the order in which it ended: the newest
// requests up to Config.LogSize. A request is in it once it has ended.
func (s *Simulator) Log() []Served {
	rows, _, _ := s.log.newest()
	return rows
}

// Wait waits until n requests have ended since the last ClearLog, and returns the
// log. Its error is ctx's.
func (s *Simulator) Wait(ctx context.Context, n int) ([]Served, error) {
	for {
		rows, total, more := s.log.newest()
		if total >= n {
			return rows, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return rows, ctx.Err()
		}
	}
}

// Running returns how many requests have begun that have not ended, since the last
// ClearLog.
func (s *Simulator) Running() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.begun - s.log.total
}

// Lists returns how often the provider was asked for its models, well or not. These requests
// are not in the log.
func (s *Simulator) Lists(provider string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists[provider]
}

// KeepBodies has the log keep the bodies of requests that come from now on, for tests in
// this process that look at what a provider was told.
func (s *Simulator) KeepBodies() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.keep = true
}

// ClearLog forgets what was served.
func (s *Simulator) ClearLog() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.rows, s.log.total, s.log.begun = nil, 0, 0
}
