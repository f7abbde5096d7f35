package wire

import (
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// flatTool nests the members of a tool, which are flat here. A tool of another type is one
// that OpenAI runs itself, or that its models alone know.
func (w *responsesWriter) flatTool(tool document.Node) *Error {
	if e := want(tool, abi.KindObject); e != nil {
		return e
	}
	kind, name, about := tool.Get("type"), tool.Get("name"), tool.Get("description")
	if e := want(kind, abi.KindString); e != nil {
		return e.under("type")
	}
	custom := is(kind, "custom")
	if !custom && !is(kind, "function") {
		return w.only("must be 'function' or 'custom': a tool of type '" + clip(kind.Text()) + "' cannot be carried").under("type")
	}
	if e := checkToolName(name); e != nil {
		return e.under("name")
	}
	if given(about) {
		if e := want(about, abi.KindString); e != nil {
			return e.under("description")
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
			return e.under("format")
		}
	} else {
		w.lossy.rest(tool, "tools[].", "type", "name", "description", "parameters", "strict")
		if schema := tool.Get("parameters"); given(schema) {
			if e := want(schema, abi.KindObject); e != nil {
				return e.under("parameters")
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
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	if !is(n.Get("type"), "grammar") {
		w.member("format", n)
		return nil
	}
	w.lossy.rest(n, "tools[].format.", "type", "syntax", "definition")
	for _, name := range [...]string{"syntax", "definition"} {
		if e := want(n.Get(name), abi.KindString); e != nil {
			return e.under(name)
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
		return wrong("must be a string or an object, not " + kindName(n.Kind()))
	}
	kind := n.Get("type")
	if e := want(kind, abi.KindString); e != nil {
		return e.under("type")
	}
	if !tools {
		return wrong("is only allowed when 'tools' is given")
	}
	switch {
	case is(kind, "function"), is(kind, "custom"):
		w.lossy.rest(n, "tool_choice.", "type", "name")
		if e := want(n.Get("name"), abi.KindString); e != nil {
			return e.under("name")
		}
		w.emit(`,"tool_choice":`)
		w.named(n)
	case is(kind, "allowed_tools"):
		return w.allowed(n)
	default:
		return w.only("must be one of 'function', 'custom', 'allowed_tools'").under("type")
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
	if e := want(mode, abi.KindString); e != nil {
		return e.under("mode")
	}
	if e := want(tools, abi.KindArray); e != nil {
		return e.under("tools")
	}
	w.lossy.rest(n, "tool_choice.", "type", "mode", "tools")
	w.emit(`,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":`)
	w.raw(mode.Raw())
	w.emit(`,"tools":[`)
	for i, tool := range tools.Elements() {
		if e := want(tool, abi.KindObject); e != nil {
			return e.item(i).under("tools")
		}
		w.next()
		if kind := tool.Get("type"); !is(kind, "function") && !is(kind, "custom") {
			w.raw(tool.Raw())
			continue
		}
		if e := want(tool.Get("name"), abi.KindString); e != nil {
			return e.under("name").item(i).under("tools")
		}
		w.named(tool)
	}
	w.emit(`]}}`)
	return nil
}
