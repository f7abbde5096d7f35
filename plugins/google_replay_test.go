package plugins_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk/abi"
)

var _ = register(suite{
	plugin:  "google",
	adapter: google.Adapter{},
	api:     "generate",
	facts:   googleFacts,
	ended:   googleEnded,
	exchanges: []exchange{
		{folder: "gemini/01-text", canonical: fromContents, expect: asTurns},
		{folder: "gemini/02-text-2.5-system-instruction", canonical: fromContents, expect: asTurns},
		{folder: "gemini/03-stream-text", canonical: fromContents, expect: asTurns},
		{folder: "gemini/04-stream-text-usage-cumulative", canonical: fromContents, expect: asTurns},
		{folder: "gemini/05-stream-json-array-no-alt-sse", canonical: fromContents, expect: asTurns, framing: "json-array"},
		{folder: "gemini/15-image-inline", canonical: fromContents, expect: asTurns},
		{folder: "gemini/06-tool-call", canonical: fromContents, expect: asTurns},
		{folder: "gemini/07-tool-result-with-signature", canonical: fromContents, expect: asTurns},
		{folder: "gemini/08-tool-call-with-id", canonical: fromContents, expect: asTurns},
		{folder: "gemini/09-parallel-tool-calls", canonical: fromContents, expect: asTurns},
		{folder: "gemini/10-parallel-tool-results", canonical: fromContents, expect: asTurns},
		{folder: "gemini/11-stream-tool-call", canonical: fromContents, expect: asTurns},
		{folder: "gemini/12-stream-parallel-tool-calls", canonical: fromContents, expect: asTurns},
		{folder: "gemini/18-tools-plus-schema-stream", canonical: fromContents, expect: asTurns},
		{folder: "gemini/32-stream-tool-call-split-finish"},
		{folder: "gemini/33-escape-signature-accepted", canonical: fromContents, expect: asTurns},
		{folder: "gemini/13-thinking-include-thoughts-stream", canonical: fromContents, expect: asTurns},
		{folder: "gemini/14-thinking-include-thoughts", canonical: fromContents, expect: asTurns},
		{folder: "gemini/16-json-schema-responseJsonSchema", canonical: fromContents, expect: asTurns},
		// A model of before JSON Schema gets the older dialect, as recorded.
		{folder: "gemini/17-response-schema", upstream: "gemini-2.0-flash", canonical: fromContents, expect: asTurns},
		{folder: "gemini/19-max-tokens-empty-content", canonical: fromContents, expect: asTurns},
		{folder: "gemini/20-safety-block", canonical: fromContents, expect: asTurns},
		{folder: "gemini/21-cached-content", canonical: fromContents, expect: asTurns},
		{folder: "gemini/22-count-tokens", operation: abi.OperationCountTokens, canonical: fromCounted, answer: `{"input_tokens":8}`},
		{folder: "gemini/23-list-models", operation: abi.OperationList, answer: listed},
		{folder: "gemini/24-error-400-bad-key", canonical: fromContents, expect: asTurns, class: abi.ClassAuth},
		{folder: "gemini/25-error-404-unknown-model", canonical: fromContents, expect: asTurns, class: abi.ClassNotFound},
		{folder: "gemini/26-error-429-quota-retryinfo", canonical: fromContents, expect: asTurns, class: abi.ClassRateLimited, afterMS: 48_000},
		{folder: "gemini/27-error-429-retryinfo-2", class: abi.ClassRateLimited, afterMS: 34_400},
		{folder: "gemini/28-error-503-overloaded", class: abi.ClassOverloaded},
		{folder: "gemini/29-error-500-internal", class: abi.ClassServer},
		{folder: "gemini/30-error-400-missing-thought-signature", class: abi.ClassInvalid},
		{folder: "gemini/31-prompt-blocked-no-candidates"},

		// Our own.
		{folder: "testdata/text", target: `"max_output":65536,"unsupported":["seed"]`},
		{folder: "testdata/tools", target: `"max_output":65536`},
		{folder: "testdata/tools-stream", target: `"max_output":65536`},
		{folder: "testdata/stream", target: `"max_output":65536`},
		{folder: "testdata/stream-error", class: abi.ClassOverloaded},
		{folder: "testdata/quota", class: abi.ClassQuota},
		{folder: "testdata/embeddings", operation: abi.OperationEmbeddings, upstream: "gemini-embedding-2"},
		{folder: "testdata/batch", operation: abi.OperationEmbeddings, upstream: "gemini-embedding-001"},
		{folder: "testdata/count", operation: abi.OperationCountTokens, upstream: "gemini-3.5-flash"},
		{folder: "testdata/list", operation: abi.OperationList},
		{folder: "testdata/media", upstream: "gemini-3.5-flash"},
		{folder: "testdata/signed-stream", upstream: "gemini-3.5-flash"},
		{folder: "testdata/custom-stream", upstream: "gemini-3.5-flash"},
		{folder: "testdata/older-schema", upstream: "gemini-2.0-flash"},
		{folder: "testdata/page", class: abi.ClassServer},
	},
})

