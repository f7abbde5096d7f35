package host

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

const (
	weatherOrder  = "Please call get_weather for Paris."
	weatherResult = "sunny in a city"
	weatherAnswer = "The tool get_weather returned: sunny in a city."
)

func cityOf(t *testing.T, arguments string) string {
	t.Helper()
	var args struct{ City string }
	if err := json.Unmarshal([]byte(arguments), &args); err != nil {
		t.Errorf("arguments %q: %v", arguments, err)
	}
	return args.City
}

// A tool is called, plain and streamed, and its result is given back, through
// OpenAI's own client of Chat Completions.
func TestOpenAIGoTools(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			params := openai.ChatCompletionNewParams{
				Model:    tt.model,
				Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(weatherOrder)},
				Tools:    []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "get_weather", Parameters: toolSchema})},
			}
			stream := client.Chat.Completions.NewStreaming(t.Context(), params)
			var all openai.ChatCompletionAccumulator
			for stream.Next() {
				all.AddChunk(stream.Current())
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			plain, err := client.Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			for form, choices := range map[string][]openai.ChatCompletionChoice{"plain": plain.Choices, "streamed": all.Choices} {
				if len(choices) != 1 || len(choices[0].Message.ToolCalls) != 1 || choices[0].FinishReason != "tool_calls" {
					t.Fatalf("%s choices = %+v, want one call", form, choices)
				}
				if c := choices[0].Message.ToolCalls[0]; c.ID == "" || c.Function.Name != "get_weather" || cityOf(t, c.Function.Arguments) != "a city" {
					t.Errorf("%s call = %+v, want get_weather with a city", form, c)
				}
			}
			message := plain.Choices[0].Message
			params.Messages = append(params.Messages, message.ToParam(), openai.ToolMessage(weatherResult, message.ToolCalls[0].ID))
			after, err := client.Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			if got := after.Choices[0].Message.Content; !strings.Contains(got, weatherAnswer) {
				t.Errorf("the answer to the result is %q, want %q in it", got, weatherAnswer)
			}
		})
	}
}

// The same through its client of the Responses API.
func TestOpenAIGoResponsesTools(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			params := responseParams(tt.model, weatherOrder)
			params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("get_weather", toolSchema, false)}
			first, err := client.Responses.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			input := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(weatherOrder, responses.EasyInputMessageRoleUser)}
			calls := 0
			for _, item := range first.Output {
				if call, ok := item.AsAny().(responses.ResponseFunctionToolCall); ok {
					calls++
					if call.Name != "get_weather" || cityOf(t, call.Arguments) != "a city" {
						t.Errorf("call = %s, want get_weather with a city", call.RawJSON())
					}
					result := responses.ResponseInputItemParamOfFunctionCallOutput(weatherResult)
					result.OfFunctionCallOutput.CallID = openai.String(call.CallID)
					input = append(input, responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name), result)
				}
			}
			if calls != 1 {
				t.Fatalf("output = %s, want one call", first.RawJSON())
			}
			params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: input}
			after, err := client.Responses.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			if got := after.OutputText(); !strings.Contains(got, weatherAnswer) {
				t.Errorf("the answer to the result is %q, want %q in it", got, weatherAnswer)
			}
		})
	}
}

// The same through Anthropic's own client.
func TestAnthropicGoTools(t *testing.T) {
	g := sharedGateway(t)
	client := anthropicClient(g, g.key)
	for _, tt := range clientModels {
		t.Run(tt.name, func(t *testing.T) {
			params := messageParams(tt.model, weatherOrder)
			params.Tools = []anthropic.ToolUnionParam{anthropic.ToolUnionParamOfTool(anthropic.ToolInputSchemaParam{
				Properties: toolSchema["properties"], Required: []string{"city"},
			}, "get_weather")}
			stream := client.Messages.NewStreaming(t.Context(), params)
			var all anthropic.Message
			for stream.Next() {
				if err := all.Accumulate(stream.Current()); err != nil {
					t.Fatal(err)
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			plain, err := client.Messages.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			id := ""
			for form, m := range map[string]*anthropic.Message{"streamed": &all, "plain": plain} {
				calls := 0
				for _, block := range m.Content {
					if use, ok := block.AsAny().(anthropic.ToolUseBlock); ok {
						calls++
						if use.Name != "get_weather" || cityOf(t, string(use.Input)) != "a city" {
							t.Errorf("%s call = %s, want get_weather with a city", form, use.RawJSON())
						}
						if m == plain {
							id = use.ID
						}
					}
				}
				if calls != 1 || m.StopReason != anthropic.StopReasonToolUse {
					t.Fatalf("%s content = %+v (%s), want one call", form, m.Content, m.StopReason)
				}
			}
			params.Messages = append(params.Messages, plain.ToParam(), anthropic.NewUserMessage(anthropic.NewToolResultBlock(id, weatherResult, false)))
			after, err := client.Messages.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			if got := after.Content[len(after.Content)-1].Text; !strings.Contains(got, weatherAnswer) {
				t.Errorf("the answer to the result is %q, want %q in it", got, weatherAnswer)
			}
		})
	}
}
