package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxBlocks bounds the content blocks of an answer; a model writes a few.
const maxBlocks = 4096

// Response implements sdk.Adapter.
func (Adapter) Response() sdk.Result {
	message := sdk.Response()
	if err := message.Get("error"); err.Kind() == abi.KindObject {
		return failure(err, sdk.Status()).Fail()
	}
	content := message.Get("content")
	if content.Kind() != abi.KindArray || content.Len() > maxBlocks {
		return chat.Unreadable("the provider sent an answer that is no message")
	}
	reason := message.Get("stop_reason")
	if !chat.IsText(reason) {
		return chat.Unreadable("the provider sent an answer without a stop reason")
	}
	choice := chat.Choice{Finish: finish(reason)}
	for i := range content.Len() {
		block := content.At(i)
		switch kind := block.Get("type"); {
		case kind.Equal("text"):
			if text := block.Get("text"); chat.IsText(text) {
				choice.Content = append(choice.Content, text)
			}
		case kind.Equal("thinking"):
			if text := block.Get("thinking"); chat.IsText(text) {
				choice.Reasoning = append(choice.Reasoning, text)
			}
		default:
			lose(kind)
		}
	}
	if choice.Finish == chat.FinishContentFilter {
		choice.Refusal = message.Get("stop_details").Get("explanation")
	}
	answer := chat.Completion{ID: message.Get("id"), Model: message.Get("model"), Choices: []chat.Choice{choice}}
	count(&answer.Usage, message.Get("usage"))
	answer.Emit()
	return sdk.OK
}

// lose reports a block that the canonical form has no place for. Only types that
// the API is known to send are named, so that their number is bounded.
func lose(kind sdk.Node) {
	switch name := kind.Slice(0, 64).Text(); name {
	case "tool_use", "server_tool_use", "redacted_thinking", "container_upload":
		sdk.Lossy("content[]." + name)
	default:
		sdk.Lossy("content[]")
	}
}

// finish maps a stop reason. One that is not known yet still is the provider's
// word that the answer has ended. pause_turn asks to be continued, which the
// canonical form can say only as an answer cut by its length.
func finish(reason sdk.Node) string {
	switch reason.Text() {
	case "max_tokens", "model_context_window_exceeded", "pause_turn":
		return chat.FinishLength
	case "refusal":
		return chat.FinishContentFilter
	}
	return chat.FinishStop
}

// count overwrites the counters that the usage object names. In a stream they are
// cumulative, and servers differ in which event names which.
func count(u *chat.Usage, usage sdk.Node) {
	if usage.Kind() != abi.KindObject {
		return
	}
	for i := range min(usage.Len(), 64) {
		value := usage.At(i)
		switch usage.Key(i) {
		case "input_tokens":
			overwrite(u, &u.Uncached, value)
		case "output_tokens":
			overwrite(u, &u.Output, value)
		case "cache_read_input_tokens":
			overwrite(u, &u.CacheRead, value)
		case "cache_creation_input_tokens":
			overwrite(u, &u.CacheWrite, value)
		case "cache_creation":
			overwrite(u, &u.CacheWrite1h, value.Get("ephemeral_1h_input_tokens"))
		case "output_tokens_details":
			overwrite(u, &u.Reasoning, value.Get("thinking_tokens"))
		case "server_tool_use":
			u.ServerCalls = 0
			for j := range min(value.Len(), 64) {
				u.ServerCalls += chat.Count(value.At(j))
			}
		}
	}
}

func overwrite(u *chat.Usage, to *int64, value sdk.Node) {
	if value.Kind() == abi.KindNumber {
		*to, u.Known = chat.Count(value), true
	}
}
