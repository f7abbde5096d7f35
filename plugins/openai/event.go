package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// chatEvent passes a chunk on as it came, without the padding that OpenAI adds
// against traffic analysis ("obfuscation"): the caller's stream is another one. A chunk
// that is not written as OpenAI writes them is written anew.
// The host writes the terminator, so "[DONE]" and the end of the stream say nothing.
func chatEvent() sdk.Result {
	event := sdk.Response()
	switch event.Kind() {
	case abi.KindAbsent:
		return sdk.OK
	case abi.KindString:
		if event.Len() == 0 || event.Equal("[DONE]") {
			return sdk.OK
		}
		return chat.Unreadable("the provider sent a stream event that is not JSON")
	}
	if failed := errorOf(event); failed.Exists() {
		return failWith(failed)
	}
	choices := event.Get("choices")
	if choices.Kind() != abi.KindArray {
		if event.Get("usage").Kind() == abi.KindObject {
			sdk.Emit(`{"choices":[]`)
			sdk.EmitMembers(event, "choices", "obfuscation")
			sdk.Emit(`}`)
		}
		return sdk.OK // else an event of a kind that is not ours to know
	}
	for i := range min(choices.Len(), chat.MaxChoices) {
		if !plainDelta(choices.At(i)) {
			return rewriteChunk(event, choices)
		}
	}
	emitChunk(event)
	return sdk.OK
}

// emitChunk writes a chunk as it came.
func emitChunk(event sdk.Node) {
	if event.Get("obfuscation") == 0 {
		sdk.EmitNode(event)
		return
	}
	sdk.Emit(`{`)
	sdk.EmitMembers(event, "obfuscation")
	sdk.Emit(`}`)
}

// plainDelta reports whether a choice of a chunk needs no closer look: neither
// calls, which servers number in different ways, nor the end.
func plainDelta(choice sdk.Node) bool {
	delta, reason := choice.Get("delta"), choice.Get("finish_reason")
	return delta.Get("tool_calls") == 0 && delta.Get("reasoning") == 0 && (reason == 0 || reason.Kind() == abi.KindNull)
}

// rewriteChunk looks at calls and ends. What OpenAI would have written like that still
// passes as it came.
func rewriteChunk(event, choices sdk.Node) sdk.Result {
	if choices.Len() > chat.MaxChoices {
		return chat.Unreadable("the provider sent more choices than were asked for")
	}
	open := loadCalls()
	plain, pieces := true, 0
	for i := range choices.Len() {
		choice := choices.At(i)
		if pieces += choice.Get("delta").Get("tool_calls").Len(); pieces > maxChoicePieces {
			return chat.Unreadable("the provider sent more tool calls than can be meant")
		}
		usual, ok := open.read(i, choice)
		if !ok {
			return chat.Unreadable("the provider sent more tool calls than can be meant")
		}
		reason := choice.Get("finish_reason")
		if word, done, ok := open.finish(choiceIndex(i, choice), reason); !ok {
			return gaveUp()
		} else if done && (open.bare(choiceIndex(i, choice)) || !reason.Equal(word)) || !done && reason.Kind() == abi.KindString {
			usual = false
		}
		plain = plain && usual && reasoningOf(choice.Get("delta")) == 0
	}
	if plain {
		emitChunk(event)
		open.save()
		return sdk.OK
	}
	open.emitNone(event, choices)
	sdk.Emit(`{"choices":[`)
	at := 0
	for i := range choices.Len() {
		if i > 0 {
			sdk.Emit(`,`)
		}
		at = open.emitChoice(i, choices.At(i), at)
	}
	sdk.Emit(`]`)
	sdk.EmitMembers(event, "choices", "obfuscation")
	sdk.Emit(`}`)
	open.save()
	return sdk.OK
}

// choiceIndex is which of the answer's choices an entry of a chunk continues; i is its
// place, for servers that do not say.
func choiceIndex(i int, choice sdk.Node) int {
	if index := choice.Get("index"); index.Kind() == abi.KindNumber {
		return int(min(max(index.Int(), 0), chat.MaxChoices-1))
	}
	return min(i, chat.MaxChoices-1)
}
