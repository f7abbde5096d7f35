package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// wire is the way to a database, which can be cut.
type wire struct {
	listener net.Listener
	network  string
	address  string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// newWire leads to the server of a URL, and returns the URL that goes through it.
func newWire(t *testing.T, database string) (*wire, string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{conns: map[net.Conn]bool{}}
	w.network, w.address = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.set(true); _ = w.listener.Close() })
	go w.serve()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = w.listener.Addr().String(), q.Encode()
	return w, u.String()
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(w.network, w.address)
		if err != nil || !w.keep(client, server) {
			_ = client.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				_ = client.Close()
				_ = server.Close()
			}()
		}
	}
}

// keep remembers the two ends of a connection; false while the wire is cut.
func (w *wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return false
	}
	for _, c := range conns {
		w.conns[c] = true
	}
	return true
}

// set cuts the wire and everything that goes over it, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			_ = c.Close()
		}
		clear(w.conns)
	}
}

// While Postgres is away every request is served, and when it is back every one of them
// has its row.
func TestPostgresAwaySoak(t *testing.T) {
	database := postgresSchema(t)
	through, proxied := newWire(t, database)
	up, dir := newProvider(t), t.TempDir()
	admin := strings.Repeat("admin-", 5)
	p := serve(t, dir, "POINTSMAN_DATABASE_URL="+proxied, "POINTSMAN_ENCRYPTION_KEY="+strings.Repeat("k", 32),
		"POINTSMAN_ADMIN_KEY="+admin, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+up.url)
	p.key = admin
	each := 100
	if os.Getenv("POINTSMAN_SOAK") != "" {
		each = 3_000
	}
	for phase, cut := range []bool{false, true, false} {
		through.set(cut)
		var calls sync.WaitGroup
		for w := range 8 {
			calls.Go(func() {
				for i := range each {
					if name := fmt.Sprintf("call-%d-%d", phase, w*each+i); !p.completes(t.Context(), name, i%2 == 0) {
						t.Errorf("%s failed, database cut: %v", name, cut)
					}
				}
			})
		}
		calls.Wait()
	}
	s, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := 3 * 8 * each
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	rows := map[string]int{}
	for {
		rows = map[string]int{}
		for _, u := range allUsage(t, s) {
			rows[u.SessionID]++
			if u.Outcome != engine.OutcomeOK {
				t.Fatalf("row %+v, want it settled as it was", u)
			}
		}
		if len(rows) == want || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	if len(rows) != want {
		t.Errorf("%d of %d requests have a row after the database came back", len(rows), want)
	}
	for name, n := range rows {
		if n != 1 || up.reached[name] != 1 {
			t.Errorf("%s has %d rows and reached the provider %d times, want 1 and 1", name, n, up.reached[name])
		}
	}
	t.Logf("%d requests, %d of them while the database was away: none failed, each has one row", want, 8*each)
}
