// Package simulator is a set of fake provider APIs on one port: OpenAI Chat
// Completions and Responses, Anthropic Messages, Gemini generateContent, and a
// second OpenAI-compatible server (raptor). It speaks the true wire formats, JSON
// and SSE, refuses what the real ones refuse, answers deterministically, fails as a
// script says, and keeps a log of what it served, the ground truth for tests.
//
// It is not a model and not a load generator. Wire facts are from the vendors'
// API references as of 2026-08.
//
// Read server routes in this file first, then fault.go (the scripts), answer.go
// (what is said) and one file per wire.
package simulator

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config of a Simulator. The zero value answers at once, in 8 pieces.
type Config struct {
	FirstByte  time.Duration    // before an answer's headers
	ChunkDelay time.Duration    // between two pieces of a stream
	Chunks     int              // pieces of a streamed text; default 8
	LogSize    int              // served requests that are remembered; default 10,000
	Now        func() time.Time // the clock of created and log times; default time.Now
}

// Simulator is the servers. Make one with New. Safe for concurrent use.
type Simulator struct {
	cfg Config
	mux *http.ServeMux
	log *servedLog

	mu     sync.Mutex
	faults []Fault // scripted, first match first
	server *http.Server
	addr   string
	stop   chan struct{} // closed by Close: ends stalls
	closed bool
	served sync.WaitGroup
}

// New returns a simulator that is not listening yet.
func New(cfg Config) *Simulator {
	if cfg.Chunks <= 0 {
		cfg.Chunks = 8
	}
	if cfg.LogSize <= 0 {
		cfg.LogSize = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Simulator{cfg: cfg, mux: http.NewServeMux(), log: &servedLog{size: cfg.LogSize}, stop: make(chan struct{})}
	for _, p := range []string{"openai", "raptor"} {
		s.mux.HandleFunc("POST /"+p+"/v1/chat/completions", s.wire(p, s.chat))
		s.mux.HandleFunc("POST /"+p+"/v1/responses", s.wire(p, s.responses))
		s.mux.HandleFunc("GET /"+p+"/v1/models", s.listOpenAI(p))
	}
	s.mux.HandleFunc("POST /anthropic/v1/messages", s.wire("anthropic", s.messages))
	s.mux.HandleFunc("GET /anthropic/v1/models", s.listAnthropic)
	s.mux.HandleFunc("POST /google/v1beta/models/{call}", s.wire("google", s.generate))
	s.mux.HandleFunc("GET /google/v1beta/models", s.listGoogle)
	s.mux.HandleFunc("POST /_simulator/faults", s.postFaults)
	s.mux.HandleFunc("DELETE /_simulator/faults", s.deleteFaults)
	s.mux.HandleFunc("GET /_simulator/log", s.getLog)
	return s
}

// Handler returns the servers as one handler, for a listener of the caller's own.
func (s *Simulator) Handler() http.Handler { return s.mux }

// Start listens on addr ("127.0.0.1:0" for a free port) and serves in the
// background until Close. It returns the origin, as "http://127.0.0.1:4711".
func (s *Simulator) Start(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.server != nil {
		_ = l.Close()
		return "", errors.New("simulator: already started or closed")
	}
	s.addr = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second}
	s.served.Go(func() { _ = s.server.Serve(l) })
	return s.addr, nil
}

// BaseURL returns what a client of that provider is configured with: openai and
// raptor end in /v1, anthropic and google do not. Empty before Start.
func (s *Simulator) BaseURL(provider string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr == "" {
		return ""
	}
	if provider == "openai" || provider == "raptor" {
		return s.addr + "/" + provider + "/v1"
	}
	return s.addr + "/" + provider
}

// Close ends every open answer and waits for the server. It may be called twice.
func (s *Simulator) Close() error {
	s.mu.Lock()
	server := s.server
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	s.mu.Unlock()
	if server == nil {
		return nil
	}
	err := server.Close()
	s.served.Wait()
	return err
}

// pause waits, but not longer than the client or the simulator lives.
func (s *Simulator) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.stop:
	}
	return false
}

// stall waits until the client or the simulator goes.
func (s *Simulator) stall(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.stop:
	}
}

// credential returns the key that the request carries, wherever its vendor puts it.
func credential(r *http.Request) string {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return key
	}
	for _, name := range []string{"x-api-key", "x-goog-api-key"} {
		if key := r.Header.Get(name); key != "" {
			return key
		}
	}
	return r.URL.Query().Get("key")
}
