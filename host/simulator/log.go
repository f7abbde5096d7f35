package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// Served is one request as it was served.
type Served struct {
	At         time.Time `json:"at"`
	Provider   string    `json:"provider"`
	Model      string    `json:"model"`
	Path       string    `json:"path"`
	Stream     bool      `json:"stream"`
	Credential string    `json:"credential_sha256"` // hex; empty when there was none
	Headers    []string  `json:"headers"`           // names, sorted
	BodyBytes  int       `json:"body_bytes"`
	Status     int       `json:"status"`
	Chunks     int       `json:"chunks"`     // pieces of text that were written
	Prompt     int       `json:"prompt"`     // tokens billed
	Completion int       `json:"completion"` // tokens billed
	Outcome    string    `json:"outcome"`    // ok, refused, cut, stalled, malformed, error, gone
}

// servedLog remembers the newest requests.
type servedLog struct {
	mu   sync.Mutex
	size int
	rows []Served
}

func (l *servedLog) add(row Served) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rows) >= 2*l.size {
		l.rows = append([]Served(nil), l.rows[len(l.rows)-l.size+1:]...)
	}
	l.rows = append(l.rows, row)
}

// Log returns what was served, oldest first: the newest requests up to Config.LogSize.
func (s *Simulator) Log() []Served {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return append([]Served(nil), s.log.rows[max(len(s.log.rows)-s.log.size, 0):]...)
}

func digest(key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
