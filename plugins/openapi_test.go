package plugins_test

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
)

// What the canonical bodies of the table have in common.
const (
	specPixel   = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	specUser    = `{"role":"user","content":"How is the weather in Paris?"}`
	specSchema  = `{"type":"object","properties":{"city":{"type":"string","description":"a city"},"unit":{"type":"string","enum":["c","f"]}},"required":["city","unit"],"additionalProperties":false}`
	specTools   = `"tools":[{"type":"function","function":{"name":"get_weather","description":"The weather","parameters":` + specSchema + `,"strict":true}},{"type":"function","function":{"name":"now"}}]`
	specCall    = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"unit\":\"c\"}"}}]}`
	specResult  = `{"role":"tool","tool_call_id":"call_1","content":"sunny"}`
	specAnswer  = `{"role":"assistant","content":"It is sunny."}`
	specThought = `{"role":"assistant","content":"It is sunny.","reasoning_content":"The sun.","thinking_blocks":[{"type":"thinking","thinking":"The sun.","signature":"c2lnbmF0dXJl","provider":"anthropic"}]}`
)

// specBodies are canonical requests, together with every feature.
var specBodies = []struct{ name, body string }{
	{"text", `"messages":[` + specUser + `]`},
	{"instructions and history", `"messages":[{"role":"system","content":"Be brief."},{"role":"developer","content":"And kind."},` + specUser + `,` + specAnswer + `,` + specUser + `]`},
	{"parts", `"messages":[{"role":"user","content":[{"type":"text","text":"One."},{"type":"text","text":"Two."}]}]`},
	{"a stream", `"stream":true,"messages":[` + specUser + `]`},
	{"a stream with options", `"stream":true,"stream_options":{"include_usage":false},"messages":[` + specUser + `]`},
	{"an image", `"messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + specPixel + `","detail":"low"}}]}]`},
	{"the URL of an image", `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]`},
	{"a file", `"messages":[{"role":"user","content":[{"type":"text","text":"Read."},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQK"}}]}]`},
	{"audio", `"messages":[{"role":"user","content":[{"type":"text","text":"Hear."},{"type":"input_audio","input_audio":{"data":"UklGRiQAAABXQVZF","format":"wav"}}]}]`},
	{"tools", specTools + `,"messages":[` + specUser + `]`},
	{"tools, forced", specTools + `,"tool_choice":"required","messages":[` + specUser + `]`},
	{"tools, none", specTools + `,"tool_choice":"none","messages":[` + specUser + `]`},
	{"tools, named", specTools + `,"tool_choice":{"type":"function","function":{"name":"get_weather"}},"messages":[` + specUser + `]`},
	{"tools, one at a time", specTools + `,"parallel_tool_calls":false,"messages":[` + specUser + `]`},
	{"tools, allowed", specTools + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"get_weather"}}]}},"messages":[` + specUser + `]`},
	{"a result", specTools + `,"messages":[` + specUser + `,` + specCall + `,` + specResult + `]`},
	{"a result, and on", specTools + `,"messages":[` + specUser + `,` + specCall + `,` + specResult + `,` + specAnswer + `,` + specUser + `]`},
	{"parallel results", specTools + `,"messages":[` + specUser + `,{"role":"assistant","content":"Two calls.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"unit\":\"c\"}"}},{"id":"call_2","type":"function","function":{"name":"now","arguments":"{}"}}]},` + specResult + `,{"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"noon"}]}]`},
	{"a schema", `"response_format":{"type":"json_schema","json_schema":{"name":"weather","strict":true,"schema":` + specSchema + `}},"messages":[` + specUser + `]`},
	{"a JSON object", `"response_format":{"type":"json_object"},"messages":[{"role":"user","content":"JSON, please."}]`},
	{"reasoning", `"reasoning_effort":"low","max_completion_tokens":4000,"messages":[` + specUser + `]`},
	{"no reasoning", `"reasoning_effort":"none","messages":[` + specUser + `]`},
	{"much reasoning", `"reasoning_effort":"high","messages":[` + specUser + `]`},
	{"a thought replayed", `"reasoning_effort":"low","max_completion_tokens":9000,"messages":[` + specUser + `,` + specThought + `,` + specUser + `]`},
	{"a call with its seal", specTools + `,"messages":[` + specUser + `,{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"unit\":\"c\"}"},"extra_content":{"google":{"thought_signature":"c2lnbmF0dXJl"}}}]},` + specResult + `]`},
	{"marks for the cache", `"cache_control":{"type":"ephemeral"},"messages":[{"role":"system","content":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}]},` + specUser + `]`},
	{"limits and stops", `"max_tokens":100,"stop":["END","STOP"],"messages":[` + specUser + `]`},
	{"one stop", `"max_completion_tokens":100,"stop":"END","messages":[` + specUser + `]`},
	{"sampling", `"temperature":0.5,"seed":7,"presence_penalty":0.5,"frequency_penalty":-0.5,"messages":[` + specUser + `]`},
	{"nucleus", `"top_p":0.5,"top_k":5,"messages":[` + specUser + `]`},
	{"probabilities", `"logprobs":true,"top_logprobs":3,"messages":[` + specUser + `]`},
	{"choices", `"n":2,"messages":[` + specUser + `]`},
	{"who asks", `"user":"u-1","safety_identifier":"s-1","prompt_cache_key":"k","service_tier":"default","messages":[` + specUser + `]`},
	{"ours", `"models":["a"],"metadata":{"session_id":"s","strict":true,"colour":"red"},"messages":[` + specUser + `]`},
	{"a refusal replayed", `"messages":[` + specUser + `,{"role":"assistant","content":null,"refusal":"No."},` + specUser + `]`},
	{"an empty answer replayed", `"messages":[` + specUser + `,{"role":"assistant","content":""},` + specUser + `]`},
	{"odd arguments", specTools + `,"messages":[` + specUser + `,{"role":"assistant","tool_calls":[{"id":"functions.x:0","type":"function","function":{"name":"get_weather","arguments":"{\"city\":"}}]},{"role":"tool","tool_call_id":"functions.x:0","content":""}]`},
}

