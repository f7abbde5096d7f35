package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// claims is an idempotency service that notes how claims end.
type claims struct {
	err   error // of Claim
	late  bool  // the lease is nearly over from the beginning
	mu    sync.Mutex
	asked []engine.IdempotentRequest
	ends  chan string
}

func newClaims() *claims { return &claims{ends: make(chan string, 10)} }

func (c *claims) Claim(_ context.Context, r engine.IdempotentRequest) (engine.IdempotencyKey, *engine.IdempotentAnswer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r)
	lease := testNow.Add(2 * engine.IdempotencyMargin)
	if c.late {
		lease = testNow.Add(engine.IdempotencyMargin - 1)
	}
	return engine.IdempotencyKey{ClaimID: "c", LeaseUntil: lease}, nil, c.err
}

func (c *claims) Keep(_ context.Context, _ engine.IdempotencyKey, a engine.IdempotentAnswer) error {
	kind := ""
	for _, h := range a.Headers {
		if h.Name == "Content-Type" {
			kind = h.Value
		}
	}
	c.ends <- fmt.Sprintf("kept %d %s %s", a.Status, kind, a.Body)
	return nil
}

func (c *claims) Lose(context.Context, engine.IdempotencyKey) error {
	c.ends <- "lost"
	return nil
}

func (c *claims) Release(context.Context, engine.IdempotencyKey) error {
	c.ends <- "released"
	return errors.New("the store is down") // which the caller does not hear of
}

