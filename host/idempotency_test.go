package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// idempotencyKeys makes keys that no other case uses.
var idempotencyKeys atomic.Int64

func newIdempotencyKey() string { return fmt.Sprint("key ", idempotencyKeys.Add(1)) }

// keyed is a request of the tests below, sent again and again.
type keyed struct {
	g               *gateway
	path, key, body string
}

func (g *gateway) keyed(t *testing.T, path string, body map[string]any) keyed {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return keyed{g, path, newIdempotencyKey(), string(text)}
}

func (k keyed) send() answer { return k.g.send(k.path, k.body, "Idempotency-Key", k.key) }

// want sends and asks for a status and an error's code, "" for an answer.
func (k keyed) want(t *testing.T, doing string, status int, code string, replayed bool) answer {
	t.Helper()
	a := k.send()
	got := ""
	if a.Status != 200 {
		got = a.field(t, "error", "code")
	}
	if a.Status != status || got != code {
		t.Fatalf("%s = %d %s, want %d %s\n%.300s", doing, a.Status, got, status, code, a.Body)
	}
	if is := a.Header.Get("Idempotent-Replayed"); (is == "true") != replayed || is != "" && is != "true" {
		t.Errorf("%s: idempotent-replayed = %q, want %v", doing, is, replayed)
	}
	return a
}

// asked is how many requests have reached providers since the last ClearLog.
func (g *gateway) asked() int { return len(g.simulator.Log()) + g.simulator.Running() }

func (g *gateway) wantAsked(t *testing.T, doing string, want int) {
	t.Helper()
	if got := g.asked(); got != want {
		t.Errorf("%s: providers were asked %d times, want %d", doing, got, want)
	}
}

func pinnedChat(text string) map[string]any { return chatBody("openai/gpt-4o", text) }

// What a key promises, through the gateway: the simulator's log is what was paid.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	start := testNow
	now.Store(&start)
	g := startGateway(t, func(_ *Config, o *Options) {
		seededAt := o.Now
		o.Now = func() time.Time { return seededAt().Add(now.Load().Sub(start)) }
	})
	pass := func(d time.Duration) {
		later := now.Load().Add(d)
		now.Store(&later)
	}
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, g *gateway)
	}{
		{"answers are given again", idempotentReplays},
		{"a key must be a key", idempotentHeader},
		{"a key is one request's", idempotentReuse},
		{"a repeat waits for the first", idempotentWait},
		{"what cost nothing is tried again", idempotentRelease},
		{"what a provider refused stays refused", idempotentRefusal},
		{"a stream that broke is not sent again", idempotentBroken},
		{"a caller that left has paid once", idempotentGone},
		{"a key lasts a day", func(t *testing.T, g *gateway) {
			k := g.keyed(t, "/v1/chat/completions", pinnedChat("for a day"))
			k.want(t, "the first", 200, "", false)
			pass(24*time.Hour - time.Second)
			k.want(t, "on the same day", 200, "", true)
			pass(2 * time.Second)
			k.want(t, "a day later", 200, "", false)
			g.wantAsked(t, "over the day", 2)
		}},
		{"a claim outlives its request's time by a lease", func(t *testing.T, g *gateway) {
			k := g.keyed(t, "/v1/chat/completions", pinnedChat("slow"))
			g.simulator.Script(simulator.Fault{Stall: "headers"})
			first := make(chan answer, 1)
			go func() { first <- k.send() }()
			g.untilAsked(t)
			pass(10*time.Minute + 59*time.Second)
			k.want(t, "within the lease", 409, "idempotency_in_progress", false)
			pass(2 * time.Second)
			second := k.want(t, "after it", 200, "", false)
			g.simulator.Release()
			if a := <-first; a.Status != 200 {
				t.Errorf("the first, late = %d, want 200", a.Status)
			}
			again := k.want(t, "the repeat", 200, "", true)
			if got, want := again.Header.Get("X-Pointsman-Replayed-Request-Id"), second.Header.Get("X-Request-Id"); got != want {
				t.Errorf("the repeat has the answer of %s, want that of %s, which has the key now", got, want)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.simulator.ClearLog()
			g.simulator.ClearScript()
			tt.run(t, g)
		})
	}
}

