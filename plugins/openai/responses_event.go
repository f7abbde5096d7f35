package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// responsesEvent turns one event of a response stream into chunks. Most of the
// wire's event types (58 in OpenAI's description of 2026-07) repeat what another
// one said; those named here say something new.
func responsesEvent() sdk.Result {
	event := sdk.Response()
	switch event.Kind() {
	case abi.KindAbsent:
		return sdk.OK
	case abi.KindString:
		if event.Len() == 0 || event.Equal("[DONE]") {
			return sdk.OK // some compatible servers end this wire as they end the other
		}
		return chat.Unreadable("the provider sent a stream event that is not JSON")
	}
	kind := event.Get("type").Text()
	if kind == "" {
		kind = sdk.EventName()
	}
	s := chat.LoadStream()
	switch kind {
	case "response.created", "response.in_progress", "response.queued":
		s.Identify(event.Pointer("/response/id"), event.Pointer("/response/model"))
	case "response.output_text.delta":
		s.Content(0, event.Get("delta"))
		if list := event.Get("logprobs"); list != 0 && list.Len() > 0 && list.Len() <= maxPieces {
			s.Logprobs(0, func(w *chat.Writer) { writeLogprobs(w, []sdk.Node{list}) })
		}
	case "response.output_text.annotation.added":
		if note := event.Get("annotation"); note.Get("type").Equal("url_citation") {
			s.More(0, func(w *chat.Writer) {
				w.Emit(`"annotations":[`)
				writeCitation(w, note)
				w.Emit(`]`)
			})
		}
	case "response.refusal.delta":
		s.Refusal(0, event.Get("delta"))
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		s.Reasoning(0, event.Get("delta"))
	case "response.output_item.added":
		if !openItem(s, event) {
			return chat.Unreadable("the provider sent more tool calls than can be meant")
		}
	case "response.function_call_arguments.delta":
		s.Arguments(0, itemOf(event), event.Get("delta"))
	case "response.function_call_arguments.done":
		// Some servers send the arguments here only (LM Studio).
		s.EndCall(0, itemOf(event), event.Get("arguments"))
	case "response.custom_tool_call_input.delta":
		s.InputPiece(0, itemOf(event), event.Get("delta"))
	case "response.custom_tool_call_input.done":
		s.EndInput(0, itemOf(event), event.Get("input"))
	case "response.output_item.done":
		if !openItem(s, event) {
			return chat.Unreadable("the provider sent more tool calls than can be meant")
		}
		endItem(s, event)
	case "response.completed":
		return end(s, event.Get("response"), chat.FinishStop)
	case "response.incomplete":
		return end(s, event.Get("response"), chat.FinishLength)
	case "response.failed", "response.cancelled", "error":
		return failEvent(event)
	default:
		if failed := errorOf(event); failed.Exists() {
			return failWith(failed)
		}
	}
	s.Save()
	return sdk.OK
}

// openItem begins a call, once, where the item is one. ok is false for too many.
func openItem(s *chat.Stream, event sdk.Node) (ok bool) {
	item := event.Get("item")
	if kind := item.Get("type"); !kind.Equal("function_call") && !kind.Equal("custom_tool_call") {
		return true
	}
	return s.Call(0, itemOf(event), callOf(item))
}

// endItem takes what an item says only at its end.
func endItem(s *chat.Stream, event sdk.Node) {
	item := event.Get("item")
	switch kind := item.Get("type"); {
	case kind.Equal("function_call"):
		s.EndCall(0, itemOf(event), item.Get("arguments"))
	case kind.Equal("custom_tool_call"):
		s.EndInput(0, itemOf(event), item.Get("input"))
	case kind.Equal("web_search_call"):
		s.Usage.ServerCalls++
	case kind.Equal("reasoning"):
		// Its text has been sent as it came.
		s.Thought(0, "openai", chat.Thought{Signature: item.Get("encrypted_content"), Calls: s.Calls(0)})
	}
}

// itemOf is the place of an event's item in the output, which later events name it by.
func itemOf(event sdk.Node) int { return int(event.Get("output_index").Int()) }

// end writes the chunk with the finish reason and, when the response counts, the
// usage chunk. finish is the reason when the response does not say more.
func end(s *chat.Stream, response sdk.Node, finish string) sdk.Result {
	if failed := errorOf(response); failed.Exists() {
		return failWith(failed)
	}
	s.Identify(response.Get("id"), response.Get("model"))
	s.Finish(0, afterCalls(finishOf(response, finish), s.Called(0)))
	readUsage(&s.Usage, response.Get("usage"))
	s.SendUsage()
	s.Save()
	return sdk.OK
}

// failEvent fails the stream. OpenAI documents a flat error event and sends a
// nested one, then a failed response that repeats it (recorded 2025-11).
func failEvent(event sdk.Node) sdk.Result {
	for _, at := range [...]sdk.Node{event, event.Get("response")} {
		if failed := errorOf(at); failed.Exists() {
			return failWith(failed)
		}
	}
	if chat.IsText(event.Get("message")) {
		return failWith(event)
	}
	return chat.Unreadable("the provider's response failed without saying why")
}
