package openai

import (
	"strconv"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxChoicePieces is how many choices and calls a whole answer may hold: reading and
// writing one takes about thirty host calls, of which an entry point has 100,000.
const maxChoicePieces = 2000

// chatResponse passes a chat.completion on as it came, unless the server writes
// what OpenAI would not. An answer that is none (a proxy's page, an error with status
// 200) is a failure of the provider.
func chatResponse() sdk.Result {
	body := sdk.Response()
	if failed := errorOf(body); failed.Exists() {
		return failWith(failed)
	}
	choices := body.Get("choices")
	n := choices.Len()
	if choices.Kind() != abi.KindArray || n == 0 {
		return chat.Unreadable("the provider's answer is not a chat completion")
	}
	plain, pieces := true, n
	for i := range n {
		choice := choices.At(i)
		calls := choice.Get("message").Get("tool_calls")
		if pieces += calls.Len(); pieces > maxChoicePieces {
			return chat.Unreadable("the provider's answer has too many parts")
		}
		reason := choice.Get("finish_reason")
		word, ok := finishWord(reason, calls.Len() > 0)
		if !ok {
			return gaveUp()
		}
		plain = plain && reason.Equal(word) && reasoningOf(choice.Get("message")) == 0 && usualCalls(calls)
	}
	if plain && body.Get("object") != 0 {
		sdk.EmitNode(body)
		return sdk.OK
	}
	sdk.Emit(`{"object":"chat.completion","choices":[`)
	for i := range n {
		if i > 0 {
			sdk.Emit(`,`)
		}
		emitChoice(i, choices.At(i))
	}
	sdk.Emit(`]`)
	sdk.EmitMembers(body, "object", "choices")
	sdk.Emit(`}`)
	return sdk.OK
}

// usualCalls reports whether a message's calls are written as OpenAI writes them.
func usualCalls(calls sdk.Node) bool {
	if calls == 0 || calls.Kind() == abi.KindNull {
		return true
	}
	for i := range calls.Len() {
		call := calls.At(i)
		if !chat.IsText(call.Get("id")) || !chat.IsText(call.Get("type")) {
			return false
		}
		if function := call.Get("function"); function != 0 && !chat.IsText(function.Get("arguments")) {
			return false
		}
	}
	return calls.Len() > 0
}

// emitChoice writes a choice with its message in OpenAI's words.
func emitChoice(i int, choice sdk.Node) {
	message := choice.Get("message")
	calls := message.Get("tool_calls")
	sdk.Emit(`{"index":`)
	if index := choice.Get("index"); index.Kind() == abi.KindNumber {
		sdk.EmitNode(index)
	} else {
		sdk.EmitInt(int64(i))
	}
	sdk.Emit(`,"message":{"role":"assistant"`)
	room := [3]string{"role", "tool_calls"}
	except := room[:2]
	if text := reasoningOf(message); text != 0 {
		sdk.Emit(`,"reasoning_content":`)
		sdk.EmitNode(text)
		except = append(except, "reasoning")
	}
	for k := range calls.Len() {
		if k == 0 {
			sdk.Emit(`,"tool_calls":[`)
		} else {
			sdk.Emit(`,`)
		}
		emitCall(calls.At(k))
	}
	if calls.Len() > 0 {
		sdk.Emit(`]`)
	}
	sdk.EmitMembers(message, except...)
	word, _ := finishWord(choice.Get("finish_reason"), calls.Len() > 0)
	sdk.Emit(`},"finish_reason":"` + word + `"`)
	sdk.EmitMembers(choice, "index", "message", "finish_reason")
	sdk.Emit(`}`)
}

// emitCall writes a whole call: with an id, which some servers leave out, and its
// arguments as text.
func emitCall(call sdk.Node) {
	sdk.Emit(`{"id":`)
	emitID(call.Get("id"))
	function := call.Get("function")
	if function == 0 {
		sdk.EmitMembers(call, "id", "index")
		sdk.Emit(`}`)
		return
	}
	sdk.Emit(`,"type":"function","function":{"arguments":`)
	emitArguments(function.Get("arguments"))
	sdk.EmitMembers(function, "arguments")
	sdk.Emit(`}`)
	sdk.EmitMembers(call, "id", "index", "type", "function")
	sdk.Emit(`}`)
}

// emitID writes the id of a call, or makes one where the server has not.
func emitID(id sdk.Node) {
	if chat.IsText(id) {
		sdk.EmitNode(id)
		return
	}
	sdk.EmitString("call_" + strconv.FormatUint(uint64(sdk.Random()), 36))
}

// emitArguments writes whole arguments as a string that holds an object; some servers
// send the object itself, or nothing for none.
func emitArguments(arguments sdk.Node) {
	switch {
	case chat.IsText(arguments):
		sdk.EmitNode(arguments)
	case arguments.Kind() == abi.KindObject:
		sdk.EmitQuoted(arguments)
	default:
		sdk.Emit(`"{}"`)
	}
}