// Every request that an adapter builds is one that the vendor's own document allows.
// Where an adapter cannot carry a feature it says so, and nothing is sent.
func TestRequestsAreAllowed(t *testing.T) {
	openAI := adaptertest.OpenSpec(t, "openai-openapi.yaml", openAIExceptions)
	claude := adaptertest.OpenSpec(t, "anthropic-openapi.json", anthropicExceptions)
	gemini := adaptertest.OpenSpec(t, "google-generativelanguage-v1beta-openapi.json", googleExceptions)
	targets := []struct {
		name, target, schema string
		adapter              sdk.Adapter
		spec                 *adaptertest.Spec
		cannot               []string // bodies that the adapter refuses
	}{
		{name: "openai chat", adapter: openai.Adapter{}, spec: openAI, schema: "CreateChatCompletionRequest",
			target: `{"id":"gpt-4o","upstream_id":"gpt-4o","api":"chat","unsupported":["reasoning_effort"]}`},
		{name: "openai chat, reasoning", adapter: openai.Adapter{}, spec: openAI, schema: "CreateChatCompletionRequest",
			target: `{"id":"gpt-5","upstream_id":"gpt-5","api":"chat","unsupported":["temperature","top_p"],"rename":{"max_tokens":"max_completion_tokens"}}`},
		{name: "openai responses", adapter: openai.Adapter{}, spec: openAI, schema: "CreateResponse",
			target: `{"id":"gpt-5.1-codex","upstream_id":"gpt-5.3-codex","api":"responses","unsupported":["temperature","top_p"]}`},
		{name: "anthropic", adapter: anthropic.Adapter{}, spec: claude, schema: "BetaCreateMessageParams",
			target: `{"id":"claude-opus-4.5","upstream_id":"claude-opus-4-5-20251101","api":"messages","max_output":64000,"unsupported":["temperature+top_p"],"capabilities":["vision","tools","structured_output","reasoning","files","image_url"]}`},
		{name: "gemini 2.5", adapter: google.Adapter{}, spec: gemini, schema: "GenerateContentRequest",
			target: `{"id":"gemini-2.5-pro","upstream_id":"gemini-2.5-pro","api":"generate","max_output":65536}`},
		{name: "gemini 3", adapter: google.Adapter{}, spec: gemini, schema: "GenerateContentRequest",
			target: `{"id":"gemini-3-flash-preview","upstream_id":"gemini-3-flash-preview","api":"generate","max_output":65536}`},
	}
	for _, tt := range targets {
		t.Run(tt.name, func(t *testing.T) {
			refused := 0
			for _, b := range specBodies {
				t.Run(b.name, func(t *testing.T) {
					a := adaptertest.Request(t, tt.adapter, tt.target, `{"model":"auto",`+b.body+`}`)
					if a.Failed {
						refused++
						t.Logf("refused: %s", a.Message)
						return
					}
					tt.spec.Check(t, tt.schema, a.Output)
				})
			}
			if refused > 4 {
				t.Errorf("%d of %d bodies were refused, want few", refused, len(specBodies))
			}
		})
	}
	for name, spec := range map[string]*adaptertest.Spec{"OpenAI": openAI, "Anthropic": claude, "Gemini": gemini} {
		for _, n := range spec.Unused() {
			t.Errorf("%s needs no exception for %s", name, n)
		}
	}
}