// fromContents writes a recorded generateContent request as a chat body.
func fromContents(t testing.TB, recorded map[string]any) map[string]any {
	t.Helper()
	parts := func(content any) any {
		var list []any
		for _, p := range content.(map[string]any)["parts"].([]any) {
			p := p.(map[string]any)
			if text, ok := p["text"]; ok {
				list = append(list, map[string]any{"type": "text", "text": text})
				continue
			}
			inline := p["inlineData"].(map[string]any)
			list = append(list, map[string]any{"type": "image_url", "image_url": map[string]any{
				"url": "data:" + inline["mimeType"].(string) + ";base64," + inline["data"].(string),
			}})
		}
		return list
	}
	var messages []any
	if system, ok := recorded["systemInstruction"]; ok {
		messages = append(messages, map[string]any{"role": "system", "content": parts(system)})
	}
	for _, content := range recorded["contents"].([]any) {
		role := "user"
		if content.(map[string]any)["role"] == "model" {
			role = "assistant"
		}
		var rest, calls []any
		for _, p := range content.(map[string]any)["parts"].([]any) {
			p := p.(map[string]any)
			camel(p)
			if call, ok := p["functionCall"].(map[string]any); ok {
				made := map[string]any{"id": call["id"], "type": "function", "function": map[string]any{
					"name": call["name"], "arguments": encode(call["args"]),
				}}
				if s := p["thoughtSignature"]; s != nil && s != lostSignature {
					made["extra_content"] = map[string]any{"google": map[string]any{"thought_signature": s}}
				}
				calls = append(calls, made)
			} else if answer, ok := p["functionResponse"].(map[string]any); ok {
				messages = append(messages, map[string]any{"role": "tool", "tool_call_id": answer["id"], "content": encode(answer["response"])})
			} else {
				rest = append(rest, p)
			}
		}
		message := map[string]any{"role": role}
		if rest != nil {
			message["content"] = parts(map[string]any{"parts": rest})
		}
		if calls != nil {
			message["tool_calls"] = calls
		}
		if rest != nil || calls != nil {
			messages = append(messages, message)
		}
	}
	chat := map[string]any{"model": "auto", "messages": messages}
	if tools, ok := recorded["tools"].([]any); ok {
		asTools(recorded)
		chat["tools"] = fromTools(tools[0].(map[string]any)["functionDeclarations"].([]any), "parametersJsonSchema")
	}
	if mode := toolMode(recorded); mode == "AUTO" {
		chat["tool_choice"] = "auto"
	}
	config, _ := recorded["generationConfig"].(map[string]any)
	if v, ok := config["maxOutputTokens"]; ok {
		chat["max_tokens"] = v
	}
	if schema, ok := config["responseJsonSchema"]; ok {
		chat["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "n", "schema": schema}}
	}
	if schema, ok := config["responseSchema"]; ok {
		chat["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "n", "schema": lowerTypes(copied(t, schema))}}
	}
	own := map[string]any{}
	if thinking, ok := config["thinkingConfig"].(map[string]any); ok && thinking["thinkingLevel"] == "HIGH" {
		chat["reasoning_effort"] = "high"
	} else if ok {
		asked := map[string]any{"include_thoughts": thinking["includeThoughts"]}
		if budget, ok := thinking["thinkingBudget"]; ok {
			asked["thinking_budget"] = budget
		}
		own["thinking_config"] = asked
	}
	for recordedName, name := range map[string]string{"cachedContent": "cached_content", "safetySettings": "safety_settings"} {
		if value, ok := recorded[recordedName]; ok {
			own[name] = value
		}
	}
	if len(own) > 0 {
		chat["extra_body"] = map[string]any{"google": own}
	}
	return chat
}

// listed is the canonical list of the recorded models.
var listed = asList("gemini-2.5-flash gemini-2.5-pro gemini-2.0-flash gemini-2.0-flash-001 gemini-2.0-flash-lite-001 " +
	"gemini-2.0-flash-lite gemini-2.5-flash-preview-tts gemini-2.5-pro-preview-tts gemma-4-26b-a4b-it " +
	"gemma-4-31b-it gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest gemini-2.5-flash-lite " +
	"gemini-2.5-flash-image gemini-3-pro-preview gemini-3-flash-preview gemini-3.1-pro-preview " +
	"gemini-3.1-pro-preview-customtools gemini-3.1-flash-lite-preview gemini-3.1-flash-lite " +
	"gemini-3-pro-image-preview gemini-3-pro-image nano-banana-pro-preview gemini-3.1-flash-image-preview " +
	"gemini-3.1-flash-image gemini-3.1-flash-lite-image gemini-3.5-flash gemini-3.5-flash-lite " +
	"gemini-omni-flash-preview gemini-3.6-flash lyria-3-clip-preview lyria-3-pro-preview " +
	"gemini-3.1-flash-tts-preview gemini-robotics-er-1.5-preview gemini-robotics-er-1.6-preview " +
	"gemini-robotics-er-2-preview gemini-2.5-computer-use-preview-10-2025 antigravity-preview-05-2026 " +
	"deep-research-max-preview-04-2026 deep-research-preview-04-2026 deep-research-pro-preview-12-2025 " +
	"gemini-embedding-001 gemini-embedding-2-preview gemini-embedding-2 aqa imagen-4.0-generate-001 " +
	"imagen-4.0-ultra-generate-001 imagen-4.0-fast-generate-001 veo-3.1-generate-preview")

func asList(names string) string {
	var data []any
	for _, name := range strings.Fields(names) {
		data = append(data, map[string]any{"id": name, "object": "model", "owned_by": "google"})
	}
	return encode(map[string]any{"object": "list", "data": data})
}

// fromCounted writes a recorded countTokens request as a chat body.
func fromCounted(t testing.TB, recorded map[string]any) map[string]any {
	t.Helper()
	return fromContents(t, recorded["generateContentRequest"].(map[string]any))
}

// copied returns a value of its own: the recorded one stays as it is.
func copied(t testing.TB, v any) any {
	t.Helper()
	return decode(t, []byte(encode(v)))
}

// lostSignature is the recorded stand-in for a signature that the history lacks.
const lostSignature = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

func toolMode(recorded map[string]any) any {
	config, _ := recorded["toolConfig"].(map[string]any)
	calling, _ := config["functionCallingConfig"].(map[string]any)
	return calling["mode"]
}

// asTools writes recorded tools as the adapter does: with JSON Schemas, whatever
// the client called them, and always a description.
func asTools(recorded map[string]any) {
	tools, _ := recorded["tools"].([]any)
	for _, tool := range tools {
		for _, function := range tool.(map[string]any)["functionDeclarations"].([]any) {
			function := function.(map[string]any)
			if function["description"] == nil {
				function["description"] = ""
			}
			for _, name := range []string{"parameters", "parameters_json_schema"} {
				if schema, ok := function[name]; ok {
					delete(function, name)
					function["parametersJsonSchema"] = lowerTypes(schema)
				}
			}
		}
	}
}

// camel writes the names of a part, which may come either way, as the adapter does.
func camel(part map[string]any) {
	for snake, name := range map[string]string{"function_call": "functionCall", "function_response": "functionResponse"} {
		if v, ok := part[snake]; ok {
			part[name] = v
			delete(part, snake)
		}
	}
}

// lowerTypes writes a schema's types as JSON Schema has them.
func lowerTypes(schema any) any {
	switch v := schema.(type) {
	case map[string]any:
		for name, value := range v {
			if s, ok := value.(string); ok && name == "type" {
				v[name] = strings.ToLower(s)
			} else {
				v[name] = lowerTypes(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = lowerTypes(v[i])
		}
	}
	return schema
}

// asTurns writes a recorded request the one way that the adapter does: no role in
// the system instruction, no member that says the default.
func asTurns(recorded map[string]any) {
	if system, ok := recorded["systemInstruction"].(map[string]any); ok {
		delete(system, "role")
	}
	asTools(recorded)
	if toolMode(recorded) == "VALIDATED" {
		delete(recorded, "toolConfig") // no word of a chat body asks for it
	}
	var turns []any
	for _, turn := range recorded["contents"].([]any) {
		turn := turn.(map[string]any)
		if n := len(turns); n > 0 && turns[n-1].(map[string]any)["role"] == turn["role"] {
			last := turns[n-1].(map[string]any)
			last["parts"] = append(last["parts"].([]any), turn["parts"].([]any)...)
			continue
		}
		turns = append(turns, turn)
	}
	recorded["contents"] = turns
	config, _ := recorded["generationConfig"].(map[string]any)
	delete(config, "responseModalities") // TEXT
	if len(config) == 0 {
		delete(recorded, "generationConfig")
	}
}

// generated is a GenerateContentResponse.
type generated struct {
	Candidates []struct {
		Index   int
		Content struct {
			Parts []struct {
				Text         string
				Thought      bool
				Signature    string `json:"thoughtSignature"`
				FunctionCall *struct {
					ID, Name string
					Args     json.RawMessage
				}
			}
		}
		FinishReason, FinishMessage string
	}
	PromptFeedback struct{ BlockReason string }
	UsageMetadata  *struct {
		PromptTokenCount, CachedContentTokenCount, CandidatesTokenCount *int64
		ThoughtsTokenCount, ToolUsePromptTokenCount                     *int64
	}
}

// googleFacts reads an answer; of a stream's counters the last stand.
func googleFacts(t testing.TB, r *recording) facts {
	t.Helper()
	var f facts
	bodies := [][]byte{r.body}
	if r.stream {
		bodies = nil
		for _, e := range r.events(t, r.body) {
			bodies = append(bodies, []byte(e.data))
		}
	}
	for _, body := range bodies {
		var g generated
		if err := json.Unmarshal(body, &g); err != nil {
			t.Fatalf("%s: %v", r.folder, err)
		}
		g.addTo(&f)
	}
	f.structured()
	return f
}

func (g *generated) addTo(f *facts) {
	if g.PromptFeedback.BlockReason != "" {
		f.Finish = "content_filter"
	}
	for _, c := range g.Candidates {
		if c.Index != 0 {
			continue
		}
		for _, p := range c.Content.Parts {
			if p.FunctionCall == nil && p.Signature != "" {
				f.Signed = append(f.Signed, p.Signature)
			}
			if p.FunctionCall != nil {
				f.Calls = append(f.Calls, call{ID: p.FunctionCall.ID, Name: p.FunctionCall.Name, Arguments: string(p.FunctionCall.Args), Signature: p.Signature})
			} else if p.Thought {
				f.Reasoning += p.Text
			} else {
				f.Text += p.Text
			}
		}
		if c.FinishReason != "" {
			f.Finish = map[string]string{"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}[c.FinishReason]
			if f.Finish == "content_filter" {
				f.Refusal = c.FinishMessage
			}
			if f.Finish == "stop" && f.Calls != nil {
				f.Finish = "tool_calls"
			}
		}
	}
	u := g.UsageMetadata
	if u == nil || u.PromptTokenCount == nil {
		return
	}
	count := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	f.Usage = usage{
		Known: true, Prompt: count(u.PromptTokenCount) + count(u.ToolUsePromptTokenCount),
		Completion: count(u.CandidatesTokenCount) + count(u.ThoughtsTokenCount),
		Cached:     count(u.CachedContentTokenCount), Reasoning: count(u.ThoughtsTokenCount),
	}
}

// googleEnded: a candidate has a finish reason.
func googleEnded(t testing.TB, _ *recording, events []event) bool {
	t.Helper()
	for _, e := range events {
		var g generated
		if json.Unmarshal([]byte(e.data), &g) != nil {
			continue
		}
		for _, c := range g.Candidates {
			if c.FinishReason != "" {
				return true
			}
		}
		if g.PromptFeedback.BlockReason != "" {
			return true
		}
	}
	return false
}
