package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// A gateway goes on to serve whoever it knows through everything that can happen to its
// Postgres, tells those who manage to come again, and has every row in the end.
func TestDatabaseFaultsSoak(t *testing.T) {
	lasts := func(small, long time.Duration) time.Duration {
		if os.Getenv("POINTSMAN_SOAK") != "" {
			return long
		}
		return small
	}
	o := newOutage(t)
	strange := "a-key-that-nobody-ever-made"
	strangeIs := func(want int) func() bool {
		return func() bool { status, _, _ := o.complete(o.p, strange, "strange"); return status == want }
	}
	if !strangeIs(http.StatusUnauthorized)() || !o.managed() {
		t.Fatal("the gateway does not work before anything happens")
	}
	base := o.goroutines(t)

	// Another replica, whose keys hold for a shorter time, is cut off from here on.
	wire, proxied := storetest.NewProxy(t, o.database)
	short := serve(t, warmDir(t), append(o.env, "POINTSMAN_DATABASE_URL="+proxied, "POINTSMAN_KEYS_WITHOUT_DATABASE=10s")...)
	if status, text, _ := o.complete(short, o.p.key, "call-1-1"); status != http.StatusOK {
		t.Fatalf("the other replica = %d %s", status, text)
	}
	wire.Refuse(true)

	t.Run("killed", func(t *testing.T) {
		calls := o.calls()
		began, before := time.Now(), len(o.wire.Accepted())
		o.cluster.Kill(t)
		until(t, "management is told to come again", func() bool { return !o.managed() })
		status, text, header := o.manage()
		o.refused(t, "management", status, text, header)
		noticed := until(t, "an unknown key is told to come again", strangeIs(http.StatusServiceUnavailable))
		for time.Since(began) < lasts(4*time.Second, 30*time.Second) {
			status, text, header := o.manage()
			o.refused(t, "management", status, text, header)
			time.Sleep(5 * time.Millisecond)
		}
		took := time.Since(began)
		attempts := len(o.wire.Accepted()) - before
		if most := int(2 * poolSize * (took.Seconds() + 1)); attempts > most {
			t.Errorf("%d attempts to connect in %v, want at most %d", attempts, took, most)
		}
		o.cluster.Start(t)
		normal := until(t, "management is back", o.managed)
		until(t, "an unknown key is unknown again", strangeIs(http.StatusUnauthorized))
		calls.none(t, fmt.Sprintf("killed for %v (unknown keys 503 %v after management, %d attempts to connect, management back in %v)",
			took.Round(time.Millisecond), noticed.Round(time.Millisecond), attempts, normal.Round(time.Millisecond)))
		o.recorded(t, "killed", "call-0-")
	})

	t.Run("stopped", func(t *testing.T) {
		calls := o.calls()
		o.cluster.Freeze(t)
		began, most := time.Now(), 0
		impatient := &http.Client{Timeout: 2 * time.Second}
		var managers sync.WaitGroup
		for range 50 {
			managers.Go(func() {
				for time.Since(began) < lasts(2*time.Second, 30*time.Second) {
					req, err := http.NewRequest(http.MethodGet, o.p.url+"/api/v1/audit", nil)
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", "Bearer "+o.p.key)
					if resp, err := impatient.Do(req); err == nil {
						_ = resp.Body.Close()
						if resp.StatusCode != http.StatusServiceUnavailable {
							t.Errorf("management of a server that is stopped = %d, want 503", resp.StatusCode)
						}
					}
				}
			})
		}
		for time.Since(began) < lasts(2*time.Second, 30*time.Second) {
			most = max(most, o.goroutines(t))
			time.Sleep(100 * time.Millisecond)
		}
		managers.Wait()
		// Each open request is a few goroutines.
		if most > base+500 {
			t.Errorf("%d goroutines while the server is stopped, %d before", most, base)
		}
		o.cluster.Thaw(t)
		normal := until(t, "management is back", o.managed)
		calls.none(t, fmt.Sprintf("stopped (goroutines: %d before, %d at most; management back in %v)", base, most, normal.Round(time.Millisecond)))
	})

	t.Run("slow", func(t *testing.T) {
		calls := o.calls()
		o.wire.Delay(5 * time.Second)
		time.Sleep(lasts(2*time.Second, 90*time.Second)) // longer than keys hold
		n := o.goroutines(t)
		o.wire.Delay(0)
		until(t, "management is back", o.managed)
		calls.none(t, fmt.Sprintf("answers 5 s late (%d goroutines)", n))
	})

	t.Run("silent network", func(t *testing.T) {
		calls := o.calls()
		o.wire.Freeze("")
		time.Sleep(lasts(2*time.Second, 30*time.Second))
		o.wire.Thaw()
		until(t, "management is back", o.managed)
		calls.none(t, "nothing passes")
	})

	t.Run("no connections left", func(t *testing.T) {
		calls := o.calls()
		o.cluster.Exec(t, "alter role gateway connection limit 0",
			"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway'")
		until(t, "management is told to come again", func() bool { return !o.managed() })
		status, text, header := o.manage()
		o.refused(t, "management", status, text, header)
		time.Sleep(lasts(0, 10*time.Second))
		o.cluster.Exec(t, "alter role gateway connection limit -1")
		until(t, "management is back", o.managed)
		calls.none(t, "too many connections")
	})

	t.Run("disk full", func(t *testing.T) {
		o.cluster.Exec(t, `create function gateway.full() returns trigger language plpgsql as $$
			begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`,
			"create trigger full_disk before insert on gateway.usage execute function gateway.full()")
		calls := o.calls()
		until(t, "the ledger meets a full disk", func() bool { return strings.Contains(o.p.errors.String(), "No space left on device") })
		time.Sleep(lasts(0, 10*time.Second))
		o.cluster.Exec(t, "drop trigger full_disk on gateway.usage")
		calls.none(t, "the database's disk is full")
		o.recorded(t, "disk full", "call-0-")
	})

	t.Run("revoked while the listener hangs", func(t *testing.T) {
		_, _, made := o.p.call(http.MethodPost, "/api/v1/keys", map[string]any{"name": "short-lived"})
		var row struct{ ID string }
		if err := json.Unmarshal(made, &row); err != nil || row.ID == "" {
			t.Fatalf("create key = %s, %v", made, err)
		}
		secret := firstMatch(string(made), `"(pm_[0-9A-Za-z]{20,})"`)
		if status, text, _ := o.complete(o.p, secret, "call-2-1"); status != http.StatusOK {
			t.Fatalf("the new key = %d %s", status, text)
		}
		o.wire.Freeze("listen pointsman_revision")
		s, err := store.Open(t.Context(), o.database, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.RevokeKey(t.Context(), engine.DefaultAccount, row.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		n := 1
		took := until(t, "the revoked key is refused", func() bool {
			n++
			status, _, _ := o.complete(o.p, secret, fmt.Sprintf("call-2-%d", n))
			return status == http.StatusUnauthorized
		})
		o.wire.Thaw()
		t.Logf("a key that was revoked elsewhere was refused after %v, without a notice", took.Round(time.Millisecond))
	})

	t.Run("keys that nobody made", func(t *testing.T) {
		each := 250
		if os.Getenv("POINTSMAN_SOAK") != "" {
			each = 2500
		}
		before, began := o.wire.Asked(), time.Now()
		var tries sync.WaitGroup
		for w := range 8 {
			tries.Go(func() {
				for i := range each {
					// 429: from one address not so many are looked at.
					if status, text, _ := o.complete(o.p, fmt.Sprintf("tried-key-of-somebody-%d-%d", w, i), "strange"); status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
						t.Errorf("a key that nobody made = %d %s, want 401 or 429", status, text)
					}
				}
			})
		}
		tries.Wait()
		took := time.Since(began)
		asked := o.wire.Asked() - before
		t.Logf("%d unknown keys in %v: %d questions to the database", 8*each, took.Round(time.Millisecond), asked)
		if most := int(50 * (took.Seconds() + 1)); asked > most {
			t.Errorf("%d unknown keys in %v cost %d questions to the database, want at most %d", 8*each, took, asked, most)
		}
	})

	t.Run("keys grow old", func(t *testing.T) {
		var text string
		var header http.Header
		until(t, "the replica that was cut off refuses", func() bool {
			var status int
			status, text, header = o.complete(short, o.p.key, "call-1-2")
			return status == http.StatusServiceUnavailable
		})
		o.refused(t, "a key of long ago", http.StatusServiceUnavailable, text, header)
		wire.Refuse(false)
		n := 2
		until(t, "the replica serves again", func() bool {
			n++
			status, _, _ := o.complete(short, o.p.key, fmt.Sprintf("call-1-%d", n))
			return status == http.StatusOK
		})
	})
	wire.Refuse(false) // also when that part was not run: the other replica has a row to tell of
	o.recorded(t, "in the end", "call-")
	if os.Getenv("POINTSMAN_SOAK") != "" { // the server keeps idle ones for ten seconds
		after := 0
		until(t, "goroutines are as before", func() bool { after = o.goroutines(t); return after < base+60 })
		t.Logf("goroutines: %d before, %d after", base, after)
	}
}
