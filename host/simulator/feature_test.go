package simulator

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	chatPath      = "/openai/v1/chat/completions"
	responsesPath = "/openai/v1/responses"
	messagesPath  = "/anthropic/v1/messages"
	geminiPath    = "/google/v1beta/models/gemini-2.5-pro:generateContent"
	gemini3Path   = "/google/v1beta/models/gemini-3-flash-preview:generateContent"
	pixel         = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	citySchema    = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`
	chatTools     = `"tools":[{"type":"function","function":{"name":"f","parameters":` + citySchema + `}},{"type":"function","function":{"name":"g"}}]`
	flatTools     = `"tools":[{"type":"function","name":"f","parameters":` + citySchema + `},{"type":"function","name":"g"}]`
	claudeTools   = `"tools":[{"name":"f","input_schema":` + citySchema + `},{"name":"g","input_schema":{"type":"object"}}]`
	geminiTools   = `"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":` + citySchema + `},{"name":"g"}]}]`
	claudeModel   = `{"model":"claude-sonnet-4-5","max_tokens":2048,`
	askF          = `{"role":"user","content":"call f"}`
)

// Every wire understands each feature, plain; streams of the same are compared with
// recordings, and through the gateway by the host's matrix.
func TestFeatures(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	sign := func(provider, thought string) string { return (&exchange{provider: provider}).sign(thought) }
	tests := []struct{ name, path, body, want string }{
		{"chat: a call", chatPath, `{"model":"gpt-4o",` + chatTools + `,"messages":[` + askF + `]}`, `"function":{"name":"f","arguments":"{\"city\":\"a city\"}"}}`},
		{"chat: nothing to call", chatPath, `{"model":"gpt-4o",` + chatTools + `,"messages":[{"role":"user","content":"hello"}]}`, `You wrote: hello`},
		{"chat: several calls", chatPath, `{"model":"gpt-4o",` + chatTools + `,"messages":[{"role":"user","content":"call f, call g and call f"}]}`, `"name":"g","arguments":"{}"`},
		{"chat: forced", chatPath, `{"model":"gpt-4o",` + chatTools + `,"tool_choice":"required","messages":[{"role":"user","content":"hello"}]}`, `"name":"f"`},
		{"chat: named", chatPath, `{"model":"gpt-4o",` + chatTools + `,"tool_choice":{"type":"function","function":{"name":"g"}},"messages":[` + askF + `]}`, `"name":"g"`},
		{"chat: none", chatPath, `{"model":"gpt-4o",` + chatTools + `,"tool_choice":"none","messages":[` + askF + `]}`, `You wrote: call f`},
		{"chat: allowed", chatPath, `{"model":"gpt-4o",` + chatTools + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}},"messages":[` + askF + `]}`, `"name":"g"`},
		{"chat: a result", chatPath, `{"model":"gpt-4o",` + chatTools + `,"messages":[` + askF + `,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"warm"}]}`, `The tool f returned: warm.`},
		{"chat: an image", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`, `You sent 2 attached: image image/png of 70 bytes; image https://example.com/a.png.`},
		{"chat: audio and a file", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}]}`, `You sent 2 attached: audio wav of 3 bytes; file application/pdf of 3 bytes.`},
		{"chat: a schema", chatPath, `{"model":"gpt-4o","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":` + citySchema + `}},"messages":[` + askF + `]}`, `"content":"{\"city\":\"a city\"}"`},
		{"chat: choices", chatPath, `{"model":"gpt-4o","n":2,"messages":[{"role":"user","content":"hello"}]}`, `{"index":1,"message"`},
		{"chat: logprobs", chatPath, `{"model":"gpt-4o","logprobs":true,"messages":[{"role":"user","content":"hello"}]}`, `"token":"hello","logprob":-0.5,"bytes":[104,101,108,108,111]`},
		{"chat: a stop", chatPath, `{"model":"gpt-4o","stop":[" No model"],"messages":[{"role":"user","content":"hello"}]}`, `at openai.","refusal"`},
		{"chat: reasoning is counted", chatPath, `{"model":"gpt-5","reasoning_effort":"low","messages":[{"role":"user","content":"hello"}]}`, `"reasoning_tokens":14,`},
		{"chat: a refusal", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":"[[simulate refuse]] hi"}]}`, `"content":null,"refusal":"I'm sorry`},
		{"raptor: reasoning is shown", "/raptor/v1/chat/completions", `{"model":"m","reasoning_effort":"low","messages":[{"role":"user","content":"hello"}]}`, `"reasoning_content":"The simulated model thinks about what was written: hello"`},

		{"responses: a call", responsesPath, `{"model":"gpt-5",` + flatTools + `,"input":"call f"}`, `"arguments":"{\"city\":\"a city\"}","call_id":"call_`},
		{"responses: a result", responsesPath, `{"model":"gpt-5",` + flatTools + `,"input":[` + askF + `,{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"warm"}]}`, `The tool f returned: warm.`},
		{"responses: an image", responsesPath, `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]}]}`, `image image/png of 70 bytes`},
		{"responses: a schema", responsesPath, `{"model":"gpt-5","text":{"format":{"type":"json_schema","name":"n","schema":` + citySchema + `}},"input":"x"}`, `"text":"{\"city\":\"a city\"}"`},
		{"responses: reasoning", responsesPath, `{"model":"gpt-5","reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"],"input":"hello"}`, `"summary":[{"type":"summary_text","text":"The simulated model thinks about what was written: hello"}],"encrypted_content":"`},
		{"responses: reasoning replayed", responsesPath, `{"model":"gpt-5","store":false,"input":[` + askF + `,{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"` + sign("openai", "x") + `"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"warm"}]}`, `The tool f returned: warm.`},
		{"responses: a refusal", responsesPath, `{"model":"gpt-5","input":"[[simulate refuse]] hi"}`, `"content":[{"type":"refusal","refusal":"I'm sorry`},

		{"messages: a call", messagesPath, claudeModel + claudeTools + `,"messages":[` + askF + `]}`, `"name":"f","input":{"city":"a city"}}],"stop_reason":"tool_use"`},
		{"messages: one call of several", messagesPath, claudeModel + claudeTools + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"call g and call f"}]}`, `"name":"g","input":{}}],"stop_reason":"tool_use"`},
		{"messages: a result with an image", messagesPath, claudeModel + claudeTools + `,"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"warm"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}]}]}]}`, `You sent 1 attached: image image/png of 70 bytes. The tool f returned: warm.`},
		{"messages: a document", messagesPath, claudeModel + `"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}},{"type":"text","text":"x"}]}]}`, `document application/pdf of 3 bytes`},
		{"messages: a schema", messagesPath, claudeModel + `"output_config":{"format":{"type":"json_schema","schema":` + citySchema + `}},"messages":[` + askF + `]}`, `"text":"{\"city\":\"a city\"}"`},
		{"messages: thinking", messagesPath, claudeModel + `"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hello"}]}`, `"thinking":"The simulated model thinks about what was written: hello","signature":"` + sign("anthropic", "The simulated model thinks about what was written: hello") + `"},{"type":"text"`},
		{"messages: thinking that is not shown", messagesPath, claudeModel + `"thinking":{"type":"adaptive","display":"omitted"},"messages":[{"role":"user","content":"hello"}]}`, `"thinking":"","signature":"`},
		{"messages: redacted thinking", messagesPath, claudeModel + `"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"[[simulate redacted]] hello"}]}`, `{"type":"redacted_thinking","data":"`},
		{"messages: a stop sequence", messagesPath, claudeModel + `"stop_sequences":[" No model"],"messages":[{"role":"user","content":"hello"}]}`, `"stop_reason":"stop_sequence","stop_sequence":" No model"`},
		{"messages: the cache is written", messagesPath, claudeModel + `"system":[{"type":"text","text":"12345678","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"hello"}]}`, `"input_tokens":2,"cache_creation_input_tokens":2,"cache_read_input_tokens":0`},
		{"messages: and read", messagesPath, claudeModel + `"system":[{"type":"text","text":"12345678","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"hello"}]}`, `"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":2`},

		{"gemini: a call", geminiPath, `{` + geminiTools + `,"contents":[{"role":"user","parts":[{"text":"call f"}]}]}`, `{"functionCall":{"name":"f","args":{"city":"a city"}},"thoughtSignature":"`},
		{"gemini 3: calls have ids", gemini3Path, `{` + geminiTools + `,"contents":[{"role":"user","parts":[{"text":"call f"}]}]}`, `"args":{"city":"a city"},"id":"`},
		{"gemini: allowed", geminiPath, `{` + geminiTools + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}},"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`, `"functionCall":{"name":"g"`},
		{"gemini 3: a result", gemini3Path, `{` + geminiTools + `,"contents":[{"role":"user","parts":[{"text":"call f"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"` + sign("google", "x") + `"}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"warm"}}}]}]}`, `The tool f returned: warm.`},
		{"gemini 3: the escape signature", gemini3Path, `{"contents":[{"role":"user","parts":[{"text":"call f"}]},{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"` + escapeSignature + `"}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"warm"}}}]}]}`, `The tool f returned: warm.`},
		{"gemini: an image", geminiPath, `{"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"` + pixel + `"}},{"text":"x"}]}]}`, `image image/png of 70 bytes`},
		{"gemini: a schema", geminiPath, `{"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":` + citySchema + `},"contents":[{"parts":[{"text":"x"}]}]}`, `"text":"{\"city\":\"a city\"}"`},
		{"gemini: thoughts", geminiPath, `{"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":1024}},"contents":[{"parts":[{"text":"hello"}]}]}`, `{"text":"The simulated model thinks about what was written: hello","thought":true}`},
		{"gemini: thoughts are counted apart", geminiPath, `{"generationConfig":{"thinkingConfig":{"includeThoughts":true}},"contents":[{"parts":[{"text":"hello"}]}]}`, `"promptTokenCount":2,"candidatesTokenCount":29,"thoughtsTokenCount":14,"totalTokenCount":45`},
		{"gemini: a blocked prompt", geminiPath, `{"contents":[{"parts":[{"text":"[[simulate refuse]] hi"}]}]}`, `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}`},
		{"gemini: candidates", geminiPath, `{"generationConfig":{"candidateCount":2},"contents":[{"parts":[{"text":"hello"}]}]}`, `"finishReason":"STOP","index":1`},
	}
	for _, test := range tests {
		r := post(t, s, test.path, test.body)
		if r.status != 200 || !strings.Contains(r.body, test.want) {
			t.Errorf("%s: %s = %d %s, want %s in it", test.name, test.body, r.status, r.body, test.want)
		}
	}
}

