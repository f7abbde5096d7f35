package wire

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// option writes one top-level member beside model, messages and system. n is not null.
func (w *chatWriter) option(root document.Node, name string, n document.Node) *Error {
	switch name {
	case "model", "messages", "system":
	case "max_tokens":
		w.member("max_tokens", n)
	case "temperature", "top_p":
		if e := within(n, 0, 1); e != nil {
			return e
		}
		w.member(name, n)
	case "top_k":
		if e := whole(n, 0, math.MaxInt32); e != nil {
			return e
		}
		w.member(name, n)
	case "stop_sequences":
		return w.stops(n)
	case "stream":
		if e := want(n, abi.KindBool); e != nil {
			return e
		}
		if n.Bool() {
			w.emit(`,"stream":true,"stream_options":{"include_usage":true}`)
		}
	case "metadata":
		return w.metadata(n)
	case "tools":
		return w.tools(n)
	case "tool_choice":
		return w.toolChoice(n, root.Get("tools").Len() > 0)
	case "thinking":
		return w.budget(n, root.Get("output_config").Get("effort"))
	case "output_config":
		return w.outputConfig(n)
	case "service_tier":
		switch {
		case is(n, "auto"):
			w.emit(`,"service_tier":"auto"`)
		case is(n, "standard_only"):
			w.emit(`,"service_tier":"default"`)
		default:
			return wrong("must be one of 'auto', 'standard_only'")
		}
	case "cache_control":
		if e := want(n, abi.KindObject); e != nil {
			return e
		}
		w.member(name, n)
	case "models":
		return w.models(n)
	default:
		w.lossy.add(name)
	}
	return nil
}

func (w *chatWriter) stops(n document.Node) *Error {
	if e := want(n, abi.KindArray); e != nil {
		return e
	}
	if n.Len() > maxStops {
		return wrong("must hold at most " + strconv.Itoa(maxStops) + " strings")
	}
	for i, stop := range n.Elements() {
		if e := want(stop, abi.KindString); e != nil {
			return e.item(i)
		}
	}
	if n.Len() > 0 {
		w.member("stop", n)
	}
	return nil
}

// models are the pinned model's fallbacks, a member of ours.
func (w *chatWriter) models(n document.Node) *Error {
	if e := want(n, abi.KindArray); e != nil {
		return e
	}
	if n.Len() > maxModels {
		return wrong("must hold at most " + strconv.Itoa(maxModels) + " model ids")
	}
	for i, id := range n.Elements() {
		if e := checkModel(id); e != nil {
			return e.item(i)
		}
	}
	w.member("models", n)
	return nil
}

// metadata writes user_id as user. What else is there speaks to the gateway
// (session_id, task_type, strict, …) and keeps its place, within Chat's bounds.
func (w *chatWriter) metadata(n document.Node) *Error {
	const maxPairs, maxKey, maxValue = 16, 64, 512
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	if user := n.Get("user_id"); given(user) {
		if e := want(user, abi.KindString); e != nil {
			return e.under("user_id")
		}
		w.member("user", user)
	}
	pairs := 0
	for key, value := range n.Members() {
		if key == "user_id" || !given(value) {
			continue
		}
		if value.Kind() != abi.KindString || utf8.RuneCountInString(key) > maxKey || utf8.RuneCountInString(value.Text()) > maxValue || pairs == maxPairs {
			w.lossy.add("metadata." + key)
			continue
		}
		if pairs++; pairs == 1 {
			w.emit(`,"metadata":{`)
		} else {
			w.emit(`,`)
		}
		w.out = document.AppendString(w.out, key)
		w.emit(`:`)
		w.raw(value.Raw())
	}
	if pairs > 0 {
		w.emit(`}`)
	}
	return nil
}

// budget turns the thinking member into an effort, unless the request names one.
// See RATIONALE.md, "What becomes of the thinking member?".
func (w *chatWriter) budget(n, effort document.Node) *Error {
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	kind, tokens := n.Get("type"), n.Get("budget_tokens")
	if e := want(kind, abi.KindString); e != nil {
		return e.under("type")
	}
	shown := ""
	if is(n.Get("display"), "summarized") {
		shown = "display"
	}
	w.lossy.rest(n, "thinking.", "type", "budget_tokens", shown)
	switch {
	case is(kind, "disabled"):
		return nil
	case is(kind, "enabled"):
		if e := whole(tokens, 1, math.MaxInt32); e != nil {
			return e.under("budget_tokens")
		}
	default:
		if !given(effort) {
			w.lossy.add("thinking")
		}
		return nil
	}
	level, exact := effortOf(tokens.Int())
	if given(effort) || !exact {
		w.lossy.add("thinking.budget_tokens")
	}
	if !given(effort) {
		w.emit(`,"reasoning_effort":"` + level + `"`)
	}
	return nil
}

