package wire

import (
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// tools writes a list of tools, each as one of the wire's own writers does it.
func (w *chatWriter) tools(n document.Node, one func(tool document.Node) *Error) *Error {
	if e := n.Want(abi.KindArray); e != nil {
		return e
	}
	if n.Len() == 0 {
		return nil
	}
	if n.Len() > maxTools {
		return wrong("must hold at most " + strconv.Itoa(maxTools) + " tools")
	}
	w.emit(`,"tools":[`)
	for i, tool := range n.Elements() {
		if e := one(tool); e != nil {
			return e.Item(i)
		}
	}
	w.emit(`]`)
	return nil
}

// tool writes a function. A tool of another type is one that Anthropic runs itself.
func (w *chatWriter) tool(tool document.Node) *Error {
	if e := tool.Want(abi.KindObject); e != nil {
		return e
	}
	if kind := tool.Get("type"); given(kind) && !is(kind, "custom") {
		if e := kind.Want(abi.KindString); e != nil {
			return e.Under("type")
		}
		if is(kind, "function") {
			return wrong("must be 'custom' or left out for a tool of your own").Under("type")
		}
		return w.only("must be 'custom' or left out: a tool of type '" + clip(kind.Text()) + "' is run by the provider, and cannot be carried").Under("type")
	}
	name, about, schema, strict := tool.Get("name"), tool.Get("description"), tool.Get("input_schema"), tool.Get("strict")
	if e := checkToolName(name); e != nil {
		return e.Under("name")
	}
	if e := schema.Want(abi.KindObject); e != nil {
		return e.Under("input_schema")
	}
	if given(about) {
		if e := about.Want(abi.KindString); e != nil {
			return e.Under("description")
		}
	}
	w.lossy.rest(tool, "tools[].", "type", "name", "description", "input_schema", "strict", "cache_control")
	w.next()
	w.emit(`{"type":"function","function":{"name":`)
	w.raw(name.Raw())
	w.member("description", about)
	w.member("parameters", schema)
	w.member("strict", strict)
	w.emit(`}`)
	w.member("cache_control", tool.Get("cache_control"))
	w.emit(`}`)
	return nil
}

// checkToolName: Anthropic's bound. OpenAI and Gemini take no more than 64, which their
// adapters see to.
func checkToolName(n document.Node) *Error {
	if e := n.Want(abi.KindString); e != nil {
		return e
	}
	ok := n.Len() > 0 && n.Len() <= maxToolName
	if ok {
		for _, c := range []byte(n.Text()) {
			ok = ok && idByte(c)
		}
	}
	if !ok {
		return wrong("must be 1 to 128 letters, digits, underscores or hyphens")
	}
	return nil
}

func idByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// toolChoice writes tool_choice and parallel_tool_calls, neither of which Chat takes without tools.
func (w *chatWriter) toolChoice(n document.Node, tools bool) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	kind, single := n.Get("type"), n.Get("disable_parallel_tool_use")
	if given(single) {
		if e := single.Want(abi.KindBool); e != nil {
			return e.Under("disable_parallel_tool_use")
		}
	}
	w.lossy.rest(n, "tool_choice.", "type", "name", "disable_parallel_tool_use")
	forced := is(kind, "any") || is(kind, "tool")
	if !tools && forced {
		return wrong("is only allowed when 'tools' is given")
	}
	choice := ""
	switch {
	case is(kind, "auto"):
		choice = `"auto"`
	case is(kind, "none"):
		choice = `"none"`
	case is(kind, "any"):
		choice = `"required"`
	case is(kind, "tool"):
		if e := n.Get("name").Want(abi.KindString); e != nil {
			return e.Under("name")
		}
		choice = `{"type":"function","function":{"name":` + string(n.Get("name").Raw()) + `}}`
	default:
		return w.only("must be one of 'auto', 'any', 'tool', 'none'").Under("type")
	}
	if !tools {
		return nil
	}
	w.emit(`,"tool_choice":` + choice)
	if single.Bool() {
		w.emit(`,"parallel_tool_calls":false`)
	}
	return nil
}

// calls writes the tool_use blocks.
func (w *chatWriter) calls(content document.Node) *Error {
	w.emit(`,"tool_calls":[`)
	for i, block := range content.Elements() {
		if !is(block.Get("type"), "tool_use") {
			continue
		}
		if e := w.call(block); e != nil {
			return e.Item(i)
		}
	}
	w.emit(`]`)
	return nil
}

func (w *chatWriter) call(block document.Node) *Error {
	id, name, input := block.Get("id"), block.Get("name"), block.Get("input")
	if e := id.Want(abi.KindString); e != nil {
		return e.Under("id")
	}
	if e := name.Want(abi.KindString); e != nil {
		return e.Under("name")
	}
	w.lossy.rest(block, "messages[].content[].", "type", "id", "name", "input", "cache_control", "extra_content")
	w.next()
	w.emit(`{"id":`)
	w.raw(id.Raw())
	w.emit(`,"type":"function","function":{"name":`)
	w.raw(name.Raw())
	w.emit(`,"arguments":`)
	if given(input) {
		if e := input.Want(abi.KindObject); e != nil {
			return e.Under("input")
		}
		w.out = document.AppendString(w.out, string(input.Raw()))
	} else {
		w.emit(`"{}"`)
	}
	w.emit(`}`)
	w.member("cache_control", block.Get("cache_control"))
	w.member("extra_content", block.Get("extra_content"))
	w.emit(`}`)
	return nil
}
