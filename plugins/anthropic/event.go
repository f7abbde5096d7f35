package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Event implements sdk.Adapter. An event is known by the type inside its data,
// which names it even where a proxy has dropped the SSE event line; one of an
// unknown type says nothing, as the API's versioning policy has it.
func (Adapter) Event() sdk.Result {
	if sdk.EventName() == abi.EventEOF {
		return end()
	}
	data := sdk.Response()
	if data.Kind() != abi.KindObject {
		return chat.Unreadable("the provider sent a stream event that is not an object")
	}
	switch data.Get("type").Text() {
	case "content_block_delta":
		return delta(data.Get("delta"))
	case "content_block_start":
		return blockStart(data.Get("content_block"))
	case "message_start":
		return messageStart(data.Get("message"))
	case "message_delta":
		return messageDelta(data)
	case "error":
		return failure(data.Get("error"), sdk.Status()).Fail()
	}
	return sdk.OK
}

// messageStart takes id, model and the counts of the prompt. Some proxies repeat
// the event; only its counts are taken again.
func messageStart(message sdk.Node) sdk.Result {
	s := chat.LoadStream()
	s.Identify(message.Get("id"), message.Get("model"))
	count(&s.Usage, message.Get("usage"))
	s.Start(0)
	s.Save()
	return sdk.OK
}

// blockStart sends what a server has put into the block's opening already;
// Anthropic itself leaves text and thinking to the deltas.
func blockStart(block sdk.Node) sdk.Result {
	s := chat.LoadStream()
	switch kind := block.Get("type"); {
	case kind.Equal("text"):
		s.Content(0, block.Get("text"))
	case kind.Equal("thinking"):
		s.Reasoning(0, block.Get("thinking"))
	default:
		lose(kind)
	}
	s.Save()
	return sdk.OK
}

func delta(delta sdk.Node) sdk.Result {
	s := chat.LoadStream()
	switch kind := delta.Get("type"); {
	case kind.Equal("text_delta"):
		s.Content(0, delta.Get("text"))
	case kind.Equal("thinking_delta"):
		s.Reasoning(0, delta.Get("thinking"))
	}
	s.Save()
	return sdk.OK
}

// messageDelta takes the final counts and, with the stop reason, finishes the
// answer: no content may follow it, so what comes after is waited for by no one.
func messageDelta(data sdk.Node) sdk.Result {
	s := chat.LoadStream()
	count(&s.Usage, data.Get("usage"))
	change := data.Get("delta")
	if reason := change.Get("stop_reason"); chat.IsText(reason) {
		why := finish(reason)
		if why == chat.FinishContentFilter {
			s.Refusal(0, change.Get("stop_details").Get("explanation"))
		}
		s.Finish(0, why)
	}
	if s.Finished() {
		s.SendUsage()
	}
	s.Save()
	return sdk.OK
}

// end closes the stream. One that was cut before its stop reason gets none, and no
// usage either: the output tokens counted so far are those of the first event.
func end() sdk.Result {
	if s := chat.LoadStream(); s.Finished() {
		s.SendUsage()
		s.Save()
	}
	return sdk.OK
}
