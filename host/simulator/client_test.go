package simulator

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// OpenAI's own client understands the simulator.
func TestOpenAIClient(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Keys: map[string]string{"openai": key}})
	client := openai.NewClient(option.WithAPIKey(key), option.WithBaseURL(s.BaseURL("openai")), option.WithMaxRetries(0))
	ctx := deadline(t)
	chat := func(prompt string) openai.ChatCompletionNewParams {
		return openai.ChatCompletionNewParams{Model: "gpt-4o", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)}}
	}
	const want = "This is a simulated answer of gpt-4o at openai. No model was asked, and nothing was billed. You wrote: hello"

	t.Run("chat", func(t *testing.T) {
		c, err := client.Chat.Completions.New(ctx, chat("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Choices[0].Message.Content; got != want || c.Choices[0].FinishReason != "stop" {
			t.Errorf("content = %q (%s), want %q (stop)", got, c.Choices[0].FinishReason, want)
		}
		if c.Usage.PromptTokens != 2 || c.Usage.CompletionTokens != int64(tokens(len(want))) || c.Usage.TotalTokens != c.Usage.PromptTokens+c.Usage.CompletionTokens {
			t.Errorf("usage = %s, want 2 and %d tokens", c.Usage.RawJSON(), tokens(len(want)))
		}
		if c.Created != fixedNow.Unix() || c.Model != "gpt-4o" || !strings.HasPrefix(c.ID, "chatcmpl-") {
			t.Errorf("completion = %s", c.RawJSON())
		}
	})
	t.Run("chat stream", func(t *testing.T) {
		params := chat("hello")
		params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
		stream := client.Chat.Completions.NewStreaming(ctx, params)
		var all openai.ChatCompletionAccumulator
		for stream.Next() {
			if !all.AddChunk(stream.Current()) {
				t.Fatalf("the chunk %s does not belong to the others", stream.Current().RawJSON())
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if got := all.Choices[0].Message.Content; got != want || all.Choices[0].FinishReason != "stop" {
			t.Errorf("content = %q (%s), want %q (stop)", got, all.Choices[0].FinishReason, want)
		}
		if all.Usage.CompletionTokens != int64(tokens(len(want))) {
			t.Errorf("usage = %d tokens, want %d", all.Usage.CompletionTokens, tokens(len(want)))
		}
	})
	t.Run("responses", func(t *testing.T) {
		r, err := client.Responses.New(ctx, responses.ResponseNewParams{Model: "gpt-5.3-codex", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.OutputText(); !strings.HasSuffix(got, "You wrote: hello") || r.Status != "completed" || r.Usage.OutputTokens != int64(tokens(len(got))) {
			t.Errorf("response = %s", r.RawJSON())
		}
	})
	t.Run("responses stream", func(t *testing.T) {
		stream := client.Responses.NewStreaming(ctx, responses.ResponseNewParams{Model: "gpt-5.3-codex", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")}})
		var text strings.Builder
		var last responses.ResponseStreamEventUnion
		for n := int64(0); stream.Next(); n++ {
			last = stream.Current()
			if last.SequenceNumber != n {
				t.Errorf("event %s has sequence number %d, want %d", last.Type, last.SequenceNumber, n)
			}
			if last.Type == "response.output_text.delta" {
				text.WriteString(last.Delta)
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if last.Type != "response.completed" || last.Response.OutputText() != text.String() || text.Len() == 0 {
			t.Errorf("the last event is %s, want response.completed with %q", last.RawJSON(), text.String())
		}
	})
	t.Run("errors", func(t *testing.T) {
		for prompt, want := range map[string]struct {
			status int
			code   string
		}{
			"[[simulate status=429]]":                       {429, "rate_limit_exceeded"},
			"[[simulate status=500]]":                       {500, ""},
			"[[simulate status=400 kind=context_length]] x": {400, "context_length_exceeded"},
		} {
			_, err := client.Chat.Completions.New(ctx, chat(prompt))
			var e *openai.Error
			if !errors.As(err, &e) || e.StatusCode != want.status || e.Code != want.code {
				t.Errorf("%s = %v, want %d %q", prompt, err, want.status, want.code)
			}
		}
		stream := client.Chat.Completions.NewStreaming(ctx, chat("[[simulate error=2]] hello"))
		n := 0
		for stream.Next() {
			n++
		}
		if err := stream.Err(); err == nil || n != 3 {
			t.Errorf("a stream with an error event gave %d chunks and %v, want 3 and an error", n, err)
		}
		wrong := openai.NewClient(option.WithAPIKey("wrong"), option.WithBaseURL(s.BaseURL("openai")), option.WithMaxRetries(0))
		_, err := wrong.Chat.Completions.New(ctx, chat("hello"))
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != 401 || e.Code != "invalid_api_key" {
			t.Errorf("a wrong key = %v, want 401 invalid_api_key", err)
		}
	})
	t.Run("the client tries again", func(t *testing.T) {
		s.Script(Fault{Provider: "openai", Status: 503, RetryAfter: 0})
		again := openai.NewClient(option.WithAPIKey(key), option.WithBaseURL(s.BaseURL("openai")), option.WithMaxRetries(1))
		if _, err := again.Chat.Completions.New(ctx, chat("hello")); err != nil {
			t.Errorf("the second try = %v, want an answer", err)
		}
	})
	t.Run("models", func(t *testing.T) {
		page, err := client.Models.List(ctx)
		if err != nil || len(page.Data) == 0 {
			t.Errorf("models = %v, %v, want some", page, err)
		}
		if m, err := client.Models.Get(ctx, "gpt-4o"); err != nil || m.ID != "gpt-4o" {
			t.Errorf("model = %v, %v", m, err)
		}
	})
}
