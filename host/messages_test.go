package host

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func anthropicClient(g *gateway, key string) anthropic.Client {
	return anthropic.NewClient(option.WithBaseURL(g.URL()), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func messageParams(model, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 1024,
		System:   []anthropic.TextBlockParam{{Text: "Answer briefly."}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

// checkMessage holds what every whole answer to a plain question is.
func checkMessage(t *testing.T, m *anthropic.Message, model string) {
	t.Helper()
	if len(m.Content) != 1 || m.Content[0].Type != "text" || m.Content[0].Text == "" {
		t.Fatalf("content = %+v, want one text block", m.Content)
	}
	if !strings.HasPrefix(m.ID, "msg_") || m.Role != "assistant" || m.Type != "message" || m.StopReason != anthropic.StopReasonEndTurn {
		t.Errorf("id, role, type, stop_reason = %q, %q, %q, %q, want a message that ended its turn", m.ID, m.Role, m.Type, m.StopReason)
	}
	if string(m.Model) != model {
		t.Errorf("model = %q, want the %q that was asked for", m.Model, model)
	}
	if m.Usage.InputTokens <= 0 || m.Usage.OutputTokens <= 0 {
		t.Errorf("usage = %+v, want positive counts", m.Usage)
	}
}

// One target per provider and per wire, through Anthropic's own client.
func TestAnthropicGo(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			plain, err := client.Messages.New(t.Context(), messageParams(tt.model, "Explain tides."))
			if err != nil {
				t.Fatal(err)
			}
			checkMessage(t, plain, tt.model)

			stream := client.Messages.NewStreaming(t.Context(), messageParams(tt.model, "Explain tides."))
			var all anthropic.Message
			events := 0
			for stream.Next() {
				events++
				if err := all.Accumulate(stream.Current()); err != nil {
					t.Fatalf("event %d: %v", events, err)
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			checkMessage(t, &all, tt.model)
			if events < 8 {
				t.Errorf("the stream had %d events, want the text in pieces", events)
			}
			if all.Content[0].Text != plain.Content[0].Text {
				t.Errorf("streamed text = %q, want the plain answer's %q", all.Content[0].Text, plain.Content[0].Text)
			}
			if all.Usage.InputTokens != plain.Usage.InputTokens || all.Usage.OutputTokens != plain.Usage.OutputTokens {
				t.Errorf("streamed usage = %+v, want the plain answer's %+v", all.Usage, plain.Usage)
			}
		})
	}
}

// The ids that Anthropic's clients have built in find the catalogue's rows.
func TestAnthropicModelIDs(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	for _, tt := range []struct{ asked, wantModel string }{
		{"claude-haiku-4-5-20251001", "claude-haiku-4.5"},
		{"claude-opus-4-5", "claude-opus-4.5"},
		{"anthropic/claude-opus-4.5", "claude-opus-4.5"},
	} {
		var header *http.Response
		m, err := client.Messages.New(t.Context(), messageParams(tt.asked, "hi"), option.WithResponseInto(&header))
		if err != nil {
			t.Fatalf("model %q: %v", tt.asked, err)
		}
		checkMessage(t, m, tt.asked)
		if got := header.Header.Get("x-pointsman-model"); got != tt.wantModel {
			t.Errorf("model %q was served by %q, want %q", tt.asked, got, tt.wantModel)
		}
	}
	auto, err := client.Messages.New(t.Context(), messageParams("auto", "hi"))
	if err != nil {
		t.Fatal(err)
	}
	checkMessage(t, auto, "gpt-4o")
}

func TestAnthropicGoErrorClasses(t *testing.T) {
	g := sharedGateway(t)
	tests := []struct {
		name, key, model, text string
		wantStatus             int
		wantType               string
	}{
		{"wrong key", "pm_wrong", "auto", "hi", 401, "authentication_error"},
		{"unknown model", g.key, "claude-99", "hi", 404, "not_found_error"},
		{"overloaded provider", g.key, "anthropic/claude-opus-4.5", "[[simulate provider=anthropic status=529]] hi", 529, "overloaded_error"},
		{"broken provider", g.key, "openai/gpt-4o", "[[simulate provider=openai status=500]] hi", 502, "api_error"},
		{"invalid for the provider", g.key, "openai/gpt-4o", "[[simulate provider=openai status=400]] hi", 400, "invalid_request_error"},
		{"rate limited provider", g.key, "anthropic/claude-sonnet-4.5", "[[simulate provider=anthropic status=429 retry_after=2]] hi", 429, "rate_limit_error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := anthropicClient(g, tt.key)
			_, plain := client.Messages.New(t.Context(), messageParams(tt.model, tt.text))
			stream := client.Messages.NewStreaming(t.Context(), messageParams(tt.model, tt.text))
			if stream.Next() {
				t.Errorf("the stream begins with %s, want a status", stream.Current().RawJSON())
			}
			for form, err := range map[string]error{"plain": plain, "stream": stream.Err()} {
				var e *anthropic.Error
				if !errors.As(err, &e) {
					t.Fatalf("%s error = %v, want an API error", form, err)
				}
				if e.StatusCode != tt.wantStatus || string(e.Type()) != tt.wantType || e.RequestID == "" {
					t.Errorf("%s status, type, request id = %d, %q, %q, want %d, %q and an id\n%s", form, e.StatusCode, e.Type(), e.RequestID, tt.wantStatus, tt.wantType, e.RawJSON())
				}
			}
		})
	}
}

// A stream that breaks after its first byte ends in an error event, and never in a
// message that looks whole.
func TestMessagesStreamCut(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			const text = "[[simulate cut=3]] tell me a long story"
			stream := client.Messages.NewStreaming(t.Context(), messageParams(tt.model, text))
			for stream.Next() {
				if kind := stream.Current().Type; kind == "message_delta" || kind == "message_stop" {
					t.Errorf("a cut stream has a %s", kind)
				}
			}
			if stream.Err() == nil {
				t.Error("a cut stream ends without an error")
			}
			raw := g.do(http.MethodPost, "/v1/messages", map[string]any{
				"model": tt.model, "max_tokens": 100, "stream": true,
				"messages": []any{map[string]any{"role": "user", "content": text}},
			})
			last := string(raw.Body[strings.LastIndex(strings.TrimSuffix(string(raw.Body), "\n\n"), "\n\n")+2:])
			data, ok := strings.CutPrefix(last, "event: error\ndata: ")
			var e struct {
				Error     struct{ Type string }
				RequestID string `json:"request_id"`
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil || !ok || e.Error.Type != "api_error" || e.RequestID == "" {
				t.Errorf("the last event is %q, want an error", last)
			}
		})
	}
}

// A conversation as coding agents send it reaches every target: cache marks, thinking,
// a call with its result, and text in the same turn.
func TestMessagesCarriesToolTurns(t *testing.T) {
	g := sharedGateway(t)
	for _, tt := range clientModels {
		a := g.do(http.MethodPost, "/v1/messages?beta=true", `{"model":"`+tt.model+`","max_tokens":100,"metadata":{"user_id":"u"},
			"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
			"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"x":{"type":"string"}}},"cache_control":{"type":"ephemeral"}}],
			"tool_choice":{"type":"auto","disable_parallel_tool_use":true},
			"messages":[{"role":"user","content":[{"type":"text","text":"q","cache_control":{"type":"ephemeral"}}]},
				{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"c2ln"},{"type":"text","text":"a"},{"type":"tool_use","id":"t1","name":"f","input":{"x":"y"}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r1","is_error":true},{"type":"text","text":"and now?"}]}]}`)
		if a.Status != 200 || !strings.Contains(a.field(t, "content", "text"), "and now?") {
			t.Errorf("%s = %d %s, want the simulator's answer to the last turn", tt.name, a.Status, a.Body)
		}
	}
}
