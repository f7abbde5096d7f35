package google_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/google"
)

const target = `{"id":"gemini","upstream_id":"gemini-x","api":"generate","max_output":65536,"capabilities":[],"unsupported":[],"rename":{}}`

func TestRequest(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	const oneTool = `"tools":[{"type":"function","function":{"name":"f"}}]`
	const wantTool = `,"tools":[{"functionDeclarations":[{"name":"f","description":""}]}]`
	const head = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]`
	tests := []struct {
		name, target, body string
		want               string
		wantLossy          []string
	}{
		{name: "one user message", body: `{"model":"auto",` + hi + `}`, want: head + `}`},
		{
			name: "system messages become parts in order",
			body: `{"messages":[{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},{"role":"user","content":"hi"}]}`,
			want: head + `,"systemInstruction":{"parts":[{"text":"a"},{"text":"b"},{"text":"c"}]}}`,
		},
		{
			name:      "a system message after a turn loses its place",
			body:      `{"messages":[{"role":"user","content":"hi"},{"role":"system","content":"a"}]}`,
			want:      head + `,"systemInstruction":{"parts":[{"text":"a"}]}}`,
			wantLossy: []string{"messages[].position"},
		},
		{
			name: "history; messages of one role become one turn",
			body: `{"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"b\n\ud83d\ude00"}]},{"role":"assistant","content":"c"},{"role":"assistant","content":null},{"role":"assistant","content":null,"refusal":"d"},{"role":"user","content":"e"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b\n\ud83d\ude00"}]},{"role":"model","parts":[{"text":"c"},{"text":"d"}]},{"role":"user","parts":[{"text":"e"}]}]}`,
		},
		{
			name: "a system message in between does not split a turn",
			body: `{"messages":[{"role":"user","content":"a"},{"role":"system","content":""},{"role":"user","content":"b"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]}]}`,
		},
		{
			name: "the generation config",
			body: `{"temperature":1.70,"top_p":0.9,"top_k":3,"presence_penalty":0.1,"frequency_penalty":-0.2,"max_tokens":5,"max_completion_tokens":7,"n":2,"seed":42,"stop":["a","b"],` + hi + `}`,
			want: head + `,"generationConfig":{"temperature":1.70,"topP":0.9,"topK":3,"presencePenalty":0.1,"frequencyPenalty":-0.2,"maxOutputTokens":7,"candidateCount":2,"seed":42,"stopSequences":["a","b"]}}`,
		},
		{name: "one member of the config", body: `{"stop":"x",` + hi + `}`, want: head + `,"generationConfig":{"stopSequences":["x"]}}`},
		{name: "an empty stop text is none", body: `{"stop":[""],` + hi + `}`, want: head + `}`},
		{
			name: "more stop texts than Gemini takes", body: `{"stop":["1","2","3","4","5","6","7"],` + hi + `}`,
			want: head + `,"generationConfig":{"stopSequences":["1","2","3","4","5"]}}`, wantLossy: []string{"stop"},
		},
		{name: "a seed of 64 bits", body: `{"seed":4294967296,` + hi + `}`, want: head + `}`, wantLossy: []string{"seed"}},
		{name: "more tokens than the model can write", body: `{"max_tokens":70000,` + hi + `}`, want: head + `,"generationConfig":{"maxOutputTokens":65536}}`, wantLossy: []string{"max_tokens"}},
		{
			name:      "members that the target rejects",
			target:    `{"upstream_id":"gemini-x","unsupported":["temperature","frequency_penalty"]}`,
			body:      `{"temperature":0.2,"frequency_penalty":0.1,` + hi + `}`,
			want:      head + `}`,
			wantLossy: []string{"frequency_penalty", "temperature"},
		},
		{name: "service tier flex", body: `{"service_tier":"flex",` + hi + `}`, want: head + `,"serviceTier":"flex"}`},
		{name: "service tier default", body: `{"service_tier":"default",` + hi + `}`, want: head + `}`},
		{name: "service tier scale", body: `{"service_tier":"scale",` + hi + `}`, want: head + `}`, wantLossy: []string{"service_tier"}},
		{
			name:      "what the wire has no place for",
			body:      `{"user":"u","logit_bias":{"1":2},"response_format":{"type":"json_object"},"reasoning_effort":"some","tools":[{"type":"function"}],` + hi + `}`,
			want:      head + `,"generationConfig":{"responseMimeType":"application/json"}}`,
			wantLossy: []string{"logit_bias", "reasoning_effort", "tools[].type", "user"},
		},
		{
			name: "a schema",
			body: `{"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"$schema":"s","type":"object"}}},` + hi + `}`,
			want: head + `,"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}}`,
		},
		{
			name: "JSON beside tools, of a model that takes either", target: `{"upstream_id":"gemini-2.5-pro"}`,
			body: `{"response_format":{"type":"json_object"},` + oneTool + `,` + hi + `}`, want: head + wantTool + `}`, wantLossy: []string{"response_format"},
		},
		{
			name: "JSON beside tools, of one that takes both", target: `{"upstream_id":"gemini-3.5-flash"}`,
			body: `{"response_format":{"type":"json_object"},` + oneTool + `,` + hi + `}`, want: head + wantTool + `,"generationConfig":{"responseMimeType":"application/json"}}`,
		},
		{name: "plain text is no format", body: `{"response_format":{"type":"text"},` + hi + `}`, want: head + `}`},
		{
			name:      "tools and their choice",
			body:      `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"$schema":"s","type":"object","properties":{}},"strict":true}},{"type":"function","function":{"name":"g"},"cache_control":{"type":"ephemeral"}}],"tool_choice":"auto","parallel_tool_calls":false,` + hi + `}`,
			want:      head + `,"tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{}}},{"name":"g","description":""}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`,
			wantLossy: []string{"parallel_tool_calls", "tools[].cache_control", "tools[].function.strict"},
		},
		{name: "a tool must be called", body: `{` + oneTool + `,"tool_choice":"required",` + hi + `}`, want: head + wantTool + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`},
		{name: "no tool may be called", body: `{` + oneTool + `,"tool_choice":"none",` + hi + `}`, want: head + wantTool + `,"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}}`},
		{name: "one tool must be called", body: `{` + oneTool + `,"tool_choice":{"type":"function","function":{"name":"f"}},` + hi + `}`, want: head + wantTool + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}}`},
		{
			name:   "calls with their results, then the user, in as few turns as there can be",
			target: `{"upstream_id":"gemini-2.5-pro"}`,
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"wait","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":1.50}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"b","function":{"name":"g"}}]},` +
				`{"role":"tool","tool_call_id":"b","content":"two"},{"role":"tool","tool_call_id":"a","content":"{\"one\":1}"},{"role":"user","content":"and"},` +
				`{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"[1"},{"type":"text","text":"]"}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},` +
				`{"role":"model","parts":[{"text":"wait"},{"functionCall":{"id":"a","name":"f","args":{"x":1.50}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"b","name":"g","args":{}}}]},` +
				`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"one":1}}},{"functionResponse":{"id":"b","name":"g","response":{"output":"two"}}},{"text":"and"}]},` +
				`{"role":"model","parts":[{"functionCall":{"id":"c","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"c","name":"f","response":{"output":"[1]"}}}]}]}`,
		},
		{
			name:   "a lost signature, an empty result and one with an image, for the third generation",
			target: `{"upstream_id":"gemini-3-flash-preview"}`,
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":""},` +
				`{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},` +
				`{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="},{"functionCall":{"id":"b","name":"f","args":{}}}]},` +
				`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"output":""}}},{"functionResponse":{"id":"b","name":"f","response":{"output":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]}]}`,
		},
		{
			name:   "media of a result before the third generation, as the user's own; a tool that failed",
			target: `{"upstream_id":"gemini-2.5-pro"}`,
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"f"}},{"id":"c","function":{"name":"f"}}]},` +
				`{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},` +
				`{"role":"tool","tool_call_id":"b","is_error":true,"content":"{\"no\":1}"},{"role":"tool","tool_call_id":"c","is_error":true,"content":[{"type":"text","text":"x"}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},` +
				`{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}}},{"functionCall":{"id":"b","name":"f","args":{}}},{"functionCall":{"id":"c","name":"f","args":{}}}]},` +
				`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"output":"see"}}},{"functionResponse":{"id":"b","name":"f","response":{"error":"{\"no\":1}"}}},` +
				`{"functionResponse":{"id":"c","name":"f","response":{"error":"x"}}},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}]}`,
		},
		{
			name: "a required call of some of the tools",
			body: `{"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"h"}}]}},` + hi + `}`,
			want: head + `,"tools":[{"functionDeclarations":[{"name":"f","description":""},{"name":"g","description":""}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}}}`,
		},
		{
			name: "some of the tools may be called",
			body: `{"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},` + hi + `}`,
			want: head + wantTool + `,"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`,
		},
		{
			name: "tools without parameters, and with some that say nothing",
			body: `{"tools":[{"type":"function","function":{"name":"f","description":"","parameters":{}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}],` + hi + `}`,
			want: head + `,"tools":[{"functionDeclarations":[{"name":"f","description":""},{"name":"g","description":"","parametersJsonSchema":{"type":"object","properties":{}}}]}]}`,
		},
		{
			name: "parameters in the older dialect", target: `{"upstream_id":"gemini-2.0-flash"}`,
			body: `{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{},"additionalProperties":false}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}}}],` + hi + `}`,
			want: head + `,"tools":[{"functionDeclarations":[{"name":"f","description":""},{"name":"g","description":"","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}}]}]}`,
		},
		{name: "a web search", body: `{"web_search_options":{},` + hi + `}`, want: head + `,"tools":[{"googleSearch":{}}]}`},
		{name: "a web search beside functions", body: `{"web_search_options":{},` + oneTool + `,` + hi + `}`, want: head + wantTool + `}`, wantLossy: []string{"web_search_options"}},
		{name: "log probabilities", body: `{"logprobs":true,"top_logprobs":3,` + hi + `}`, want: head + `,"generationConfig":{"responseLogprobs":true,"logprobs":3}}`},
		{name: "no log probabilities", body: `{"logprobs":false,"top_logprobs":0,` + hi + `}`, want: head + `}`},
		{name: "log probabilities that the target rejects", target: `{"upstream_id":"gemini-x","unsupported":["logprobs","top_logprobs"]}`, body: `{"logprobs":true,"top_logprobs":3,` + hi + `}`, want: head + `}`, wantLossy: []string{"logprobs", "top_logprobs"}},
		{name: "pictures as an answer", body: `{"modalities":["text","image"],` + hi + `}`, want: head + `,"generationConfig":{"responseModalities":["TEXT","IMAGE"]}}`},
		{name: "speech as an answer", body: `{"modalities":["text","audio"],` + hi + `}`, want: head + `}`, wantLossy: []string{"modalities"}},
		{
			name: "what is said to Google alone", target: `{"upstream_id":"gemini-2.5-flash"}`,
			body:      `{"reasoning_effort":"high","extra_body":{"google":{"thinking_config":{"thinking_budget":7,"include_thoughts":true,"thinking_level":"LOW"},"cached_content":"cachedContents/a","safety_settings":[{"category":"C","threshold":"OFF"}],"new":1}},` + hi + `}`,
			want:      head + `,"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":7}},"cachedContent":"cachedContents/a","safetySettings":[{"category":"C","threshold":"OFF"}]}`,
			wantLossy: []string{"extra_body.google.new", "reasoning_effort"},
		},
		{name: "what is said to others", body: `{"extra_body":{"other":{"a":1}},` + hi + `}`, want: head + `}`, wantLossy: []string{"extra_body"}},
		{
			name: "audio and files",
			body: `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAE=","format":"mp3"}},{"type":"file","file":{"file_data":"data:application/PDF;base64,AAI="}},` +
				`{"type":"file","file":{"file_url":"https://generativelanguage.googleapis.com/v1beta/files/abc"}},{"type":"file","file":{"file_id":"files/x\"y"}},{"type":"file","file":{"filename":"a","file_url":"https://youtu.be/x"}},` +
				`{"type":"image_url","image_url":{"url":"https://generativelanguage.googleapis.com/v1beta/files/pic"}}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"audio/mp3","data":"AAE="}},{"inlineData":{"mimeType":"application/pdf","data":"AAI="}},` +
				`{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}},{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x\"y"}},{"fileData":{"fileUri":"https://youtu.be/x"}},` +
				`{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/pic"}}]}]}`,
			wantLossy: []string{"messages[].content[].file.filename"},
		},
		{
			name: "signatures of texts go back with them; those of others do not",
			body: `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2ln","provider":"google"}]},{"role":"user","content":"c"},` +
				`{"role":"assistant","content":"d","thinking_blocks":[{"type":"thinking","thinking":"x","signature":"bm8=","provider":"anthropic"}]},{"role":"user","content":"e"},` +
				`{"role":"assistant","content":[{"type":"text","text":"f"},{"type":"text","text":"g"}],"thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2lo","provider":"google"}]},` +
				`{"role":"assistant","content":null,"thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2lp","provider":"google"}]},{"role":"user","content":"h"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b","thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"text":"c"}]},` +
				`{"role":"model","parts":[{"text":"d"}]},{"role":"user","parts":[{"text":"e"}]},{"role":"model","parts":[{"text":"f"},{"text":"g","thoughtSignature":"c2lo"},{"text":"","thoughtSignature":"c2lp"}]},{"role":"user","parts":[{"text":"h"}]}]}`,
		},
		{
			name:   "a signature that came beside the calls, and one that each has",
			target: `{"upstream_id":"gemini-3.5-flash"}`,
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2ln","provider":"google"}],"tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":"1"},` +
				`{"role":"assistant","content":"t","thinking_blocks":[{"type":"thinking","thinking":"","signature":"dHh0","provider":"google"}],"tool_calls":[{"id":"b","function":{"name":"f"},"extra_content":{"google":{"thought_signature":"b25l"}}}]},{"role":"tool","tool_call_id":"b","content":"2"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"output":"1"}}}]},` +
				`{"role":"model","parts":[{"text":"t","thoughtSignature":"dHh0"},{"functionCall":{"id":"b","name":"f","args":{}},"thoughtSignature":"b25l"}]},{"role":"user","parts":[{"functionResponse":{"id":"b","name":"f","response":{"output":"2"}}}]}]}`,
		},
		{
			name:      "members of messages and parts",
			body:      `{"messages":[{"role":"user","name":"bob","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`,
			want:      head + `}`,
			wantLossy: []string{"messages[].content[].cache_control", "messages[].name"},
		},
		{
			name: "an inline image",
			body: `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAE="}},{"type":"text","text":"see"}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"AAE="}},{"text":"see"}]}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.target == "" {
				tt.target = target
			}
			got := adaptertest.Request(t, google.Adapter{}, tt.target, tt.body)
			if got.Failed || got.Output != tt.want {
				t.Errorf("Request(%s)\n got %s %s\nwant %s", tt.body, got.Output, got.Message, tt.want)
			}
			if !got.Failed {
				checkShape(t, got.Output)
			}
			var model struct {
				ID string `json:"upstream_id"`
			}
			if err := json.Unmarshal([]byte(tt.target), &model); err != nil {
				t.Fatal(err)
			}
			if want := "/v1beta/models/" + model.ID + ":generateContent"; got.Path != want {
				t.Errorf("path = %q, want %q", got.Path, want)
			}
			slices.Sort(got.Lossy)
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("Request(%s) loses %q, want %q", tt.body, got.Lossy, tt.wantLossy)
			}
		})
	}
}

func TestRequestPath(t *testing.T) {
	got := adaptertest.Request(t, google.Adapter{}, target, `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	if want := "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"; got.Path != want {
		t.Errorf("path of a stream = %q, want %q", got.Path, want)
	}
	for _, id := range []string{"", "..", "a/b", "a?key=x", "a#b", "a:b", "a b", "a%2fb", "é"} {
		got := adaptertest.Request(t, google.Adapter{}, `{"upstream_id":"`+id+`"}`, `{"messages":[{"role":"user","content":"hi"}]}`)
		if !got.Failed || got.Path != "" {
			t.Errorf("upstream id %q gives path %q, failed %v, want a refusal", id, got.Path, got.Failed)
		}
	}
}

