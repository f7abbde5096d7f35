package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// While Postgres is away every request is served, and when it is back every one of them
// has its row.
func TestPostgresAwaySoak(t *testing.T) {
	database := postgresSchema(t)
	through, proxied := storetest.NewProxy(t, database)
	up, dir := newProvider(t), t.TempDir()
	admin := strings.Repeat("admin-", 5)
	p := serve(t, dir, "POINTSMAN_DATABASE_URL="+proxied, "POINTSMAN_KEYS_WITHOUT_DATABASE=1h", "POINTSMAN_ENCRYPTION_KEY="+strings.Repeat("k", 32),
		"POINTSMAN_ADMIN_KEY="+admin, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+up.url)
	p.key = admin
	each := 100
	if os.Getenv("POINTSMAN_SOAK") != "" {
		each = 3_000
	}
	for phase, cut := range []bool{false, true, false} {
		through.Refuse(cut)
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