// The other operations' requests, too.
func TestOperationsAreAllowed(t *testing.T) {
	openAI := adaptertest.OpenSpec(t, "openai-openapi.yaml", openAIExceptions)
	claude := adaptertest.OpenSpec(t, "anthropic-openapi.json", adaptertest.Exceptions{})
	gemini := adaptertest.OpenSpec(t, "google-generativelanguage-v1beta-openapi.json", googleExceptions)
	embed := func(id string) string {
		return `{"operation":"embeddings","target":{"id":"e","upstream_id":"` + id + `"},"headers":{},"attempt":1}`
	}
	count := func(id, api string) string {
		return `{"operation":"count_tokens","target":{"id":"m","upstream_id":"` + id + `","api":"` + api + `"},"headers":{},"attempt":1}`
	}
	counted := `{"model":"auto","messages":[{"role":"system","content":"Be brief."},` + specUser + `],` + specTools + `}`
	for _, tt := range []struct {
		name         string
		adapter      sdk.Adapter
		spec         *adaptertest.Spec
		schema, call string
		body         string
	}{
		{"openai: a text", openai.Adapter{}, openAI, "CreateEmbeddingRequest", embed("text-embedding-3-small"), `{"model":"e","input":"one"}`},
		{"openai: texts", openai.Adapter{}, openAI, "CreateEmbeddingRequest", embed("text-embedding-3-small"), `{"model":"e","input":["one","two"],"dimensions":8,"encoding_format":"base64","user":"u"}`},
		{"openai: tokens", openai.Adapter{}, openAI, "CreateEmbeddingRequest", embed("text-embedding-3-small"), `{"model":"e","input":[[1,2],[3]]}`},
		{"openai: ours", openai.Adapter{}, openAI, "CreateEmbeddingRequest", embed("text-embedding-3-small"), `{"model":"e","input":"one","metadata":{"session_id":"s"},"models":["x"]}`},
		{"openai: count", openai.Adapter{}, openAI, "TokenCountsBody", count("gpt-5.3-codex", "responses"), counted},
		{"anthropic: count", anthropic.Adapter{}, claude, "BetaCountMessageTokensParams", count("claude-opus-4-5", "messages"), counted},
		{"gemini: count", google.Adapter{}, gemini, "CountTokensRequest", count("gemini-2.5-pro", "generate"), counted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := adaptertest.Call(t, tt.adapter, tt.call, tt.body)
			if a.Failed {
				t.Fatalf("refused: %s", a.Message)
			}
			tt.spec.Check(t, tt.schema, a.Output)
		})
	}
	for _, body := range []string{`{"model":"e","input":"one"}`, `{"model":"e","input":["one","two"],"dimensions":8}`, `{"model":"e","input":["one"]}`} {
		a := adaptertest.Call(t, google.Adapter{}, embed("gemini-embedding-001"), body)
		if a.Failed {
			t.Fatalf("refused: %s", a.Message)
		}
		schema := "EmbedContentRequest"
		if strings.HasSuffix(a.Path, ":batchEmbedContents") {
			schema = "BatchEmbedContentsRequest"
		}
		gemini.Check(t, schema, a.Output)
	}
}

