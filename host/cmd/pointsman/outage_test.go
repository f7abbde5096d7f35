package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// outage is a gateway whose Postgres, and the way to it, can fail.
type outage struct {
	t        *testing.T
	cluster  *storetest.Cluster
	wire     *storetest.Proxy
	database string // around the wire
	env      []string
	up       *provider
	p        *process
	admin    string // the listener for metrics and profiles
	client   *http.Client
	sent     atomic.Int64
}

// As in host/store/postgres: what the pool holds on a small machine.
const poolSize = 4

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{t: t, cluster: storetest.NewCluster(t), client: &http.Client{Timeout: 20 * time.Second}}
	// A superuser would be let in where nobody is.
	o.cluster.Exec(t, "create role gateway login createrole", "create schema gateway authorization gateway")
	o.database = strings.Replace(o.cluster.URL, "postgres@", "gateway@", 1) + "&search_path=gateway"
	var proxied string
	o.wire, proxied = storetest.NewProxy(t, o.database)
	o.up = newProvider(t)
	key := strings.Repeat("admin-", 5)
	o.env = []string{"POINTSMAN_ENCRYPTION_KEY=" + testEncryptionKey, "POINTSMAN_ADMIN_KEY=" + key, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL=" + o.up.url}
	o.p = serve(t, warmDir(t), append(o.env, "POINTSMAN_DATABASE_URL="+proxied+"&pool_max_conns="+strconv.Itoa(poolSize), "POINTSMAN_ADMIN_LISTEN=127.0.0.1:0")...)
	o.p.key = key
	until(t, "serve says where its profiles are", func() bool {
		o.admin = firstMatch(o.p.errors.String(), `"url":"(http://[0-9.:]+)"[^\n]*metrics and profiles`)
		return o.admin != ""
	})
	return o
}

// callers send requests until they are stopped.
type callers struct {
	stop    context.CancelFunc
	group   sync.WaitGroup
	mu      sync.Mutex
	failed  []string
	of      *outage
	started int64
}

// calls begins to send requests of a known key.
func (o *outage) calls() *callers {
	ctx, cancel := context.WithCancel(context.Background())
	c := &callers{stop: cancel, of: o, started: o.sent.Load()}
	o.t.Cleanup(cancel)
	for range 4 {
		c.group.Go(func() {
			for ctx.Err() == nil {
				n := o.sent.Add(1)
				name := fmt.Sprintf("call-0-%d", n)
				if status, text, _ := o.complete(o.p, o.p.key, name); status != http.StatusOK {
					c.mu.Lock()
					c.failed = append(c.failed, fmt.Sprintf("%s: %d %s", name, status, text))
					c.mu.Unlock()
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return c
}

// none stops the callers: none of their requests may have failed.
func (c *callers) none(t *testing.T, during string) {
	t.Helper()
	c.stop()
	c.group.Wait()
	n := c.of.sent.Load() - c.started
	if len(c.failed) > 0 {
		t.Errorf("%s, %d of %d requests failed, want none: %s", during, len(c.failed), n, c.failed[0])
	}
	t.Logf("%s: %d requests, %d failed", during, n, len(c.failed))
}

// complete sends one completion; status 0 is none at all.
func (o *outage) complete(p *process, key, name string) (status int, text string, header http.Header) {
	body := fmt.Sprintf(`{"model":"gpt-4o","models":[],"metadata":{"session_id":%q},"messages":[{"role":"user","content":"This is %s."}]}`, name, name)
	return o.ask(http.MethodPost, p.url+"/v1/chat/completions", key, body)
}

func (o *outage) ask(method, url, key, body string) (status int, text string, header http.Header) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error(), nil
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error(), nil
	}
	return resp.StatusCode, string(answer), resp.Header
}

// manage asks for what is in the database alone.
func (o *outage) manage() (status int, text string, header http.Header) {
	return o.ask(http.MethodGet, o.p.url+"/api/v1/audit", o.p.key, "")
}

// refused checks what who manages is told while the database is away.
func (o *outage) refused(t *testing.T, what string, status int, text string, header http.Header) {
	t.Helper()
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, string(engine.CodeDatabaseUnavailable)) {
		t.Errorf("%s = %d %s (retry-after %q), want 503, %s and when to come again", what, status, text, header.Get("Retry-After"), engine.CodeDatabaseUnavailable)
	}
}

// until asks again and again; what is a failure after a minute and a half.
func until(t *testing.T, what string, ask func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ask() {
		if time.Since(began) > 90*time.Second {
			t.Fatalf("not in a minute and a half: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

func (o *outage) managed() bool { status, _, _ := o.manage(); return status == http.StatusOK }

// goroutines is how many the process has.
func (o *outage) goroutines(t *testing.T) int {
	t.Helper()
	_, text, _ := o.ask(http.MethodGet, o.admin+"/debug/pprof/goroutine?debug=1", "", "")
	m := regexp.MustCompile(`goroutine profile: total (\d+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("the profile of goroutines is %q", text)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// recorded waits until each request that reached the provider, of those whose name begins so, has
// its row, and one only.
func (o *outage) recorded(t *testing.T, after, prefix string) {
	t.Helper()
	s, err := store.Open(t.Context(), o.database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reached := map[string]int{}
	o.up.mu.Lock()
	for name, n := range o.up.reached {
		if strings.HasPrefix(name, prefix) {
			reached[name] = n
		}
	}
	o.up.mu.Unlock()
	want := len(reached)
	rows := map[string]int{}
	defer func() {
		if !t.Failed() {
			return
		}
		var without []string
		for name := range reached {
			if rows[name] == 0 {
				without = append(without, name)
			}
		}
		slices.Sort(without)
		t.Logf("%s: %d requests reached the provider, %d have rows; without one: %q", after, want, len(rows), without[:min(5, len(without))])
	}()
	drained := until(t, "every request has a row", func() bool {
		clear(rows)
		for _, u := range allUsage(t, s) {
			if strings.HasPrefix(u.SessionID, prefix) {
				rows[u.SessionID]++
			}
		}
		return len(rows) >= want
	})
	for name, n := range rows {
		if n != 1 || reached[name] != 1 {
			t.Errorf("%s: %s has %d rows and reached the provider %d times, want 1 and 1", after, name, n, reached[name])
		}
	}
	t.Logf("%s: %d requests have one row each, 0 lost, 0 double, the last after %v", after, want, drained.Round(time.Millisecond))
}
