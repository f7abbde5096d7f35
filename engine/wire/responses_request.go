package wire

import (
	"math"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// FromResponses turns a body of POST /v1/responses into a canonical one for the model,
// which replaces the body's own unless it is empty. What refers to something stored
// (previous_response_id, conversation, prompt, item_reference), tools that OpenAI runs
// itself and content that the canonical form cannot say are Foreign; what else it cannot
// say is listed as lossy.
// Members are those of OpenAI's API reference (CreateResponse, specification of 2026-08-21).
// Errors: *Error. Safe for concurrent use.
func FromResponses(doc *document.Doc, model string) (Chat, error) {
	size := len(doc.Bytes())
	return readTwice(func(l limits) (Chat, *Error) {
		w := responsesWriter{chatWriter: chatWriter{limits: l, out: make([]byte, 0, size+size/8+256)}}
		e := w.body(doc.Root(), model)
		return Chat{Body: w.out, Lossy: w.lossy}, e
	})
}

// responsesWriter writes a canonical body from a request of the Responses API.
type responsesWriter struct {
	chatWriter
	turn turn
}

func (w *responsesWriter) body(root document.Node, model string) *Error {
	if e := w.opening(root, model); e != nil {
		return e
	}
	if text := root.Get("instructions"); given(text) {
		if e := text.Want(abi.KindString); e != nil {
			return e.Under("instructions")
		}
		if text.Len() > 0 {
			w.message("system", text)
		}
	}
	if input := root.Get("input"); !given(input) && given(root.Get("prompt")) && !w.lenient {
		return w.only("cannot be resolved, for no prompt is stored here; send its text in 'input'").Under("prompt")
	} else if e := w.input(input); e != nil {
		return e.Under("input")
	}
	w.emit(`]`)
	for name, n := range root.Members() {
		if !given(n) {
			continue
		}
		if e := w.setting(root, name, n); e != nil {
			return e.Under(name)
		}
	}
	w.emit(`}`)
	return nil
}

// silent writes a message that says nothing: the canonical form has at least one.
func (w *responsesWriter) silent() {
	w.open("user")
	w.emit(`""}`)
}

// message writes a message whose content is a string node.
func (w *responsesWriter) message(role string, text document.Node) {
	w.open(role)
	w.raw(text.Raw())
	w.emit(`}`)
}

// setting writes one top-level member beside model, instructions and input. n is not null.
func (w *responsesWriter) setting(root document.Node, name string, n document.Node) *Error {
	switch name {
	case "model", "instructions", "input":
	case "previous_response_id", "conversation":
		return w.only("cannot be followed, for no response is stored here; send the conversation in 'input'")
	case "prompt":
		return w.only("cannot be resolved, for no prompt is stored here; send its text in 'input'")
	case "background":
		if e := n.Want(abi.KindBool); e != nil {
			return e
		}
		if n.Bool() {
			return wrong("must be false: no response is kept to be fetched later")
		}
	case "store":
		return w.flag(name, n)
	case "stream":
		return w.streamed(n)
	case "stream_options":
		return w.streamOptions(n)
	case "max_output_tokens":
		if e := whole(n, 1, math.MaxInt32); e != nil {
			return e
		}
		w.member("max_completion_tokens", n)
	case "temperature":
		if e := within(n, 0, 2); e != nil {
			return e
		}
		w.member(name, n)
	case "top_p":
		if e := within(n, 0, 1); e != nil {
			return e
		}
		w.member(name, n)
	case "top_logprobs":
		if e := whole(n, 0, 20); e != nil {
			return e
		}
		if n.Int() > 0 {
			w.lossy.add(name)
		}
	case "metadata":
		if e := n.Want(abi.KindObject); e != nil {
			return e
		}
		w.member(name, n)
	case "user", "safety_identifier", "service_tier", "prompt_cache_key", "prompt_cache_retention":
		if e := n.Want(abi.KindString); e != nil {
			return e
		}
		w.member(name, n)
	case "truncation":
		if !is(n, "disabled") {
			w.lossy.add(name)
		}
	case "include":
		return w.include(n)
	case "text":
		return w.textConfig(n)
	case "reasoning":
		return w.effort(n)
	case "tools":
		return w.tools(n, w.flatTool)
	case "tool_choice":
		return w.flatChoice(n, root.Get("tools").Len() > 0)
	case "parallel_tool_calls":
		if e := n.Want(abi.KindBool); e != nil {
			return e
		}
		if root.Get("tools").Len() > 0 { // Chat takes it with tools only
			w.member(name, n)
		}
	case "models":
		return w.models(n)
	default:
		w.lossy.add(name)
	}
	return nil
}

// flag lists a boolean that asks for what there is not.
func (w *responsesWriter) flag(name string, n document.Node) *Error {
	if e := n.Want(abi.KindBool); e != nil {
		return e
	}
	if n.Bool() {
		w.lossy.add(name)
	}
	return nil
}

func (w *responsesWriter) streamOptions(n document.Node) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	w.lossy.rest(n, "stream_options.", "include_obfuscation")
	if padding := n.Get("include_obfuscation"); given(padding) {
		return w.flag("stream_options.include_obfuscation", padding).Under("include_obfuscation")
	}
	return nil
}

