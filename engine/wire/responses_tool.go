package wire

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// flatTool nests the members of a tool, which are flat here. A tool of another type is one
// that OpenAI runs itself, or that its models alone know.
func (w *responsesWriter) flatTool(tool document.Node) *Error {
	if e := tool.Want(abi.KindObject); e != nil {
		return e
	}
	kind, name, about := tool.Get("type"), tool.Get("name"), tool.Get("description")
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type")
	}
	custom := is(kind, "custom")
	if !custom && !is(kind, "function") {
		return w.only("must be 'function' or 'custom': a tool of type '" + clip(kind.Text()) + "' cannot be carried").Under("type")
	}
	if e := checkToolName(name); e != nil {
		return e.Under("name")
	}
	if given(about) {
		if e := about.Want(abi.KindString); e != nil {
			return e.Under("description")
		}
	}
	w.next()
	w.emit(`{"type":"`)
	w.emit(kind.Text())
	w.emit(`","`)
	w.emit(kind.Text())
	w.emit(`":{"name":`)
	w.raw(name.Raw())
	w.member("description", about)
	if custom {
		w.lossy.rest(tool, "tools[].", "type", "name", "description", "format")
		if e := w.grammar(tool.Get("format")); e != nil {
			return e.Under("format")
		}
	} else {
		w.lossy.rest(tool, "tools[].", "type", "name", "description", "parameters", "strict")
		if schema := tool.Get("parameters"); given(schema) {
			if e := schema.Want(abi.KindObject); e != nil {
				return e.Under("parameters")
			}
			w.member("parameters", schema)
		}
		w.member("strict", tool.Get("strict"))
	}
	w.emit(`}}`)
	return nil
}

// grammar nests the format of a custom tool.
func (w *responsesWriter) grammar(n document.Node) *Error {
	if !given(n) {
		return nil
	}
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	if !is(n.Get("type"), "grammar") {
		w.member("format", n)
		return nil
	}
	w.lossy.rest(n, "tools[].format.", "type", "syntax", "definition")
	for _, name := range [...]string{"syntax", "definition"} {
		if e := n.Get(name).Want(abi.KindString); e != nil {
			return e.Under(name)
		}
	}
	w.emit(`,"format":{"type":"grammar","grammar":{"syntax":`)
	w.raw(n.Get("syntax").Raw())
	w.member("definition", n.Get("definition"))
	w.emit(`}}`)
	return nil
}

// flatChoice writes tool_choice, which Chat takes with tools only.
func (w *responsesWriter) flatChoice(n document.Node, tools bool) *Error {
	if n.Kind() == abi.KindString {
		if !is(n, "auto") && !is(n, "none") && !is(n, "required") {
			return wrong("must be one of 'none', 'auto', 'required' or an object")
		}
		if !tools && is(n, "required") {
			return wrong("is only allowed when 'tools' is given")
		}
		if tools {
			w.member("tool_choice", n)
		}
		return nil
	}
	if n.Kind() != abi.KindObject {
		return wrong("must be a string or an object, not " + document.KindName(n.Kind()))
	}
	kind := n.Get("type")
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type")
	}
	if !tools {
		return wrong("is only allowed when 'tools' is given")
	}
	switch {
	case is(kind, "function"), is(kind, "custom"):
		w.lossy.rest(n, "tool_choice.", "type", "name")
		if e := n.Get("name").Want(abi.KindString); e != nil {
			return e.Under("name")
		}
		w.emit(`,"tool_choice":`)
		w.named(n)
	case is(kind, "allowed_tools"):
		return w.allowed(n)
	default:
		return w.only("must be one of 'function', 'custom', 'allowed_tools'").Under("type")
	}
	return nil
}

// named writes a choice of a function or custom tool, whose name is nested in Chat.
func (w *responsesWriter) named(n document.Node) {
	kind := n.Get("type").Text()
	w.emit(`{"type":"` + kind + `","` + kind + `":{"name":`)
	w.raw(n.Get("name").Raw())
	w.emit(`}}`)
}

func (w *responsesWriter) allowed(n document.Node) *Error {
	mode, tools := n.Get("mode"), n.Get("tools")
	if e := mode.Want(abi.KindString); e != nil {
		return e.Under("mode")
	}
	if e := tools.Want(abi.KindArray); e != nil {
		return e.Under("tools")
	}
	w.lossy.rest(n, "tool_choice.", "type", "mode", "tools")
	w.emit(`,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":`)
	w.raw(mode.Raw())
	w.emit(`,"tools":[`)
	for i, tool := range tools.Elements() {
		if e := tool.Want(abi.KindObject); e != nil {
			return e.Item(i).Under("tools")
		}
		w.next()
		if kind := tool.Get("type"); !is(kind, "function") && !is(kind, "custom") {
			w.raw(tool.Raw())
			continue
		}
		if e := tool.Get("name").Want(abi.KindString); e != nil {
			return e.Under("name").Item(i).Under("tools")
		}
		w.named(tool)
	}
	w.emit(`]}}`)
	return nil
}
