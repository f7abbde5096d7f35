package host

import (
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// Anthropic's client reads an answer that is explained as one that is not.
func TestAnthropicGoReadsExplained(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	explain := anthropicoption.WithHeader("x-pointsman-explain", "true")
	for _, model := range []string{"gpt-4o", "claude-opus-4.5"} { // translated, and passed on
		plain, err := client.Messages.New(t.Context(), messageParams(model, "Explain tides."), explain)
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, plain, model)
		if plain.JSON.ExtraFields["pointsman"].Raw() == "" {
			t.Errorf("%s: %s is not explained", model, plain.RawJSON())
		}
		stream := client.Messages.NewStreaming(t.Context(), messageParams(model, "Explain tides."), explain)
		var all anthropic.Message
		for stream.Next() {
			if err := all.Accumulate(stream.Current()); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		checkMessage(t, &all, model)
	}
}

// So does OpenAI's of Responses.
func TestResponsesGoReadsExplained(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	explain := option.WithHeader("x-pointsman-explain", "true")
	for _, model := range []string{"claude-opus-4.5", "gpt-5.1-codex"} {
		plain, err := client.Responses.New(t.Context(), responseParams(model, "Explain tides."), explain)
		if err != nil {
			t.Fatal(err)
		}
		checkResponse(t, plain, model)
		if plain.JSON.ExtraFields["pointsman"].Raw() == "" {
			t.Errorf("%s: %s is not explained", model, plain.RawJSON())
		}
		stream := client.Responses.NewStreaming(t.Context(), responseParams(model, "Explain tides."), explain)
		var whole *responses.Response
		for stream.Next() {
			if e, ok := stream.Current().AsAny().(responses.ResponseCompletedEvent); ok {
				whole = &e.Response
			}
		}
		if err := stream.Err(); err != nil || whole == nil {
			t.Fatalf("%s: stream = %v, %v, want it completed", model, whole, err)
		}
		checkResponse(t, whole, model)
	}
}
