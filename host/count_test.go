package host

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

// usageOf is the usage list of one request, once it has rows.
func usageOf(t *testing.T, g *gateway, request string) answer {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		a := g.do(http.MethodGet, "/api/v1/usage?request_id="+request, nil)
		if a.field(t, "data", "outcome") != "" {
			return a
		}
		if time.Now().After(deadline) {
			t.Fatalf("request %s has no usage row: %s", request, a.Body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Anthropic's own client gets a count from whichever provider is behind the model, and
// the provider's own where it has one.
func TestCountTokensAnthropicGo(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	for _, tt := range []struct {
		name, model   string
		wantEstimated bool
	}{
		{"anthropic", "claude-opus-4.5", false},
		{"google", "gemini-2.5-pro", false},
		{"openai chat", "gpt-4o", true}, // that wire has no counter
		{"openai responses", "gpt-5.1-codex", false},
		{"openai-compatible", "raptor-mini-preview", true},
		{"auto", "auto", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			count := func(text string) int64 {
				var raw *http.Response
				got, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
					Model:    anthropic.Model(tt.model),
					System:   anthropic.MessageCountTokensParamsSystemUnion{OfTextBlockArray: []anthropic.TextBlockParam{{Text: "Answer briefly."}}},
					Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
				}, option.WithResponseInto(&raw))
				if err != nil {
					t.Fatal(err)
				}
				if estimated := raw.Header.Get("x-pointsman-estimated") == "true"; estimated != tt.wantEstimated {
					t.Errorf("x-pointsman-estimated = %v, want %v (%s)", estimated, tt.wantEstimated, raw.Header.Get("x-pointsman-decision"))
				}
				return got.InputTokens
			}
			short, long := count("Explain tides."), count("Explain tides. "+strings.Repeat("And more. ", 100))
			if short <= 0 || long < short+100 {
				t.Errorf("counts = %d and %d, want positive and growing", short, long)
			}
		})
	}
}

// Counting is free, and recorded.
func TestCountTokensIsFree(t *testing.T) {
	g := sharedGateway(t)
	a := g.do(http.MethodPost, "/v1/messages/count_tokens", map[string]any{"model": "claude-opus-4.5", "messages": []any{map[string]any{"role": "user", "content": "hi"}}})
	if a.Status != 200 || a.field(t, "input_tokens") == "" {
		t.Fatalf("= %d %s", a.Status, a.Body)
	}
	row := usageOf(t, g, a.Header.Get("x-request-id"))
	if got := row.field(t, "data", "tokens", "prompt") + row.field(t, "data", "cost_nano_usd") + row.field(t, "data", "premium_requests"); got != "000" {
		t.Errorf("tokens, cost, premium = %s, want nothing", got)
	}
	if got := row.field(t, "data", "outcome") + " " + row.field(t, "data", "model"); got != "ok claude-opus-4.5" {
		t.Errorf("outcome, model = %s", got)
	}
}

// Whatever the provider does there is an answer.
func TestCountTokensAlwaysAnswers(t *testing.T) {
	g := startGateway(t) // the refused credential would count afterwards
	for _, how := range []string{"status=529", "status=401", "status=400", "status=500", "drop=true", "body=html", "body=empty"} {
		t.Run(how, func(t *testing.T) {
			a := g.do(http.MethodPost, "/v1/messages/count_tokens", map[string]any{"model": "claude-opus-4.5", "messages": []any{map[string]any{"role": "user", "content": "[[simulate " + how + "]] hello"}}})
			if a.Status != 200 || a.field(t, "input_tokens") == "" || a.Header.Get("x-pointsman-estimated") != "true" {
				t.Errorf("= %d %s, want an estimate (%s)", a.Status, a.Body, a.Header.Get("x-pointsman-decision"))
			}
		})
	}
	if a := g.do(http.MethodPost, "/v1/messages/count_tokens", map[string]any{"model": "claude-99", "messages": []any{map[string]any{"role": "user", "content": "hi"}}}); a.Status != 404 {
		t.Errorf("an unknown model = %d %s, want 404", a.Status, a.Body)
	}
}

// A server tool, which only Anthropic's wire can say, is counted by Anthropic.
func TestCountTokensOfAForeignMember(t *testing.T) {
	g := sharedGateway(t)
	a := g.do(http.MethodPost, "/v1/messages/count_tokens?beta=true", map[string]any{
		"model": "claude-opus-4.5", "messages": []any{map[string]any{"role": "user", "content": "What is new?"}},
		"tools": []any{map[string]any{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}},
	})
	if a.Status != 200 || a.field(t, "input_tokens") == "" || a.Header.Get("x-pointsman-estimated") != "" {
		t.Errorf("= %d %s, want Anthropic's count (%s)", a.Status, a.Body, a.Header.Get("x-pointsman-decision"))
	}
}

func TestInputTokensOpenAIGo(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, model := range []string{"gpt-5.1-codex", "gpt-4o", "claude-opus-4.5", "gemini-2.5-pro"} {
		got, err := client.Responses.InputTokens.Count(t.Context(), responses.InputTokenCountParams{
			Model: openai.String(model), Instructions: openai.String("Answer briefly."),
			Input: responses.InputTokenCountParamsInputUnion{OfString: openai.String("Explain tides.")},
		})
		if err != nil || got.InputTokens <= 0 || got.Object != "response.input_tokens" {
			t.Errorf("InputTokens(%s) = %+v, %v, want a count", model, got, err)
		}
	}
}