// include: encrypted reasoning is always in an answer that has it.
func (w *responsesWriter) include(n document.Node) *Error {
	if e := n.Want(abi.KindArray); e != nil {
		return e
	}
	for i, name := range n.Elements() {
		if e := name.Want(abi.KindString); e != nil {
			return e.Item(i)
		}
		if !is(name, "reasoning.encrypted_content") {
			w.lossy.add("include." + name.Text())
		}
	}
	return nil
}

func (w *responsesWriter) effort(n document.Node) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	if effort := n.Get("effort"); given(effort) {
		if e := effort.Want(abi.KindString); e != nil {
			return e.Under("effort")
		}
		w.member("reasoning_effort", effort)
	}
	w.lossy.rest(n, "reasoning.", "effort")
	return nil
}

func (w *responsesWriter) textConfig(n document.Node) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	w.lossy.rest(n, "text.", "format", "verbosity")
	if verbosity := n.Get("verbosity"); given(verbosity) {
		if e := verbosity.Want(abi.KindString); e != nil {
			return e.Under("verbosity")
		}
		w.member("verbosity", verbosity)
	}
	if format := n.Get("format"); given(format) {
		return w.flatFormat(format).Under("format")
	}
	return nil
}

// flatFormat nests the members of a schema, which are flat here.
func (w *responsesWriter) flatFormat(n document.Node) *Error {
	if e := n.Want(abi.KindObject); e != nil {
		return e
	}
	const at = "text.format."
	switch kind := n.Get("type"); {
	case is(kind, "text"):
		w.lossy.rest(n, at, "type")
		return nil
	case is(kind, "json_object"):
		w.lossy.rest(n, at, "type")
		w.emit(`,"response_format":{"type":"json_object"}`)
		return nil
	case !is(kind, "json_schema"):
		return w.only("must be one of 'text', 'json_object', 'json_schema'").Under("type")
	}
	name, schema := n.Get("name"), n.Get("schema")
	if e := checkToolName(name); e != nil {
		return e.Under("name")
	}
	if e := schema.Want(abi.KindObject); e != nil {
		return e.Under("schema")
	}
	w.lossy.rest(n, at, "type", "name", "schema", "description", "strict")
	w.emit(`,"response_format":{"type":"json_schema","json_schema":{"name":`)
	w.raw(name.Raw())
	w.member("description", n.Get("description"))
	w.member("strict", n.Get("strict"))
	w.member("schema", schema)
	w.emit(`}}`)
	return nil
}

// input writes the conversation.
func (w *responsesWriter) input(n document.Node) *Error {
	before := w.messages
	switch n.Kind() {
	case abi.KindString:
		w.message("user", n)
		return nil
	case abi.KindArray:
	case abi.KindAbsent, abi.KindNull:
		if w.lenient { // what is asked is stored elsewhere
			w.silent()
			return nil
		}
		return wrong("is required and must be a string or an array of items")
	default:
		return wrong("must be a string or an array of items, not " + document.KindName(n.Kind()))
	}
	for i, item := range n.Elements() {
		if e := w.item(item); e != nil {
			return e.Item(i)
		}
		if w.messages > maxMessages {
			return wrong("holds more than " + strconv.Itoa(maxMessages) + " messages and tool results")
		}
	}
	w.flush()
	if w.messages == before && w.lenient {
		w.silent()
	} else if w.messages == before {
		return wrong("must hold at least one item that says something")
	}
	return nil
}