func idempotentReplays(t *testing.T, g *gateway) {
	streamed := func(body map[string]any) map[string]any {
		body["stream"] = true
		return body
	}
	message := func() map[string]any {
		body := chatBody("claude-opus-4.5", "again")
		body["max_tokens"] = 100
		return body
	}
	response := func() map[string]any { return map[string]any{"model": "gpt-5.1-codex", "input": "again"} }
	for _, tt := range []struct {
		name, path string
		body       map[string]any
	}{
		{"chat", "/v1/chat/completions", chatBody("auto", "again")},
		{"chat, streamed", "/v1/chat/completions", streamed(chatBody("gemini-2.5-pro", "again"))},
		{"messages", "/v1/messages", message()},
		{"messages, streamed", "/v1/messages", streamed(message())},
		{"responses", "/v1/responses", response()},
		{"responses, streamed", "/v1/responses", streamed(response())},
		{"embeddings", "/v1/embeddings", map[string]any{"model": "text-embedding-3-small", "input": "again"}},
	} {
		g.simulator.ClearLog()
		k := g.keyed(t, tt.path, tt.body)
		first := k.want(t, tt.name, 200, "", false)
		usageOf(t, g, first.Header.Get("X-Request-Id"))
		for range 2 {
			again := k.want(t, tt.name+" again", 200, "", true)
			if string(again.Body) != string(first.Body) {
				t.Errorf("%s again = %q, want %q", tt.name, again.Body, first.Body)
			}
			for _, name := range []string{"Content-Type", "X-Pointsman-Model", "X-Pointsman-Provider", "X-Pointsman-Rule", "X-Pointsman-Decision", "X-Pointsman-Attempts", "X-Pointsman-Simulated"} {
				if got, want := again.Header.Get(name), first.Header.Get(name); got != want || want == "" {
					t.Errorf("%s again: %s = %q, want %q", tt.name, name, got, want)
				}
			}
			id, was := again.Header.Get("X-Request-Id"), first.Header.Get("X-Request-Id")
			if id == was || again.Header.Get("X-Pointsman-Replayed-Request-Id") != was {
				t.Errorf("%s again: ids = %q of %q, want a new one of %q", tt.name, id, again.Header.Get("X-Pointsman-Replayed-Request-Id"), was)
			}
			if a := g.want(200, http.MethodGet, "/api/v1/usage?request_id="+id, nil); a.field(t, "data", "outcome") != "" {
				t.Errorf("%s again has usage: %s", tt.name, a.Body)
			}
		}
		g.wantAsked(t, tt.name, 1)
	}
}

func idempotentHeader(t *testing.T, g *gateway) {
	body := `{"model":"openai/gpt-4o","messages":[{"role":"user","content":"key"}]}`
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"the longest", []string{"Idempotency-Key", strings.Repeat("k", 255)}, 200},
		{"all that is printable", []string{"Idempotency-Key", `a "~"!b`}, 200},
		{"longer", []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400},
		{"empty", []string{"Idempotency-Key", ""}, 400},
		{"not ASCII", []string{"Idempotency-Key", "schlüssel"}, 400},
		{"two", []string{"Idempotency-Key", "one", "Idempotency-Key", "two"}, 400},
	} {
		a := g.send("/v1/chat/completions", body, tt.header...)
		if a.Status != tt.status {
			t.Errorf("%s = %d, want %d\n%.300s", tt.name, a.Status, tt.status, a.Body)
		}
		if param := ""; tt.status == 400 {
			if param = a.field(t, "error", "param"); param != "idempotency-key" {
				t.Errorf("%s: param = %q, want idempotency-key", tt.name, param)
			}
		}
	}
	g.wantAsked(t, "two good keys", 2)
	// Counting is free, and has no key.
	count := `{"model":"claude-opus-4.5","messages":[{"role":"user","content":"key"}]}`
	for range 2 {
		if a := g.send("/v1/messages/count_tokens", count, "Idempotency-Key", "counted"); a.Status != 200 || a.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("count = %d %v, want 200, not replayed", a.Status, a.Header)
		}
	}
}

func idempotentReuse(t *testing.T, g *gateway) {
	k := g.keyed(t, "/v1/chat/completions", pinnedChat("mine"))
	k.want(t, "the first", 200, "", false)
	other, route, rival := k, k, k
	other.body = strings.Replace(k.body, "mine", "yours", 1)
	route.path = "/v1/responses"
	route.body = `{"model":"openai/gpt-4o","input":"mine"}`
	rival.g = g.tenant("idem-rival")
	for name, changed := range map[string]keyed{"another body": other, "another route": route} {
		a := changed.want(t, name, 422, "idempotency_key_reused", false)
		if got := a.Header.Get("X-Should-Retry"); got != "false" {
			t.Errorf("%s: x-should-retry = %q, want false", name, got)
		}
	}
	g.wantAsked(t, "of one account", 1)
	// Another account's is another key; another user's of the account is another request.
	rival.want(t, "another account", 200, "", false)
	rival.want(t, "another account again", 200, "", true)
	g.wantAsked(t, "of two accounts", 2)
	must(t, g.store.CreateUser(t.Context(), engine.User{AccountID: "idem-rival", ID: "second", Role: engine.RoleUser, CreatedAt: testNow}))
	made := g.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": "second", "account_id": "idem-rival", "user_id": "second"})
	second := *rival.g
	second.key = made.field(t, "secret")
	theirs := rival
	theirs.g = &second
	theirs.want(t, "another user", 422, "idempotency_key_reused", false)
	// Anthropic's clients are told in their form.
	message := keyed{g, "/v1/messages", k.key, `{"model":"claude-opus-4.5","max_tokens":9,"messages":[{"role":"user","content":"mine"}]}`}
	if a := message.send(); a.Status != 422 || a.field(t, "type") != "error" || a.field(t, "error", "type") != "invalid_request_error" {
		t.Errorf("on the Messages API = %d %s, want 422 in its form", a.Status, a.Body)
	}
}

