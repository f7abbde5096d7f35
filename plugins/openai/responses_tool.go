package openai

import (
	"strconv"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// emitCalls writes an assistant's calls as items of their own. ok is false after a
// refusal.
func (t *translation) emitCalls(i int, calls sdk.Node) (ok bool) {
	for k := range calls.Len() {
		if !t.spend(pieceCost) {
			return false
		}
		call := calls.At(k)
		function := call.Get("function")
		name := function.Get("name")
		if !chat.IsText(name) {
			chat.Refuse(chat.At(i)+".tool_calls["+strconv.Itoa(k)+"]", "only calls of functions, each with a name, are carried on the Responses wire")
			return false
		}
		t.separate()
		sdk.Emit(`{"type":"function_call","call_id":`)
		emitCallID(call.Get("id"))
		sdk.Emit(`,"name":`)
		sdk.EmitNode(name)
		sdk.Emit(`,"arguments":`)
		if arguments := function.Get("arguments"); chat.IsText(arguments) {
			sdk.EmitNode(arguments)
		} else {
			sdk.Emit(`"{}"`)
		}
		sdk.Emit(`}`)
	}
	return true
}

// emitOutput writes the output of a call that is one text, or none.
func (t *translation) emitOutput(call, text sdk.Node) {
	t.separate()
	sdk.Emit(`{"type":"function_call_output","call_id":`)
	emitCallID(call)
	sdk.Emit(`,"output":`)
	emitString(text, `""`)
	sdk.Emit(`}`)
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

// emitTools writes tools, which are flat here. Chat's functions are strict only
// when they say so, those of this wire unless they say not.
func (t *translation) emitTools(tools sdk.Node) (ok bool) {
	open := `,"tools":[`
	for i := range tools.Len() {
		if !t.spend(pieceCost) {
			return false
		}
		tool := tools.At(i)
		function := tool.Get("function")
		if !chat.IsText(function.Get("name")) {
			t.lose("tools[].type", tool)
			continue
		}
		sdk.Emit(open)
		open = `,`
		sdk.Emit(`{"type":"function"`)
		except := append(make([]string, 0, 3), "type")
		if function.Get("strict").Kind() != abi.KindBool {
			sdk.Emit(`,"strict":false`)
			except = append(except, "strict")
		}
		if function.Get("parameters").Kind() != abi.KindObject {
			sdk.Emit(`,"parameters":{"type":"object","properties":{}}`)
			except = append(except, "parameters")
		}
		sdk.EmitMembers(function, except...)
		sdk.Emit(`}`)
	}
	if open == `,` {
		sdk.Emit(`]`)
	}
	return true
}

// emitToolChoice writes tool_choice, whose objects are flat here, too.
func (t *translation) emitToolChoice(choice sdk.Node) {
	if t.body.Get("tools").Len() == 0 || lists(t.unsupported, "tools") {
		if !choice.Equal("auto") && !choice.Equal("none") {
			t.lose("tool_choice", choice)
		}
		return
	}
	name, allowed := choice.Get("function").Get("name"), choice.Get("allowed_tools")
	switch {
	case choice.Kind() == abi.KindString:
		emitMember("tool_choice", choice)
	case chat.IsText(name):
		sdk.Emit(`,"tool_choice":{"type":"function","name":`)
		sdk.EmitNode(name)
		sdk.Emit(`}`)
	case allowed.Kind() == abi.KindObject:
		sdk.Emit(`,"tool_choice":{"type":"allowed_tools","mode":`)
		emitString(allowed.Get("mode"), `"auto"`)
		sdk.Emit(`,"tools":[`)
		list, first := allowed.Get("tools"), true
		for i := range list.Len() {
			if name := list.At(i).Get("function").Get("name"); chat.IsText(name) {
				if !first {
					sdk.Emit(`,`)
				}
				first = false
				sdk.Emit(`{"type":"function","name":`)
				sdk.EmitNode(name)
				sdk.Emit(`}`)
			}
		}
		sdk.Emit(`]}`)
	default:
		t.lose("tool_choice", choice)
	}
}