// What the features' requests must not be.
func TestFeatureRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	tests := []struct{ name, path, body, want string }{
		{"chat: an empty list of tools", chatPath, `{"model":"gpt-4o","tools":[],"messages":[` + askF + `]}`, `"code":"empty_array"`},
		{"chat: a choice without tools", chatPath, `{"model":"gpt-4o","tool_choice":"auto","messages":[` + askF + `]}`, `only allowed when 'tools' are specified`},
		{"chat: a result without a call", chatPath, `{"model":"gpt-4o","messages":[` + askF + `,{"role":"tool","tool_call_id":"x","content":"y"}]}`, `must be a response to a preceeding message`},
		{"chat: a call without a result", chatPath, `{"model":"gpt-4o","messages":[` + askF + `,{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},` + askF + `]}`, `did not have response messages: c1`},
		{"chat: another vendor's member", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}]}`, `Unknown parameter: 'messages[0].content[0].cache_control'.`},
		{"chat: thoughts", chatPath, `{"model":"gpt-4o","messages":[` + askF + `,{"role":"assistant","content":"x","thinking_blocks":[]},` + askF + `]}`, `messages[1].thinking_blocks`},
		{"chat: an image that is none", chatPath, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%%"}}]}]}`, `"code":"invalid_image_url"`},
		{"chat: a result of images", chatPath, `{"model":"gpt-4o","messages":[` + askF + `,{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}]}`, `Invalid value: 'image_url'`},
		{"chat: a strict schema that is open", chatPath, `{"model":"gpt-4o","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{}}}},"messages":[` + askF + `]}`, `'additionalProperties' is required`},
		{"chat: JSON that is not spoken of", chatPath, `{"model":"gpt-4o","response_format":{"type":"json_object"},"messages":[` + askF + `]}`, `must contain the word 'json'`},
		{"chat: effort of a model without", chatPath, `{"model":"gpt-4o","reasoning_effort":"low","messages":[` + askF + `]}`, `Unrecognized request argument supplied: reasoning_effort`},
		{"chat: tools of gpt-5.6", chatPath, `{"model":"gpt-5.6",` + chatTools + `,"messages":[` + askF + `]}`, `Please use /v1/responses instead`},
		{"chat: no content", chatPath, `{"model":"gpt-4o","messages":[{"role":"assistant","content":null}]}`, `expected a string, got null`},
		{"chat: options without a stream", chatPath, `{"model":"gpt-4o","stream_options":{},"messages":[` + askF + `]}`, `only allowed when 'stream' is enabled`},

		{"responses: a result without a call", responsesPath, `{"model":"gpt-5","input":[{"type":"function_call_output","call_id":"x","output":"y"}]}`, `No tool call found`},
		{"responses: a call without a result", responsesPath, `{"model":"gpt-5","input":[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}]}`, `No tool output found for function call c1`},
		{"responses: reasoning at the end", responsesPath, `{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[]}]}`, `without its required following item`},
		{"responses: a foreign seal", responsesPath, `{"model":"gpt-5","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"eA=="},{"role":"assistant","content":"x"}]}`, `"code":"invalid_encrypted_content"`},
		{"responses: a member of Chat's", responsesPath, `{"model":"gpt-5","input":[{"role":"user","content":"x","cache_control":{}}]}`, `Unknown parameter: 'input[0].cache_control'.`},
		{"responses: an id of another kind", responsesPath, `{"model":"gpt-5","input":[{"type":"function_call","id":"call_1","call_id":"c1","name":"f","arguments":"{}"}]}`, `begins with 'fc'`},
		{"responses: Chat's tools", responsesPath, `{"model":"gpt-5",` + chatTools + `,"input":"x"}`, `tools[0]`},

		{"messages: five marks", messagesPath, claudeModel + `"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},`, 3) + `{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}`, `Found 5.`},
		{"messages: a call without a result", messagesPath, claudeModel + `"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},` + askF + `]}`, "`tool_use` ids were found without `tool_result` blocks immediately after: t1."},
		{"messages: a result without a call", messagesPath, claudeModel + `"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"x"}]}]}`, "unexpected `tool_use_id`"},
		{"messages: text before a result", messagesPath, claudeModel + `"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t1","content":"x"}]}]}`, "`tool_use` ids were found without"},
		{"messages: an id with a colon", messagesPath, claudeModel + `"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"f:0","name":"f","input":{}}]}]}`, `String should match pattern`},
		{"messages: input that is no object", messagesPath, claudeModel + `"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}]}`, `Input should be a valid dictionary`},
		{"messages: no tools", messagesPath, claudeModel + `"tools":[],"messages":[` + askF + `]}`, `at least 1 item`},
		{"messages: thinking and a temperature", messagesPath, claudeModel + `"temperature":0.5,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[` + askF + `]}`, "`temperature` may only be set to 1"},
		{"messages: thinking beyond the limit", messagesPath, claudeModel + `"thinking":{"type":"enabled","budget_tokens":2048},"messages":[` + askF + `]}`, "`max_tokens` must be greater than"},
		{"messages: thinking and a forced tool", messagesPath, claudeModel + claudeTools + `,"tool_choice":{"type":"any"},"thinking":{"type":"enabled","budget_tokens":1024},"messages":[` + askF + `]}`, `forces tool use`},
		{"messages: a call without its thought", messagesPath, claudeModel + claudeTools + `,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[` + askF + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"x"}]}]}`, "but found `tool_use`"},
		{"messages: a foreign signature", messagesPath, claudeModel + `"thinking":{"type":"adaptive"},"messages":[` + askF + `,{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"eA=="},{"type":"text","text":"y"}]},` + askF + `]}`, "Invalid `signature` in `thinking` block"},
		{"messages: temperature and top_p", messagesPath, claudeModel + `"temperature":0.5,"top_p":0.5,"messages":[` + askF + `]}`, `cannot both be specified`},
		{"messages: a member of a message", messagesPath, claudeModel + `"messages":[{"role":"user","content":"x","name":"y"}]}`, `messages.0.name: Extra inputs are not permitted`},
		{"messages: a schema that is open", messagesPath, claudeModel + `"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"messages":[` + askF + `]}`, `must be explicitly set to false`},
		{"messages: an SVG", messagesPath, claudeModel + `"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/svg+xml","data":"AAAA"}}]}]}`, `Input should be 'image/jpeg'`},

		{"gemini: both ways to think", gemini3Path, `{"generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}},"contents":[{"parts":[{"text":"x"}]}]}`, `only one of thinking budget and thinking level`},
		{"gemini: a level of 2.5", geminiPath, `{"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}},"contents":[{"parts":[{"text":"x"}]}]}`, `not supported for this model`},
		{"gemini: fewer results than calls", geminiPath, `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, `equal to the number of function call parts`},
		{"gemini: a result without a name", geminiPath, `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"response":{}}}]}]}`, `Name cannot be empty`},
		{"gemini: a result that is no object", geminiPath, `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":"x"}}]}]}`, `google.protobuf.Struct`},
		{"gemini 3: no signature", gemini3Path, `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, `missing a thought_signature`},
		{"gemini 3: a foreign signature", gemini3Path, `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"eA=="}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, `Corrupted thought signature`},
		{"gemini: JSON Schema in parameters", geminiPath, `{"tools":[{"functionDeclarations":[{"name":"f","parameters":` + citySchema + `}]}],"contents":[{"parts":[{"text":"x"}]}]}`, `Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'`},
		{"gemini: an unknown member of a part", geminiPath, `{"contents":[{"parts":[{"text":"x","cache_control":{}}]}]}`, `Unknown name \"cacheControl\" at 'contents[0].parts[0]'`},
		{"gemini: a schema without a type", geminiPath, `{"generationConfig":{"responseJsonSchema":{}},"contents":[{"parts":[{"text":"x"}]}]}`, `only supported with response_mime_type`},
		{"gemini: tools and JSON on 2.5", geminiPath, `{` + geminiTools + `,"generationConfig":{"responseMimeType":"application/json"},"contents":[{"parts":[{"text":"x"}]}]}`, `is unsupported`},
		{"gemini: a call first", geminiPath, `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}`, `immediately after a user turn`},
	}
	for _, test := range tests {
		r := post(t, s, test.path, test.body)
		if r.status != 400 || !strings.Contains(r.body, test.want) {
			t.Errorf("%s: %s = %d %s, want 400 with %s", test.name, test.body, r.status, r.body, test.want)
		}
	}
}