func TestRequestEffort(t *testing.T) {
	tests := []struct {
		model, effort, want string
		lossy               bool
	}{
		{"gemini-2.5-flash", "none", `"thinkingBudget":0`, false},
		{"gemini-2.5-pro", "none", `"thinkingBudget":128`, true},
		{"gemini-2.5-flash", "low", `"includeThoughts":true,"thinkingBudget":1024`, false},
		{"gemini-2.5-flash", "medium", `"includeThoughts":true,"thinkingBudget":8192`, false},
		{"gemini-2.5-pro", "high", `"includeThoughts":true,"thinkingBudget":24576`, false},
		{"gemini-2.5-pro", "max", `"includeThoughts":true,"thinkingBudget":32768`, false},
		{"gemini-2.5-pro-preview-03-25", "odd", "", true},
		{"gemini-3-flash-preview", "none", `"thinkingLevel":"MINIMAL"`, true},
		{"gemini-3-flash-preview", "minimal", `"includeThoughts":true,"thinkingLevel":"MINIMAL"`, false},
		{"gemini-3-pro-preview", "minimal", `"includeThoughts":true,"thinkingLevel":"LOW"`, true},
		{"gemini-3-pro-preview", "medium", `"includeThoughts":true,"thinkingLevel":"HIGH"`, true},
		{"gemini-3.1-pro-preview", "medium", `"includeThoughts":true,"thinkingLevel":"MEDIUM"`, false},
		{"gemini-3.5-flash", "low", `"includeThoughts":true,"thinkingLevel":"LOW"`, false},
		{"gemini-3.5-flash", "xhigh", `"includeThoughts":true,"thinkingLevel":"HIGH"`, false},
		{"gemini-3.5-flash", "odd", "", true},
		{"gemini-2.0-flash", "high", "", true},
		{"gemini-pro-latest", "none", `"thinkingLevel":"LOW"`, true},
		{"gemini-flash-latest", "high", `"includeThoughts":true,"thinkingLevel":"HIGH"`, false},
		{"gemini-9-flash", "high", `"includeThoughts":true,"thinkingLevel":"HIGH"`, false},
		{"gemma-4-31b-it", "high", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.model+" "+tt.effort, func(t *testing.T) {
			got := adaptertest.Request(t, google.Adapter{}, `{"upstream_id":"`+tt.model+`"}`, `{"reasoning_effort":"`+tt.effort+`","messages":[{"role":"user","content":"hi"}]}`)
			want := `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`
			if tt.want != "" {
				want = strings.TrimSuffix(want, "}") + `,"generationConfig":{"thinkingConfig":{` + tt.want + `}}}`
			}
			if got.Failed || got.Output != want || slices.Contains(got.Lossy, "reasoning_effort") != tt.lossy {
				t.Errorf("Request(%s, %s) = %s, loses %q, want %s, lossy %v", tt.model, tt.effort, got.Output, got.Lossy, want, tt.lossy)
			}
		})
	}
}

