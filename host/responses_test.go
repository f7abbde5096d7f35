package host

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

func responseParams(model, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Instructions: openai.String("Answer briefly."), Store: openai.Bool(false),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)},
	}
}

// checkResponse holds what every whole answer to a plain question is.
func checkResponse(t *testing.T, r *responses.Response, model string) {
	t.Helper()
	if r.Status != "completed" || !strings.HasPrefix(r.ID, "resp_") || r.Object != "response" || r.OutputText() == "" {
		t.Errorf("status, id, object, text = %q, %q, %q, %q, want a completed response with text", r.Status, r.ID, r.Object, r.OutputText())
	}
	if r.Model != model {
		t.Errorf("model = %q, want the %q that was asked for", r.Model, model)
	}
	for _, item := range r.Output {
		if item.Type != "message" && item.Type != "reasoning" || item.ID == "" {
			t.Errorf("output has %s, want a message", item.RawJSON())
		}
	}
	if u := r.Usage; u.InputTokens <= 0 || u.OutputTokens <= 0 || u.TotalTokens != u.InputTokens+u.OutputTokens {
		t.Errorf("usage = %d + %d = %d, want positive counts and their sum", u.InputTokens, u.OutputTokens, u.TotalTokens)
	}
	if r.Instructions.OfString != "Answer briefly." {
		t.Errorf("instructions = %q, want those of the request", r.Instructions.OfString)
	}
}

// One target per provider and per wire, through OpenAI's own client of the Responses API.
func TestOpenAIGoResponses(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			plain, err := client.Responses.New(t.Context(), responseParams(tt.model, "Explain tides."))
			if err != nil {
				t.Fatal(err)
			}
			checkResponse(t, plain, tt.model)

			stream := client.Responses.NewStreaming(t.Context(), responseParams(tt.model, "Explain tides."))
			var text strings.Builder
			var whole *responses.Response
			pieces, number := 0, int64(0)
			for stream.Next() {
				event := stream.Current()
				if event.SequenceNumber != number {
					t.Errorf("event %s has number %d, want %d", event.Type, event.SequenceNumber, number)
				}
				number++
				switch e := event.AsAny().(type) {
				case responses.ResponseTextDeltaEvent:
					pieces++
					text.WriteString(e.Delta)
				case responses.ResponseCompletedEvent:
					whole = &e.Response
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			if whole == nil {
				t.Fatal("the stream has no response.completed")
			}
			checkResponse(t, whole, tt.model)
			if pieces < 3 {
				t.Errorf("the text came in %d pieces, want several", pieces)
			}
			if text.String() != plain.OutputText() || whole.OutputText() != plain.OutputText() {
				t.Errorf("streamed text = %q, whole %q, want the plain answer's %q", text.String(), whole.OutputText(), plain.OutputText())
			}
			if whole.Usage.InputTokens != plain.Usage.InputTokens || whole.Usage.OutputTokens != plain.Usage.OutputTokens {
				t.Errorf("streamed usage = %s, want the plain answer's %s", whole.Usage.RawJSON(), plain.Usage.RawJSON())
			}
		})
	}
}

func TestOpenAIGoResponsesErrorClasses(t *testing.T) {
	g := sharedGateway(t)
	stored := responseParams("anthropic/claude-haiku-4.5", "hi") // OpenAI's models would be sent it as it is
	stored.PreviousResponseID = openai.String("resp_1")
	tests := []struct {
		name, key  string
		params     responses.ResponseNewParams
		wantStatus int
		wantCode   string
		wantParam  string
	}{
		{"wrong key", "pm_wrong", responseParams("auto", "hi"), 401, "invalid_api_key", ""},
		{"unknown model", g.key, responseParams("gpt-99", "hi"), 404, "model_not_found", "model"},
		{"a stored answer", g.key, stored, 400, "invalid_request", "previous_response_id"},
		{"broken provider", g.key, responseParams("openai/gpt-4o", "[[simulate provider=openai status=500]] hi"), 502, "upstream_error", ""},
		{"rate limited provider", g.key, responseParams("openai/gpt-4.1", "[[simulate provider=openai status=429 retry_after=2]] hi"), 429, "rate_limit_exceeded", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := openAIClient(g, tt.key)
			_, plain := client.Responses.New(t.Context(), tt.params)
			stream := client.Responses.NewStreaming(t.Context(), tt.params)
			if stream.Next() {
				t.Errorf("the stream begins with %s, want a status", stream.Current().RawJSON())
			}
			for form, err := range map[string]error{"plain": plain, "stream": stream.Err()} {
				var e *openai.Error
				if !errors.As(err, &e) {
					t.Fatalf("%s error = %v, want an API error", form, err)
				}
				if e.StatusCode != tt.wantStatus || e.Code != tt.wantCode || e.Param != tt.wantParam || e.Message == "" {
					t.Errorf("%s status, code, param, message = %d, %q, %q, %q, want %d, %q, %q and a message", form, e.StatusCode, e.Code, e.Param, e.Message, tt.wantStatus, tt.wantCode, tt.wantParam)
				}
			}
		})
	}
}

// A stream that breaks after its first byte ends in an error and a failed response, and
// never in one that looks whole.
func TestResponsesStreamCut(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			const text = "[[simulate cut=3]] tell me a long story"
			stream := client.Responses.NewStreaming(t.Context(), responseParams(tt.model, text))
			for stream.Next() {
				if kind := stream.Current().Type; kind == "response.completed" || kind == "response.incomplete" {
					t.Errorf("a cut stream has a %s", kind)
				}
			}
			if stream.Err() == nil {
				t.Error("a cut stream ends without an error")
			}
			raw := g.do(http.MethodPost, "/v1/responses", map[string]any{"model": tt.model, "stream": true, "input": text})
			events := strings.Split(strings.TrimSuffix(string(raw.Body), "\n\n"), "\n\n")
			if len(events) < 4 || !strings.HasPrefix(events[len(events)-2], "event: error\n") {
				t.Fatalf("a cut stream is %q, want an error before its end", raw.Body)
			}
			data, ok := strings.CutPrefix(events[len(events)-1], "event: response.failed\ndata: ")
			var e struct {
				Response struct {
					Status string
					Error  struct{ Code, Message string }
				}
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil || !ok || e.Response.Status != "failed" || e.Response.Error.Code != "server_error" || e.Response.Error.Message == "" {
				t.Errorf("the last event is %q, want response.failed", events[len(events)-1])
			}
		})
	}
}

// A conversation with tools reaches every provider in its own wire.
func TestResponsesConversation(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			params := responseParams(tt.model, "")
			result := responses.ResponseInputItemParamOfFunctionCallOutput("Potato City")
			result.OfFunctionCallOutput.CallID = openai.String("call_1")
			params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
				responses.ResponseInputItemParamOfMessage("What is the capital?", responses.EasyInputMessageRoleUser),
				responses.ResponseInputItemParamOfFunctionCall(`{"country":"Potato Land"}`, "call_1", "get_capital"),
				result,
			}}
			params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("get_capital", map[string]any{
				"type": "object", "properties": map[string]any{"country": map[string]any{"type": "string"}},
				"required": []string{"country"}, "additionalProperties": false,
			}, false)}
			got, err := client.Responses.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			checkResponse(t, got, tt.model)
			if len(got.Tools) != 1 || got.Tools[0].Name != "get_capital" {
				t.Errorf("tools = %+v, want those of the request", got.Tools)
			}
		})
	}
}
