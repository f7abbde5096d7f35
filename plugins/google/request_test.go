package google_test

import (
	"encoding/json"
	"slices"
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
	const wantTool = `,"tools":[{"functionDeclarations":[{"name":"f"}]}]`
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
		{name: "plain text is no format", body: `{"response_format":{"type":"text"},` + hi + `}`, want: head + `}`},
		{
			name:      "tools and their choice",
			body:      `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"$schema":"s","type":"object","properties":{}},"strict":true}},{"type":"function","function":{"name":"g"},"cache_control":{"type":"ephemeral"}}],"tool_choice":"auto","parallel_tool_calls":false,` + hi + `}`,
			want:      head + `,"tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{}}},{"name":"g"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`,
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

// Before the third generation a function's response holds no images.
func TestRequestRefusesImageResult(t *testing.T) {
	got := adaptertest.Request(t, google.Adapter{}, `{"upstream_id":"gemini-2.5-pro"}`, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},`+
		`{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}`)
	if want := "messages[2]: this model takes texts only"; !got.Failed || !strings.HasPrefix(got.Message, want) {
		t.Errorf("Request of an image as a result = %q, failed %v, want failure %q…", got.Message, got.Failed, want)
	}
}

func TestRequestRefuses(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"no turn", `{"messages":[{"role":"system","content":"hi"}]}`, "messages: "},
		{"nothing said", `{"messages":[{"role":"assistant","content":""}]}`, "messages: "},
		{"an empty user message", `{"messages":[{"role":"user","content":"x"},{"role":"user","content":""}]}`, "messages[1]: "},
		{"audio", `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}`, "messages[0].content[0]: content of type 'input_audio'"},
		{"an image by URL", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`, "messages[0].content[0]: Gemini takes images as data URLs"},
		{"an image in a system message", `{"messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},{"role":"user","content":"x"}]}`, "messages[0].content[0]: "},
		{"a tool result", `{"messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}`, "messages[1].tool_call_id: no call that is open there has the id 'c'"},
		{"an image as a result", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]}`, "messages[2].content[0]: content of type 'image_url'"},
		{"a tool choice without tools", `{"tool_choice":{"type":"function","function":{"name":"f"}},"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"a tool call", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}]}`, "messages[1].tool_calls[0]: "},
		{"another operation", "", "the adapter has no operation 'list'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			operation := "chat"
			if tt.body == "" {
				operation, tt.body = "list", "{}"
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
	message := `{"role":"user","content":"x"},{"role":"assistant","content":"y","name":"z"},`
	for name, body := range map[string]string{
		"exchanges": `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":1.50}"}}]},{"role":"tool","tool_call_id":"a","content":"{}"}`, 1350) + `]}`,
		"tools":     `{"messages":[{"role":"user","content":"x"}],"tools":[` + strings.Repeat(`{"type":"function","function":{"name":"f","description":"d","parameters":{},"strict":true},"cache_control":{}},`, 1000) + `{"type":"function","function":{"name":"f"}}]}`,
		"messages":  `{"messages":[` + strings.Repeat(message, 2000) + `{"role":"user","content":"x"}]}`,
		"texts":     parts(`{"type":"text","text":"x"}`, 5600),
		"marks":     parts(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"},"prompt_cache_breakpoint":{}}`, 5600),
		"images":    parts(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}`, 5600),
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
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := document.Parse([]byte(body), document.Limits{}); err != nil {
			t.Skip("the host lets only JSON through")
		}
		// adaptertest fails the test for output that is not JSON and for a broken limit.
		adaptertest.Request(t, google.Adapter{}, target, body)
	})
}
