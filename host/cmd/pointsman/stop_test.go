package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// storyteller is a provider whose streams begin, and end when the test says so.
type storyteller struct {
	url   string
	begun chan struct{} // one for each stream
	goOn  func()        // lets all streams end
}

func newStoryteller(t *testing.T) *storyteller {
	t.Helper()
	rest := make(chan struct{})
	s := &storyteller{begun: make(chan struct{}, 100), goOn: sync.OnceFunc(func() { close(rest) })}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var q struct {
			Model  string
			Stream bool
		}
		_ = json.Unmarshal(body, &q)
		if !q.Stream {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":"1","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`, q.Model)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(delta, finish, usage string) {
			fmt.Fprintf(w, `data: {"id":"1","object":"chat.completion.chunk","created":1,"model":%q,"choices":[{"index":0,"delta":%s,"finish_reason":%s}]%s}`+"\n\n", q.Model, delta, finish, usage)
			w.(http.Flusher).Flush()
		}
		say(`{"role":"assistant","content":"Once upon a time"}`, "null", "")
		s.begun <- struct{}{}
		select {
		case <-rest:
			say(`{"content":" they lived."}`, "null", "")
			say(`{}`, `"stop"`, `,"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}`)
			fmt.Fprint(w, "data: [DONE]\n\n")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { s.goOn(); server.Close() })
	s.url = server.URL + "/v1"
	return s
}

// wires are how callers ask for a stream, how it ends when all is well, and how when it is cut off.
var wires = []struct{ path, body, end, cut string }{
	{"/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Tell."}]}`, "data: [DONE]", `"code":"shutting_down"`},
	{"/v1/messages", `{"model":"gpt-4o","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"Tell."}]}`, "event: message_stop", `event: error`},
	{"/v1/responses", `{"model":"gpt-4o","stream":true,"input":"Tell."}`, "event: response.completed", `event: response.failed`},
}

// telling is one stream of each wire, from its first text on.
type telling struct{ rest []chan string }

// tell opens them all.
func (p *process) tell(s *storyteller) *telling {
	p.t.Helper()
	told := &telling{}
	for _, w := range wires {
		body := p.stream(http.MethodPost, w.path, w.body)
		in := bufio.NewReader(body)
		for line := ""; !strings.Contains(line, "Once upon a time"); {
			var err error
			if line, err = in.ReadString('\n'); err != nil {
				p.t.Fatalf("%s: %v before the first text", w.path, err)
			}
		}
		<-s.begun
		rest := make(chan string, 1)
		go func() {
			defer body.Close()
			text, err := io.ReadAll(in)
			if err != nil {
				text = append(text, "broken: "+err.Error()...)
			}
			rest <- string(text)
		}()
		told.rest = append(told.rest, rest)
	}
	return told
}

// stream begins a request and returns its answer's body.
func (p *process) stream(method, path, body string) io.ReadCloser {
	p.t.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		p.t.Fatalf("%s = %d, want 200\n%s", path, resp.StatusCode, text)
	}
	return resp.Body
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits for the process's end, and wants it proper: code 0, each request with its row in the
// ledger, nothing left on the disk, and no lease held by anybody.
func (p *process) ended(dir string, rows int) []engine.Usage {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("the process did not end:\n%s", p.errors)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code = %d, want 0\n%s", code, p.errors)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "pointsman-data", "spool", "*", "*.usage")); err != nil || len(left) > 0 {
		p.t.Errorf("the spool has %v (%v), want nothing left", left, err)
	}
	s, err := store.Open(p.t.Context(), "sqlite:"+filepath.Join(dir, "pointsman-data", "pointsman.db"), store.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	all := allUsage(p.t, s)
	if len(all) != rows {
		p.t.Errorf("the ledger has %d rows, want %d", len(all), rows)
	}
	page, _, err := s.PageDecisions(p.t.Context(), engine.DecisionFilter{AccountID: engine.DefaultAccount, To: time.Now().Add(time.Hour)}, engine.DecisionMark{}, 100)
	if err != nil || len(page) != rows {
		p.t.Errorf("%d decisions are kept (%v), want %d", len(page), err, rows)
	}
	return all
}

// The first SIGTERM takes the process out of service and goes on serving whoever comes; the second
// ends what is open with the last event of the caller's wire, and everything is written.
func TestStopInStages(t *testing.T) {
	s, dir := newStoryteller(t), t.TempDir()
	p := serve(t, dir, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+s.url, "POINTSMAN_SHUTDOWN_DELAY=1h", "POINTSMAN_SHUTDOWN_TIMEOUT=1h")
	told := p.tell(s)
	p.signal(syscall.SIGTERM)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		status, _, body := p.call(http.MethodGet, "/readyz", nil)
		if status == http.StatusServiceUnavailable && strings.Contains(string(body), "shutting down") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("GET /readyz after SIGTERM = %d %s, want 503", status, body)
		}
	}
	if status, _, _ := p.call(http.MethodGet, "/healthz", nil); status != http.StatusOK {
		t.Errorf("GET /healthz of a process that stops = %d, want 200: it is not to be killed", status)
	}
	// The second of them is on a new connection in any case.
	for range 2 {
		req, err := http.NewRequest(http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"Well?"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.key)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("a request to a process that stops: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !resp.Close {
			t.Errorf("a request to a process that stops = %d, Connection: close %t, want 200 and true", resp.StatusCode, resp.Close)
		}
	}
	p.signal(syscall.SIGTERM)
	for i, w := range wires {
		if rest := <-told.rest[i]; !strings.Contains(rest, w.cut) || strings.Contains(rest, w.end) || strings.Contains(rest, "broken") {
			t.Errorf("%s ends with %q after the second SIGTERM, want %q", w.path, rest, w.cut)
		}
	}
	cut := 0
	for _, u := range p.ended(dir, len(wires)+2) {
		if u.Outcome == engine.OutcomeCanceled && u.Tokens.Prompt > 0 && u.Tokens.Completion > 0 {
			cut++
		}
	}
	if cut != len(wires) {
		t.Errorf("%d rows are of streams that were cut off, with what was said, want %d", cut, len(wires))
	}
}

// What is open may end by itself, for up to the timeout; those who only listen are sent away at once,
// and nobody new is let in.
func TestStopLetsStreamsEnd(t *testing.T) {
	s, dir := newStoryteller(t), t.TempDir()
	p := serve(t, dir, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+s.url, "POINTSMAN_SHUTDOWN_DELAY=1h", "POINTSMAN_SHUTDOWN_TIMEOUT=1h")
	told := p.tell(s)
	events := p.stream(http.MethodGet, "/api/v1/events", "")
	p.signal(os.Interrupt) // a person does not wait for the delay
	if _, err := io.Copy(io.Discard, events); err != nil {
		t.Errorf("the stream of events ends with %v, want it ended properly", err)
	}
	// The listener is closed right after the streams of events.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(mustRequest(t, p.url+"/healthz"))
		if errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		if err == nil {
			_ = answer.Body.Close()
		}
		if time.Now().After(deadline) {
			t.Fatalf("a new connection after the delay: %v, want it refused", err)
		}
	}
	s.goOn()
	for i, w := range wires {
		if rest := <-told.rest[i]; !strings.Contains(rest, w.end) || !strings.Contains(rest, "they lived.") || strings.Contains(rest, "broken") {
			t.Errorf("%s ends with %q, want it whole with %q", w.path, rest, w.end)
		}
	}
	for _, u := range p.ended(dir, len(wires)) {
		if u.Outcome != engine.OutcomeOK || u.Tokens.Completion != 9 {
			t.Errorf("row %+v, want it settled as it was", u)
		}
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
