package host

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func openAIClient(g *gateway, key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(g.URL()+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func userMessages(text string) []openai.ChatCompletionMessageParamUnion {
	return []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Answer briefly."), openai.UserMessage(text)}
}

// One target per provider and per wire: what a client sees must not tell them apart.
var clientModels = []struct{ name, model string }{
	{"openai chat", "gpt-4o"},
	{"openai responses", "gpt-5.1-codex"},
	{"anthropic", "claude-opus-4.5"},
	{"google", "gemini-2.5-pro"},
	{"openai-compatible", "raptor-mini-preview"},
}

func TestOpenAIGoPlain(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: tt.model, Messages: userMessages("Explain tides.")})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Choices) != 1 || got.Choices[0].Message.Content == "" {
				t.Fatalf("choices = %+v, want one with text", got.Choices)
			}
			if got.Choices[0].FinishReason != "stop" {
				t.Errorf("finish_reason = %q, want stop", got.Choices[0].FinishReason)
			}
			if got.Model != tt.model {
				t.Errorf("model = %q, want the pinned %q", got.Model, tt.model)
			}
			checkUsage(t, got.Usage)
		})
	}
}

func checkUsage(t *testing.T, u openai.CompletionUsage) {
	t.Helper()
	if u.PromptTokens <= 0 || u.CompletionTokens <= 0 || u.TotalTokens != u.PromptTokens+u.CompletionTokens {
		t.Errorf("usage = %d + %d = %d, want positive counts and their sum", u.PromptTokens, u.CompletionTokens, u.TotalTokens)
	}
}

func TestOpenAIGoStream(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			plain, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: tt.model, Messages: userMessages("Explain tides.")})
			if err != nil {
				t.Fatal(err)
			}
			stream := client.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{
				Model: tt.model, Messages: userMessages("Explain tides."),
				StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
			})
			var all openai.ChatCompletionAccumulator
			chunks := 0
			for stream.Next() {
				chunks++
				if chunk := stream.Current(); !all.AddChunk(chunk) {
					t.Fatalf("chunk %d does not continue the stream: %s", chunks, chunk.RawJSON())
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			if len(all.Choices) != 1 || all.Choices[0].Message.Content != plain.Choices[0].Message.Content {
				t.Errorf("streamed text = %+v, want the plain answer's %q", all.Choices, plain.Choices[0].Message.Content)
			}
			if chunks < 4 {
				t.Errorf("the stream had %d chunks, want the text in pieces", chunks)
			}
			if all.Choices[0].FinishReason != "stop" {
				t.Errorf("finish_reason = %q, want stop", all.Choices[0].FinishReason)
			}
			checkUsage(t, all.Usage)
			if all.Usage.PromptTokens != plain.Usage.PromptTokens || all.Usage.CompletionTokens != plain.Usage.CompletionTokens {
				t.Errorf("streamed usage = %+v, want the plain answer's %+v", all.Usage, plain.Usage)
			}
		})
	}
}

func TestOpenAIGoErrorClasses(t *testing.T) {
	g := sharedGateway(t)
	tests := []struct {
		name, key, model, text string
		wantStatus             int
		wantCode               string
	}{
		{"wrong key", "pm_wrong", "auto", "hi", 401, "invalid_api_key"},
		{"unknown model", g.key, "gpt-99", "hi", 404, "model_not_found"},
		{"broken provider", g.key, "openai/gpt-4o", "[[simulate provider=openai status=500]] hi", 502, "upstream_error"},
		{"rate limited provider", g.key, "openai/gpt-5.1", "[[simulate provider=openai status=429 retry_after=2]] hi", 429, "rate_limit_exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := openAIClient(g, tt.key)
			_, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: tt.model, Messages: userMessages(tt.text)})
			var apiErr *openai.Error
			if !errors.As(err, &apiErr) {
				t.Fatalf("error = %v, want an API error", err)
			}
			if apiErr.StatusCode != tt.wantStatus || apiErr.Code != tt.wantCode || apiErr.Message == "" {
				t.Errorf("status, code, message = %d, %q, %q, want %d, %q and a message", apiErr.StatusCode, apiErr.Code, apiErr.Message, tt.wantStatus, tt.wantCode)
			}
		})
	}
}

func TestOpenAINode(t *testing.T) {
	dir := node(t)
	g := startGateway(t)
	out, err := output(t, dir, "node", "openai_errors.mjs", g.URL()+"/v1", g.key)
	if err != nil {
		t.Fatal(err)
	}
	type usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
	type failure struct {
		Class  string
		Status int
		Code   string
		Param  string
	}
	var seen struct {
		Plain struct {
			Text, Finish, Model, Rule string
			Usage                     usage
		}
		Stream struct {
			Text, Finish string
			Chunks       int
			Usage        usage
		}
		WrongKey, UnknownModel, BadRequest, RateLimited failure
		Models                                          []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if p := seen.Plain; p.Text == "" || p.Finish != "stop" || p.Model != "claude-opus-4.5" || p.Rule != "complex-reasoning" || p.Usage.Total == 0 || p.Usage.Total != p.Usage.Prompt+p.Usage.Completion {
		t.Errorf("plain = %+v, want text, stop, usage and the complex-reasoning model", p)
	}
	if s := seen.Stream; s.Text == "" || s.Finish != "stop" || s.Chunks < 4 || s.Usage.Total == 0 || s.Usage.Total != s.Usage.Prompt+s.Usage.Completion {
		t.Errorf("stream = %+v, want text in pieces, stop and usage", s)
	}
	for _, f := range []struct {
		name      string
		got, want failure
	}{
		{"wrong key", seen.WrongKey, failure{"AuthenticationError", 401, "invalid_api_key", ""}},
		{"unknown model", seen.UnknownModel, failure{"NotFoundError", 404, "model_not_found", "model"}},
		{"bad request", seen.BadRequest, failure{"BadRequestError", 400, seen.BadRequest.Code, "messages"}},
		{"rate limited", seen.RateLimited, failure{"RateLimitError", 429, "rate_limit_exceeded", ""}},
	} {
		if f.got != f.want {
			t.Errorf("%s = %+v, want %+v", f.name, f.got, f.want)
		}
	}
	if !slices.Contains(seen.Models, "auto") || !slices.Contains(seen.Models, "raptor-mini-preview") {
		t.Errorf("models = %v, want auto and the catalogue", seen.Models)
	}
}
