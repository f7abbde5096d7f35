package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// minOutput is the least max_output_tokens that the Responses wire takes; less is a 400.
const minOutput = 16

// responsesRequest writes the canonical body as a Responses request. Nothing is
// stored at OpenAI (store is false), so the whole history travels as input items.
// See RATIONALE.md, "Why do system messages stay in place?".
func responsesRequest(target sdk.Node) sdk.Result {
	sdk.SetPath("/responses")
	body := sdk.Request()
	messages := body.Get("messages")
	if messages.Kind() != abi.KindArray {
		return sdk.Fail(400, "the request has no messages")
	}
	sdk.Emit(`{"model":`)
	emitString(target.Get("upstream_id"), `""`)
	sdk.Emit(`,"store":false,"input":[`)
	first := true
	for i := range messages.Len() {
		first = emitItem(messages.At(i), first)
	}
	sdk.Emit(`]`)
	unsupported := target.Get("unsupported")
	for i := range body.Len() {
		name := body.Key(i)
		value := body.At(i)
		if value.Kind() == abi.KindNull {
			continue
		}
		if lists(unsupported, name) {
			sdk.Lossy(name)
			continue
		}
		emitParameter(name, value, body)
	}
	emitText(body, unsupported)
	sdk.Emit(`}`)
	return sdk.OK
}

// emitParameter writes one top-level member in the form of the Responses wire.
// Members that it lacks (stop, n, seed, logit_bias, penalties, …) are reported.
func emitParameter(name string, value, body sdk.Node) {
	switch name {
	case "model", "models", "messages", "metadata", "stream_options":
		// written already, ours, or without meaning here
	case "response_format", "verbosity":
		// emitText
	case "temperature", "top_p", "parallel_tool_calls", "service_tier", "user", "safety_identifier",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream":
		emitMember(name, value)
	case "max_tokens":
		if body.Get("max_completion_tokens").Kind() != abi.KindNumber {
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
			sdk.Lossy(name)
		}
	case "store":
		if value.Bool() {
			sdk.Lossy(name)
		}
	default:
		sdk.Lossy(name)
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

// emitItem writes one message as an input item and reports whether the next one
// is still the first. A message without any text gives no item: OpenAI refuses
// an empty content list.
func emitItem(message sdk.Node, first bool) bool {
	role := message.Get("role")
	content := message.Get("content")
	assistant := role.Equal("assistant")
	refusal := message.Get("refusal")
	spoken := assistant && refusal.Len() > 0 && refusal.Kind() == abi.KindString
	if !hasText(content) && !spoken {
		return first
	}
	if !first {
		sdk.Emit(`,`)
	}
	sdk.Emit(`{"role":`)
	emitString(role, `"user"`)
	sdk.Emit(`,"content":[`)
	// What the model said itself is output_text; the other kind is refused with a 400.
	kind := `{"type":"input_text","text":`
	if assistant {
		kind = `{"type":"output_text","text":`
	}
	wrote := false
	if content.Kind() == abi.KindString {
		if content.Len() > 0 {
			sdk.Emit(kind)
			sdk.EmitNode(content)
			sdk.Emit(`}`)
			wrote = true
		}
	} else {
		wrote = emitParts(content, kind)
	}
	if spoken {
		if wrote {
			sdk.Emit(`,`)
		}
		emitRefusal(refusal)
	}
	sdk.Emit(`]}`)
	return false
}

// emitParts writes the text parts of a content array. Parts of other kinds are
// reported as lost.
func emitParts(content sdk.Node, kind string) (wrote bool) {
	for i := range content.Len() {
		part := content.At(i)
		text, refusal := part.Get("text"), part.Get("refusal")
		switch {
		case text.Kind() == abi.KindString:
			if text.Len() == 0 {
				continue
			}
			if wrote {
				sdk.Emit(`,`)
			}
			sdk.Emit(kind)
			sdk.EmitNode(text)
			sdk.Emit(`}`)
		case refusal.Kind() == abi.KindString:
			if wrote {
				sdk.Emit(`,`)
			}
			emitRefusal(refusal)
		default:
			sdk.Lossy("messages[].content[]." + part.Get("type").Text())
			continue
		}
		wrote = true
	}
	return wrote
}

func emitRefusal(refusal sdk.Node) {
	sdk.Emit(`{"type":"refusal","refusal":`)
	sdk.EmitNode(refusal)
	sdk.Emit(`}`)
}

// hasText reports whether a content, string or parts, holds anything that
// emitItem writes.
func hasText(content sdk.Node) bool {
	switch content.Kind() {
	case abi.KindString:
		return content.Len() > 0
	case abi.KindArray:
		for i := range content.Len() {
			part := content.At(i)
			if text := part.Get("text"); text.Kind() == abi.KindString && text.Len() > 0 {
				return true
			}
			if part.Get("refusal").Kind() == abi.KindString {
				return true
			}
		}
	}
	return false
}
