package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// responsesResponse turns a response object into a chat.completion.
func responsesResponse() sdk.Result {
	r := sdk.Response()
	if failed := errorOf(r); failed.Exists() {
		return failWith(failed)
	}
	output := r.Get("output")
	if output.Kind() != abi.KindArray {
		return malformed("the provider's answer is not a response object")
	}
	if status := r.Get("status"); status.Equal("failed") || status.Equal("cancelled") ||
		status.Equal("queued") || status.Equal("in_progress") {
		return malformed("the provider's response ended without an answer")
	}
	sdk.Emit(`{"id":`)
	emitString(r.Get("id"), `""`)
	sdk.Emit(`,"object":"chat.completion","created":`)
	sdk.EmitInt(createdAt(r))
	sdk.Emit(`,"model":`)
	emitString(r.Get("model"), `""`)
	sdk.Emit(`,"choices":[{"index":0,"message":{"role":"assistant","content":`)
	emitOutput(output, "content", "text", `null`)
	sdk.Emit(`,"refusal":`)
	emitOutput(output, "content", "refusal", `null`)
	if has(output, "summary", "text") {
		sdk.Emit(`,"reasoning_content":`)
		emitOutput(output, "summary", "text", `null`)
	}
	sdk.Emit(`},"logprobs":null,"finish_reason":"`)
	sdk.Emit(finishOf(r, "stop"))
	sdk.Emit(`"}]`)
	if tier := r.Get("service_tier"); tier.Kind() == abi.KindString {
		sdk.Emit(`,"service_tier":`)
		sdk.EmitNode(tier)
	}
	if usage := r.Get("usage"); usage.Kind() == abi.KindObject {
		sdk.Emit(`,"usage":`)
		emitUsage(usage)
	}
	sdk.Emit(`}`)
	return sdk.OK
}

// createdAt is a response's time in seconds since 1970, the request's own when it
// has none.
func createdAt(r sdk.Node) int64 {
	if at := r.Get("created_at").Int(); at > 0 {
		return at
	}
	return sdk.NowMS() / 1000
}

// finishOf derives Chat's finish_reason, which the Responses wire lacks; otherwise is
// what an answer that does not call itself incomplete ended with.
func finishOf(r sdk.Node, otherwise string) string {
	reason := r.Pointer("/incomplete_details/reason")
	switch {
	case reason.Equal("content_filter"):
		return "content_filter"
	case r.Get("status").Equal("incomplete"), reason.Kind() == abi.KindString:
		return "length"
	}
	return otherwise
}

// emitOutput writes, as one JSON string, every text that the output items hold in
// the list's parts under that member: content.text is the answer, content.refusal a
// refusal, summary.text the reasoning. none is written when there is no such part.
func emitOutput(output sdk.Node, list, member, none string) {
	if !has(output, list, member) {
		sdk.Emit(none)
		return
	}
	sdk.Emit(`"`)
	for i := range output.Len() {
		item := output.At(i)
		if list == "content" && !item.Get("type").Equal("message") {
			continue // the content of a reasoning item is not the answer
		}
		parts := item.Get(list)
		for j := range parts.Len() {
			sdk.EmitInner(parts.At(j).Get(member))
		}
	}
	sdk.Emit(`"`)
}

func has(output sdk.Node, list, member string) bool {
	for i := range output.Len() {
		item := output.At(i)
		if list == "content" && !item.Get("type").Equal("message") {
			continue
		}
		parts := item.Get(list)
		for j := range parts.Len() {
			if parts.At(j).Get(member).Kind() == abi.KindString {
				return true
			}
		}
	}
	return false
}

// emitUsage writes the counters of the Responses wire in Chat's names. Both count
// cached tokens as prompt tokens, and reasoning as completion tokens.
func emitUsage(usage sdk.Node) {
	input, output := max(usage.Get("input_tokens").Int(), 0), max(usage.Get("output_tokens").Int(), 0)
	total := usage.Get("total_tokens")
	sdk.Emit(`{"prompt_tokens":`)
	sdk.EmitInt(input)
	sdk.Emit(`,"completion_tokens":`)
	sdk.EmitInt(output)
	sdk.Emit(`,"total_tokens":`)
	if total.Kind() == abi.KindNumber {
		sdk.EmitInt(max(total.Int(), 0))
	} else {
		sdk.EmitInt(input + output)
	}
	details := usage.Get("input_tokens_details")
	sdk.Emit(`,"prompt_tokens_details":{"cached_tokens":`)
	sdk.EmitInt(max(details.Get("cached_tokens").Int(), 0))
	sdk.Emit(`,"cache_write_tokens":`)
	sdk.EmitInt(max(details.Get("cache_write_tokens").Int(), 0))
	sdk.Emit(`},"completion_tokens_details":{"reasoning_tokens":`)
	sdk.EmitInt(max(usage.Pointer("/output_tokens_details/reasoning_tokens").Int(), 0))
	sdk.Emit(`}}`)
}