func TestRequestRefuses(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"no turn", `{"messages":[{"role":"system","content":"hi"}]}`, "messages: "},
		{"nothing said", `{"messages":[{"role":"assistant","content":""}]}`, "messages: "},
		{"an empty user message", `{"messages":[{"role":"user","content":"x"},{"role":"user","content":""}]}`, "messages[1]: "},
		{"audio without data", `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}`, "messages[0].content[0]: content of type 'input_audio'"},
		{"audio of the assistant", `{"messages":[{"role":"assistant","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]}`, "messages[0].content[0]: content of type 'input_audio'"},
		{"a file by URL", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_url":"https://x.test/a.pdf"}}]}]}`, "messages[0].content[0]: Gemini takes files inline"},
		{"a file by an id of OpenAI", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}`, "messages[0].content[0]: Gemini takes files inline"},
		{"a URL that only begins like the Files API", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_url":"https://generativelanguage.googleapis.com.x.test/files/a"}}]}]}`, "messages[0].content[0]: Gemini takes files inline"},
		{"an allowed tool that is not there", `{"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}},"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"an image by URL", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`, "messages[0].content[0]: Gemini takes images as data URLs"},
		{"an image in a system message", `{"messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},{"role":"user","content":"x"}]}`, "messages[0].content[0]: "},
		{"a tool result", `{"messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}`, "messages[1].tool_call_id: no call that is open there has the id 'c'"},
		{"an image as a result", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]}`, "messages[2].content[0]: content of type 'image_url'"},
		{"a tool choice without tools", `{"tool_choice":{"type":"function","function":{"name":"f"}},"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"a tool call", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}]}`, "messages[1].tool_calls[0]: "},
		{"another operation", "", "the adapter has no operation 'edit'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			operation := "chat"
			if tt.body == "" {
				operation, tt.body = "edit", "{}"
			}
			got := adaptertest.Call(t, google.Adapter{}, `{"operation":"`+operation+`","target":`+target+`}`, tt.body)
			if !got.Failed || !strings.HasPrefix(got.Message, tt.want) {
				t.Errorf("Request(%s) = %q, failed %v, want failure %q…", tt.body, got.Message, got.Failed, tt.want)
			}
		})
	}
}

