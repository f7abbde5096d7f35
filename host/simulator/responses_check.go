package simulator

import (
	"fmt"
	"strings"
)

// Members of POST /v1/responses and of its items (OpenAI's OpenAPI, 2026-08).
var (
	responsesMembers = members("model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
		"parallel_tool_calls", "max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs", "text", "reasoning", "include",
		"store", "stream", "stream_options", "truncation", "background", "prompt", "metadata", "service_tier", "safety_identifier",
		"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "context_management", "moderation", "user")
	itemMembers = map[string]map[string]bool{
		"message":              members("type", "role", "content", "id", "status", "phase"),
		"function_call":        members("type", "call_id", "name", "arguments", "id", "status", "namespace", "caller"),
		"function_call_output": members("type", "call_id", "output", "id", "status", "caller"),
		"reasoning":            members("type", "id", "summary", "content", "encrypted_content", "status"),
	}
	itemIDs          = map[string]string{"message": "msg", "function_call": "fc", "reasoning": "rs"}
	inputPartMembers = map[string]map[string]bool{
		"input_text":  members("type", "text", "prompt_cache_breakpoint"),
		"input_image": members("type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"),
		"input_file":  members("type", "file_id", "filename", "file_data", "file_url", "detail", "prompt_cache_breakpoint"),
		"output_text": members("type", "text", "annotations", "logprobs"),
		"refusal":     members("type", "refusal"),
	}
	flatToolMembers = members("type", "name", "description", "parameters", "strict", "defer_loading", "allowed_callers", "output_schema")
)

// maxItemCallID is the longest call_id, in bytes.
const maxItemCallID = 64

// checkResponses refuses what the real server refuses.
func (x *exchange) checkResponses() *problem {
	model := x.row.Model
	if name := unknownMember(x.body, responsesMembers); name != "" {
		return unknownParameter(name)
	}
	if model == "" {
		return invalid("model", "missing_required_parameter", "Missing required parameter: 'model'.")
	}
	if !knows(x.provider, model, x.created) {
		return invalid("model", "model_not_found", "The requested model '%s' does not exist.", model)
	}
	if limit, set := x.body["max_output_tokens"]; set && limit != nil && number(limit) < 16 {
		return invalid("max_output_tokens", "integer_below_min_value", "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.")
	}
	if x.provider == "openai" {
		if reasoning(model) {
			for _, name := range []string{"temperature", "top_p"} {
				if v, set := x.body[name]; set && v != nil {
					return invalid(name, "unsupported_parameter", "Unsupported parameter: '%s' is not supported with this model.", name)
				}
			}
		} else if object(x.body["reasoning"])["effort"] != nil {
			return invalid("reasoning.effort", "unsupported_parameter", "Unsupported parameter: 'reasoning.effort' is not supported with this model.")
		}
	}
	if p := checkInput(x.body["input"]); p != nil {
		return p
	}
	if p := x.checkItems(list(x.body["input"])); p != nil {
		return p
	}
	for i, t := range list(x.body["tools"]) {
		tool := object(t)
		if text(tool["type"]) != "function" {
			continue
		}
		at := fmt.Sprintf("tools[%d]", i)
		if name := unknownMember(tool, flatToolMembers); name != "" {
			return unknownParameter(at + "." + name)
		}
		if p := checkFunction(at, tool); p != nil {
			return p
		}
	}
	if format := object(object(x.body["text"])["format"]); text(format["type"]) == "json_schema" {
		return checkFormat("text.format", format)
	}
	return nil
}

// checkInput refuses an input that is missing, empty, or has content of the wrong side.
func checkInput(input any) *problem {
	switch v := input.(type) {
	case string:
	case []any:
		if len(v) == 0 {
			return emptyArray("input")
		}
	default:
		return invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	for i, v := range list(input) {
		role := text(object(v)["role"])
		for j, c := range list(object(v)["content"]) {
			kind := text(object(c)["type"])
			said := kind == "output_text" || kind == "refusal"
			param := fmt.Sprintf("input[%d].content[%d]", i, j)
			if role != "" && said != (role == "assistant") {
				return invalid(param, "invalid_value", "Invalid value: '%s' for the role '%s'.", kind, role)
			}
			if role == "" {
				continue
			}
			known, ok := inputPartMembers[kind]
			if !ok {
				return invalid(param, "invalid_value", "Invalid value: '%s'. Supported values are: 'input_text', 'input_image', 'output_text', 'refusal', 'input_file', 'computer_screenshot', and 'summary_text'.", kind)
			}
			if name := unknownMember(object(c), known); name != "" {
				return unknownParameter(param + "." + name)
			}
			if _, bad := openAIMedia(object(c)); bad {
				return invalid(param+".image_url", "invalid_value", "Invalid '%s.image_url'. Expected a valid URL.", param)
			}
		}
	}
	return nil
}

// checkItems checks the members of items, and that results and reasoning stand where
// they belong.
func (x *exchange) checkItems(all []any) *problem {
	called, answered := map[string]bool{}, map[string]bool{}
	for i, v := range all {
		in := object(v)
		kind := orElse(text(in["type"]), "message")
		at := fmt.Sprintf("input[%d]", i)
		known, ok := itemMembers[kind]
		if !ok {
			continue
		}
		if name := unknownMember(in, known); name != "" {
			return unknownParameter(at + "." + name)
		}
		if id := text(in["id"]); id != "" && itemIDs[kind] != "" && !strings.HasPrefix(id, itemIDs[kind]) {
			return invalid(at+".id", "invalid_value", "Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.", at, bounded(id), itemIDs[kind])
		}
		id := text(in["call_id"])
		if len(id) > maxItemCallID {
			return invalid(at+".call_id", "string_above_max_length", "Invalid '%s.call_id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxItemCallID, len(id))
		}
		switch kind {
		case "function_call":
			if id == "" || text(in["name"]) == "" {
				return invalid(at+".call_id", "missing_required_parameter", "Missing required parameter: '%s.call_id'.", at)
			}
			if _, ok := in["arguments"].(string); !ok {
				return invalid(at+".arguments", "invalid_type", "Invalid type for '%s.arguments': expected a string.", at)
			}
			called[id] = true
		case "function_call_output":
			if !called[id] {
				return invalid("input", "", "No tool call found for function call output with call_id %s.", bounded(id))
			}
			answered[id] = true
		case "reasoning":
			if p := x.checkReasoningItem(at, in, all[i+1:]); p != nil {
				return p
			}
		}
	}
	for id := range answered {
		delete(called, id)
	}
	if len(called) > 0 {
		return invalid("input", "", "No tool output found for function call %s.", keysOf(called))
	}
	return nil
}

// checkReasoningItem checks that what was thought comes back as it was, before what
// followed it.
func (x *exchange) checkReasoningItem(at string, in map[string]any, rest []any) *problem {
	id := text(in["id"])
	if len(rest) == 0 || object(rest[0])["role"] == "user" || text(object(rest[0])["type"]) == "function_call_output" {
		return invalid("input", "", "Item '%s' of type 'reasoning' was provided without its required following item.", bounded(id))
	}
	sealed := text(in["encrypted_content"])
	if sealed != "" && !x.signed(sealed) {
		return invalid("", "invalid_encrypted_content", "The encrypted content for item %s could not be verified.", bounded(id))
	}
	if sealed == "" && x.body["store"] == false {
		return &problem{Status: 404, Param: "input", Message: "Item with id '" + bounded(id) + "' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."}
	}
	if _, ok := in["summary"].([]any); !ok {
		return invalid(at+".summary", "missing_required_parameter", "Missing required parameter: '%s.summary'.", at)
	}
	return nil
}
