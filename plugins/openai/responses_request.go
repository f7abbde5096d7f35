package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// minOutput is the least max_output_tokens that the Responses wire takes; less is a 400.
const minOutput = 16

// Reading stays within a part of the host calls that one entry point has, so that a
// request of nothing but tiny pieces is refused and is not a broken plugin.
const (
	readBudget = 90_000
	memberCost = 12 // host calls for a top-level member
	pieceCost  = 24 // for a message or a part of one
)

// maxLost is how many lost members are named; the host takes abi.MaxLossy.
const maxLost = abi.MaxLossy - 8

// translation is a canonical body on its way to the Responses wire.
type translation struct {
	body, unsupported sdk.Node
	left              int  // host calls that may still be spent
	lost              int  // members reported
	wrote             bool // an input item
}

// responsesRequest writes the canonical body as a Responses request. Nothing is
// stored at OpenAI (store is false), so the whole history travels as input items.
// See RATIONALE.md, "Why do system messages stay in place?".
func responsesRequest(target sdk.Node) sdk.Result {
	sdk.SetPath("/responses")
	t := translation{body: sdk.Request(), unsupported: target.Get("unsupported"), left: readBudget}
	messages := t.body.Get("messages")
	if messages.Kind() != abi.KindArray {
		return sdk.Fail(400, "messages: there are none")
	}
	sdk.Emit(`{"model":`)
	emitString(target.Get("upstream_id"), `""`)
	sdk.Emit(`,"store":false,"input":[`)
	for i := range messages.Len() {
		if !t.emitItem(i, messages.At(i)) {
			return sdk.Failed
		}
	}
	sdk.Emit(`]`)
	for i := range t.body.Len() {
		if !t.spend(memberCost) {
			return sdk.Failed
		}
		if !t.emitParameter(t.body.Key(i), t.body.At(i)) {
			return sdk.Failed
		}
	}
	emitText(t.body, t.unsupported)
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
		sdk.Fail(400, "messages: there are more messages and parts than can be carried")
		return false
	}
	return true
}

// lose reports a member that the wire cannot carry, unless it asks for nothing.
func (t *translation) lose(name string, value sdk.Node) {
	switch value.Kind() {
	case abi.KindAbsent, abi.KindNull:
		return
	case abi.KindBool:
		if !value.Bool() {
			return
		}
	case abi.KindNumber:
		if value.Float() == 0 && name != "seed" {
			return
		}
	default:
		if value.Len() == 0 {
			return
		}
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
	case "model", "models", "messages", "metadata", "stream_options":
		return true // written already, ours, or without meaning here
	}
	if value.Kind() == abi.KindNull {
		return true
	}
	if lists(t.unsupported, name) {
		t.lose(name, value)
		return true
	}
	switch name {
	case "response_format", "verbosity":
		// emitText
	case "temperature", "top_p", "parallel_tool_calls", "service_tier", "user", "safety_identifier",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream":
		emitMember(name, value)
	case "tools":
		return t.emitTools(value)
	case "tool_choice":
		t.emitToolChoice(value)
	case "max_tokens":
		if t.body.Get("max_completion_tokens").Kind() != abi.KindNumber {
			emitMaxOutput(value)
		}
	case "max_completion_tokens":
		emitMaxOutput(value)
	case "reasoning_effort":
		sdk.Emit(`,"reasoning":{"effort":`)
		sdk.EmitNode(value)
		sdk.Emit(`}`)
	case "n":
		if value.Int() != 1 {
			t.lose(name, value)
		}
	default:
		t.lose(name, value)
	}
	return true
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

// emitText writes "text", which holds what Chat calls response_format (flat here)
// and verbosity.
func emitText(body, unsupported sdk.Node) {
	format, verbosity := body.Get("response_format"), body.Get("verbosity")
	hasFormat := format.Kind() == abi.KindObject && !lists(unsupported, "response_format")
	hasVerbosity := verbosity.Kind() == abi.KindString && !lists(unsupported, "verbosity")
	if !hasFormat && !hasVerbosity {
		return
	}
	sdk.Emit(`,"text":{`)
	if hasFormat {
		sdk.Emit(`"format":`)
		if schema := format.Get("json_schema"); schema.Len() > 0 && schema.Kind() == abi.KindObject {
			sdk.Emit(`{"type":"json_schema",`)
			sdk.EmitMembers(schema, "type")
			sdk.Emit(`}`)
		} else {
			sdk.EmitNode(format)
		}
	}
	if hasVerbosity {
		if hasFormat {
			sdk.Emit(`,`)
		}
		sdk.Emit(`"verbosity":`)
		sdk.EmitNode(verbosity)
	}
	sdk.Emit(`}`)
}
