package engine

import (
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Roles of a message and types of a content part, quoted for the error text.
const (
	chatRoles      = "'system', 'developer', 'user', 'assistant', 'tool', 'function'"
	userParts      = "'text', 'image_url', 'input_audio', 'file'"
	assistantParts = "'text', 'refusal'"
	toolParts      = "'text', 'image_url', 'file'" // images: what /v1/messages allows in a tool result
	systemParts    = "'text'"
	toolCallTypes  = "'function', 'custom'"
)

func checkMessages(list document.Node) *fault {
	if f := list.Want(abi.KindArray); f != nil {
		return f
	}
	switch n := list.Len(); {
	case n == 0:
		return wrong("must hold at least one message")
	case n > MaxChatMessages:
		return wrong("holds " + strconv.Itoa(n) + " messages; at most " + strconv.Itoa(MaxChatMessages) + " are allowed")
	}
	for i, m := range list.Elements() {
		if f := checkMessage(m); f != nil {
			return f.Item(i)
		}
	}
	return nil
}

func checkMessage(m document.Node) *fault {
	if f := m.Want(abi.KindObject); f != nil {
		return f
	}
	role := m.Get("role")
	if f := oneOf(role, chatRoles); f != nil {
		return f.Under("role")
	}
	if name := m.Get("name"); given(name) {
		if f := requireString(name); f != nil {
			return f.Under("name")
		}
	}
	content := m.Get("content")
	switch role.Text() {
	case "system", "developer":
		return checkContent(content, systemParts).Under("content")
	case "user":
		return checkContent(content, userParts).Under("content")
	case "assistant":
		return checkAssistant(m, content)
	case "tool":
		if f := requireString(m.Get("tool_call_id")); f != nil {
			return f.Under("tool_call_id")
		}
		return checkContent(content, toolParts).Under("content")
	}
	// function, the forerunner of tool
	if f := requireString(m.Get("name")); f != nil {
		return f.Under("name")
	}
	if content.Kind() == abi.KindNull {
		return nil
	}
	return requireString(content).Under("content")
}

// checkAssistant: content may be missing only where something else stands for it.
func checkAssistant(m, content document.Node) *fault {
	calls := m.Get("tool_calls")
	if given(calls) {
		if f := checkToolCalls(calls); f != nil {
			return f.Under("tool_calls")
		}
	}
	if call := m.Get("function_call"); given(call) {
		if f := checkFunctionCall(call); f != nil {
			return f.Under("function_call")
		}
	}
	if text := m.Get("reasoning_content"); given(text) {
		if f := requireString(text); f != nil {
			return f.Under("reasoning_content")
		}
	}
	if blocks := m.Get("thinking_blocks"); given(blocks) {
		if f := blocks.Want(abi.KindArray); f != nil {
			return f.Under("thinking_blocks")
		}
	}
	if given(content) {
		return checkContent(content, assistantParts).Under("content")
	}
	for _, other := range [...]string{"tool_calls", "function_call", "refusal", "audio", "thinking_blocks"} {
		if given(m.Get(other)) {
			return nil
		}
	}
	return &fault{Param: "content", Why: "is required unless 'tool_calls' or 'function_call' is given"}
}

func checkToolCalls(calls document.Node) *fault {
	if f := calls.Want(abi.KindArray); f != nil {
		return f
	}
	if calls.Len() == 0 {
		return wrong("must hold at least one call; leave it out when there is none")
	}
	for i, call := range calls.Elements() {
		if f := checkToolCall(call); f != nil {
			return f.Item(i)
		}
	}
	return nil
}

func checkToolCall(call document.Node) *fault {
	if f := call.Want(abi.KindObject); f != nil {
		return f
	}
	if f := requireString(call.Get("id")); f != nil {
		return f.Under("id")
	}
	kind := call.Get("type")
	if f := oneOf(kind, toolCallTypes); f != nil {
		return f.Under("type")
	}
	if kind.Text() == "custom" {
		return checkCustomCall(call.Get("custom")).Under("custom")
	}
	return checkFunctionCall(call.Get("function")).Under("function")
}

func checkFunctionCall(call document.Node) *fault {
	if f := call.Want(abi.KindObject); f != nil {
		return f
	}
	if f := requireString(call.Get("name")); f != nil {
		return f.Under("name")
	}
	return requireString(call.Get("arguments")).Under("arguments")
}

func checkCustomCall(call document.Node) *fault {
	if f := call.Want(abi.KindObject); f != nil {
		return f
	}
	if f := requireString(call.Get("name")); f != nil {
		return f.Under("name")
	}
	return requireString(call.Get("input")).Under("input")
}

// checkContent: a string, or a non-empty array of parts of the allowed types.
func checkContent(content document.Node, allowed string) *fault {
	switch content.Kind() {
	case abi.KindString:
		return nil
	case abi.KindArray:
	case abi.KindAbsent:
		return wrong("is required and must be a string or an array of parts")
	default:
		return wrong("must be a string or an array of parts, not " + document.KindName(content.Kind()))
	}
	if content.Len() == 0 {
		return wrong("must hold at least one part")
	}
	for i, part := range content.Elements() {
		if f := checkPart(part, allowed); f != nil {
			return f.Item(i)
		}
	}
	return nil
}

func checkPart(part document.Node, allowed string) *fault {
	if f := part.Want(abi.KindObject); f != nil {
		return f
	}
	kind := part.Get("type")
	if f := oneOf(kind, allowed); f != nil {
		return f.Under("type")
	}
	switch kind.Text() {
	case "image_url":
		return checkImage(part.Get("image_url")).Under("image_url")
	case "input_audio":
		return checkAudio(part.Get("input_audio")).Under("input_audio")
	case "file":
		return checkFile(part.Get("file")).Under("file")
	case "refusal":
		return requireString(part.Get("refusal")).Under("refusal")
	}
	return requireString(part.Get("text")).Under("text")
}

func checkImage(image document.Node) *fault {
	if f := image.Want(abi.KindObject); f != nil {
		return f
	}
	url := image.Get("url")
	if f := requireString(url); f != nil {
		return f.Under("url")
	}
	if url.Len() == 0 {
		return wrong("must not be empty").Under("url")
	}
	if detail := image.Get("detail"); given(detail) {
		return requireString(detail).Under("detail")
	}
	return nil
}

func checkAudio(audio document.Node) *fault {
	if f := audio.Want(abi.KindObject); f != nil {
		return f
	}
	if f := requireString(audio.Get("data")); f != nil {
		return f.Under("data")
	}
	return requireString(audio.Get("format")).Under("format")
}

func checkFile(file document.Node) *fault {
	if f := file.Want(abi.KindObject); f != nil {
		return f
	}
	found := false
	for _, name := range [...]string{"file_id", "file_data", "file_url", "filename"} {
		n := file.Get(name)
		if !given(n) {
			continue
		}
		if f := requireString(n); f != nil {
			return f.Under(name)
		}
		found = found || name != "filename"
	}
	if !found {
		return wrong("must have 'file_id', 'file_data' or 'file_url'")
	}
	return nil
}
