package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

func publish(f *engine.NoticeFeed, account, subject string) {
	f.Publish(engine.Notice{At: testNow, Kind: engine.NoticeCredentialSuspended, AccountID: account, ProviderID: "p", Subject: subject, Message: "m"})
}

func TestListEvents(t *testing.T) {
	t.Parallel()
	feed := engine.NewNoticeFeed(zerolog.Nop())
	s := start(t, &fake{}, func(c *Config) { c.Notices = feed })
	if r := s.do("GET", eventPath, superKey, ""); r.status != 200 || r.body != `{"data":[]}` {
		t.Errorf("events of nothing = %d %s, want an empty list", r.status, r.body)
	}
	publish(feed, "", "global")
	publish(feed, "acme", "own")
	publish(feed, "rival", "theirs")
	for key, want := range map[string]string{superKey: "theirs own global", adminKey: "own", rivalKey: "theirs"} {
		r := s.do("GET", eventPath, key, "")
		var got []string
		data, _ := r.member("data").([]any)
		for _, e := range data {
			got = append(got, e.(map[string]any)["subject"].(string))
		}
		if r.status != 200 || strings.Join(got, " ") != want || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("events for %s = %d %v as %q, want %s", key, r.status, got, r.header.Get("Content-Type"), want)
		}
	}
	const first = `{"id":2,"at":"2026-11-22T12:00:00Z","kind":"credential_suspended","account_id":"acme","provider_id":"p","subject":"own","message":"m"}`
	if r := s.do("GET", eventPath, adminKey, ""); r.body != `{"data":[`+first+`]}` {
		t.Errorf("events = %s, want %s", r.body, first)
	}
}

// follow opens the stream of events; the test's end closes it.
func (s *running) follow(key string, headers ...string) *bufio.Reader {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+eventPath, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || !strings.HasPrefix(got, "text/event-stream") {
		s.t.Fatalf("follow = %d as %q, want a stream", resp.StatusCode, got)
	}
	return bufio.NewReader(resp.Body)
}

// nextEvent reads up to the end of the next event; "" at the end of the stream.
func nextEvent(r *bufio.Reader) string {
	event := ""
	for {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			return ""
		case strings.HasPrefix(line, ":"), line == "\n" && event == "":
		case line == "\n":
			return event
		default:
			event += line
		}
	}
}

func TestFollowEvents(t *testing.T) {
	t.Parallel()
	feed := engine.NewNoticeFeed(zerolog.Nop())
	s := start(t, &fake{}, func(c *Config) { c.Notices = feed })
	publish(feed, "acme", "before")
	admin, later := s.follow(adminKey), s.follow(superKey, "Last-Event-ID", "0")
	publish(feed, "rival", "theirs")
	publish(feed, "acme", "own")
	const own = "id: 3\nevent: credential_suspended\ndata: {\"id\":3,\"at\":\"2026-11-22T12:00:00Z\",\"kind\":\"credential_suspended\",\"account_id\":\"acme\",\"provider_id\":\"p\",\"subject\":\"own\",\"message\":\"m\"}\n"
	if got := nextEvent(admin); got != own {
		t.Errorf("the account's first event = %q, want %q", got, own)
	}
	for i, want := range []string{"before", "theirs", "own"} {
		if got := nextEvent(later); !strings.Contains(got, `"subject":"`+want+`"`) {
			t.Errorf("event %d of a super admin who was away = %q, want %s", i, got, want)
		}
	}
}

// A key that is revoked sees nothing that happens afterwards.
func TestFollowEndsWithTheKey(t *testing.T) {
	t.Parallel()
	feed := engine.NewNoticeFeed(zerolog.Nop())
	keys := &revocable{fake: &fake{}}
	s := start(t, keys.fake, func(c *Config) { c.Notices, c.Keys = feed, keys })
	events := s.follow(superKey)
	publish(feed, "", "first")
	if got := nextEvent(events); !strings.Contains(got, "first") {
		t.Fatalf("event = %q, want the first", got)
	}
	keys.revoked.Store(true)
	publish(feed, "", "second")
	if got := nextEvent(events); got != "" {
		t.Errorf("event of a revoked key = %q, want the end", got)
	}
}

type revocable struct {
	*fake
	revoked atomic.Bool
}

func (r *revocable) Authenticate(presented string, now time.Time) (engine.Principal, error) {
	if r.revoked.Load() {
		return engine.Principal{}, engine.Errorf(engine.CodeUnauthorized, "revoked")
	}
	return r.fake.Authenticate(presented, now)
}
