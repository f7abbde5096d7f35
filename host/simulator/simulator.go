// Package simulator is a set of fake provider APIs on one port: OpenAI Chat
// Completions and Responses, Anthropic Messages, Gemini generateContent, and a
// second OpenAI-compatible server (raptor). It speaks the true wire formats, JSON
// and SSE, refuses what the real ones refuse, answers deterministically, fails as a
// script says, and keeps a log of what it served, the ground truth for tests.
//
// It is not a model and not a load generator. Wire facts are from the vendors'
// API references as of 2026-08.
//
// Read the routes in this file first, then fault.go (the scripts), answer.go (what
// is said) and one file per wire: chat.go, responses.go, messages.go, generate.go;
// embedding.go, count.go and model.go have what the wires offer besides.
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

// Config of a Simulator. The zero value answers at once, in 8 pieces, to any key.
type Config struct {
	FirstByte  time.Duration     // before an answer's headers
	ChunkDelay time.Duration     // between two pieces of a stream
	Chunks     int               // pieces of a streamed text; default 8
	Words      int               // of an answer's text; default as many as its sentences have
	Keys       map[string]string // the one key that a provider accepts; default any
	LogSize    int               // served requests that are remembered; default 10,000
	Now        func() time.Time  // the clock of created and log times; default time.Now
	// Sleep waits for d, or until ctx ends, whose error it returns then. Default: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Simulator is the servers. Make one with New. Safe for concurrent use.
type Simulator struct {
	cfg Config
	mux *http.ServeMux
	log *servedLog

	mu       sync.Mutex
	faults   []Fault         // scripted, first match first
	lists    map[string]int  // how often lists of models were asked for, by provider
	caches   map[string]bool // prompts that the providers' caches hold
	server   *http.Server
	addr     string
	released chan struct{} // closed by Release, then made anew: ends stalls
	closed   bool
	serving  sync.WaitGroup

	life context.Context // ends with Close
	end  context.CancelFunc
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
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	s := &Simulator{cfg: cfg, mux: http.NewServeMux(), log: newLog(cfg.LogSize), caches: map[string]bool{}, lists: map[string]int{}, released: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background())
	for _, p := range []string{"openai", "raptor"} {
		s.mux.HandleFunc("POST /"+p+"/v1/chat/completions", s.wire(p, s.chat))
		s.mux.HandleFunc("POST /"+p+"/v1/responses", s.wire(p, s.responses))
		s.mux.HandleFunc("POST /"+p+"/v1/responses/input_tokens", s.wire(p, s.countResponses))
		s.mux.HandleFunc("POST /"+p+"/v1/embeddings", s.wire(p, s.embeddings))
		s.mux.HandleFunc("GET /"+p+"/v1/models", s.read(p, s.listOpenAI))
		s.mux.HandleFunc("GET /"+p+"/v1/models/{id}", s.read(p, s.listOpenAI))
	}
	s.mux.HandleFunc("POST /anthropic/v1/messages", s.wire("anthropic", s.messages))
	s.mux.HandleFunc("POST /anthropic/v1/messages/count_tokens", s.wire("anthropic", s.countMessages))
	s.mux.HandleFunc("GET /anthropic/v1/models", s.read("anthropic", s.listAnthropic))
	s.mux.HandleFunc("GET /anthropic/v1/models/{id}", s.read("anthropic", s.listAnthropic))
	s.mux.HandleFunc("POST /google/v1beta/models/{call}", s.wire("google", s.google))
	s.mux.HandleFunc("GET /google/v1beta/models", s.read("google", s.listGoogle))
	s.mux.HandleFunc("GET /google/v1beta/models/{id}", s.read("google", s.listGoogle))
	for _, p := range []string{"openai", "raptor", "anthropic", "google"} {
		s.mux.HandleFunc("/"+p+"/", s.unknownPath(p))
	}
	s.control()
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
	s.serving.Go(func() { _ = s.server.Serve(l) })
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
	s.closed = true
	s.mu.Unlock()
	s.end()
	if server == nil {
		return nil
	}
	err := server.Close()
	s.serving.Wait()
	return err
}

// Release lets every answer that a fault has stalled go on. Later ones stall again.
func (s *Simulator) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.released = make(chan struct{})
}

// pause waits, but not longer than the client and the simulator live. It reports
// whether the whole time passed.
func (s *Simulator) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	return s.cfg.Sleep(ctx, d) == nil
}

// stall waits until the client or the simulator goes. It reports whether it was
// released instead.
func (s *Simulator) stall(ctx context.Context) bool {
	s.mu.Lock()
	released := s.released
	s.mu.Unlock()
	select {
	case <-released:
		return true
	case <-ctx.Done():
	case <-s.life.Done():
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// credential returns the key that the request carries where its provider's
// clients put it; "" when there is none.
func credential(provider string, r *http.Request) string {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if bearer == r.Header.Get("Authorization") {
		bearer = ""
	}
	name := map[string]string{"anthropic": "x-api-key", "google": "x-goog-api-key"}[provider]
	switch {
	case name != "" && r.Header.Get(name) != "":
		return r.Header.Get(name)
	case provider == "google" && bearer == "":
		return r.URL.Query().Get("key")
	}
	return bearer
}
