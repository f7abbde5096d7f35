package engine

import (
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// chatPath is that of the chat wire, for base URLs as nativePaths has them.
const chatPath = "/chat/completions"

// chatHeaders are sent with every chat body. Read only.
var chatHeaders = []Pair{{Name: "content-type", Value: "application/json"}}

// speaksChat reports whether the target is called by the canonical wire itself and nothing
// is known of its server that only the adapter can deal with. Then a body, an answer or an
// event in which nothing is to be changed by the adapter need not be shown to it.
// See RATIONALE.md, "When is the chat wire's adapter not asked?".
func (r *Request) speaksChat(m *Model, p *Provider, adapter *ManifestProvider) bool {
	return adapter != nil && m.API == APIChat && r.operation() == abi.OperationChat &&
		slices.Contains(adapter.Native, string(APIChat)) && p.ConfigNode().Len() == 0
}

// chatRequest is the canonical body with the target's model, without what is ours. ok is
// false when something in it is for the adapter to put otherwise.
func (a *attempt) chatRequest() (request AdapterRequest, ok bool) {
	doc := a.canonical()
	root := doc.Root()
	if !plainChat(root, a.target.Model) {
		return AdapterRequest{}, false
	}
	request = AdapterRequest{Method: "POST", Path: chatPath, Headers: chatHeaders}
	for _, h := range a.x.r.Headers {
		if h.Name == "openai-beta" && h.Value != "" {
			request.Headers = []Pair{h, chatHeaders[0]}
		}
	}
	model := document.AppendString(make([]byte, 0, 64), a.target.Model.UpstreamID)
	streamed := root.Get("stream").Bool()
	asks := false
	body := splice{doc: doc, out: a.bodyRoom(len(doc.Bytes()) + len(model) + len(askUsage))}
	body.object(root, func(name string, _ document.Node) change {
		switch name {
		case "model":
			return replaced(model)
		case "models", "metadata":
			return leftOut
		case "stream_options":
			if streamed {
				asks = true
				return replaced([]byte(askUsage[len(`"stream_options":`):]))
			}
		}
		return asItIs
	}, func() []byte {
		if streamed && !asks {
			return []byte(askUsage)
		}
		return nil
	})
	request.Body = body.out
	return request, true
}

// askUsage has the counts sent at the end of a stream, which could only be estimated
// without them. The caller who did not ask for them does not see them.
const askUsage = `"stream_options":{"include_usage":true}`

// plainChat reports whether a canonical body is one of OpenAI's as it stands, but for the
// model's name and what is ours at its top. False is no verdict: the adapter looks closer.
func plainChat(root document.Node, m *Model) bool {
	if len(m.Unsupported) > 0 && !plainFor(root, m) {
		return false
	}
	for from, to := range m.Rename {
		if root.Get(from).Exists() || root.Get(to).Exists() {
			return false
		}
	}
	messages, model, metadata, stored := false, false, false, false
	for name, value := range root.Members() {
		switch name {
		case "model":
			model = true
		case "messages":
			if messages = plainMessages(value); !messages {
				return false
			}
		case "tools":
			if !plainTools(value) {
				return false
			}
		case "metadata":
			metadata = true
		case "store":
			stored = value.Bool()
		case "stream_options":
			if n := value.Len(); value.Kind() != abi.KindObject || n > 1 || n == 1 && !value.Get("include_usage").Exists() {
				return false
			}
		case "top_k", "cache_control":
			return false // of other wires
		}
	}
	return messages && model && !(metadata && stored)
}

// plainFor reports whether a body says nothing that the model does not take.
func plainFor(root document.Node, m *Model) bool {
	for _, names := range m.Unsupported {
		for name := range strings.SplitSeq(names, "+") {
			if name == "developer" || name == "system" || name == "stream_options" || root.Get(name).Exists() {
				return false
			}
		}
	}
	return true
}

func plainMessages(messages document.Node) bool {
	if messages.Kind() != abi.KindArray {
		return false
	}
	for _, message := range messages.Elements() {
		if !plainMessage(message) {
			return false
		}
	}
	return true
}

// plainMessage knows the members that OpenAI's API reference (2026-08) has in messages of
// text, calls and results; any other is for the adapter.
func plainMessage(message document.Node) bool {
	content := message.Get("content")
	kind := content.Kind()
	switch kind {
	case abi.KindString:
	case abi.KindArray:
		for _, part := range content.Elements() {
			if !plainPart(part) {
				return false
			}
		}
	default:
		// Nothing is said where something is called.
		if message.Get("tool_calls").Kind() != abi.KindArray {
			return false
		}
	}
	if message.Len() == 2 && content.Exists() {
		return message.Get("role").Kind() == abi.KindString
	}
	for name, value := range message.Members() {
		switch name {
		case "role", "content", "name":
		case "refusal":
			if kind != abi.KindString && kind != abi.KindArray {
				return false
			}
		case "tool_call_id":
			if kind == abi.KindArray && !plainTexts(content) {
				return false
			}
		case "tool_calls":
			// Beside calls OpenAI has null where others have an empty text.
			if value.Kind() != abi.KindArray || value.Len() == 0 || kind == abi.KindString && content.Len() == 0 {
				return false
			}
			for _, call := range value.Elements() {
				if call.Kind() != abi.KindObject || call.Len() > 3 || call.Get("extra_content").Exists() {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

// plainPart reports whether a part is a type and what belongs to it.
func plainPart(part document.Node) bool {
	return part.Kind() == abi.KindObject && part.Len() <= 2 && !part.Get("cache_control").Exists() && !part.Get("file").Get("file_url").Exists()
}

// plainTexts reports whether all parts are texts, the only ones that a tool's message holds.
func plainTexts(parts document.Node) bool {
	for _, part := range parts.Elements() {
		if part.Get("type").Text() != "text" {
			return false
		}
	}
	return true
}

func plainTools(tools document.Node) bool {
	if tools.Kind() != abi.KindArray || tools.Len() == 0 {
		return false
	}
	for _, tool := range tools.Elements() {
		if tool.Kind() != abi.KindObject || tool.Len() > 2 && tool.Get("cache_control").Exists() {
			return false
		}
	}
	return true
}
