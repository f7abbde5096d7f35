package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// responsesEvent turns one event of a response stream into chunks. Most of the
// wire's event types (there are 58 in OpenAI's description of 2026-07) repeat
// what another one said; those named here say something new.
func responsesEvent() sdk.Result {
	event := sdk.Response()
	switch event.Kind() {
	case abi.KindAbsent:
		return sdk.OK
	case abi.KindString:
		if event.Len() == 0 || event.Equal("[DONE]") {
			return sdk.OK // some compatible servers end this wire as they end the other
		}
		return malformed("the provider sent a stream event that is not JSON")
	}
	kind := event.Get("type").Text()
	if kind == "" {
		kind = sdk.EventName()
	}
	switch kind {
	case "response.created", "response.in_progress", "response.queued":
		s := loadStream()
		s.begin(event.Get("response"))
		s.save()
	case "response.output_text.delta":
		emitDelta("content", event.Get("delta"))
	case "response.refusal.delta":
		emitDelta("refusal", event.Get("delta"))
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		emitDelta("reasoning_content", event.Get("delta"))
	case "response.output_text.done":
		emitDone("content", event.Get("text"))
	case "response.refusal.done":
		emitDone("refusal", event.Get("refusal"))
	case "response.completed":
		return emitEnd(event.Get("response"), "stop")
	case "response.incomplete":
		return emitEnd(event.Get("response"), "length")
	case "response.failed", "response.cancelled", "error":
		return failEvent(event)
	default:
		if failed := errorOf(event); failed.Exists() {
			return failWith(failed)
		}
	}
	return sdk.OK
}

// emitDelta writes one piece of text as a chunk. The first chunk names the role;
// nothing is sent before there is text, so that an early error can still move
// the request to another model.
func emitDelta(member string, delta sdk.Node) {
	if delta.Kind() != abi.KindString || delta.Len() == 0 {
		return
	}
	s := loadStream()
	s.emitHead()
	sdk.Emit(`[{"index":0,"delta":{`)
	if !s.spoke {
		sdk.Emit(`"role":"assistant",`)
	}
	sdk.Emit(`"`)
	sdk.Emit(member)
	sdk.Emit(`":`)
	sdk.EmitNode(delta)
	sdk.Emit(`},"logprobs":null,"finish_reason":null}]}`)
	if !s.spoke || !s.inPart {
		s.spoke, s.inPart = true, true
		s.save()
	}
}

// emitDone writes a part's whole text when the server sent no delta of it (some
// compatible servers), and ends the part.
func emitDone(member string, text sdk.Node) {
	s := loadStream()
	if !s.inPart {
		emitDelta(member, text)
		s = loadStream()
	}
	s.inPart = false
	s.save()
}

// emitEnd writes the chunk with the finish reason, and one with the usage if the
// response has any. finish is the reason when the response does not say more.
func emitEnd(response sdk.Node, finish string) sdk.Result {
	if failed := errorOf(response); failed.Exists() {
		return failWith(failed)
	}
	s := loadStream()
	s.begin(response)
	s.emitHead()
	sdk.Emit(`[{"index":0,"delta":{`)
	if !s.spoke {
		sdk.Emit(`"role":"assistant","content":""`)
	}
	sdk.Emit(`},"logprobs":null,"finish_reason":"`)
	sdk.Emit(finishOf(response, finish))
	sdk.Emit(`"}]}`)
	sdk.Flush()
	if usage := response.Get("usage"); usage.Kind() == abi.KindObject {
		s.emitHead()
		sdk.Emit(`[],"usage":`)
		emitUsage(usage)
		sdk.Emit(`}`)
		sdk.Flush()
	}
	return sdk.OK
}

// failEvent fails the stream. OpenAI documents a flat error event and sends a
// nested one, then a failed response with the same error (recorded 2025-11).
func failEvent(event sdk.Node) sdk.Result {
	if failed := errorOf(event); failed.Exists() {
		return failWith(failed)
	}
	if failed := errorOf(event.Get("response")); failed.Exists() {
		return failWith(failed)
	}
	if event.Get("message").Kind() == abi.KindString {
		return failWith(event)
	}
	return malformed("the provider's response failed without saying why")
}