// However many pieces a request has, it is answered or refused: breaking a limit
// of the boundary, which adaptertest fails the test for, would count against the plugin.
func TestRequestKeepsWithinLimits(t *testing.T) {
	parts := func(part string, n int) string {
		return `{"messages":[{"role":"user","content":[` + strings.Repeat(part+",", n-1) + part + `]}]}`
	}
	var declared, named strings.Builder
	for i := range 1000 {
		declared.WriteString(`{"type":"function","function":{"name":"f` + strconv.Itoa(i) + `"}},`)
		named.WriteString(`{"type":"function","function":{"name":"f` + strconv.Itoa(i) + `"}},`)
	}
	message := `{"role":"user","content":"x"},{"role":"assistant","content":"y","name":"z"},`
	for name, body := range map[string]string{
		"exchanges": `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":1.50}"}}]},{"role":"tool","tool_call_id":"a","content":"{}"}`, 1350) + `]}`,
		"tools":     `{"messages":[{"role":"user","content":"x"}],"tools":[` + strings.Repeat(`{"type":"function","function":{"name":"f","description":"d","parameters":{},"strict":true},"cache_control":{}},`, 1000) + `{"type":"function","function":{"name":"f"}}]}`,
		"messages":  `{"messages":[` + strings.Repeat(message, 2000) + `{"role":"user","content":"x"}]}`,
		"texts":     parts(`{"type":"text","text":"x"}`, 5600),
		"marks":     parts(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"},"prompt_cache_breakpoint":{}}`, 5600),
		"images":    parts(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}`, 5600),
		"files":     parts(`{"type":"file","file":{"filename":"f","file_data":"data:application/pdf;base64,AA=="}}`, 5600),
		"stored":    parts(`{"type":"file","file":{"file_id":"files/abc"}}`, 5600),
		"sounds":    parts(`{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`, 5600),
		"allowed":   `{"messages":[{"role":"user","content":"x"}],"tools":[` + declared.String() + `{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[` + named.String() + `{}]}}}`,
		"signed":    `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","content":"y","thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2ln","provider":"google"}]}`, 2000) + `]}`,
		"systems":   `{"messages":[` + strings.Repeat(`{"role":"system","content":"x"},`, 5000) + `{"role":"user","content":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := adaptertest.Request(t, google.Adapter{}, target, body); !got.Failed && got.Output == "" {
				t.Errorf("Request of many %s gave neither an answer nor a refusal", name)
			}
		})
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","thinking_blocks":[{"signature":"s","thinking":1},{"data":"d"}],"tool_calls":[{"id":"a.b","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"s"}}},{"id":7,"function":{"name":"g","arguments":{}}}]},{"role":"tool","tool_call_id":"a.b","content":"{"},{"role":"tool","content":[{"type":"text","text":"x"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}},"cache_control":{}},{}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"function":{"name":"f"}},1]}},"parallel_tool_calls":false,"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`)
	f.Add(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"a "}]}],"stop":[" ",1],"n":1e9}`)
	f.Add(`{"messages":[{"role":"system","content":[{"type":"text","text":7,"cache_control":{}}]},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}],"temperature":"hot","top_p":{},"seed":-1,"user":[],"service_tier":"flex"}`)
	f.Add(`{"messages":{"role":"user"},"max_tokens":-5,"stream":1}`)
	f.Add(`{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"mp3"}},{"type":"file","file":{"filename":"f","file_data":"data:application/pdf;base64,AA=="}},{"type":"file","file":{"file_id":"files/a"}},{"type":"file","file":{"file_url":"https://youtu.be/a"}}]},{"role":"assistant","content":"a","thinking_blocks":[{"signature":"s","provider":"google"}],"tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","is_error":true,"tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}`)
	f.Add(`{"messages":[{"role":"user","content":"hi"}],"logprobs":true,"top_logprobs":2,"modalities":["image"],"web_search_options":{},"extra_body":{"google":{"thinking_config":{"thinking_budget":1},"cached_content":"c","safety_settings":[]}},"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"function":{"name":"f"}}]}},"tools":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := document.Parse([]byte(body), document.Limits{}); err != nil {
			t.Skip("the host lets only JSON through")
		}
		// adaptertest fails the test for output that is not JSON and for a broken limit.
		for _, id := range []string{"gemini-x", "gemini-2.0-flash", "gemini-2.5-pro", "gemini-3-pro-preview"} {
			if got := adaptertest.Request(t, google.Adapter{}, `{"upstream_id":"`+id+`","max_output":65536}`, body); !got.Failed {
				checkShape(t, got.Output)
			}
		}
	})
}
