package host

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
)

// What callers are answered is what the documents of their own APIs allow, whoever the
// provider is: whole answers, events of streams, and errors.
func TestAnswersAreAllowed(t *testing.T) {
	openAI := adaptertest.OpenSpec(t, "openai-openapi.yaml", answersOpenAI)
	claude := adaptertest.OpenSpec(t, "anthropic-openapi.json", answersAnthropic)
	questions := []asked{
		{text: "Explain tides."},
		{text: "Explain tides.", reasoning: true},
		{text: "Please call get_weather and call get_time.", tools: []string{"get_weather", "get_time"}},
		{text: "Please call get_weather.", tools: []string{"get_weather"}, reasoning: true},
		{text: "How is the weather?", schema: weatherSchema},
		{text: "[[simulate finish=length]] Explain tides."},
		{text: "[[simulate finish=content_filter]] Explain tides."},
		{text: "[[simulate refuse]] Explain tides."},
	}
	wires := map[string]struct {
		spec          *adaptertest.Spec
		answer, error string
	}{
		"chat":      {openAI, "CreateChatCompletionResponse", "ErrorResponse"},
		"messages":  {claude, "Message", "ErrorResponse"},
		"responses": {openAI, "Response", "ErrorResponse"},
	}
	g := sharedGateway(t)
	for _, s := range speakers {
		w := wires[s.name]
		for _, target := range matrixTargets {
			t.Run(s.name+"/"+target.name, func(t *testing.T) {
				for _, q := range questions {
					r := s.ask(t, g, target.model, q, false)
					if r.status != http.StatusOK {
						t.Errorf("%q: %s", q.text, r)
						continue
					}
					w.spec.Check(t, w.answer, r.body)
					stream := s.ask(t, g, target.model, q, true)
					for _, frame := range strings.Split(stream.body, "\n\n") {
						_, data, ok := strings.Cut(frame, "data: ")
						if !ok || data == "[DONE]" {
							continue
						}
						schema := "CreateChatCompletionStreamResponse"
						if s.name != "chat" {
							var e struct{ Type string }
							if err := json.Unmarshal([]byte(data), &e); err != nil {
								t.Fatal(err)
							}
							if e.Type == "ping" {
								continue // the document does not have it
							}
							if schema = w.spec.Event(e.Type); schema == "" {
								t.Errorf("there is no event %q", e.Type)
								continue
							}
						}
						w.spec.Check(t, schema, data)
					}
				}
				r := s.ask(t, g, target.model, asked{text: "[[simulate status=400]] hi"}, false)
				w.spec.Check(t, w.error, r.body)
			})
		}
	}
	for _, format := range []string{"float", "base64"} {
		for _, model := range []string{"text-embedding-3-small", "gemini-embedding-001"} {
			a := g.do(http.MethodPost, "/v1/embeddings", map[string]any{"model": model, "input": []string{"one", "two"}, "encoding_format": format})
			if a.Status != http.StatusOK {
				t.Errorf("embeddings of %s = %d %s", model, a.Status, a.Body)
			}
			if format == "float" { // the document knows no other
				openAI.Check(t, "CreateEmbeddingResponse", string(a.Body))
			}
		}
	}
	for name, spec := range map[string]*adaptertest.Spec{"OpenAI": openAI, "Anthropic": claude} {
		for _, n := range spec.Unused() {
			t.Errorf("%s needs no exception for %s", name, n)
		}
	}
}

// Where our answers, or the APIs themselves, are wider than the documents.
var (
	answersOpenAI = adaptertest.Exceptions{
		Null: true,
		Newer: []adaptertest.Newer{
			{Path: "store", Reason: "recorded answers have it"},
			{Path: "response.store", Reason: "the same"},
			{Path: "presence_penalty", Reason: "recorded answers have it"},
			{Path: "frequency_penalty", Reason: "the same"},
			{Path: "response.presence_penalty", Reason: "the same"},
			{Path: "response.frequency_penalty", Reason: "the same"},
			{Path: "obfuscation", Reason: "recorded streams have it"},
			{Path: "choices.*.message.reasoning_content", Reason: "ours and others': thoughts"},
			{Path: "choices.*.delta.reasoning_content", Reason: "the same"},
			{Path: "choices.*.message.thinking_blocks", Reason: "ours: thoughts with their signatures"},
			{Path: "choices.*.delta.thinking_blocks", Reason: "the same"},
			{Path: "choices.*.message.tool_calls.*.extra_content", Reason: "Google's and ours: the signature of a call"},
			{Path: "choices.*.delta.tool_calls.*.extra_content", Reason: "the same"},
			{Path: "output.*.extra_content", Reason: "the same"},
			{Path: "response.output.*.extra_content", Reason: "the same"},
			{Path: "item.extra_content", Reason: "the same"},
		},
		Optional: []adaptertest.Optional{
			{Schema: "ResponseUsage", Member: "input_tokens_details.cache_write_tokens", Reason: "recorded answers of models before gpt-5.6 lack it"},
			{Schema: "ResponseFunctionCallArgumentsDoneEvent", Member: "name", Reason: "recorded streams lack it"},
		},
	}
	answersAnthropic = adaptertest.Exceptions{
		Null: true,
		Newer: []adaptertest.Newer{
			{Path: "stop_details", Reason: "anthropic-sdk-go v1.84.0, Message"},
			{Path: "delta.stop_details", Reason: "the same, MessageDeltaEventDelta"},
			{Path: "usage.output_tokens_details", Reason: "anthropic-sdk-go v1.84.0, Usage"},
			{Path: "usage.inference_geo", Reason: "anthropic-sdk-go v1.84.0, Usage; recorded answers have it"},
			{Path: "message.usage.inference_geo", Reason: "the same"},
			{Path: "content.*.extra_content", Reason: "ours: the signature of a call"},
			{Path: "content_block.extra_content", Reason: "the same"},
		},
		Optional: []adaptertest.Optional{
			{Schema: "ResponseTextBlock", Member: "citations", Reason: "recorded answers lack it"},
			{Schema: "Usage", Member: "server_tool_use", Reason: "recorded answers lack it"},
			{Schema: "Usage", Member: "cache_creation", Reason: "nullable, and null to the clients where absent"},
			{Schema: "Usage", Member: "service_tier", Reason: "the same"},
			{Schema: "MessageDeltaUsage", Member: "server_tool_use", Reason: "recorded streams lack it"},
		},
	}
)
