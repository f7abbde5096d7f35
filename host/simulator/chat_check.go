package simulator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Members inside a chat request (OpenAI's OpenAPI, 2026-08). Clients give messages back
// as they got them, with members of their own: only those of other vendors' extensions
// are refused there.
var (
	foreignMembers  = []string{"cache_control", "extra_content", "reasoning", "reasoning_content", "thinking_blocks"}
	chatPartMembers = map[string]map[string]bool{
		"text":        members("type", "text", "prompt_cache_breakpoint"),
		"image_url":   members("type", "image_url", "prompt_cache_breakpoint"),
		"input_audio": members("type", "input_audio", "prompt_cache_breakpoint"),
		"file":        members("type", "file", "prompt_cache_breakpoint"),
		"refusal":     members("type", "refusal"),
	}
	chatToolMembers     = members("type", "function", "custom")
	chatFunctionMembers = members("name", "description", "parameters", "strict")
	functionName        = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// maxCallID is the longest id of a call that Chat Completions takes back, in bytes.
const maxCallID = 40

func invalid(param, code, format string, args ...any) *problem {
	return &problem{Status: 400, Param: param, Code: code, Message: fmt.Sprintf(format, args...)}
}

func unknownParameter(param string) *problem {
	return invalid(param, "unknown_parameter", "Unknown parameter: '%s'.", param)
}

func emptyArray(param string) *problem {
	return invalid(param, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", param)
}

// checkChat refuses what the real server refuses. A compatible server (raptor)
// passes over what it does not know, as most of them do.
func (x *exchange) checkChat() *problem {
	model, strict := x.row.Model, x.provider == "openai"
	messages, isList := x.body["messages"].([]any)
	switch unknown := unknownMember(x.body, chatMembers); {
	case model == "":
		return &problem{Status: 400, Message: "you must provide a model parameter"}
	case strict && unknown != "":
		return &problem{Status: 400, Message: "Unrecognized request argument supplied: " + unknown}
	case !isList:
		return invalid("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	case len(messages) == 0:
		return emptyArray("messages")
	case !knows(x.provider, model, x.created):
		return &problem{Status: 404, Code: "model_not_found", Message: "The model `" + model + "` does not exist or you do not have access to it."}
	case strict && embeds(model):
		return &problem{Status: 404, Param: "model", Message: "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?"}
	case strict && strings.Contains(model, "codex"):
		return &problem{Status: 404, Param: "model", Message: "This model is only supported in v1/responses and not in v1/chat/completions."}
	}
	if p := checkChatPairs(messages); p != nil {
		return p
	}
	if !strict {
		return nil
	}
	for i, m := range messages {
		if p := checkChatMessage(fmt.Sprintf("messages[%d]", i), object(m)); p != nil {
			return p
		}
	}
	if p := x.checkChatTools(); p != nil {
		return p
	}
	if p := x.checkChatOptions(messages); p != nil {
		return p
	}
	return x.checkReasoningModel()
}

// checkReasoningModel refuses what reasoning models refuse, and effort elsewhere.
func (x *exchange) checkReasoningModel() *problem {
	model := x.row.Model
	effort, hasEffort := x.body["reasoning_effort"]
	if !reasoning(model) {
		if hasEffort {
			return &problem{Status: 400, Message: "Unrecognized request argument supplied: reasoning_effort"}
		}
		return nil
	}
	if _, set := x.body["max_tokens"]; set {
		return invalid("max_tokens", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
	}
	for _, name := range []string{"temperature", "top_p"} {
		if v, set := x.body[name]; set && v != 1.0 {
			return invalid(name, "unsupported_value", "Unsupported value: '%s' does not support this value with this model. Only the default (1) value is supported.", name)
		}
	}
	for _, name := range []string{"presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"} {
		if _, set := x.body[name]; set {
			return invalid(name, "unsupported_parameter", "Unsupported parameter: '%s' is not supported with this model.", name)
		}
	}
	later := strings.HasPrefix(model, "gpt-5.5") || strings.HasPrefix(model, "gpt-5.6")
	if x.body["tools"] != nil && effort != "none" && (later || strings.HasPrefix(model, "gpt-5.4") && hasEffort) {
		return invalid("reasoning_effort", "unsupported_parameter", "Function tools with reasoning_effort are not supported for %s in /v1/chat/completions. Please use /v1/responses instead.", model)
	}
	return nil
}

// checkChatPairs checks that results follow their calls.
func checkChatPairs(messages []any) *problem {
	open, at := map[string]bool{}, 0
	unanswered := func() *problem {
		if len(open) == 0 {
			return nil
		}
		return invalid(fmt.Sprintf("messages.[%d].role", at), "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", keysOf(open))
	}
	inRun := false
	for i, m := range messages {
		message := object(m)
		at = i
		if text(message["role"]) == "tool" {
			id := text(message["tool_call_id"])
			if !inRun || !open[id] {
				return invalid(fmt.Sprintf("messages.[%d].role", i), "", "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
			}
			delete(open, id)
			continue
		}
		if p := unanswered(); p != nil {
			return p
		}
		inRun = false
		for _, c := range list(message["tool_calls"]) {
			open[text(object(c)["id"])], inRun = true, true
		}
	}
	return unanswered()
}

func keysOf(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), ", ") }

func foreignMember(object map[string]any) string {
	for _, name := range foreignMembers {
		if _, set := object[name]; set {
			return name
		}
	}
	return ""
}

// checkChatMessage checks one message and its parts.
func checkChatMessage(at string, m map[string]any) *problem {
	if name := foreignMember(m); name != "" {
		return unknownParameter(at + "." + name)
	}
	role := text(m["role"])
	switch role {
	case "system", "developer", "user", "assistant", "tool", "function":
	default:
		return invalid(at+".role", "invalid_value", "Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", role)
	}
	calls, hasCalls := m["tool_calls"].([]any)
	switch {
	case hasCalls && len(calls) == 0:
		return emptyArray(at + ".tool_calls")
	case m["content"] == nil && !hasCalls && m["refusal"] == nil && m["audio"] == nil && m["function_call"] == nil:
		return invalid(strings.Replace(at, "[", ".[", 1)+".content", "", "Invalid value for 'content': expected a string, got null.")
	}
	for i, c := range calls {
		here, c := fmt.Sprintf("%s.tool_calls[%d]", at, i), object(c)
		if name := foreignMember(c); name != "" {
			return unknownParameter(here + "." + name)
		}
		if id := text(c["id"]); len(id) > maxCallID {
			return invalid(here+".id", "string_above_max_length", "Invalid '%s.id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", here, maxCallID, len(id))
		}
		if _, ok := object(c["function"])["arguments"].(string); !ok && c["function"] != nil {
			return invalid(here+".function.arguments", "invalid_type", "Invalid type for '%s.function.arguments': expected a string.", here)
		}
	}
	parts, isList := m["content"].([]any)
	if isList && len(parts) == 0 {
		return emptyArray(at + ".content")
	}
	for i, p := range parts {
		here, part := fmt.Sprintf("%s.content[%d]", at, i), object(p)
		kind := text(part["type"])
		known, ok := chatPartMembers[kind]
		if !ok || role == "tool" && kind != "text" || role == "assistant" && kind != "text" && kind != "refusal" {
			return invalid(here+".type", "invalid_value", "Invalid value: '%s'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.", kind)
		}
		if name := unknownMember(part, known); name != "" {
			return unknownParameter(here + "." + name)
		}
		if _, bad := openAIMedia(part); bad {
			if kind == "image_url" {
				return invalid(here+".image_url.url", "invalid_image_url", "Failed to download image from %s. Image URL is invalid.", bounded(text(object(part["image_url"])["url"])))
			}
			return invalid(here, "invalid_value", "Invalid base64 data at '%s'.", here)
		}
	}
	return nil
}

// checkChatTools checks the tools and what may only stand beside them.
func (x *exchange) checkChatTools() *problem {
	tools, set := x.body["tools"].([]any)
	if !set {
		for _, name := range []string{"tool_choice", "parallel_tool_calls"} {
			if v, has := x.body[name]; has && v != "none" {
				return invalid(name, "", "Invalid value for '%s': '%s' is only allowed when 'tools' are specified.", name, name)
			}
		}
		return nil
	}
	if len(tools) == 0 {
		return emptyArray("tools")
	}
	for i, t := range tools {
		at, tool := fmt.Sprintf("tools[%d]", i), object(t)
		if name := unknownMember(tool, chatToolMembers); name != "" {
			return unknownParameter(at + "." + name)
		}
		if text(tool["type"]) == "custom" {
			continue
		}
		function := object(tool["function"])
		if p := checkFunction(at+".function", function); p != nil {
			return p
		}
	}
	if named := text(object(object(x.body["tool_choice"])["function"])["name"]); named != "" {
		for _, t := range tools {
			if text(object(object(t)["function"])["name"]) == named {
				return nil
			}
		}
		return invalid("tool_choice", "", "Invalid value: Tool choice '%s' not found in 'tools' parameter.", named)
	}
	return nil
}

// checkFunction checks a function's declaration, of Chat or of Responses.
func checkFunction(at string, function map[string]any) *problem {
	name := text(function["name"])
	if name == "" {
		return invalid(at+".name", "missing_required_parameter", "Missing required parameter: '%s.name'.", at)
	}
	if !functionName.MatchString(name) {
		return invalid(at+".name", "invalid_value", "Invalid '%s.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", at)
	}
	if at[len(at)-1] != ']' {
		if unknown := unknownMember(function, chatFunctionMembers); unknown != "" {
			return unknownParameter(at + "." + unknown)
		}
	}
	if schema := function["parameters"]; schema != nil {
		if kindOf(object(schema)) != "object" {
			return invalid(at+".parameters", "invalid_function_parameters", "Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"'.", name)
		}
		if function["strict"] == true && !strictSchema(schema, 0) {
			return invalid(at+".parameters", "invalid_function_parameters", "Invalid schema for function '%s': In context=(), 'additionalProperties' is required to be supplied and to be false.", name)
		}
	}
	return nil
}

// strictSchema reports whether every object of the schema is closed and requires all
// of its properties, as strict asks.
func strictSchema(schema any, depth int) bool {
	s := object(schema)
	if s == nil || depth > maxNesting {
		return true
	}
	if properties := object(s["properties"]); properties != nil || text(s["type"]) == "object" {
		if s["additionalProperties"] != false || len(list(s["required"])) != len(properties) {
			return false
		}
		for _, p := range properties {
			if !strictSchema(p, depth+1) {
				return false
			}
		}
	}
	for _, p := range object(s["$defs"]) {
		if !strictSchema(p, depth+1) {
			return false
		}
	}
	for _, p := range list(s["anyOf"]) {
		if !strictSchema(p, depth+1) {
			return false
		}
	}
	return strictSchema(s["items"], depth+1)
}

// checkChatOptions checks what bounds and shapes the answer.
func (x *exchange) checkChatOptions(messages []any) *problem {
	if _, set := x.body["stream_options"]; set && x.body["stream"] != true {
		return invalid("stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	if n := len(list(x.body["stop"])); n > 4 {
		return invalid("stop", "array_above_max_length", "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length %d instead.", n)
	}
	if _, set := x.body["top_logprobs"]; set && x.body["logprobs"] != true {
		return invalid("top_logprobs", "", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
	}
	format := object(x.body["response_format"])
	if text(format["type"]) == "json_schema" {
		return checkFormat("response_format.json_schema", object(format["json_schema"]))
	}
	if text(format["type"]) == "json_object" {
		for _, m := range messages {
			if strings.Contains(strings.ToLower(joined(object(m)["content"])), "json") {
				return nil
			}
		}
		return invalid("messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
	}
	return nil
}

// checkFormat checks the schema of an answer, of Chat or of Responses.
func checkFormat(at string, format map[string]any) *problem {
	name := text(format["name"])
	switch {
	case !functionName.MatchString(name):
		return invalid(at+".name", "missing_required_parameter", "Missing required parameter: '%s.name'.", at)
	case object(format["schema"]) == nil:
		return invalid(at+".schema", "missing_required_parameter", "Missing required parameter: '%s.schema'.", at)
	case format["strict"] == true && !strictSchema(format["schema"], 0):
		return invalid("response_format", "", "Invalid schema for response_format '%s': In context=(), 'additionalProperties' is required to be supplied and to be false.", name)
	}
	return nil
}
