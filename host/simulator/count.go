package simulator

import "fmt"

// Members of the count requests (anthropic-sdk-go v1.84.0; OpenAI's OpenAPI,
// 2026-08): those of the answer's request without what bounds the answer.
var (
	countMessagesMembers = members("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed")
	inputTokensMembers   = members("model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
		"parallel_tool_calls", "text", "reasoning", "truncation", "personality")
)

// schemaBytes is what declared tools and schemas add to a count.
func schemaBytes(declared any) int {
	if declared == nil {
		return 0
	}
	return len(encode(declared))
}

// countMessages answers POST /v1/messages/count_tokens. Counting is free: the log
// has no tokens for it.
func (s *Simulator) countMessages(x *exchange) {
	x.row.Model = text(x.body["model"])
	last, bytes := conversation(x.body["messages"])
	bytes += len(joined(x.body["system"])) + schemaBytes(x.body["tools"])
	if name := unknownMember(x.body, countMessagesMembers); name != "" {
		x.fail(problem{Status: 400, Message: name + ": Extra inputs are not permitted"})
		return
	}
	x.body["max_tokens"] = 1.0
	if p := x.checkMessages(); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	x.anthropicHeaders()
	x.json(fields{"input_tokens", max(tokens(bytes), 1)})
}

// countResponses answers POST /v1/responses/input_tokens.
func (s *Simulator) countResponses(x *exchange) {
	x.row.Model = text(x.body["model"])
	last, bytes := inputItems(x.body["input"])
	bytes += len(text(x.body["instructions"])) + schemaBytes(x.body["tools"])
	if name := unknownMember(x.body, inputTokensMembers); name != "" {
		x.fail(problem{Status: 400, Param: name, Code: "unknown_parameter", Message: fmt.Sprintf("Unknown parameter: '%s'.", name)})
		return
	}
	if p := x.checkResponses(); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	x.openAIHeaders()
	x.json(fields{"input_tokens", max(tokens(bytes), 1), "object", "response.input_tokens"})
}

// countGoogle answers :countTokens, of contents alone or of a whole request.
func (s *Simulator) countGoogle(x *exchange) {
	body := x.body
	if name := unknownMember(body, members("contents", "generateContentRequest")); name != "" {
		x.fail(problem{Status: 400, Message: fmt.Sprintf("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)})
		return
	}
	whole, set := body["generateContentRequest"]
	if set {
		body = camel(object(whole))
		if body["model"] != "models/"+x.row.Model {
			x.fail(problem{Status: 400, Message: "* CountTokensRequest.generate_content_request.model: must match the model of the request\n"})
			return
		}
		if x.body["contents"] != nil {
			x.fail(problem{Status: 400, Message: "Set one of contents and generate_content_request."})
			return
		}
		delete(body, "model")
	}
	last, bytes := contents(body)
	bytes += schemaBytes(body["tools"])
	x.body = body
	if p := x.checkGenerate("generateContent", camel(object(body["generationConfig"]))); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	n := max(tokens(bytes), 1)
	x.googleHeaders()
	x.json(fields{"totalTokens", n, "promptTokensDetails", []any{fields{"modality", "TEXT", "tokenCount", n}}})
}
