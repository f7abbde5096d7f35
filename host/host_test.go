package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// testNow is the clock of every test host: lifecycles and prices depend on it.
var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const testKey = "test-admin-key-of-enough-characters"

// compiledDir is shared by the hosts of one test run: compiling the guests once is enough.
var compiledDir string

func TestMain(m *testing.M) {
	if os.Getenv(compilerMode) != "" {
		os.Exit(wasm.CompileChild(os.Stdin, os.Args[1], os.Stderr))
	}
	dir, err := os.MkdirTemp("", "pointsman-compiled-")
	if err != nil {
		panic(err)
	}
	compiledDir = dir
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		code = declaredAll()
	}
	for _, stop := range stops {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop a gateway:", err)
			code = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// declaredAll is the exit code of a run whose tests were all well: 1 when the document declares
// an answer that none of them got.
func declaredAll() int {
	list, err := neverCame()
	if err != nil || len(list) > 0 {
		fmt.Fprintln(os.Stderr, "declared, and never answered:", err, "\n\t"+strings.Join(list, "\n\t"))
		return 1
	}
	return 0
}

// gateway is a running host and a client of it.
type gateway struct {
	*Host
	t    *testing.T
	key  string
	stop func() error // nil for one that other tests use too
}

// startGateway opens and runs a host on a free port, all providers simulated,
// and stops it with the test. change may adjust the settings.
func startGateway(t *testing.T, change ...func(*Config, *Options)) *gateway {
	t.Helper()
	return openGateway(t, change...).start()
}

// patient thresholds take nothing out: tests of other things share gateways, and let providers
// fail in one after the other.
var patient = health.Thresholds{ConsecutiveFailures: math.MaxInt32, MinAttempts: math.MaxInt64, SlowMinSamples: math.MaxInt64}

// openGateway is startGateway without the start; without one it must be stopped, or
// closed, by the test.
func openGateway(t *testing.T, change ...func(*Config, *Options)) *gateway {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Listen, cfg.DataDir, cfg.AdminKey = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), testKey
	cfg.ProbeInterval = -1 // scripts count requests
	cfg.Shutdown.Delay = 0
	opts := Options{Log: zerolog.Nop(), Thresholds: patient, Now: func() time.Time { return testNow }, CompiledDir: compiledDir, Compiler: testCompiler(t)}
	if testing.Verbose() {
		opts.Log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	}
	for _, f := range change {
		f(&cfg, &opts)
	}
	seeded(t, cfg, opts)
	h, err := Open(t.Context(), cfg, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return &gateway{Host: h, t: t, key: cfg.AdminKey}
}

// seeded puts a database into an empty data folder that has the tables and the catalogue
// already: making both takes most of a start. The program's own tests start without.
func seeded(t *testing.T, cfg Config, opts Options) {
	t.Helper()
	path, ok := strings.CutPrefix(cfg.databaseURL(), "sqlite:")
	if _, err := os.Stat(path); !ok || err == nil || !opts.Now().Equal(testNow) {
		return
	}
	file, err := seededFile(t)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatalf("copy a seeded database: %v", err)
	}
}

// seedOnce guards seedFile, which is empty before its first use.
var (
	seedOnce sync.Mutex
	seedFile []byte
)

func seededFile(t *testing.T) ([]byte, error) {
	seedOnce.Lock()
	defer seedOnce.Unlock()
	if seedFile != nil {
		return seedFile, nil
	}
	path := migrated.SQLite(t, filepath.Join(t.TempDir(), "seeded.db"))
	s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(store.Seed(t.Context(), s, testNow), s.Close()); err != nil {
		return nil, err
	}
	seedFile, err = os.ReadFile(path)
	return seedFile, err
}

// start runs the gateway until stop, or the test's end.
func (g *gateway) start() *gateway {
	g.stop = running(g.t.Context(), g.Host)
	g.t.Cleanup(func() {
		if err := g.stop(); err != nil {
			g.t.Errorf("Run = %v, want nil", err)
		}
	})
	return g
}

// running runs the host until the function that it returns is called, which may be twice.
func running(ctx context.Context, h *Host) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// kept is a gateway that several tests use, started by the first; TestMain stops it. A start
// takes seconds under the race detector.
type kept struct {
	once sync.Once
	host *Host
	err  error
}

// stops are what ends the kept gateways.
var stops []func() error

// gateway returns it as that test's.
func (k *kept) gateway(t *testing.T, change ...func(*Config, *Options)) *gateway {
	t.Helper()
	compiler := testCompiler(t)
	k.once.Do(func() {
		dir, err := os.MkdirTemp(compiledDir, "data-")
		if k.err = err; err != nil {
			return
		}
		cfg := DefaultConfig()
		cfg.Listen, cfg.DataDir, cfg.AdminKey = "127.0.0.1:0", dir, testKey
		cfg.ProbeInterval = -1
		opts := Options{Log: zerolog.Nop(), Thresholds: patient, Now: func() time.Time { return testNow }, CompiledDir: compiledDir, Compiler: compiler}
		for _, f := range change {
			f(&cfg, &opts)
		}
		seeded(t, cfg, opts)
		if k.host, k.err = Open(context.Background(), cfg, opts); k.err == nil {
			stops = append(stops, running(context.Background(), k.host))
		}
	})
	if k.err != nil {
		t.Fatalf("Open: %v", k.err)
	}
	return &gateway{Host: k.host, t: t, key: testKey}
}

// shared is the gateway of the tests that only ask: what they ask for leaves nothing behind
// that another could see, neither a setting nor a credential's rest.
var shared kept

// sharedGateway is a gateway with the default settings that tests use at the same time. The
// test must not change a setting, nor have a provider answer 401 or 403; nor 429, but for a
// model that no other test uses.
func sharedGateway(t *testing.T) *gateway {
	t.Helper()
	g := shared.gateway(t)
	t.Parallel()
	return g
}

// answer is a response, read whole.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// do sends a request with the gateway's key; body may be nil, a string, or
// anything that marshals to JSON.
func (g *gateway) do(method, path string, body any) answer {
	g.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			g.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.URL()+path, reader)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatalf("%s %s: read body: %v", method, path, err)
	}
	a := answer{resp.StatusCode, resp.Header, text}
	checkDeclared(g.t, method, path, a)
	return a
}

// chat sends one user message.
func (g *gateway) chat(model, text string) answer {
	g.t.Helper()
	return g.do(http.MethodPost, "/v1/chat/completions", chatBody(model, text))
}

func chatBody(model, text string) map[string]any {
	return map[string]any{"model": model, "messages": []any{map[string]any{"role": "user", "content": text}}}
}

// field returns a member of a JSON body by path, as text.
func (a answer) field(t *testing.T, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatalf("body is not JSON: %v\n%s", err, a.Body)
	}
	for _, name := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if len(x) == 0 {
				return ""
			}
			v = x[0]
			if m, ok := v.(map[string]any); ok && name != "0" {
				v = m[name]
			}
		default:
			return ""
		}
	}
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	text, _ := json.Marshal(v)
	return string(text)
}
