package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestErrorStatuses(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	tests := []struct {
		fault      string
		wantStatus int
		openai     string
		anthropic  string
		google     string
	}{
		{"status=400", 400, `"type":"invalid_request_error"`, `"type":"invalid_request_error"`, `"status":"INVALID_ARGUMENT"`},
		{"status=401", 401, `"code":"invalid_api_key"`, `"type":"authentication_error"`, `"status":"UNAUTHENTICATED"`},
		{"status=404", 404, `"code":"model_not_found"`, `"type":"not_found_error"`, `"status":"NOT_FOUND"`},
		{"status=429 retry_after=7", 429, `"type":"requests","param":null,"code":"rate_limit_exceeded"`, `"type":"rate_limit_error"`, `"retryDelay":"7s"`},
		{"status=429 kind=quota", 429, `"code":"insufficient_quota"`, `"type":"rate_limit_error"`, `PerDay`},
		{"status=429 kind=too_large", 429, `"type":"tokens"`, `"type":"rate_limit_error"`, `"status":"RESOURCE_EXHAUSTED"`},
		{"status=400 kind=context_length", 400, `"code":"context_length_exceeded"`, `prompt is too long`, `exceeds the maximum number of tokens`},
		{"status=500", 500, `"type":"server_error","param":null,"code":null`, `"type":"api_error"`, `"status":"INTERNAL"`},
		{"status=503", 503, `"type":"service_unavailable_error","param":null,"code":"server_is_overloaded"`, `"type":"overloaded_error"`, `"status":"UNAVAILABLE"`},
		{"status=529", 529, `"code":"server_is_overloaded"`, `"type":"overloaded_error"`, `"code":529`},
		{"status=302", 302, `"error":`, `"error":`, `"error":`},
		{"status=418", 418, `"error":`, `"error":`, `"error":`},
	}
	for _, test := range tests {
		for _, w := range wires {
			for _, stream := range []bool{false, true} {
				r := w.ask(t, s, "[[simulate "+test.fault+"]] hi", stream)
				want := map[string]string{"openai": test.openai, "raptor": test.openai, "anthropic": test.anthropic, "google": test.google}[w.provider]
				if r.status != test.wantStatus || !strings.Contains(r.body, want) {
					t.Errorf("%s %s = %d %s, want %d with %s", w.name, test.fault, r.status, r.body, test.wantStatus, want)
				}
				decode(t, r.body)
				wantAfter := ""
				if strings.Contains(test.fault, "retry_after") && w.provider != "google" {
					wantAfter = "7"
				}
				if got := r.header.Get("Retry-After"); got != wantAfter {
					t.Errorf("%s %s has Retry-After %q, want %q", w.name, test.fault, got, wantAfter)
				}
			}
		}
	}
	for fault, want := range map[string]string{
		"status=429 retry_after=1000000000": "1000000000",
		"status=429 retry_date=-3600":       "Fri, 20 Nov 2026 11:00:00 GMT",
		"status=429 retry_date=60":          "Fri, 20 Nov 2026 12:01:00 GMT",
		"status=429":                        "",
	} {
		if r := wires[0].ask(t, s, "[[simulate "+fault+"]]", false); r.header.Get("Retry-After") != want {
			t.Errorf("%s has Retry-After %q, want %q", fault, r.header.Get("Retry-After"), want)
		}
	}
}

func TestStreamFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault       string
		wantChunks  int
		wantOutcome string
		check       func(t *testing.T, w wire, r replied, data []string)
	}{
		{"cut=2", 2, OutcomeCut, func(t *testing.T, w wire, r replied, data []string) {
			if !errors.Is(r.err, io.ErrUnexpectedEOF) {
				t.Errorf("the body ended with %v, want that it was short", r.err)
			}
		}},
		{"cut=2 mode=rst", -1, OutcomeCut, func(t *testing.T, w wire, r replied, data []string) {
			if !errors.Is(r.err, syscall.ECONNRESET) {
				t.Errorf("the body ended with %v, want a reset", r.err)
			}
		}},
		{"malformed=2", 8, OutcomeMalformed, func(t *testing.T, w wire, r replied, data []string) {
			if n := strings.Count(r.body, "data: {\"choices\":[{\"delta\":{\"content\":\r\n") + strings.Count(r.body, "data: {\"choices\":[{\"delta\":{\"content\":\n"); n != 1 {
				t.Errorf("%d events are broken, want 1: %s", n, r.body)
			}
		}},
		{"error=2", 2, OutcomeError, func(t *testing.T, w wire, r replied, data []string) {
			if r.err != nil || !strings.Contains(r.body, `"error":{`) || strings.Contains(r.body, "[DONE]") {
				t.Errorf("the stream ended with %v: %s, want an error event and nothing after it", r.err, r.body)
			}
			if w.name == "responses" && !strings.Contains(data[len(data)-1], `"type":"response.failed"`) {
				t.Errorf("the last event is %s, want response.failed", data[len(data)-1])
			}
		}},
		{"error=2 kind=quota", 2, OutcomeError, func(t *testing.T, w wire, r replied, data []string) {
			if !strings.Contains(r.body, "quota") {
				t.Errorf("the error event does not speak of a quota: %s", r.body)
			}
		}},
		{"no_end=true", 8, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {
			if r.err != nil || w.terminal(data[len(data)-1]) {
				t.Errorf("the stream ended with %v and %s, want a proper end without the terminal event", r.err, data[len(data)-1])
			}
		}},
		{"no_usage=true", 8, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {
			if strings.Contains(r.body, "_tokens\":") && w.name != "responses" || strings.Contains(r.body, "TokenCount") || strings.Contains(r.body, `"usage":{`) {
				t.Errorf("the stream has usage: %s", r.body)
			}
		}},
		{"oversize=100000", 8, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {
			if len(data[0]) < 100_000 {
				t.Errorf("the first event has %d bytes, want 100,000", len(data[0]))
			}
		}},
		{"type=text/plain", 8, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {
			if got := r.header.Get("Content-Type"); got != "text/plain" {
				t.Errorf("the content type is %q, want text/plain", got)
			}
		}},
		{"chunks=3", 3, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {}},
		{"chunks=100000", -1, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {}},
		{"finish=length", 8, OutcomeOK, func(t *testing.T, w wire, r replied, data []string) {
			want := map[string]string{"chat": `"finish_reason":"length"`, "raptor": `"finish_reason":"length"`, "responses": `"type":"response.incomplete"`,
				"messages": `"stop_reason":"max_tokens"`, "generate": `"finishReason":"MAX_TOKENS"`}[w.name]
			if !strings.Contains(r.body, want) {
				t.Errorf("the stream is %s, want %s in it", r.body, want)
			}
		}},
		{"body=html", 0, OutcomeGarbage, func(t *testing.T, w wire, r replied, data []string) {
			if r.status != 200 || !strings.HasPrefix(r.body, "<!DOCTYPE html>") {
				t.Errorf("the answer is %d %s, want 200 and a web page", r.status, r.body)
			}
		}},
	}
	for _, test := range tests {
		for _, w := range wires {
			t.Run(w.name+" "+test.fault, func(t *testing.T) {
				t.Parallel()
				s := start(t, Config{})
				r := w.ask(t, s, "[[simulate "+test.fault+"]] tell me", true)
				_, data := split(r.body)
				if len(data) == 0 && test.wantChunks > 0 {
					t.Fatalf("no event: %+v", r)
				}
				test.check(t, w, r, data)
				rows, err := s.Wait(deadline(t), 1)
				if err != nil {
					t.Fatal(err)
				}
				if rows[0].Outcome != test.wantOutcome || test.wantChunks >= 0 && rows[0].Chunks != test.wantChunks {
					t.Errorf("the log has %q after %d chunks, want %q after %d", rows[0].Outcome, rows[0].Chunks, test.wantOutcome, test.wantChunks)
				}
			})
		}
	}
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestPlainFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault, wantBody, wantOutcome string
		wantErr                      error
	}{
		{"body=html", "<!DOCTYPE html>", OutcomeGarbage, nil},
		{"body=empty", "", OutcomeGarbage, nil},
		{"body=array", "[1,2,3]", OutcomeGarbage, nil},
		{"body=error", `{"error":`, OutcomeGarbage, nil},
		{"body=truncated", `{"id":"x"`, OutcomeGarbage, nil},
		{"cut=1", "{", OutcomeCut, io.ErrUnexpectedEOF},
		{"cut=1 mode=rst", "", OutcomeCut, syscall.ECONNRESET},
		{"drop", "", OutcomeDropped, io.EOF},
		{"drop mode=rst", "", OutcomeDropped, syscall.ECONNRESET},
		{"no_usage=true", "{", OutcomeOK, nil},
		{"nonsense=1 cut=x status=99 oversize=-5", "{", OutcomeOK, nil},
	}
	for _, test := range tests {
		for _, w := range wires {
			t.Run(w.name+" "+test.fault, func(t *testing.T) {
				t.Parallel()
				s := start(t, Config{})
				r := w.ask(t, s, "[[simulate "+test.fault+"]] tell me", false)
				if !strings.HasPrefix(r.body, test.wantBody) || !errors.Is(r.err, test.wantErr) {
					t.Errorf("%s = %q, %v, want %q…, %v", test.fault, r.body, r.err, test.wantBody, test.wantErr)
				}
				if test.fault == "no_usage=true" && (strings.Contains(r.body, `"usage":{`) || strings.Contains(r.body, "usageMetadata")) {
					t.Errorf("the answer has usage: %s", r.body)
				}
				rows, err := s.Wait(deadline(t), 1)
				if err != nil {
					t.Fatal(err)
				}
				if rows[0].Outcome != test.wantOutcome {
					t.Errorf("the log has %q, want %q", rows[0].Outcome, test.wantOutcome)
				}
			})
		}
	}
}

