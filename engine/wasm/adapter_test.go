package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func attempt(t testing.TB, do string) engine.AdapterAttempt {
	return engine.AdapterAttempt{
		RequestID: "req-1", Attempt: 1, NowMS: atNoon,
		Request: jsonNode(t, `{"model":"auto","messages":[{"role":"user","content":"hi"}],"n":1}`),
		Call:    jsonNode(t, `{"operation":"chat","do":"`+do+`","target":{"upstream_id":"big-1"}}`),
	}
}

func upstream(status int) *engine.UpstreamResponse {
	return &engine.UpstreamResponse{Status: status, Field: func(name string) string {
		if strings.EqualFold(name, "X-Request-Id") {
			return "up-7"
		}
		return ""
	}}
}

func TestAdapterRequest(t *testing.T) {
	t.Parallel()
	l := offer(t, cached(), goGuest(t, abi.KindProvider))
	got, err := adapterOf(t, l, attempt(t, "")).Request(t.Context())
	if err != nil {
		t.Fatalf("Request() = %v", err)
	}
	wantBody := `{"model":"big-1","messages":[{"role":"user","content":"hi"}],"n":1}`
	if got.Method != "POST" || got.Path != "/v1/things?x=1" || string(got.Body) != wantBody ||
		!slices.Equal(got.Headers, []engine.Pair{{Name: "x-version", Value: "2"}}) || !slices.Equal(got.Lossy, []string{"logit_bias"}) {
		t.Errorf("Request() = %+v with body %s, want body %s", got, got.Body, wantBody)
	}
	m, err := l.AdapterManifest("acme", "test")
	if err != nil || m.Provider == nil || m.Provider.Auth.Name != "x-test-key" {
		t.Errorf("AdapterManifest() = %+v, %v", m, err)
	}
}

func TestAdapterRequestFailures(t *testing.T) {
	t.Parallel()
	l := offer(t, cached(), goGuest(t, abi.KindProvider))
	tests := []struct {
		do     string
		code   engine.Code
		status int
		want   string
	}{
		{"refuse", engine.CodeInvalid, 422, "no audio"},
		{"break", engine.CodePluginFailed, 0, "pm_request_v1 returned -1"},
		{"no path", engine.CodePluginFailed, 0, "set no path"},
		{"garbage", engine.CodePluginFailed, 0, "invalid JSON"},
		{"steal", engine.CodePluginFailed, 0, "header not allowed"},
		{"steal own", engine.CodePluginFailed, 0, "header not allowed"},
		{"elsewhere", engine.CodePluginFailed, 0, "path not allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.do, func(t *testing.T) {
			t.Parallel()
			_, err := adapterOf(t, l, attempt(t, tt.do)).Request(t.Context())
			var e *engine.Error
			if !errors.As(err, &e) || e.Code != tt.code || e.Status != tt.status || !strings.Contains(e.Message, tt.want) {
				t.Errorf("Request(%s) = %#v, want %s, %d, %q", tt.do, err, tt.code, tt.status, tt.want)
			}
		})
	}
}

func TestAdapterReplies(t *testing.T) {
	t.Parallel()
	l := offer(t, cached(), goGuest(t, abi.KindProvider))
	tests := []struct {
		name    string
		call    func(context.Context, engine.Adapter) (engine.AdapterReply, error)
		want    []string
		failure *engine.AdapterFailure
	}{
		{"response", func(ctx context.Context, a engine.Adapter) (engine.AdapterReply, error) {
			return a.Response(ctx, upstream(200), []byte(`{"id":1}`))
		}, []string{`{"status":200,"field":"up-7","body":{"id":1}}`}, nil},
		{"response that is not JSON", func(ctx context.Context, a engine.Adapter) (engine.AdapterReply, error) {
			return a.Response(ctx, upstream(200), []byte("<html>\xff"))
		}, nil, &engine.AdapterFailure{Class: abi.ClassServer, Code: 502, Message: "not JSON"}},
		{"error", func(ctx context.Context, a engine.Adapter) (engine.AdapterReply, error) {
			return a.Error(ctx, upstream(429), []byte(`slow "down"`))
		}, []string{`{"error":{"message":"slow \"down\""}}`}, &engine.AdapterFailure{Class: abi.ClassRateLimited, After: 2 * time.Second}},
		{"event that fails", func(ctx context.Context, a engine.Adapter) (engine.AdapterReply, error) {
			return a.Event(ctx, upstream(200), "error", []byte(`{}`))
		}, nil, &engine.AdapterFailure{Class: abi.ClassOverloaded, After: 1500 * time.Millisecond, Code: 529, Message: "overloaded"}},
		{"event that says nothing", func(ctx context.Context, a engine.Adapter) (engine.AdapterReply, error) {
			return a.Event(ctx, upstream(200), "", []byte(`"silence"`))
		}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply, err := tt.call(t.Context(), adapterOf(t, l, attempt(t, "")))
			if err != nil {
				t.Fatalf("call = %v", err)
			}
			if got := texts(reply); !slices.Equal(got, tt.want) {
				t.Errorf("chunks = %q, want %q", got, tt.want)
			}
			if fmt.Sprint(reply.Failure) != fmt.Sprint(tt.failure) {
				t.Errorf("failure = %+v, want %+v", reply.Failure, tt.failure)
			}
		})
	}
}

