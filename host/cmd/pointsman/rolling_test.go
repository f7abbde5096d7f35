package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// traffic is what callers send all the time: plain requests at a rate, and streams that are open.
type traffic struct {
	rate    int // plain requests a second
	open    int // streams at a time
	words   int // of a stream
	every   time.Duration
	to, key string
	client  *http.Client

	plain, streams atomic.Int64 // that were sent
	others         int64        // that were answered besides
	failed         atomic.Int64
	first          atomic.Pointer[string] // failure
}

// slowProvider answers plain requests at once, and streams word by word.
func slowProvider(t *testing.T, words int, every time.Duration) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Stream bool }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if !q.Stream {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := range words {
			fmt.Fprintf(w, `data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"word%d "},"finish_reason":null}]}`+"\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprintf(w, `data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":%d,"total_tokens":%d}}`+"\n\ndata: [DONE]\n\n", words, words+3)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// run sends until ctx ends, and returns when every answer is there.
func (l *traffic) run(ctx context.Context) {
	l.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 500}}
	var calls sync.WaitGroup
	for range l.open {
		calls.Go(func() {
			for ctx.Err() == nil {
				l.streams.Add(1)
				l.ask(true)
			}
		})
	}
	tick := time.NewTicker(time.Second / time.Duration(l.rate))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			l.plain.Add(1)
			calls.Go(func() { l.ask(false) })
		}
	}
	calls.Wait()
}

// ask sends one request, and counts it as failed unless the whole answer comes.
func (l *traffic) ask(stream bool) {
	why := func() string {
		body := fmt.Sprintf(`{"model":"gpt-4o","models":[],"stream":%t,"messages":[{"role":"user","content":"Well?"}]}`, stream)
		req, err := http.NewRequest(http.MethodPost, l.to+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		req.Header.Set("Authorization", "Bearer "+l.key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := l.client.Do(req)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		switch whole := string(text); {
		case err != nil:
			return err.Error() + " after " + whole
		case resp.StatusCode != http.StatusOK:
			return resp.Status + " " + whole
		case !stream && !strings.Contains(whole, "Yes."):
			return whole
		case stream && (strings.Count(whole, `"word`) != l.words || !strings.HasSuffix(whole, "data: [DONE]\n\n")):
			return whole
		}
		return ""
	}()
	if why != "" {
		l.failed.Add(1)
		why = fmt.Sprintf("stream %t: %s", stream, why)
		l.first.CompareAndSwap(nil, &why)
	}
}

// fleet is processes on one Postgres behind a balancer.
type fleet struct {
	*balancer
	t        *testing.T
	database string
	env      []string
	all      []*process
	dirs     []string
}

// newFleet starts n processes at once on a database that is empty.
func newFleet(t *testing.T, n int, env ...string) *fleet {
	t.Helper()
	f := &fleet{balancer: newBalancer(t, n), t: t, database: postgresSchema(t), all: make([]*process, n)}
	f.env = append(env, "POINTSMAN_DATABASE_URL="+f.database, "POINTSMAN_ENCRYPTION_KEY="+testEncryptionKey, "POINTSMAN_ADMIN_KEY="+strings.Repeat("admin-", 5))
	var starts sync.WaitGroup
	for range n {
		f.dirs = append(f.dirs, warmDir(t))
	}
	for i := range n {
		starts.Go(func() { f.all[i] = launch(t, binary, f.dirs[i], f.env...) })
	}
	starts.Wait()
	for i := range f.all {
		f.join(i)
	}
	return f
}

// start puts a new process of that program into the place.
func (f *fleet) start(place int, program string, env ...string) {
	f.t.Helper()
	f.all[place] = launch(f.t, program, f.dirs[place], append(env, f.env...)...)
	f.join(place)
}

// join waits until the balancer knows that the process of a place is ready.
func (f *fleet) join(place int) {
	f.t.Helper()
	p := f.all[place]
	if p.key = strings.Repeat("admin-", 5); p.url == "" {
		f.t.Fatalf("process %d ended before it was ready:\n%s%s", place, p.banner, p.errors)
	}
	f.put(place, p.url)
	for deadline := time.Now().Add(2 * time.Minute); !f.isReady(place); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("process %d was not ready in two minutes:\n%s", place, p.errors)
		}
	}
}