func TestStalls(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"stall=headers", "stall=0", "stall=3"} {
		for _, w := range wires {
			t.Run(w.name+" "+fault, func(t *testing.T) {
				t.Parallel()
				s := start(t, Config{})
				prompt := "[[simulate " + fault + "]] tell me"
				ended := make(chan replied, 1)
				go func() { ended <- w.ask(t, s, prompt, true) }()
				waitForStall(t, s)
				release(t, s, ended, func(r replied) {
					_, data := split(r.body)
					if r.err != nil || !strings.Contains(w.said(t, data), "tell me") {
						t.Errorf("a released answer = %+v, want it whole", r)
					}
				})
				if rows := s.Log(); rows[0].Outcome != OutcomeOK {
					t.Errorf("the log has %q for a released answer, want %q", rows[0].Outcome, OutcomeOK)
				}

				ctx, cancel := context.WithCancel(context.Background())
				gone := make(chan replied, 1)
				go func() {
					gone <- do(t, ctx, s, http.MethodPost, w.path(w.model, true), w.body(w.model, prompt, true), key)
				}()
				waitForStall(t, s)
				cancel()
				<-gone
				rows, err := s.Wait(deadline(t), 2)
				if err != nil {
					t.Fatal(err)
				}
				if got := rows[1].Outcome; got != OutcomeStalled && got != OutcomeGone {
					t.Errorf("the log has %q for a stalled answer whose client went, want %q", got, OutcomeStalled)
				}
			})
		}
	}
}

// release releases until the answer has ended: a request that has begun may not
// have reached its stall yet.
func release(t *testing.T, s *Simulator, ended <-chan replied, check func(replied)) {
	t.Helper()
	limit := time.Now().Add(patience)
	for time.Now().Before(limit) {
		s.Release()
		select {
		case r := <-ended:
			check(r)
			return
		default:
		}
	}
	t.Fatal("a released answer did not go on")
}

func TestOpenAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	ended := make(chan replied, 1)
	go func() { ended <- wires[0].ask(t, s, "[[simulate open]] tell me", true) }()
	waitForStall(t, s)
	release(t, s, ended, func(r replied) {
		if r.err != nil || !strings.Contains(r.body, "[DONE]") {
			t.Errorf("the answer = %+v, want it whole", r)
		}
	})
}

// Time passes only through Config.Sleep: latency, pauses between pieces, and the
// faults that add to them.
func TestPace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var slept []time.Duration
	s := start(t, Config{FirstByte: time.Hour, ChunkDelay: time.Minute, Chunks: 3, Sleep: func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		slept = append(slept, d)
		return nil
	}})
	since := func() string {
		mu.Lock()
		defer mu.Unlock()
		all := fmt.Sprint(slept)
		slept = nil
		return all
	}
	for _, w := range wires {
		for prompt, want := range map[string]string{
			"hi":                               "[1h0m0s 1m0s 1m0s]",
			"[[simulate delay=500 slow=2000]]": "[1h0m0.5s 1m2s 1m2s]",
		} {
			w.ask(t, s, prompt, true)
			if got := since(); got != want {
				t.Errorf("%s %q slept %s, want %s", w.name, prompt, got, want)
			}
		}
		w.ask(t, s, "hi", false)
		if got := since(); got != "[1h0m0s]" {
			t.Errorf("%s plain slept %s, want [1h0m0s]", w.name, got)
		}
	}
}