// OpenAI's client waits as it is told, and gets the answer of the first.
func idempotentWait(t *testing.T, g *gateway) {
	k := g.keyed(t, "/v1/chat/completions", pinnedChat("wait"))
	g.simulator.Script(simulator.Fault{Stall: "headers"})
	first := make(chan answer, 1)
	go func() { first <- k.send() }()
	g.untilAsked(t)
	a := k.want(t, "meanwhile", 409, "idempotency_in_progress", false)
	if got := a.Header.Get("Retry-After"); got != "1" {
		t.Errorf("meanwhile: retry-after = %q, want 1", got)
	}
	var conflicts int
	client := openai.NewClient(option.WithBaseURL(g.URL()+"/v1"), option.WithAPIKey(g.key), option.WithMaxRetries(5), option.WithHeader("Idempotency-Key", k.key),
		option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
			resp, err := next(r)
			if err == nil && resp.StatusCode == 409 {
				if conflicts++; conflicts == 1 {
					g.simulator.Release()
					<-first // the answer is kept before it is sent
				}
			}
			return resp, err
		}))
	var got openai.ChatCompletion
	if err := client.Post(t.Context(), "chat/completions", json.RawMessage(k.body), &got); err != nil || len(got.Choices) != 1 || conflicts != 1 {
		t.Errorf("the client got %+v, %v after %d conflicts, want the answer after one", got, err, conflicts)
	}
	g.wantAsked(t, "with a client that waits", 1)
}

func idempotentRelease(t *testing.T, g *gateway) {
	k := g.keyed(t, "/v1/chat/completions", pinnedChat("released"))
	for _, tt := range []struct {
		name   string
		fault  simulator.Fault
		status int
		code   string
	}{
		{"overloaded", simulator.Fault{Status: 503}, 503, "upstream_overloaded"},
		{"server error", simulator.Fault{Status: 500}, 502, "upstream_error"},
		{"dropped", simulator.Fault{Drop: true, Count: 5}, 502, "upstream_error"},
	} {
		g.simulator.ClearScript()
		g.simulator.Script(tt.fault)
		k.want(t, tt.name, tt.status, tt.code, false)
	}
	g.simulator.ClearScript()
	k.want(t, "after the failures", 200, "", false)
	k.want(t, "again", 200, "", true)

	unknown := g.keyed(t, "/v1/chat/completions", chatBody("later", "released"))
	unknown.want(t, "no such model", 404, "model_not_found", false)
	g.want(201, "POST", "/api/v1/models", map[string]any{
		"id": "later", "provider": "openai", "upstream_id": "gpt-4o", "price": map[string]string{"input": "0.10", "output": "0.40"},
	})
	unknown.want(t, "once it is there", 200, "", false)

	limited := g.keyed(t, "/v1/chat/completions", pinnedChat("limited"))
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/limits", map[string]any{"id": "none", "kind": "tokens", "amount": 1, "window": "hour"})
	if a := limited.send(); a.Status != 429 {
		t.Errorf("over the limit = %d %s, want 429", a.Status, a.Body)
	}
	k.want(t, "over the limit, a replay", 200, "", true)
	g.want(http.StatusNoContent, http.MethodDelete, "/api/v1/limits/none", nil)
	limited.want(t, "without the limit", 200, "", false)
}

func idempotentRefusal(t *testing.T, g *gateway) {
	for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
		g.simulator.ClearLog()
		body := pinnedChat("refused")
		body["max_tokens"] = 9
		k := g.keyed(t, path, body)
		g.simulator.Script(simulator.Fault{Status: 400, Kind: "context_length"})
		first := k.send()
		again := k.send()
		if first.Status != 400 || again.Status != 400 || string(again.Body) != string(first.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: refused = %d %s, again = %d %s, want the same 400, replayed", path, first.Status, first.Body, again.Status, again.Body)
		}
		g.wantAsked(t, path, 1)
	}
}

