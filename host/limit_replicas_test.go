package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/storetest"
)

// Three replicas on one Postgres. None asks it for changes within the hour: what reaches the
// others is what it tells them.
func TestLimitsOfReplicas(t *testing.T) {
	if os.Getenv(storetest.PostgresVariable) == "" {
		t.Skip(storetest.PostgresVariable + " is not set: `make test` provides a server")
	}
	url := storetest.PostgresURL(t)
	var all []*gateway
	for range 3 {
		all = append(all, startGateway(t, func(c *Config, o *Options) {
			c.DatabaseURL, c.EncryptionKey = url, strings.Repeat("k", 32)
			o.PollEvery = time.Hour
		}))
	}
	// Leased, and decided in the database.
	all[0].want(http.StatusCreated, http.MethodPost, "/api/v1/limits", map[string]any{"id": "many", "kind": "requests", "amount": 7200, "window": "hour"})
	all[0].want(http.StatusCreated, http.MethodPost, "/api/v1/limits", map[string]any{"id": "few", "kind": "requests", "amount": 8, "window": "hour"})
	for i, g := range all {
		g.untilLimits(t, i, "few 8, many 7200", "a limit that another set")
	}
	served := 0
	for n := range 12 {
		if all[n%3].pinned("gpt-4o").Status == 200 {
			served++
		}
	}
	if served != 8 {
		t.Errorf("12 requests at three replicas: %d served, want 8", served)
	}
	for i, g := range all {
		var got string
		until(t, fmt.Sprintf("replica %d sums up all", i), func() bool {
			got = g.sums(t)
			return got == "few 8 used 0 left 8 admitted 4 refused, many 8 admitted 0 refused, of 3"
		}, &got)
	}
	all[1].want(http.StatusOK, http.MethodPost, "/api/v1/limits/few/reset", nil)
	all[1].want(http.StatusOK, http.MethodPatch, "/api/v1/limits/many", map[string]any{"amount": 3600})
	for i, g := range all {
		g.untilLimits(t, i, "few 8, many 3600", "a change that another made")
		if a := g.pinned("gpt-4o"); a.Status != 200 {
			t.Errorf("replica %d after a reset by another = %d %s, want 200", i, a.Status, a.Body)
		}
	}
}

// until waits for what comes by itself; *got says how far it has come.
func until(t *testing.T, what string, done func() bool, got *string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %q", what, *got)
		}
	}
}

// untilLimits waits until those limits are in force in the replica.
func (g *gateway) untilLimits(t *testing.T, replica int, want, what string) {
	t.Helper()
	var got string
	until(t, fmt.Sprintf("replica %d waits for %s", replica, what), func() bool {
		var shown struct {
			Data []struct {
				Limit struct {
					ID     string
					Amount int64
				}
			}
		}
		a := g.want(http.StatusOK, http.MethodGet, "/api/v1/limits/effective", nil)
		if err := json.Unmarshal(a.Body, &shown); err != nil {
			t.Fatalf("effective = %s: %v", a.Body, err)
		}
		var list []string
		for _, d := range shown.Data {
			list = append(list, fmt.Sprint(d.Limit.ID, " ", d.Limit.Amount))
		}
		got = strings.Join(list, ", ")
		return got == want
	}, &got)
}

// sums is what the replica says of all; how much of 'many' came in since is not told.
func (g *gateway) sums(t *testing.T) string {
	t.Helper()
	var shown struct {
		Data []struct {
			LimitID   string `json:"limit_id"`
			Used      int64
			Remaining int64
			Admitted  int64
			Refused   int64
		}
		Replicas int
		AgeMS    int64 `json:"age_ms"`
	}
	a := g.want(http.StatusOK, http.MethodGet, "/api/v1/limits/stats", nil)
	if err := json.Unmarshal(a.Body, &shown); err != nil {
		t.Fatalf("stats = %s: %v", a.Body, err)
	}
	text := ""
	for _, d := range shown.Data {
		if d.LimitID == "few" {
			text += fmt.Sprintf("few %d used %d left %d admitted %d refused, ", d.Used, d.Remaining, d.Admitted, d.Refused)
		} else {
			text += fmt.Sprintf("%s %d admitted %d refused, ", d.LimitID, d.Admitted, d.Refused)
		}
	}
	return text + fmt.Sprint("of ", shown.Replicas)
}
