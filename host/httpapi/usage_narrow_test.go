package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// Rows can be asked for by what they are of, in lists and exports; whoever sees less does so
// here too, and sums do not know sessions.
func TestUsageNarrows(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 0)
	for i := range 12 {
		s.add(engine.Usage{
			AccountID: "acme", ID: fmt.Sprintf("row-%02d", i), UserID: []string{"user", "mate"}[i%2], TeamID: "red", KeyID: fmt.Sprint("key-", i%3),
			SessionID: fmt.Sprint("session-", i%4), ModelID: fmt.Sprint("model-", i%6), Images: int64(i), StartedAt: testNow,
		})
	}
	for _, c := range []struct {
		name, who, query string
		want             int
	}{
		{"a session", "acme/boss", "session_id=session-1", 3},
		{"a session and a model", "acme/boss", "session_id=session-1&model=model-5", 1},
		{"a user's key", "acme/boss", "user_id=mate&key_id=key-0", 2},
		{"a team", "acme/boss", "team_id=red", 12},
		{"another's session", "acme/user", "session_id=session-1", 0},
		{"one's own session", "acme/user", "session_id=session-2", 3},
		{"another account's", "rival/boss", "session_id=session-1", 0},
		{"none", "acme/boss", "session_id=nobodys", 0},
	} {
		list := s.want(200, "GET", "/api/v1/usage?"+c.query, s.keys[c.who], "")
		if data, _ := list.member("data").([]any); len(data) != c.want {
			t.Errorf("%s: the list has %d rows, want %d", c.name, len(data), c.want)
		}
		lines := strings.Split(strings.TrimSpace(s.want(200, "GET", "/api/v1/usage/export?"+c.query, s.keys[c.who], "").body), "\n")
		if len(lines) != c.want+1 || !strings.HasSuffix(strings.TrimSpace(lines[0]), ",images") {
			t.Errorf("%s: the export has %d lines under %q, want %d", c.name, len(lines)-1, lines[0], c.want)
		}
	}
	isProblem(t, "sums of a session", s.do("GET", "/api/v1/usage?group_by=model&session_id=x", s.keys["acme/boss"], ""), 400, "invalid_request")
}