// effortOf returns the effort that stands for a budget: the highest whose own it reaches.
func effortOf(tokens int64) (level string, exact bool) {
	switch {
	case tokens < 4096:
		return "low", tokens == 1024
	case tokens < 16384:
		return "medium", tokens == 4096
	}
	return "high", tokens == 16384
}

func (w *chatWriter) outputConfig(n document.Node) *Error {
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	if effort := n.Get("effort"); given(effort) {
		if e := want(effort, abi.KindString); e != nil {
			return e.under("effort")
		}
		w.member("reasoning_effort", effort)
	}
	if format := n.Get("format"); given(format) {
		if e := w.format(format); e != nil {
			return e.under("format")
		}
	}
	w.lossy.rest(n, "output_config.", "effort", "format")
	return nil
}

func (w *chatWriter) format(n document.Node) *Error {
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	if !is(n.Get("type"), "json_schema") {
		return wrong("must be 'json_schema'").under("type")
	}
	schema := n.Get("schema")
	if e := want(schema, abi.KindObject); e != nil {
		return e.under("schema")
	}
	w.lossy.rest(n, "output_config.format.", "type", "schema")
	w.emit(`,"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":`)
	w.raw(schema.Raw())
	w.emit(`}}`)
	return nil
}

func (w *chatWriter) tools(n document.Node) *Error {
	if e := want(n, abi.KindArray); e != nil {
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
		if e := w.tool(tool); e != nil {
			return e.item(i)
		}
	}
	w.emit(`]`)
	return nil
}

// tool writes a function. A tool of another type is the provider's own and stays as
// it is: a target that has it not must refuse it.
func (w *chatWriter) tool(tool document.Node) *Error {
	if e := want(tool, abi.KindObject); e != nil {
		return e
	}
	if kind := tool.Get("type"); given(kind) && !is(kind, "custom") {
		if e := want(kind, abi.KindString); e != nil {
			return e.under("type")
		}
		if is(kind, "function") {
			return wrong("must be 'custom' or left out for a tool of your own").under("type")
		}
		w.next()
		w.raw(tool.Raw())
		return nil
	}
	name, about, schema, strict := tool.Get("name"), tool.Get("description"), tool.Get("input_schema"), tool.Get("strict")
	if e := checkToolName(name); e != nil {
		return e.under("name")
	}
	if e := want(schema, abi.KindObject); e != nil {
		return e.under("input_schema")
	}
	if given(about) {
		if e := want(about, abi.KindString); e != nil {
			return e.under("description")
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

// checkToolName: Anthropic allows 128 characters, but OpenAI and Gemini no more than 64.
func checkToolName(n document.Node) *Error {
	if e := want(n, abi.KindString); e != nil {
		return e
	}
	ok := n.Len() > 0 && n.Len() <= maxToolName
	if ok {
		for _, c := range []byte(n.Text()) {
			ok = ok && idByte(c)
		}
	}
	if !ok {
		return wrong("must be 1 to 64 letters, digits, underscores or hyphens")
	}
	return nil
}

func idByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// toolChoice writes tool_choice and parallel_tool_calls, neither of which Chat takes without tools.
func (w *chatWriter) toolChoice(n document.Node, tools bool) *Error {
	if e := want(n, abi.KindObject); e != nil {
		return e
	}
	kind, single := n.Get("type"), n.Get("disable_parallel_tool_use")
	if given(single) {
		if e := want(single, abi.KindBool); e != nil {
			return e.under("disable_parallel_tool_use")
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
		if e := want(n.Get("name"), abi.KindString); e != nil {
			return e.under("name")
		}
		choice = `{"type":"function","function":{"name":` + string(n.Get("name").Raw()) + `}}`
	default:
		return wrong("must be one of 'auto', 'any', 'tool', 'none'").under("type")
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
