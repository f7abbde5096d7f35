package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// storedAfter opens the store that a stopped gateway has left.
func storedAfter(t *testing.T, g *gateway) engine.Store {
	t.Helper()
	s, err := store.Open(t.Context(), g.cfg.databaseURL(), store.Options{})
	if err != nil {
		t.Fatalf("the store was not closed: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func usageAfter(t *testing.T, g *gateway) []engine.Usage {
	t.Helper()
	rows, err := storedAfter(t, g).ListUsage(t.Context(), engine.DefaultAccount, "", 1000)
	must(t, err)
	return rows
}

// A stop right after an answer loses no row.
func TestStopWritesTheLastRows(t *testing.T) {
	g := startGateway(t)
	const requests = 20
	for range requests {
		if a := g.chat("gpt-4o", "hello"); a.Status != 200 {
			t.Fatalf("completion = %d\n%s", a.Status, a.Body)
		}
	}
	g.stopSoon()
	if n := len(usageAfter(t, g)); n != requests {
		t.Errorf("%d rows after the stop, want %d", n, requests)
	}
}

// endless is a provider that begins to answer streams, and says when a request has come.
func endless(t *testing.T) (baseURL string, came chan struct{}) {
	came = make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{"content":"Once"},"finish_reason":null}]}`+"\n\n")
			w.(http.Flusher).Flush()
		}
		came <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1", came
}

// Requests that do not end by themselves are cut off, said so, and billed; the
// process ends properly.
func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	base, came := endless(t)
	g := openGateway(t, func(c *Config, _ *Options) {
		c.Upstreams.OpenAIBase, c.Shutdown.Timeout = base, 50*time.Millisecond
	})
	g.start()
	answers := map[bool]chan answer{false: make(chan answer, 1), true: make(chan answer, 1)}
	for stream, to := range answers {
		go func() {
			body := chatBody("gpt-4o", "hello")
			body["stream"] = stream
			to <- g.do(http.MethodPost, "/v1/chat/completions", body)
		}()
		<-came
	}
	g.stopSoon()
	if a := <-answers[false]; a.Status != 503 {
		t.Errorf("a request that was cut off = %d, want 503\n%s", a.Status, a.Body)
	}
	a := <-answers[true]
	list := events(a.Body)
	if len(list) != 2 || !strings.Contains(list[0], "Once") || !strings.Contains(list[1], `"error"`) {
		t.Errorf("a stream that was cut off = %q, want its beginning and an error event", list)
	}
	rows := usageAfter(t, g)
	if len(rows) != 2 {
		t.Fatalf("%d rows after the stop, want 2: %+v", len(rows), rows)
	}
	for _, r := range rows {
		if r.Outcome != engine.OutcomeCanceled || r.Tokens.Prompt == 0 || r.Stream != (r.Tokens.Completion > 0) {
			t.Errorf("row = %+v, want it canceled, with its prompt and what was said", r)
		}
	}
}

func TestRunEndsWhenItCannotServe(t *testing.T) {
	g := openGateway(t)
	must(t, g.listener.Close())
	done := make(chan error, 1)
	go func() { done <- g.Run(t.Context()) }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("Run on a closed listener = nil, want an error")
		}
	case <-time.After(time.Minute):
		t.Fatal("Run did not end within a minute")
	}
	storedAfter(t, g)
}

func TestRunThatIsStoppedBeforeItBegins(t *testing.T) {
	g := openGateway(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run did not end within a minute")
	}
	storedAfter(t, g)
}

func TestOpenThatFailsClosesEverything(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "a-file")
	must(t, os.WriteFile(file, nil, 0o600))
	tests := []struct {
		name       string
		change     func(*Config, *Options)
		wantErr    string
		wantBanner bool // the key was made, and must have been shown
	}{
		{"the address is taken", func(c *Config, _ *Options) { c.Listen = taken.Addr().String() }, "POINTSMAN_LISTEN", false},
		{"the compiler's folder is a file", func(_ *Config, o *Options) { o.CompiledDir = file }, "wasm", true},
		{"the data folder is a file", func(c *Config, _ *Options) { c.DataDir = file }, "data folder", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var banner bytes.Buffer
			cfg := DefaultConfig()
			cfg.Listen, cfg.DataDir = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
			opts := Options{Now: func() time.Time { return testNow }, CompiledDir: compiledDir, Compiler: testCompiler(t), Banner: &banner}
			tt.change(&cfg, &opts)
			if h, err := Open(t.Context(), cfg, opts); err == nil || h != nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("Open = %v, %v, want an error with %q", h, err, tt.wantErr)
			}
			if got := strings.Contains(banner.String(), "Super-admin key pm_"); got != tt.wantBanner {
				t.Errorf("key shown: %v, want %v:\n%s", got, tt.wantBanner, banner.String())
			}
			if tt.name == "the data folder is a file" {
				return
			}
			// Everything is free again: the next start on the same folder finds no lock.
			s, err := store.Open(t.Context(), cfg.databaseURL(), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := s.ListKeys(t.Context())
			if err != nil || (len(keys) > 0) != tt.wantBanner {
				t.Errorf("%d keys are stored, %v; a key that nobody was shown locks everybody out", len(keys), err)
			}
			must(t, s.Close())
		})
	}
}

// Without the key that the stored ones were hashed with, a start would lock everybody
// out and say nothing.
func TestMissingEncryptionKeyIsSaid(t *testing.T) {
	dir := t.TempDir()
	start := func() error {
		cfg := DefaultConfig()
		cfg.Listen, cfg.DataDir = "127.0.0.1:0", dir
		h, err := Open(t.Context(), cfg, Options{CompiledDir: compiledDir, Compiler: testCompiler(t)})
		if err == nil {
			h.Close()
		}
		return err
	}
	must(t, start())
	key := filepath.Join(dir, encryptionKeyFile)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file = %v, %v, want it private", info, err)
	}
	must(t, start())
	must(t, os.Rename(key, key+".kept"))
	if err := start(); err == nil || !strings.Contains(err.Error(), encryptionKeyFile) {
		t.Errorf("Open without the key file = %v, want an error that names it", err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was made in its place")
	}
	must(t, os.Rename(key+".kept", key))
	must(t, start())
	must(t, os.WriteFile(key, []byte("short"), 0o600))
	if err := start(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Open with a damaged key file = %v, want that said", err)
	}
}

// Nothing that is logged or printed holds a secret, but for the key that is made, once.
func TestNoSecretIsPrinted(t *testing.T) {
	var log, banner lockedText
	secrets := []string{"operators-own-admin-key-1234", strings.Repeat("encryption", 4), "sk-provider-secret-key-5678"}
	g := startGateway(t, func(c *Config, o *Options) {
		c.AdminKey, c.EncryptionKey = secrets[0], secrets[1]
		c.Upstreams.AnthropicKey, c.Upstreams.AnthropicBase = secrets[2], "http://127.0.0.1:9"
		c.Simulate = true
		o.Log, o.Banner = zerolog.New(&log), &banner
	})
	g.key = secrets[0]
	g.chat("claude-opus-4.5", "my question is private")
	g.do(http.MethodPost, "/v1/chat/completions", "{")
	g.stopSoon()
	for _, secret := range append(secrets, "my question is private") {
		if strings.Contains(log.String(), secret) || strings.Contains(banner.String(), secret) {
			t.Errorf("%q was printed:\n%s\n%s", secret, log.String(), banner.String())
		}
	}
	if !strings.Contains(banner.String(), "$POINTSMAN_KEY") || !strings.Contains(banner.String(), "simulated: google, openai, raptor") {
		t.Errorf("banner = %s, want the curl line and who is simulated", banner.String())
	}
	if !json.Valid([]byte(strings.Split(log.String(), "\n")[0])) {
		t.Errorf("log is no JSON: %s", log.String())
	}
}

// lockedText collects what is printed from anywhere.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
