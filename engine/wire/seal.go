package wire

import (
	"bytes"

	"github.com/pointsman/pointsman/engine/document"
)

// ForeignMessages reports whether the conversation of a Messages body holds something that
// Anthropic did not make and would refuse: thinking that another provider signed, or that
// nobody did, and extra_content of calls. An answer that was translated has such parts,
// and comes back with the next turn.
func ForeignMessages(root document.Node) bool {
	for _, m := range root.Get("messages").Elements() {
		if !is(m.Get("role"), "assistant") {
			continue
		}
		for _, block := range m.Get("content").Elements() {
			switch kind := block.Get("type"); {
			case is(kind, "thinking"):
				if signature := inner(block.Get("signature")); len(signature) == 0 || bytes.HasPrefix(signature, []byte(seal)) {
					return true
				}
			case is(kind, "redacted_thinking"):
				if bytes.HasPrefix(inner(block.Get("data")), []byte(seal)) {
					return true
				}
			case is(kind, "tool_use"):
				if block.Get("extra_content").Exists() {
					return true
				}
			}
		}
	}
	return false
}

// ForeignInput is ForeignMessages for a body of the Responses API: reasoning that OpenAI
// neither encrypted nor has stored, and extra_content of calls.
func ForeignInput(root document.Node) bool {
	for _, item := range root.Get("input").Elements() {
		if item.Get("extra_content").Exists() {
			return true
		}
		if is(item.Get("type"), "reasoning") && !ownReasoning(item) && (item.Get("encrypted_content").Len() > 0 || !ownID(item.Get("id"))) {
			return true
		}
	}
	return false
}
