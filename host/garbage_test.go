package host

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Whatever a provider sends, the caller gets an answer in its own wire: a 502
// before the first content, an error event after it. Never a made-up success.
func TestProviderGarbage(t *testing.T) {
	g := sharedGateway(t)
	tests := []struct {
		name, fault string
		streamed    bool // also meaningful for a stream
	}{
		{"a web page with status 200", "body=html", true},
		{"nothing with status 200", "body=empty", true},
		{"an array", "body=array", true},
		{"an error object with status 200", "body=error", true},
		{"JSON that breaks off", "body=truncated", true},
		{"a redirect", "status=302", true},
		{"an unknown status", "status=599", true},
		{"a body shorter than it says", "cut=1", false},
	}
	for _, m := range clientModels {
		for _, tt := range tests {
			for _, stream := range []bool{false, true} {
				if stream && !tt.streamed {
					continue
				}
				t.Run(m.name+", "+tt.name+", stream "+strconv.FormatBool(stream), func(t *testing.T) {
					body := chatBody(m.model, "[[simulate "+tt.fault+"]] hello")
					body["stream"], body["models"] = stream, []string{}
					a := g.do(http.MethodPost, "/v1/chat/completions", body)
					if a.Status != http.StatusBadGateway {
						t.Fatalf("status = %d, want 502\n%s", a.Status, a.Body)
					}
					if a.field(t, "error", "code") == "" || strings.Contains(string(a.Body), "<html>") {
						t.Errorf("body = %s, want an error object without the provider's page", a.Body)
					}
				})
			}
		}
	}
}

func TestStreamThatNeverEndsProperly(t *testing.T) {
	g := sharedGateway(t)
	for _, m := range clientModels {
		t.Run(m.name, func(t *testing.T) {
			body := chatBody(m.model, "[[simulate no_end=true]] hello")
			body["stream"] = true
			a := g.do(http.MethodPost, "/v1/chat/completions", body)
			list := events(a.Body)
			var last struct {
				Error struct{ Code string }
			}
			if len(list) == 0 || json.Unmarshal([]byte(list[len(list)-1]), &last) != nil || last.Error.Code != "upstream_truncated" {
				t.Errorf("the last event is not an upstream_truncated error:\n%s", a.Body)
			}
		})
	}
}

func TestStreamWhoseConnectionStaysOpen(t *testing.T) {
	g := sharedGateway(t)
	for _, m := range clientModels {
		t.Run(m.name, func(t *testing.T) {
			body := chatBody(m.model, "[[simulate open=true]] hello")
			body["stream"] = true
			a := g.do(http.MethodPost, "/v1/chat/completions", body)
			if list := events(a.Body); len(list) == 0 || list[len(list)-1] != "[DONE]" {
				t.Errorf("the stream did not end with [DONE] although all was said:\n%s", a.Body)
			}
		})
	}
}

// A vendor's retirement is answered by its replacement, said openly, or by nothing.
func TestRetiredModels(t *testing.T) {
	g := startGateway(t)
	tests := []struct{ model, wantUpstream string }{
		{"gpt-5.1-codex", "gpt-5.3-codex"},
		{"gpt-5-codex-preview", "gpt-5.4"},
		{"claude-sonnet-4", "claude-sonnet-4-6"},
		{"gemini-3-pro-preview", "gemini-3.1-pro-preview"},
		{"claude-sonnet-4.5", ""}, // until 2026-11-30
		{"gpt-4o", ""},
	}
	for _, tt := range tests {
		a := g.chat(tt.model, "hello")
		said := strings.Contains(a.Header.Get("x-pointsman-decision"), "served by "+tt.wantUpstream)
		if a.Status != 200 || a.Header.Get("x-pointsman-model") != tt.model || (tt.wantUpstream != "") != said {
			t.Errorf("%s = %d, model %q, decision %q, want it served by %q", tt.model, a.Status,
				a.Header.Get("x-pointsman-model"), a.Header.Get("x-pointsman-decision"), tt.wantUpstream)
		}
		listed := g.do(http.MethodGet, "/v1/models/"+tt.model, nil)
		if got := strings.Contains(string(listed.Body), `"`+tt.wantUpstream+`"`); tt.wantUpstream != "" && !got {
			t.Errorf("/v1/models/%s does not name %s:\n%s", tt.model, tt.wantUpstream, listed.Body)
		}
	}
	off := g.do(http.MethodPatch, "/api/v1/models/claude-sonnet-4", map[string]any{"no_substitute": true})
	if off.Status != 200 {
		t.Fatalf("turn substitution off = %d\n%s", off.Status, off.Body)
	}
	a := g.chat("claude-sonnet-4", "hello")
	if got := a.Header.Get("x-pointsman-model"); got == "claude-sonnet-4" || !strings.Contains(a.Header.Get("x-pointsman-decision"), "claude-sonnet-4 retired") {
		t.Errorf("without substitution: model %q, decision %q, want it skipped as retired", got, a.Header.Get("x-pointsman-decision"))
	}
}
