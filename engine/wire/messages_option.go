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
		if n.Int() == 0 { // which fills Anthropic's cache
			return w.only("must be at least 1")
		}
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
		return w.streamed(n)
	case "metadata":
		return w.metadata(n)
	case "tools":
		return w.tools(n, w.tool)
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
			return w.only("must be one of 'auto', 'standard_only'")
		}
	case "cache_control":
		if e := n.Want(abi.KindObject); e != nil {
			return e
		}
		w.member(name, n)
	case "models":
		return w.models(n)
	case "mcp_servers":
		if n.Len() > 0 {
			return w.only("cannot be carried: the provider calls these servers itself")
		}
	default:
		w.lossy.add(name)
	}
	return nil
}

func (w *chatWriter) stops(n document.Node) *Error {
	if e := n.Want(abi.KindArray); e != nil {
		return e
	}
	if n.Len() > maxStops {
		return wrong("must hold at most " + strconv.Itoa(maxStops) + " strings")
	}
	for i, stop := range n.Elements() {
		if e := stop.Want(abi.KindString); e != nil {
			return e.Item(i)
		}
	}
	if n.Len() > 0 {
		w.member("stop", n)
	}
	return nil
}

// models are the pinned model's fallbacks, a member of ours.
func (w *chatWriter) models(n document.Node) *Error {
	if e := n.Want(abi.KindArray); e != nil {
		return e
	}
	if n.Len() > maxModels {
		return wrong("must hold at most " + strconv.Itoa(maxModels) + " model ids")
	}
	for i, id := range n.Elements() {
		if e := checkModel(id); e != nil {
			return e.Item(i)
		}
	}
	w.member("models", n)
	return nil
}

// metadata writes user_id as user. What else is there speaks to the gateway
// (session_id, task_type, strict, …) and keeps its place, within Chat's bounds.
func (w *chatWriter) metadata(n document.Node) *Error {
	const maxPairs, maxKey, maxValue = 16, 64, 512
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	if user := n.Get("user_id"); given(user) {
		if e := user.Want(abi.KindString); e != nil {
			return e.Under("user_id")
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
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	kind, tokens := n.Get("type"), n.Get("budget_tokens")
	if e := kind.Want(abi.KindString); e != nil {
		return e.Under("type")
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
			return e.Under("budget_tokens")
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
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	if effort := n.Get("effort"); given(effort) {
		if e := effort.Want(abi.KindString); e != nil {
			return e.Under("effort")
		}
		w.member("reasoning_effort", effort)
	}
	if format := n.Get("format"); given(format) {
		if e := w.format(format); e != nil {
			return e.Under("format")
		}
	}
	w.lossy.rest(n, "output_config.", "effort", "format")
	return nil
}

func (w *chatWriter) format(n document.Node) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	if !is(n.Get("type"), "json_schema") {
		return w.only("must be 'json_schema'").Under("type")
	}
	schema := n.Get("schema")
	if e := schema.Want(abi.KindObject); e != nil {
		return e.Under("schema")
	}
	w.lossy.rest(n, "output_config.format.", "type", "schema")
	w.emit(`,"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":`)
	w.raw(schema.Raw())
	w.emit(`}}`)
	return nil
}
