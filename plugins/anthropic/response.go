package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxBlocks bounds the content blocks of an answer; a model writes a few.
const maxBlocks = 4096

// answered writes a whole answer.
func answered(message sdk.Node) sdk.Result {
	content := message.Get("content")
	if content.Kind() != abi.KindArray || content.Len() > maxBlocks {
		return chat.Unreadable("the provider sent an answer that is no message")
	}
	reason := message.Get("stop_reason")
	if !chat.IsText(reason) {
		return chat.Unreadable("the provider sent an answer without a stop reason")
	}
	choices := [1]chat.Choice{{Finish: finish(reason), Provider: provider, Content: texts[:0]}}
	choice := &choices[0]
	n, noted := recall(chat.LoadStream())
	for i := range content.Len() {
		block := content.At(i)
		switch kind := block.Get("type"); {
		case kind.Equal("text"):
			if text := block.Get("text"); chat.IsText(text) {
				choice.Content = append(choice.Content, text)
			}
			loseCitations(block.Get("citations"))
		case kind.Equal("thinking"):
			if text := block.Get("thinking"); chat.IsText(text) {
				choice.Reasoning = append(choice.Reasoning, text)
			}
			if signature := block.Get("signature"); chat.IsText(signature) {
				choice.Thoughts = append(choice.Thoughts, chat.Thought{Text: block.Get("thinking"), Signature: signature})
			}
		case kind.Equal("redacted_thinking") && chat.IsText(block.Get("data")):
			choice.Thoughts = append(choice.Thoughts, chat.Thought{Data: block.Get("data")})
		case kind.Equal("tool_use"):
			if noted && n.isAnswer(block.Get("name")) {
				choice.Object = block.Get("input")
				continue
			}
			call := callOf(block)
			if noted && n.isFree(call.Name) {
				call.Free = true
				if text := call.Arguments.Get(freeInput); text.Kind() == abi.KindString {
					call.Arguments = text
				}
			}
			choice.Calls = append(choice.Calls, call)
		default:
			lose(kind)
		}
	}
	if noted && n.answer && choice.Finish == chat.FinishToolCalls && len(choice.Calls) == 0 {
		choice.Finish = chat.FinishStop
	}
	if choice.Finish == chat.FinishContentFilter {
		choice.Refusal = message.Get("stop_details").Get("explanation")
	}
	answer := chat.Completion{ID: message.Get("id"), Model: message.Get("model"), Choices: choices[:]}
	count(&answer.Usage, message.Get("usage"))
	answer.Usage = exact(answer.Usage)
	answer.Emit()
	return sdk.OK
}

// texts is the memory of an answer's texts, which holds handles only.
var texts = make([]sdk.Node, 0, 16)

// callOf reads a tool_use block.
func callOf(block sdk.Node) chat.ToolCall {
	return chat.ToolCall{ID: block.Get("id"), Name: block.Get("name"), Arguments: block.Get("input")}
}

// loseCitations reports that citations are dropped: those of documents name places in
// a file that the canonical form has no words for.
func loseCitations(citations sdk.Node) {
	if citations != 0 && citations.Kind() != abi.KindNull {
		sdk.Lossy("content[].citations")
	}
}

// lose reports a block that the canonical form has no place for. Only types that
// the API is known to send are named, so that their number is bounded.
func lose(kind sdk.Node) {
	switch name := string(chat.Word(kind)); name {
	case "server_tool_use", "redacted_thinking", "container_upload":
		sdk.Lossy("content[]." + name)
	default:
		sdk.Lossy("content[]")
	}
}

// finish maps a stop reason. One that is not known yet still is the provider's
// word that the answer has ended. pause_turn asks to be continued, which the
// canonical form can say only as an answer cut by its length.
func finish(reason sdk.Node) string {
	switch string(chat.Word(reason)) {
	case "max_tokens", "model_context_window_exceeded", "pause_turn":
		return chat.FinishLength
	case "refusal":
		return chat.FinishContentFilter
	case "tool_use":
		return chat.FinishToolCalls
	}
	return chat.FinishStop
}

// count overwrites the counters that the usage object names. In a stream they are
// cumulative, and servers differ in which event names which.
func count(u *chat.Usage, usage sdk.Node) {
	if usage.Kind() != abi.KindObject {
		return
	}
	overwrite(u, &u.Uncached, usage.Get("input_tokens"))
	overwrite(u, &u.Output, usage.Get("output_tokens"))
	overwrite(u, &u.CacheRead, usage.Get("cache_read_input_tokens"))
	overwrite(u, &u.CacheWrite, usage.Get("cache_creation_input_tokens"))
	if writes := usage.Get("cache_creation"); writes != 0 {
		overwrite(u, &u.CacheWrite1h, writes.Get("ephemeral_1h_input_tokens"))
	}
	if details := usage.Get("output_tokens_details"); details != 0 {
		overwrite(u, &u.Reasoning, details.Get("thinking_tokens"))
	}
	if calls := usage.Get("server_tool_use"); calls != 0 && calls.Kind() == abi.KindObject {
		u.ServerCalls = 0
		for i := range min(calls.Len(), maxServerTools) {
			u.ServerCalls += chat.Count(calls.At(i))
		}
	}
}

// maxServerTools bounds the kinds of server tools that are counted.
const maxServerTools = 64

func overwrite(u *chat.Usage, to *int64, value sdk.Node) {
	if value != 0 && value.Kind() == abi.KindNumber {
		*to, u.Known = chat.Count(value), true
	}
}
