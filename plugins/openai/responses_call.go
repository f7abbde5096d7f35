package openai

import (
	"slices"
	"strconv"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// emitCalls writes an assistant's calls as items of their own, and before them what
// the model thought between them. ok is false after a refusal.
func (t *translation) emitCalls(i int, calls sdk.Node, thoughts *thoughts) (ok bool) {
	if calls == 0 {
		return true
	}
	for k := range calls.Len() {
		if !t.spend(pieceCost) {
			return false
		}
		if k > 0 && !thoughts.emit(k) {
			return false
		}
		call := calls.At(k)
		kind, name := reference(call)
		switch kind {
		case "function":
			t.beginCall(functionCall)
			emitCallID(call.Get("id"))
			emitCalled(name, call.Get("function").Get("arguments"))
		case "custom":
			id := call.Get("id")
			t.custom = append(t.custom, id.Text())
			t.beginCall(customCall)
			emitCallID(id)
			sdk.Emit(`,"name":`)
			sdk.EmitNode(name)
			sdk.Emit(`,"input":`)
			emitString(call.Get("custom").Get("input"), `""`)
			sdk.Emit(`}`)
		default:
			chat.Refuse(chat.At(i)+".tool_calls["+strconv.Itoa(k)+"]", "only calls of functions and custom tools, each with a name, are carried on the Responses wire")
			return false
		}
	}
	return true
}

// How calls and their outputs begin, up to the id.
const (
	functionCall   = `{"type":"function_call","call_id":`
	functionOutput = `{"type":"function_call_output","call_id":`
	customCall     = `{"type":"custom_tool_call","call_id":`
	customOutput   = `{"type":"custom_tool_call_output","call_id":`
)

func (t *translation) beginCall(opening string) {
	t.separate()
	sdk.Emit(opening)
}

// emitCalled writes the rest of the call of a function.
func emitCalled(name, arguments sdk.Node) {
	sdk.Emit(`,"name":`)
	sdk.EmitNode(name)
	sdk.Emit(`,"arguments":`)
	if chat.IsText(arguments) {
		sdk.EmitNode(arguments)
	} else {
		sdk.Emit(`"{}"`)
	}
	sdk.Emit(`}`)
}

// emitLegacyCall writes a call in the form that Chat had before tools, which has no id.
func (t *translation) emitLegacyCall(i int, call sdk.Node) (ok bool) {
	if !chat.IsText(call.Get("name")) {
		chat.Refuse(chat.At(i)+".function_call", "it has no name")
		return false
	}
	t.legacy = i
	t.beginCall(functionCall)
	t.emitLegacyID()
	emitCalled(call.Get("name"), call.Get("arguments"))
	return true
}

// emitLegacyID writes an id for the last call that had none: the same in every request.
func (t *translation) emitLegacyID() {
	sdk.Emit(`"call_message_`)
	sdk.EmitInt(int64(t.legacy))
	sdk.Emit(`"`)
}

// beginOutput writes an output up to its value. One without the id of a call is that of
// the last call in the older form.
func (t *translation) beginOutput(call sdk.Node) {
	kind := functionOutput
	if len(t.custom) > 0 && slices.Contains(t.custom, call.Text()) {
		kind = customOutput
	}
	t.beginCall(kind)
	if call == 0 {
		t.emitLegacyID()
	} else {
		emitCallID(call)
	}
	sdk.Emit(`,"output":`)
}

// emitOutput writes the output of a call that is one text, or none.
func (t *translation) emitOutput(call, text sdk.Node, failed bool) {
	t.beginOutput(call)
	sdk.Emit(`"`)
	if failed {
		sdk.Emit(failure)
	}
	sdk.EmitInner(text)
	sdk.Emit(`"}`)
}

// maxCallID is the longest call_id that the wire takes, in characters; less than it in
// bytes is always short enough.
const maxCallID = 64

func emitCallID(id sdk.Node) {
	if chat.IsText(id) && id.Len() <= maxCallID {
		sdk.EmitNode(id)
		return
	}
	sdk.EmitString(chat.ShortID(id))
}