func TestClaimEnds(t *testing.T) {
	t.Parallel()
	fails := func(err error, m engine.Meta) *fake {
		return &fake{
			complete: func(context.Context, *engine.Request) (engine.Completion, error) {
				return engine.Completion{Meta: m}, err
			},
			stream: func(context.Context, *engine.Request) (engine.Stream, engine.Meta, error) { return nil, m, err },
		}
	}
	streams := func(steps ...step) *fake { return streaming(func() engine.Stream { return scripted(steps...) }) }
	free, paid := engine.Meta{Attempts: 1}, engine.Meta{Attempts: 1, Charged: true}
	broken := engine.Errorf(engine.CodeUpstreamTruncated, "It broke.")
	timeout := engine.Errorf(engine.CodeUpstreamTimeout, "It took too long.")
	gone := engine.Errorf(engine.CodeCanceled, "Gone.")
	half := strings.Repeat("x", engine.MaxIdempotentAnswer/2)
	const plain, stream = "", `,"stream":true`
	for _, tt := range []struct {
		name    string
		fake    *fake
		members string
		late    bool
		want    string
	}{
		{"an answer", &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) {
			return engine.Completion{Meta: free, Body: []byte(`{"a":1}`)}, nil
		}}, plain, false, `kept 200 application/json {"a":1}`},
		{"too large an answer", &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) {
			return engine.Completion{Meta: free, Body: []byte(half + half + "x")}, nil
		}}, plain, false, "lost"},
		{"refused before any attempt", fails(engine.Errorf(engine.CodeModelNotAllowed, "No."), engine.Meta{}), plain, false, "released"},
		{"refused by the provider", fails(engine.Errorf(engine.CodeContextLength, "Long."), free), plain, false,
			`kept 400 application/json {"error":{"message":"Long.","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}`},
		{"over a limit", fails(engine.Errorf(engine.CodeRateLimited, "Slow."), free), plain, false, "released"},
		{"overloaded", fails(engine.Errorf(engine.CodeUpstreamOverloaded, "Busy."), free), plain, false, "released"},
		{"a free failure", fails(timeout, free), plain, false, "released"},
		{"a failure that cost something", fails(timeout, paid), plain, false,
			`kept 504 application/json {"error":{"message":"It took too long.","type":"server_error","param":null,"code":"upstream_timeout"}}`},
		{"cut off", fails(gone, free), plain, false, "released"},
		{"cut off before any attempt", fails(gone, engine.Meta{}), plain, false, "released"},
		{"cut off when it had cost something", fails(gone, paid), plain, false, "lost"},
		{"a stream cut off before it began", fails(gone, free), stream, false, "released"},
		{"a stream cut off when it had cost something", fails(gone, paid), stream, false, "lost"},
		{"a panic", &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) { panic("broken") }}, plain, false, "lost"},
		{"a stream", streams(step{chunk: `{"a":1}`}, step{chunk: `{"b":2}`}, step{err: io.EOF}), stream, false,
			"kept 200 text/event-stream; charset=utf-8 data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n"},
		{"too large a stream", streams(step{chunk: half}, step{chunk: half}, step{err: io.EOF}), stream, false, "lost"},
		{"a stream that breaks", streams(step{chunk: `{"a":1}`}, step{err: broken}), stream, false, "lost"},
		{"a stream that panics", streams(step{chunk: `{"a":1}`}, step{panic: "broken"}), stream, false, "lost"},
		{"a stream that outlives its lease", streams(step{chunk: `{"a":1}`}, step{err: io.EOF}), stream, true, "lost"},
		{"a stream that does not begin", fails(engine.Errorf(engine.CodeUpstreamOverloaded, "Busy."), free), stream, false, "released"},
		{"a stream that is refused", fails(engine.Errorf(engine.CodeContentFilter, "No."), free), stream, false,
			`kept 400 application/json {"error":{"message":"No.","type":"invalid_request_error","param":null,"code":"content_filter"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClaims()
			c.late = tt.late
			s := start(t, tt.fake, func(cfg *Config) { cfg.Idempotency = c })
			s.do("POST", chatPath, userKey, chatBody(tt.members), "Idempotency-Key", "k")
			if got := <-c.ends; got != tt.want {
				t.Errorf("the claim ends as %.200q, want %.200q", got, tt.want)
			}
			if len(c.ends) > 0 {
				t.Errorf("the claim ends again: %.200q", <-c.ends)
			}
		})
	}
}

// A stream whose caller leaves has begun: it was paid.
func TestClaimOfAStreamThatIsLeft(t *testing.T) {
	t.Parallel()
	c := newClaims()
	s := start(t, streaming(func() engine.Stream { return scripted(step{chunk: `{"a":1}`}) }), func(cfg *Config) { cfg.Idempotency = c })
	conn := s.dial()
	if _, err := io.WriteString(conn, keyedText(`,"stream":true`)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got := <-c.ends; got != "lost" {
		t.Errorf("the claim ends as %q, want lost", got)
	}
}

// The last text is sent before the answer is kept, which may take a while.
func TestClaimOfAStreamIsKeptLast(t *testing.T) {
	t.Parallel()
	c := newClaims()
	c.ends = make(chan string) // Keep waits for the test
	source := func() engine.Stream {
		return &gatheringScript{script: scripted(step{chunk: `{"a":1}`}, step{err: io.EOF})}
	}
	s := start(t, streaming(source), func(cfg *Config) { cfg.Idempotency = c })
	conn := s.dial()
	if _, err := io.WriteString(conn, keyedText(`,"stream":true`)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for line := ""; line != "data: {\"a\":1}\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			receive(t, c.ends, "the end of the claim")
			t.Fatalf("the text does not come while the answer is kept: %v", err)
		}
	}
	if got, want := receive(t, c.ends, "the end of the claim"), "kept 200 text/event-stream"; !strings.HasPrefix(got, want) {
		t.Errorf("the claim ends as %q, want %q", got, want)
	}
}

// keyedText is a request with a key as it goes over the wire.
func keyedText(members string) string {
	return strings.Replace(chatRequest(chatBody(members)), "Host: x\r\n", "Host: x\r\nIdempotency-Key: k\r\n", 1)
}

// A plain request with a key goes on without its caller, and its answer is kept. One without a
// key, which the watch looks at after it, says that the watch has passed.
func TestClaimOfACallerThatLeaves(t *testing.T) {
	needsWatch(t)
	t.Parallel()
	c, w := newClaims(), newWaiting()
	answer, wait := make(chan struct{}), w.complete
	w.complete = func(ctx context.Context, r *engine.Request) (engine.Completion, error) {
		c.mu.Lock()
		keyed := len(c.asked) > 0
		c.mu.Unlock()
		if !keyed {
			return wait(ctx, r)
		}
		w.begun <- struct{}{}
		select {
		case <-ctx.Done():
			return engine.Completion{}, engine.Errorf(engine.CodeCanceled, "Gone.")
		case <-answer:
			return engine.Completion{Body: []byte(`{"a":1}`)}, nil
		}
	}
	s := start(t, w.fake, func(cfg *Config) { cfg.Idempotency = c })
	plain, keyed := s.dial(), s.dial()
	for _, sent := range []struct {
		to   io.Writer
		text string
	}{{plain, rawChat("")}, {keyed, keyedText("")}} {
		if _, err := io.WriteString(sent.to, sent.text); err != nil {
			t.Fatal(err)
		}
		receive(t, w.begun, "the request")
	}
	_ = keyed.Close()
	_ = plain.Close()
	receive(t, w.ended, "the end of the request without a key")
	close(answer)
	if got, want := receive(t, c.ends, "the end of the claim"), `kept 200 application/json {"a":1}`; got != want {
		t.Errorf("the claim ends as %q, want %q", got, want)
	}
}

// A shutdown that cuts a request off tells its claim whether it was paid.
func TestClaimOfAShutdown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		charged bool
		want    string
	}{"free": {false, "released"}, "charged": {true, "lost"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w := newClaims(), newWaiting()
			wait := w.complete
			w.complete = func(ctx context.Context, r *engine.Request) (engine.Completion, error) {
				_, err := wait(ctx, r)
				return engine.Completion{Meta: engine.Meta{Attempts: 1, Charged: tt.charged}}, err
			}
			s, served := own(t, w.fake, func(cfg *Config) { cfg.Idempotency = c })
			if _, err := io.WriteString(s.dial(), keyedText("")); err != nil {
				t.Fatal(err)
			}
			receive(t, w.begun, "the request")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Shutdown(past deadline) = %v, want context.Canceled", err)
			}
			<-served
			if got := receive(t, c.ends, "the end of the claim"); got != tt.want {
				t.Errorf("the claim ends as %q, want %q", got, tt.want)
			}
		})
	}
}

// A promise that cannot be kept is refused, and only that.
func TestIdempotencyUnavailable(t *testing.T) {
	t.Parallel()
	down := newClaims()
	down.err = &engine.Error{Code: engine.CodeIdempotencyUnavailable, Message: "Down."}
	for name, service := range map[string]IdempotencyService{"down": down, "none": nil} {
		sent := 0
		f := &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) {
			sent++
			return engine.Completion{Body: []byte("{}")}, nil
		}}
		s := start(t, f, func(cfg *Config) { cfg.Idempotency = service })
		isOpenAIError(t, name, s.do("POST", chatPath, userKey, chatBody(""), "Idempotency-Key", "k"), 503, typeServer, "idempotency_unavailable", "")
		if sent != 0 {
			t.Errorf("%s: %d requests were sent, want none", name, sent)
		}
		if r := s.do("POST", chatPath, userKey, chatBody("")); r.status != 200 || sent != 1 {
			t.Errorf("%s: without the header = %d, %d sent, want 200 and 1", name, r.status, sent)
		}
	}
	// What is refused for its body alone claims nothing.
	c := newClaims()
	s := start(t, &fake{}, func(cfg *Config) { cfg.Idempotency = c })
	if r := s.do("POST", chatPath, userKey, `{"model":`, "Idempotency-Key", "k"); r.status != 400 || len(c.asked) != 0 {
		t.Errorf("a broken body = %d after %d claims, want 400 and none", r.status, len(c.asked))
	}
}

// What a request is told apart by.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	c := newClaims()
	s := start(t, &fake{}, func(cfg *Config) { cfg.Idempotency = c })
	for _, r := range []struct{ path, key, body, id string }{
		{chatPath, userKey, chatBody(""), "k"},
		{chatPath, userKey, chatBody(""), "k"},
		{chatPath, userKey, chatBody(""), "other"},
		{chatPath, userKey, chatBody(" "), "k"},
		{chatPath, adminKey, chatBody(""), "k"},
		{messagesPath, userKey, `{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, "k"},
	} {
		s.do("POST", r.path, r.key, r.body, "Idempotency-Key", r.id)
	}
	if len(c.asked) != 6 {
		t.Fatalf("%d claims, want 6", len(c.asked))
	}
	first := c.asked[0]
	for i, want := range []struct{ key, asked bool }{{true, true}, {true, true}, {false, true}, {true, false}, {true, false}, {true, false}} {
		got := c.asked[i]
		if slices.Equal(got.Digest, first.Digest) != want.key || slices.Equal(got.Fingerprint, first.Fingerprint) != want.asked {
			t.Errorf("request %d: the same key, the same request = %v, %v, want %v, %v", i,
				slices.Equal(got.Digest, first.Digest), slices.Equal(got.Fingerprint, first.Fingerprint), want.key, want.asked)
		}
	}
}

// Without the header a request does nothing for it.
func TestNoKeyAllocatesNothing(t *testing.T) {
	s, err := New((&fake{}).config())
	if err != nil {
		t.Fatal(err)
	}
	var fctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.Header.SetMethod("POST")
	req.SetRequestURI(chatPath)
	req.Header.Set("X-Other", "header")
	fctx.Init(&req, nil, nil)
	c := s.app.AcquireCtx(&fctx)
	defer s.app.ReleaseCtx(c)
	body := []byte("{}")
	var k *keyed
	best := 1.0
	for range 5 {
		best = min(best, testing.AllocsPerRun(100, func() {
			k, _ = s.keyed(c, body)
			_, _ = k.begin(c)
			k.heads(&fctx.Response.Header)
			k.streamed(body, false, true)
			_ = k.ended(c, nil)
			k.abandon()
		}))
	}
	if k != nil || best != 0 {
		t.Errorf("a request without a key = %v with %v allocations, want nil and 0", k, best)
	}
}
