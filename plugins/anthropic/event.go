package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Event implements sdk.Adapter. An event is known by its name, or by the type
// inside its data where a proxy has dropped the SSE event line; one of an unknown
// type says nothing, as the API's versioning policy has it.
func (Adapter) Event() sdk.Result {
	name, data := sdk.EventName(), sdk.Response()
	switch name {
	case abi.EventEOF:
		return end()
	case "":
		name = string(chat.Word(data.Get("type")))
	}
	switch name {
	case "content_block_delta":
		return delta(data)
	case "content_block_start":
		return blockStart(data)
	case "content_block_stop":
		return blockStop(data)
	case "message_start":
		return messageStart(data)
	case "message_delta":
		return messageDelta(data)
	case "error":
		return failure(data.Get("error"), sdk.Status()).Fail()
	}
	return readable(data)
}

// readable fails the stream for an event whose data is no object: it was cut or
// is no event of this wire.
func readable(data sdk.Node) sdk.Result {
	if data.Kind() != abi.KindObject {
		return chat.Unreadable("the provider sent a stream event that is not an object")
	}
	return sdk.OK
}

// messageStart takes id, model and the counts of the prompt. Some proxies repeat
// the event; only its counts are taken again.
func messageStart(data sdk.Node) sdk.Result {
	message := data.Get("message")
	if message == 0 {
		return readable(data)
	}
	s := chat.LoadStream()
	s.Identify(message.Get("id"), message.Get("model"))
	count(&s.Usage, message.Get("usage"))
	sendPrompt(s)
	s.Start(0)
	s.Save()
	return sdk.OK
}

// blockStart sends what a server has put into the block's opening already;
// Anthropic itself leaves text and thinking to the deltas.
func blockStart(data sdk.Node) sdk.Result {
	block := data.Get("content_block")
	if block == 0 {
		return readable(data)
	}
	s := chat.LoadStream()
	switch kind := block.Get("type"); {
	case kind.Equal("text"):
		s.Content(0, block.Get("text"))
	case kind.Equal("thinking"):
		s.Reasoning(0, block.Get("thinking"))
	case kind.Equal("redacted_thinking"):
		s.Thought(0, provider, chat.Thought{Data: block.Get("data")})
	case kind.Equal("tool_use"):
		if !toolStart(s, block, int(data.Get("index").Int())) {
			return chat.Unreadable("the provider sent more tool calls than can be meant")
		}
	default:
		lose(kind)
	}
	s.Save()
	return sdk.OK
}

// blockStop ends a tool call. One without arguments has had no piece, or an empty one.
func blockStop(data sdk.Node) sdk.Result {
	if data.Kind() != abi.KindObject {
		return readable(data)
	}
	s, index := chat.LoadStream(), int(data.Get("index").Int())
	if !endUse(s, index) {
		s.EndCall(0, index, 0)
	}
	s.Save()
	return sdk.OK
}

// delta sends a piece of text, of thinking or of a tool call's arguments; each kind of
// delta has a member of its own.
func delta(data sdk.Node) sdk.Result {
	piece := data.Get("delta")
	if text := piece.Get("text"); text != 0 {
		s := chat.LoadStream()
		s.Content(0, text)
		s.Save()
		return sdk.OK
	}
	if thinking := piece.Get("thinking"); thinking != 0 {
		s := chat.LoadStream()
		s.Reasoning(0, thinking)
		s.Save()
		return sdk.OK
	}
	if arguments := piece.Get("partial_json"); arguments != 0 {
		s, index := chat.LoadStream(), int(data.Get("index").Int())
		if s.Note == "" || !use(s, index, arguments) {
			s.Arguments(0, index, arguments)
		}
		s.Save()
		return sdk.OK
	}
	if signature := piece.Get("signature"); signature != 0 {
		s := chat.LoadStream()
		s.Thought(0, provider, chat.Thought{Signature: signature})
		s.Save()
		return sdk.OK
	}
	loseCitations(piece.Get("citation"))
	return readable(data)
}

// messageDelta takes the final counts and, with the stop reason, finishes the
// answer: no content may follow it, so what comes after is waited for by no one.
func messageDelta(data sdk.Node) sdk.Result {
	change := data.Get("delta")
	if change == 0 {
		return readable(data)
	}
	s := chat.LoadStream()
	count(&s.Usage, data.Get("usage"))
	if reason := change.Get("stop_reason"); chat.IsText(reason) {
		why := finish(reason)
		if why == chat.FinishContentFilter {
			s.Refusal(0, change.Get("stop_details").Get("explanation"))
		}
		if why == chat.FinishToolCalls && s.Note != "" && answeredBy(s) {
			why = chat.FinishStop
		}
		s.Finish(0, why)
	}
	if s.Finished() {
		sendUsage(s)
	}
	s.Save()
	return sdk.OK
}

// end closes the stream. One that was cut before its stop reason gets none, and no
// usage but that of the prompt: the output tokens counted so far are those of the first event.
func end() sdk.Result {
	if s := chat.LoadStream(); s.Finished() {
		sendUsage(s)
		s.Save()
	}
	return sdk.OK
}
