package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store"
)

// provider is a simulated provider behind a proxy that knows every request by the name in
// its text: what reached it is what may be billed.
type provider struct {
	url     string
	mu      sync.Mutex
	reached map[string]int
	arrived map[string]time.Time // when it last did
}

var called = regexp.MustCompile(`call-\d+-\d+`)

func newProvider(t *testing.T) *provider {
	t.Helper()
	sim := simulator.New(simulator.Config{})
	if _, err := sim.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(sim.BaseURL("openai"))
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{reached: map[string]int{}, arrived: map[string]time.Time{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: base.Scheme, Host: base.Host})
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the gateway ended in mid-request
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if name := called.Find(body); name != nil {
			p.mu.Lock()
			p.reached[string(name)]++
			p.arrived[string(name)] = time.Now()
			p.mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.Close(); _ = sim.Close() })
	p.url = server.URL + base.Path
	return p
}

// failpointBinary is the program with points at which it ends itself.
var failpointBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "pointsman-failpoint")
	out, err := exec.Command("go", "build", "-trimpath", "-tags", "failpoint", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// However often the process is killed, and wherever it is then, each request that reached
// the provider has one row, and what was answered is settled as it was.
func TestKillLosesNoUsageSoak(t *testing.T) {
	kills, inFlight := map[string]int{"sqlite": 12, "postgres": 8}, 100
	if os.Getenv("POINTSMAN_SOAK") != "" {
		kills = map[string]int{"sqlite": 120, "postgres": 80}
	}
	program, err := failpointBinary()
	if err != nil {
		t.Fatal(err)
	}
	points := []string{"reserve", "reserved", "settle", "settled", "store", "stored"}
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			up, dir := newProvider(t), t.TempDir()
			admin := strings.Repeat("admin-", 5)
			env := append(database(t), "POINTSMAN_ADMIN_KEY="+admin, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+up.url)
			r := rand.New(rand.NewPCG(1, 2))
			var mu sync.Mutex
			answered := map[string]bool{}
			for kill := range kills[name] {
				point := fmt.Sprintf("%s:%d", points[kill%len(points)], 1+r.IntN(inFlight/2))
				if strings.HasPrefix(point, "store") {
					point = points[kill%len(points)] + ":1" // rows go in batches
				}
				p := launch(t, program, dir, append(env, "POINTSMAN_FAILPOINT="+point)...)
				p.key = admin
				if p.url == "" || !p.becomesReady() {
					continue // it ended while it took over what the one before had left
				}
				ctx, cancel := context.WithCancel(t.Context())
				var calls sync.WaitGroup
				for i := range inFlight {
					calls.Go(func() {
						name := fmt.Sprintf("call-%d-%d", kill, i)
						if p.completes(ctx, name, i%2 == 0) {
							mu.Lock()
							answered[name] = true
							mu.Unlock()
						}
					})
				}
				select {
				case <-p.exited:
				case <-time.After(time.Minute):
					t.Errorf("the process did not reach %s", point)
					p.kill()
				}
				cancel()
				calls.Wait()
			}
			p := serveProgram(t, program, dir, env...)
			p.key = admin
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			<-p.exited
			left, err := filepath.Glob(filepath.Join(dir, "pointsman-data", "spool", "*", "*.usage"))
			if err != nil || len(left) != 0 {
				t.Errorf("files are left in the spool after a clean stop: %v %v", left, err)
			}
			checkLedger(t, dir, env, up, answered)
		})
	}
}

// completes sends one request and reports whether the whole answer came.
func (p *process) completes(ctx context.Context, name string, stream bool) bool {
	return p.completesBy(ctx, "gpt-4o", name, stream)
}

// completesBy is completes by that model.
func (p *process) completesBy(ctx context.Context, model, name string, stream bool) bool {
	body, err := json.Marshal(map[string]any{
		"model": model, "models": []string{}, "stream": stream, "metadata": map[string]string{"session_id": name},
		"messages": []any{map[string]any{"role": "user", "content": "This is " + name + "."}},
	})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && (!stream || strings.Contains(string(text), "[DONE]"))
}

// checkLedger joins what the provider served to the rows.
func checkLedger(t *testing.T, dir string, env []string, up *provider, answered map[string]bool) {
	t.Helper()
	database := "sqlite:" + filepath.Join(dir, "pointsman-data", "pointsman.db")
	for _, v := range env {
		if url, ok := strings.CutPrefix(v, "POINTSMAN_DATABASE_URL="); ok {
			database = url
		}
	}
	s, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := map[string][]engine.Usage{}
	interrupted := 0
	for name := range up.reached {
		rows[name] = nil
	}
	for _, u := range allUsage(t, s) {
		rows[u.SessionID] = append(rows[u.SessionID], u)
		if u.Outcome == engine.OutcomeInterrupted {
			interrupted++
		}
	}
	lost, double := 0, 0
	for name, list := range rows {
		switch {
		case len(list) == 0:
			lost++
			t.Errorf("%s reached the provider and has no row", name)
		case len(list) > 1:
			double++
			t.Errorf("%s has %d rows, want one", name, len(list))
		case up.reached[name] == 0 && list[0].Outcome != engine.OutcomeInterrupted && list[0].Tokens.Prompt > 0:
			t.Errorf("%s never reached the provider, and has the row %+v", name, list[0])
		case answered[name] && (list[0].Outcome != engine.OutcomeOK || list[0].Estimated):
			t.Errorf("%s was answered, and has the row %+v", name, list[0])
		}
	}
	if len(up.reached) == 0 || len(answered) == 0 {
		t.Errorf("%d reached the provider and %d were answered, want some", len(up.reached), len(answered))
	}
	t.Logf("%d requests reached the provider, %d were answered, %d rows are of interrupted ones; %d lost, %d double",
		len(up.reached), len(answered), interrupted, lost, double)
}

// allUsage returns every row of the default account.
func allUsage(t *testing.T, s engine.Store) (all []engine.Usage) {
	t.Helper()
	for after := ""; ; {
		rows, next, err := s.PageUsage(t.Context(), engine.UsageQuery{
			AccountID: engine.DefaultAccount, To: time.Now().Add(time.Hour), After: after, Limit: 500,
		})
		if err != nil {
			t.Fatal(err)
		}
		if all, after = append(all, rows...), next; next == "" {
			return all
		}
	}
}
