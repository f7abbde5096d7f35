package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// hasTools reports whether the model has tools to choose from.
func (t *translation) hasTools() bool {
	for _, name := range [...]string{"tools", "functions", "web_search_options"} {
		if value := t.body.Get(name); value != 0 && (value.Len() > 0 || value.Kind() == abi.KindObject) && !t.rejects(name) {
			return true
		}
	}
	return false
}

// toolList is the list of tools while it is written. It opens with the first.
type toolList struct{ open bool }

func (l *toolList) begin() {
	if l.open {
		sdk.Emit(`,`)
		return
	}
	l.open = true
	sdk.Emit(`,"tools":[`)
}

// emitTools writes tools, which are flat here, functions in the older form, and the
// search of the web, which is an option on Chat and a tool here.
func (t *translation) emitTools() (ok bool) {
	var list toolList
	if tools := t.body.Get("tools"); !t.rejects("tools") {
		for i := range tools.Len() {
			if !t.spend(pieceCost) {
				return false
			}
			t.emitTool(&list, tools.At(i))
		}
	}
	if functions := t.body.Get("functions"); !t.rejects("functions") {
		for i := range functions.Len() {
			if !t.spend(pieceCost) {
				return false
			}
			if function := functions.At(i); chat.IsText(function.Get("name")) {
				list.begin()
				emitFunction(function)
			}
		}
	}
	if search := t.body.Get("web_search_options"); search.Kind() == abi.KindObject && !t.rejects("web_search_options") {
		list.begin()
		emitSearch(search)
	}
	if list.open {
		sdk.Emit(`]`)
	}
	return true
}

func (t *translation) emitTool(list *toolList, tool sdk.Node) {
	function, custom := tool.Get("function"), tool.Get("custom")
	switch {
	case chat.IsText(function.Get("name")):
		list.begin()
		emitFunction(function)
	case chat.IsText(custom.Get("name")):
		list.begin()
		sdk.Emit(`{"type":"custom"`)
		format := custom.Get("format")
		grammar := format.Get("grammar")
		if grammar.Kind() != abi.KindObject {
			sdk.EmitMembers(custom, "type")
			sdk.Emit(`}`)
			return
		}
		sdk.Emit(`,"format":{"type":"grammar"`)
		sdk.EmitMembers(grammar, "type")
		sdk.Emit(`}`)
		sdk.EmitMembers(custom, "type", "format")
		sdk.Emit(`}`)
	default:
		t.lose("tools[].type", tool)
	}
}

// emitFunction writes a function as a tool. Chat's are strict only when they say so,
// those of this wire unless they say not.
func emitFunction(function sdk.Node) {
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

// emitSearch writes the search of the web as a tool; the place of the user is nested
// on Chat.
func emitSearch(search sdk.Node) {
	sdk.Emit(`{"type":"web_search"`)
	if place := search.Pointer("/user_location/approximate"); place.Kind() == abi.KindObject {
		sdk.Emit(`,"user_location":{"type":"approximate"`)
		sdk.EmitMembers(place, "type")
		sdk.Emit(`}`)
	}
	sdk.EmitMembers(search, "type", "user_location")
	sdk.Emit(`}`)
}

// emitToolChoice writes tool_choice, whose objects are flat here, too, or the older
// function_call.
func (t *translation) emitToolChoice(choice sdk.Node) {
	if !t.hasTools() || !t.allows("tool_choice") {
		t.lose("tool_choice", choice)
		return
	}
	allowed := choice.Get("allowed_tools")
	switch {
	case choice.Kind() == abi.KindString:
		emitMember("tool_choice", choice)
	case chat.IsText(choice.Get("name")):
		sdk.Emit(`,"tool_choice":{"type":"function","name":`)
		sdk.EmitNode(choice.Get("name"))
		sdk.Emit(`}`)
	case allowed.Kind() == abi.KindObject:
		sdk.Emit(`,"tool_choice":{"type":"allowed_tools","mode":`)
		emitString(allowed.Get("mode"), `"auto"`)
		sdk.Emit(`,"tools":[`)
		list, first := allowed.Get("tools"), true
		for i := range list.Len() {
			if !t.spendQuietly(pieceCost) {
				break
			}
			kind, name := reference(list.At(i))
			if name == 0 {
				continue
			}
			if !first {
				sdk.Emit(`,`)
			}
			first = false
			emitReference(kind, name)
		}
		sdk.Emit(`]}`)
	default:
		kind, name := reference(choice)
		if name == 0 {
			t.lose("tool_choice", choice)
			return
		}
		sdk.Emit(`,"tool_choice":`)
		emitReference(kind, name)
	}
}

// spendQuietly is spend for a list whose rest may be left out.
func (t *translation) spendQuietly(calls int) bool {
	if t.left < calls {
		t.lose("tool_choice", t.body.Get("tool_choice"))
		return false
	}
	t.left -= calls
	return true
}

// reference reads what names a tool; name is 0 when nothing does.
func reference(tool sdk.Node) (kind string, name sdk.Node) {
	for _, kind := range [...]string{"function", "custom"} {
		if name := tool.Get(kind).Get("name"); chat.IsText(name) {
			return kind, name
		}
	}
	return "", 0
}

func emitReference(kind string, name sdk.Node) {
	sdk.Emit(`{"type":"` + kind + `","name":`)
	sdk.EmitNode(name)
	sdk.Emit(`}`)
}
