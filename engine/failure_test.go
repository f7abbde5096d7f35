package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// What a provider says of an invalid request is for the caller; what it says of the
// gateway's account is not.
func TestProviderErrorShown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", abi.MaxMessage)
	said := func(class abi.Class, message, param string) func(context.Context) (AdapterReply, error) {
		b := append([]byte(`{"error":{"message":`), document.AppendString(nil, message)...)
		b = append(append(b, `,"param":`...), document.AppendString(nil, param)...)
		doc, err := document.Parse(append(b, `}}`...), document.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		reply := AdapterReply{Chunks: []*document.Doc{doc}}
		if class != abi.ClassNone {
			reply.Failure = &AdapterFailure{Class: class}
		}
		return func(context.Context) (AdapterReply, error) { return reply, nil }
	}
	tests := []struct {
		name          string
		status        int
		reply         func(context.Context) (AdapterReply, error)
		code          Code
		param, says   string
		never         string
		wantRetryable bool
	}{
		{"invalid", 400, said(0, "temperature is too high", "temperature"), CodeInvalid, "temperature", "temperature is too high", "", false},
		{"invalid without words", 400, said(0, "", ""), CodeInvalid, "", "refused the request", "", false},
		{"invalid at length", 400, said(0, long, long), CodeInvalid, long[:abi.MaxTagText], "ééé", "", false},
		{"a wrong key", 401, said(0, "Incorrect API key sk-abc", "key"), CodeUpstreamFailed, "", "refused the gateway's credential", "sk-abc", true},
		{"no such model", 404, said(0, "model gpt-x of org-secret", "model"), CodeUpstreamFailed, "", "does not serve up-a", "org-secret", true},
		{"out of quota", 429, said(abi.ClassQuota, "org-secret has no credit", ""), CodeUpstreamOverloaded, "", "quota", "org-secret", true},
		{"filtered", 400, said(abi.ClassContentFilter, "said something bad", ""), CodeContentFilter, "", "content filter", "bad", false},
		{"too long", 400, said(abi.ClassContextLength, "x", "y"), CodeContextLength, "messages", "m-a", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {status: tt.status, refuse: tt.reply}})
			_, err := g.Complete(t.Context(), rigRequest(t, ""))
			var e *Error
			var f *attemptError
			if !errors.As(err, &e) || !errors.As(err, &f) {
				t.Fatalf("Complete = %v, want a failed attempt", err)
			}
			if e.Code != tt.code || e.Param != tt.param || !strings.Contains(e.Message, tt.says) || f.retryable != tt.wantRetryable {
				t.Errorf("error = %s, param %q, %q, retryable %v; want %s, %q, with %q, %v", e.Code, e.Param, e.Message, f.retryable, tt.code, tt.param, tt.says, tt.wantRetryable)
			}
			if tt.never != "" && strings.Contains(e.Message, tt.never) {
				t.Errorf("message %q shows what the provider said of the gateway", e.Message)
			}
			if len(e.Message) > abi.MaxMessage || !utf8.ValidString(e.Message) || !utf8.ValidString(e.Param) {
				t.Errorf("message of %d bytes, want at most %d of whole characters", len(e.Message), abi.MaxMessage)
			}
		})
	}
}

// A pin is shown as it was asked for, auto as what served it; a replacement says so.
func TestWhoServed(t *testing.T) {
	t.Parallel()
	past := rigTime.Add(-time.Hour)
	for _, tt := range []struct{ asked, shown string }{{"auto", "m-a"}, {"m-a", "m-a"}, {"a/m-a", "a/m-a"}, {"a/old", "a/old"}} {
		for _, stream := range []bool{false, true} {
			s := works("x")
			s.events[0] = strings.Replace(s.events[0], `{`, `{"model":"up-a",`, 1)
			g := newRig(t, map[string]*script{"a": s})
			g.catalogue.Store(NewCatalogue(
				[]Model{{ID: "m-a", ProviderID: "a", UpstreamID: "old", RetiresAt: past, Replacement: &Replacement{UpstreamID: "up-a"}, Enabled: true}},
				[]Provider{{ID: "a", Adapter: "a", Enabled: true}}, []Price{{ProviderID: "a", UpstreamID: "up-a"}}))
			r := rigRequest(t, "")
			r.Model = tt.asked
			var meta Meta
			var body string
			if stream {
				got := g.stream(t, t.Context(), r)
				meta, body = got.meta, got.chunks[0]
			} else {
				c, err := g.Complete(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				meta, body = c.Meta, string(c.Body)
			}
			if !strings.Contains(body, `"model":"`+tt.shown+`"`) || strings.Contains(body, "up-a") {
				t.Errorf("asked for %q, stream %v: body %s, want model %q", tt.asked, stream, body, tt.shown)
			}
			if meta.Substituted != "up-a" || meta.Model != "m-a" || !strings.Contains(meta.Decision, "m-a via a (retired, served by up-a)") {
				t.Errorf("asked for %q: meta = %+v, want the replacement named", tt.asked, meta)
			}
			if rows := g.ledger.all(); len(rows) != 1 || !rows[0].Substituted || rows[0].UpstreamID != "up-a" {
				t.Errorf("asked for %q: rows = %+v, want the replacement in it", tt.asked, rows)
			}
		}
	}
}