func idempotentBroken(t *testing.T, g *gateway) {
	body := pinnedChat("broken")
	body["stream"] = true
	k := g.keyed(t, "/v1/chat/completions", body)
	g.simulator.Script(simulator.Fault{Cut: 2})
	if a := k.send(); a.Status != 200 || !strings.Contains(string(a.Body), `"error"`) {
		t.Fatalf("a stream that breaks = %d %s, want 200 and an error event", a.Status, a.Body)
	}
	for range 2 {
		a := k.want(t, "again", 409, "idempotency_not_replayable", false)
		if got := a.Header.Get("X-Should-Retry"); got != "false" {
			t.Errorf("x-should-retry = %q, want false", got)
		}
	}
	g.wantAsked(t, "a stream that broke", 1)
}

// leave sends, and leaves when a provider has been asked.
func (k keyed) leave(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.g.URL()+k.path, strings.NewReader(k.body))
	must(t, err)
	req.Header.Set("X-Api-Key", k.g.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", k.key)
	left := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		left <- err
	}()
	k.g.untilAsked(t)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller that leaves got %v, want no answer", err)
	}
}

// ended sends until the first request is no longer under way.
func (k keyed) ended(t *testing.T) (a answer) {
	t.Helper()
	var got string
	until(t, "a repeat after the caller left", func() bool {
		a = k.send()
		got = fmt.Sprintf("%d %.300s", a.Status, a.Body)
		return !strings.Contains(got, "idempotency_in_progress")
	}, &got)
	return a
}

// A plain request is answered without its caller, for the repeat; a stream ends with it.
func idempotentGone(t *testing.T, g *gateway) {
	if runtime.GOOS != "linux" {
		t.Skip("a caller who left is watched for on Linux only")
	}
	plain := g.keyed(t, "/v1/chat/completions", pinnedChat("gone"))
	body := pinnedChat("gone from a stream")
	body["stream"] = true
	stream := g.keyed(t, "/v1/chat/completions", body)
	g.simulator.Script(simulator.Fault{Stall: "headers"})
	plain.leave(t)
	plain.want(t, "meanwhile", 409, "idempotency_in_progress", false)
	g.simulator.Release()
	if a := plain.ended(t); a.Status != 200 || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat after the caller left = %d %.300s, want 200, replayed", a.Status, a.Body)
	}
	g.wantAsked(t, "a caller that left", 1)

	g.simulator.ClearLog()
	g.simulator.ClearScript()
	g.simulator.Script(simulator.Fault{Stall: "headers"})
	stream.leave(t)
	if a := stream.ended(t); a.Status != 409 || a.field(t, "error", "code") != "idempotency_not_replayable" {
		t.Errorf("a repeat of a stream that was left before it began = %d %.300s, want 409, as it was charged", a.Status, a.Body)
	}
	g.wantAsked(t, "a stream that was left", 1)
}

// Fifty at once, at two gateways on one Postgres: one pays.
func TestIdempotencyOfReplicas(t *testing.T) {
	if os.Getenv(storetest.PostgresVariable) == "" {
		t.Skip(storetest.PostgresVariable + " is not set: `make test` provides a server")
	}
	url := storetest.PostgresURL(t)
	var all []*gateway
	for range 2 {
		all = append(all, startGateway(t, func(c *Config, _ *Options) {
			c.DatabaseURL, c.EncryptionKey = url, strings.Repeat("k", 32)
		}))
	}
	k := all[0].keyed(t, "/v1/chat/completions", pinnedChat("fifty at once"))
	const many = 50
	var answers [many]answer
	var conflicts atomic.Int64
	var sent sync.WaitGroup
	for i := range many {
		sent.Go(func() {
			mine := k
			mine.g = all[i%2]
			// 503: more than 16 claims of the account are under way.
			for answers[i] = mine.send(); answers[i].Status == 409 || answers[i].Status == 503; answers[i] = mine.send() {
				conflicts.Add(1)
			}
		})
	}
	sent.Wait()
	firsts := 0
	for i, a := range answers {
		if a.Status != 200 || string(a.Body) != string(answers[0].Body) {
			t.Errorf("request %d = %d %s, want what the others got: %s", i, a.Status, a.Body, answers[0].Body)
		}
		if a.Header.Get("Idempotent-Replayed") == "" {
			firsts++
		}
	}
	if asked := all[0].asked() + all[1].asked(); firsts != 1 || asked != 1 {
		t.Errorf("%d were first, and providers were asked %d times, want 1 and 1 (%d conflicts)", firsts, asked, conflicts.Load())
	}
}
