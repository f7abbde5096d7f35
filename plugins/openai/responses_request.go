package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// minOutput is the least max_output_tokens that the Responses wire takes; less is a 400.
const minOutput = 16

// Reading stays within a part of the host calls that one entry point has, so that a
// request of nothing but tiny pieces is refused and is not a broken plugin.
const (
	readBudget  = 90_000
	memberCost  = 14 // host calls for a top-level member, beside those for the rejected names
	messageCost = 20
	pieceCost   = 24 // for a part of a message, a call or a tool
)

// maxLost is how many lost members are named; the host takes abi.MaxLossy.
const maxLost = abi.MaxLossy - 8

// translation is a canonical body on its way to the Responses wire.
type translation struct {
	*quirks
	body     sdk.Node
	counting bool     // the body is to be counted, not answered
	thinks   bool     // the model takes its earlier reasoning back
	left     int      // host calls that may still be spent
	lost     int      // members reported
	wrote    bool     // an input item
	custom   []string // ids of calls of custom tools
	legacy   int      // the message with the last call in the older form
}

// responsesRequest writes the canonical body as a Responses request, or, counting, as
// one for its count of tokens. Nothing is stored at OpenAI (store is false), so the
// whole history travels as input items. The caller has set the path.
// See RATIONALE.md, "Why do system messages stay in place?".
func responsesRequest(q *quirks, counting bool) sdk.Result {
	t := translation{quirks: q, body: sdk.Request(), counting: counting, left: readBudget}
	messages := t.body.Get("messages")
	if messages.Kind() != abi.KindArray {
		return sdk.Fail(400, "messages: there are none")
	}
	t.thinks = q.reasons() || t.effort() != 0
	sdk.Emit(`{"model":`)
	emitString(q.target.Get("upstream_id"), `""`)
	if !counting {
		sdk.Emit(`,"store":false`)
	}
	sdk.Emit(`,"input":[`)
	for i := range messages.Len() {
		if !t.emitItem(i, messages.At(i)) {
			return sdk.Failed
		}
	}
	sdk.Emit(`]`)
	cost := memberCost + 3*q.names
	for i := range t.body.Len() {
		if !t.spend(cost) || !t.emitParameter(t.body.Key(i), t.body.At(i)) {
			return sdk.Failed
		}
	}
	t.emitReasoning()
	t.emitText()
	t.emitInclude()
	sdk.Emit(`}`)
	return sdk.OK
}

// separate goes before every input item.
func (t *translation) separate() {
	if t.wrote {
		sdk.Emit(`,`)
	}
	t.wrote = true
}

// spend takes host calls from the budget; false means that the call has failed.
func (t *translation) spend(calls int) bool {
	if t.left -= calls; t.left < 0 {
		tooMany()
		return false
	}
	return true
}

// lose reports a member that the wire cannot carry, unless it asks for nothing. A
// count loses nothing that is to be answered.
func (t *translation) lose(name string, value sdk.Node) {
	if t.counting || !chat.Asks(name, value) {
		return
	}
	if t.lost++; t.lost <= maxLost {
		sdk.Lossy(name)
	}
}

// emitParameter writes one top-level member in the form of the Responses wire.
// Members that it lacks (stop, n, seed, logit_bias, penalties, …) are reported.
// ok is false after a failure was reported.
func (t *translation) emitParameter(name string, value sdk.Node) (ok bool) {
	switch name {
	case "model", "models", "messages", "metadata", "cache_control":
		return true // written already, ours, or without meaning here
	}
	if value.Kind() == abi.KindNull {
		return true
	}
	if t.rejects(name) {
		t.lose(name, value)
		return true
	}
	switch name {
	case "response_format", "verbosity", "reasoning_effort":
		return true // emitText, emitReasoning
	case "parallel_tool_calls":
		if t.hasTools() {
			emitMember(name, value)
		}
		return true
	case "tools":
		return t.emitTools()
	case "functions":
		return t.body.Get("tools").Exists() || t.emitTools()
	case "web_search_options":
		return t.body.Get("tools").Exists() || t.body.Get("functions").Exists() || t.emitTools()
	case "tool_choice":
		t.emitToolChoice(value)
		return true
	case "function_call":
		if !t.body.Get("tool_choice").Exists() {
			t.emitToolChoice(value)
		}
		return true
	}
	if !t.counting {
		t.emitOption(name, value)
	}
	return true
}

// emitOption writes a member that only an answer is asked for with.
func (t *translation) emitOption(name string, value sdk.Node) {
	switch name {
	case "temperature", "top_p", "service_tier", "user", "safety_identifier", "moderation",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream":
		emitMember(name, value)
	case "stream_options":
		if padding := value.Get("include_obfuscation"); padding.Kind() == abi.KindBool && t.body.Get("stream").Bool() {
			sdk.Emit(`,"stream_options":{"include_obfuscation":`)
			sdk.EmitNode(padding)
			sdk.Emit(`}`)
		}
	case "max_tokens":
		if t.body.Get("max_completion_tokens").Kind() != abi.KindNumber {
			emitMaxOutput(value)
		}
	case "max_completion_tokens":
		emitMaxOutput(value)
	case "logprobs": // emitInclude
	case "top_logprobs":
		if t.body.Get("logprobs").Bool() {
			emitMember(name, value)
		}
	case "n":
		if value.Int() != 1 {
			t.lose(name, value)
		}
	default:
		t.lose(name, value)
	}
}

func emitMember(name string, value sdk.Node) {
	sdk.Emit(`,"`)
	sdk.EmitText(name)
	sdk.Emit(`":`)
	sdk.EmitNode(value)
}

func emitMaxOutput(value sdk.Node) {
	if value.Kind() != abi.KindNumber {
		return
	}
	sdk.Emit(`,"max_output_tokens":`)
	sdk.EmitInt(max(value.Int(), minOutput))
}