// What is made for a schema is an instance of it.
func TestInstance(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		citySchema,
		`{}`,
		`{"type":["null","integer"],"minimum":20,"maximum":30}`,
		`{"type":"number","exclusiveMaximum":3}`,
		`{"type":"array","items":{"type":"boolean"},"minItems":3}`,
		`{"type":"array","maxItems":0}`,
		`{"enum":["b","c"]}`,
		`{"const":{"a":1}}`,
		`{"type":"string","minLength":40}`,
		`{"type":"string","maxLength":2}`,
		`{"anyOf":[{"type":"null"},{"type":"object","properties":{"x":{"const":4}},"required":["x"]}]}`,
		`{"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"},"name":{"type":"string"}},"required":["name"]}},"$ref":"#/$defs/node"}`,
		`{"type":"object","properties":{"list":{"type":"array","items":{"type":"object","properties":{"when":{"type":"string","format":"date-time"}},"required":["when"]}}},"required":["list"]}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(schema), &v); err != nil {
			t.Fatal(err)
		}
		made := encode(instance(v))
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("mem:///s", doc); err != nil {
			t.Fatal(err)
		}
		compiled, err := c.Compile("mem:///s")
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(made)))
		if err != nil {
			t.Fatalf("instance(%s) = %s: %v", schema, made, err)
		}
		if err := compiled.Validate(value); err != nil {
			t.Errorf("instance(%s) = %s: %v", schema, made, err)
		}
	}
}