// A document that lets everything through would prove nothing.
func TestSpecsRefuse(t *testing.T) {
	openAI := adaptertest.OpenSpec(t, "openai-openapi.yaml", openAIExceptions)
	claude := adaptertest.OpenSpec(t, "anthropic-openapi.json", adaptertest.Exceptions{})
	gemini := adaptertest.OpenSpec(t, "google-generativelanguage-v1beta-openapi.json", googleExceptions)
	for _, tt := range []struct {
		spec         *adaptertest.Spec
		schema, body string
	}{
		{openAI, "CreateChatCompletionRequest", `{"model":"m","messages":[],"models":["x"]}`},
		{openAI, "CreateChatCompletionRequest", `{"model":"m","messages":[{"role":"user","content":"x","thinking_blocks":[]}]}`},
		{openAI, "CreateChatCompletionRequest", `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}]}`},
		{openAI, "CreateResponse", `{"model":"m","input":"x","messages":[]}`},
		{openAI, "CreateResponse", `{"model":"m","input":[{"type":"function_call","name":"x","arguments":"{}"}]}`},
		{openAI, "CreateEmbeddingRequest", `{"model":"m","input":"x","metadata":{}}`},
		{claude, "BetaCreateMessageParams", `{"model":"m","max_tokens":1,"messages":[],"stop":"x"}`},
		{claude, "BetaCreateMessageParams", `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":""}]}]}`},
		{gemini, "GenerateContentRequest", `{"contents":[{"parts":[{"text":"x","thinking":true}]}]}`},
		{gemini, "GenerateContentRequest", `{"contents":[],"generationConfig":{"max_tokens":1}}`},
	} {
		failing := &deaf{TB: t}
		tt.spec.Check(failing, tt.schema, tt.body)
		if !failing.failed {
			t.Errorf("%s allows %s", tt.schema, tt.body)
		}
	}
}

// deaf notes a failure and does not fail.
type deaf struct {
	testing.TB
	failed bool
}

func (d *deaf) Errorf(string, ...any) { d.failed = true }

// Where the APIs are wider than their documents: OpenAI's is of 2026-08-21, Anthropic's
// of 2026-01 at the latest, Google's of 2025-12-18.
var (
	openAIExceptions = adaptertest.Exceptions{
		Optional: []adaptertest.Optional{
			{Schema: "OutputMessage", Member: "id", Reason: "an answer that is given back without being stored has none; recorded with 200"},
			{Schema: "OutputMessage", Member: "status", Reason: "filled by the API alone, as its description says"},
			{Schema: "OutputMessage", Member: "type", Reason: "optional on every message of an input; recorded with 200"},
			{Schema: "OutputTextContent", Member: "annotations", Reason: "optional in openai-go v3.96.0 (ResponseOutputTextParam takes none); recorded with 200"},
			{Schema: "OutputTextContent", Member: "logprobs", Reason: "the same"},
			{Schema: "InputImageContent", Member: "detail", Reason: "defaults to auto, as its description says"},
		},
	}
	anthropicExceptions = adaptertest.Exceptions{
		Newer: []adaptertest.Newer{
			{Path: "output_config.format", Reason: "anthropic-sdk-go v1.84.0, OutputConfigParam"},
			{Path: "cache_control", Reason: "anthropic-sdk-go v1.84.0, MessageNewParams"},
		},
	}
	googleExceptions = adaptertest.Exceptions{
		Optional: []adaptertest.Optional{
			{Schema: "GenerateContentRequest", Member: "model", Reason: "in the path, where the recorded requests have it alone"},
			{Schema: "EmbedContentRequest", Member: "model", Reason: "the same, but in a batch"},
		},
	}
)