func texts(r engine.AdapterReply) []string {
	var all []string
	for _, c := range r.Chunks {
		all = append(all, string(c.Root().Raw()))
	}
	return all
}

// TestAdapterStream: what an attempt keeps goes with it from instance to instance,
// and two attempts on the same instances do not see each other.
func TestAdapterStream(t *testing.T) {
	t.Parallel()
	cfg := cached()
	cfg.PoolSize = 2
	l := offer(t, cfg, goGuest(t, abi.KindProvider))
	one, two := adapterOf(t, l, attempt(t, "")), adapterOf(t, l, attempt(t, ""))
	events := func(a engine.Adapter, i int) []string {
		reply, err := a.Event(t.Context(), upstream(200), "delta", []byte(`{"i":`+fmt.Sprint(i)+`}`))
		if err != nil {
			t.Fatalf("Event(%d) = %v", i, err)
		}
		return texts(reply)
	}
	drawn := map[string]bool{}
	for i := range 5 {
		first, second := events(one, i), events(two, i)
		if !slices.Equal(first, second) {
			t.Errorf("event %d: two equal attempts got %q and %q", i, first, second)
		}
		if len(first) != 2 || first[0] != `{"name":"delta","request":"false"}` {
			t.Fatalf("event %d: chunks %q, want two, the first without a request", i, first)
		}
		if want := fmt.Sprintf(`{"before":%d,`, i); !strings.HasPrefix(first[1], want) {
			t.Errorf("event %d: %s, want %s…", i, first[1], want)
		}
		if drawn[first[1]] = true; len(drawn) != i+1 {
			t.Errorf("event %d: drew the same number again: %s", i, first[1])
		}
	}
	if _, err := one.Event(t.Context(), upstream(200), "", []byte(`"garbage"`)); engine.CodeOf(err) != engine.CodePluginFailed {
		t.Errorf("Event(garbage) = %v, want %s", err, engine.CodePluginFailed)
	}
	if got := events(one, 5); !strings.HasPrefix(got[1], `{"before":5,`) {
		t.Errorf("after garbage: %s, want what was kept before it", got[1])
	}
}

func TestAdapterLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := adapter(abi.EntryError, seq(i32c(abi.LevelWarn), i32c(0), i32c(9), call(0), i32c(0)), "log")
	a.data = "odd\x1b[31m!"
	l := offer(t, Config{Logger: zerolog.New(&out)}, a.build(t))
	if _, err := adapterOf(t, l, attempt(t, "")).Error(t.Context(), upstream(500), nil); err != nil {
		t.Fatalf("Error() = %v", err)
	}
	want := `{"level":"warn","request_id":"req-1","plugin":"test@1.0.0","line":"odd[31m!","message":"plugin log"}` + "\n"
	if out.String() != want {
		t.Errorf("log = %s, want %s", out.String(), want)
	}
}

func TestAfterCall(t *testing.T) {
	t.Parallel()
	a := adapter(abi.EntryEvent, i32c(0))
	a.data = "a secret that should not be here"
	var seen []string
	cfg := Config{AfterCall: func(plugin string, memory []byte) {
		if bytes.Contains(memory, []byte("secret")) && len(memory) == abi.PageSize {
			seen = append(seen, plugin)
		}
	}}
	s := adapterOf(t, offer(t, cfg, a.build(t)), attempt(t, ""))
	for range 2 {
		if _, err := s.Event(t.Context(), upstream(200), "", []byte(`{}`)); err != nil {
			t.Fatalf("Event() = %v", err)
		}
	}
	if want := []string{"test@1.0.0", "test@1.0.0"}; !slices.Equal(seen, want) {
		t.Errorf("AfterCall saw %q, want %q", seen, want)
	}
}

func BenchmarkAdapterEvent(b *testing.B) {
	s := adapterOf(b, offer(b, cached(), goGuest(b, abi.KindProvider)), attempt(b, ""))
	data := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, this is a piece"}}`)
	ctx, r := b.Context(), upstream(200)
	b.ReportAllocs()
	for b.Loop() {
		reply, err := s.Event(ctx, r, "content_block_delta", data)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range reply.Chunks {
			c.Release()
		}
	}
}

func BenchmarkAdapterRequest(b *testing.B) {
	l := offer(b, cached(), goGuest(b, abi.KindProvider))
	a := attempt(b, "")
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		s, err := l.OpenAdapter("", "test", a)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Request(ctx); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