// stop ends the process of a place as a service manager does, and waits for its end.
// Nothing that was used is left on its disk.
func (f *fleet) stop(place int) (took time.Duration) {
	f.t.Helper()
	p, began := f.all[place], time.Now()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(3 * time.Minute):
		f.t.Fatalf("process %d did not end:\n%s", place, p.errors)
	}
	f.put(place, "")
	for line := range strings.Lines(p.errors.String()) {
		if strings.Contains(line, `"level":"warn"`) || strings.Contains(line, `"level":"error"`) {
			f.t.Logf("process %d: %s", place, line)
		}
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		f.t.Errorf("process %d exits with %d after SIGTERM, want 0\n%s", place, code, p.errors)
	}
	return time.Since(began)
}

// query asks the database for one number.
func (f *fleet) query(text string) (n int64) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(f.t.Context(), text).Scan(&n); err != nil {
		f.t.Fatalf("%s: %v", text, err)
	}
	return n
}

// settled wants one row of the ledger for each request, settled as it was.
func (f *fleet) settled(l *traffic) {
	f.t.Helper()
	rows, odd := f.query("select count(*) from usage"), f.query("select count(*) from usage where outcome <> 'ok' or estimated")
	if want := l.plain.Load() + l.streams.Load() + l.others; rows != want || odd > 0 {
		for _, dir := range f.dirs {
			left, _ := filepath.Glob(filepath.Join(dir, "pointsman-data", "spool", "*", "*"))
			f.t.Logf("%s has %v", dir, left)
		}
		f.t.Errorf("the ledger has %d rows, %d of them of requests that failed, want %d and 0", rows, odd, want)
	}
}

// Processes are replaced one after the other while requests and streams go on: none fails.
func TestRollingRestartSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_TEST_POSTGRES_URL") == "" {
		t.Skip("POINTSMAN_TEST_POSTGRES_URL is not set: `make test` provides a server")
	}
	l := &traffic{rate: 40, open: 10, words: 35, every: 100 * time.Millisecond}
	rounds, requests, streams := 1, int64(0), int64(0)
	if os.Getenv("POINTSMAN_SOAK") != "" {
		l = &traffic{rate: 200, open: 100, words: 200, every: 100 * time.Millisecond}
		rounds, requests, streams = 2, 100_000, 300
	}
	f := newFleet(t, 3, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+slowProvider(t, l.words, l.every), "POINTSMAN_SHUTDOWN_DELAY=5s")
	if n, most := f.query("select count(*) - count(distinct version_id) from schema_versions"), int64(0); n != most {
		t.Errorf("%d migrations were applied twice by three that start at once, want %d", n, most)
	}
	bounds := f.bound() // their leases change hands at each restart
	l.to, l.key = f.url, f.all[0].key
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	load.Go(func() { l.run(ctx) })
	for range rounds {
		for place := range f.all {
			// A stream that began before the signal is there in any case.
			for before := l.streams.Load(); l.streams.Load() < before+int64(l.open) && l.failed.Load() == 0; time.Sleep(10 * time.Millisecond) {
			}
			took := f.stop(place)
			t.Logf("process %d ended %v after the signal", place, took.Round(time.Millisecond))
			f.start(place, binary)
		}
	}
	for (l.plain.Load() < requests || l.streams.Load() < streams) && l.failed.Load() == 0 {
		time.Sleep(100 * time.Millisecond)
	}
	cancel()
	load.Wait()
	l.others = bounds.end()
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d requests and %d streams failed while processes were restarted, want 0; the first: %s", n, l.plain.Load(), l.streams.Load(), *l.first.Load())
	}
	for place := range f.all {
		f.stop(place)
	}
	f.settled(l)
	bounds.audit()
	t.Logf("%d requests and %d streams over %d restarts: %d failed, %d were given to another process because one refused a connection",
		l.plain.Load(), l.streams.Load(), rounds*len(f.all), l.failed.Load(), f.redial.Load())
}