// A client that goes ends the wait and is in the log.
func TestClientGoneWhileWaiting(t *testing.T) {
	t.Parallel()
	s := start(t, Config{FirstByte: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan replied, 1)
	go func() {
		gone <- do(t, ctx, s, http.MethodPost, "/openai/v1/chat/completions", chatBody("gpt-4o", "hi", false), key)
	}()
	waitForStall(t, s)
	cancel()
	<-gone
	rows, err := s.Wait(deadline(t), 1)
	if err != nil || rows[0].Outcome != OutcomeGone {
		t.Errorf("log = %+v, %v, want %q", rows, err, OutcomeGone)
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	s.Script(
		Fault{Provider: "openai", Model: "gpt-4o", Count: 2, Status: 500},
		Fault{Provider: "openai", Status: 503},
		Fault{Provider: "google", Count: -1, Status: 429},
	)
	steps := []struct {
		wire, model, prompt string
		want                int
	}{
		{"chat", "gpt-4.1", "hi", 503}, // the second: the first is for another model
		{"chat", "gpt-4o", "hi", 500},
		{"messages", "claude-sonnet-4-6", "hi", 200},
		{"chat", "gpt-4o", "[[simulate status=404]]", 500}, // a script goes before a directive
		{"chat", "gpt-4o", "[[simulate status=404]]", 404},
		{"chat", "gpt-4o", "hi", 200},
		{"generate", "gemini-2.5-pro", "hi", 429},
		{"generate", "gemini-2.5-pro", "hi", 429},
		{"chat", "gpt-4o", "[[simulate provider=anthropic status=404]] hi", 200},
		{"chat", "gpt-4o", "[[simulate model=gpt-5 status=404]] [[simulate status=400]] hi", 400},
	}
	for i, step := range steps {
		w := wireOf(step.wire)
		if r := post(t, s, w.path(step.model, false), w.body(step.model, step.prompt, false)); r.status != step.want {
			t.Errorf("step %d, %s %s = %d, want %d", i, step.model, step.prompt, r.status, step.want)
		}
	}
	if left := s.Scripted(); len(left) != 1 || left[0].Provider != "google" {
		t.Errorf("the script that is left is %+v, want Google's", left)
	}
	s.ClearScript()
	if r := wireOf("generate").ask(t, s, "hi", false); r.status != 200 {
		t.Errorf("after ClearScript = %d, want 200", r.status)
	}
}

func FuzzDirective(f *testing.F) {
	for _, seed := range []string{"status=429 retry_after=2", "cut=3 mode=rst", "stall=headers open no_usage=false", "oversize=99999999999", "status=-1 chunks=-9"} {
		f.Add(seed)
	}
	s := New(Config{})
	f.Fuzz(func(t *testing.T, words string) {
		fault := s.fault("openai", "gpt-4o", "", "[[simulate "+words+"]]").bounded()
		if fault.Status != 0 && (fault.Status < 300 || fault.Status > 599) {
			t.Errorf("%q has status %d", words, fault.Status)
		}
		for _, n := range []int{fault.Cut, fault.Malformed, fault.Error, fault.Oversize, fault.Delay, fault.Slow, fault.Chunks, fault.Words, fault.RetryAfter} {
			if n < 0 || n > maxRetryAfter {
				t.Errorf("%q has a number out of bounds: %+v", words, fault)
			}
		}
		fault.Oversize = 0
		x := &exchange{s: s, provider: "openai", fault: fault}
		a := x.compose(question{last: words, bytes: len(words), limit: 100})
		if got := strings.Join(x.pieces(a.text), ""); got != a.text {
			t.Errorf("the pieces of %q are %q", a.text, got)
		}
		if strings.ToValidUTF8(words, "") == words && strings.ToValidUTF8(a.text, "") != a.text {
			t.Errorf("the answer to %q is not valid UTF-8: %q", words, a.text)
		}
	})
}
