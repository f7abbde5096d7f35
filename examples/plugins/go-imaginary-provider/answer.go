package main

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Response turns {"speech","said","ended","cost":{"heard","spoken"}} into a completion.
func (parrot) Response() sdk.Result {
	answer := sdk.Response()
	reason := finishReason(answer.Get("ended"))
	if reason == "" {
		sdk.Classify(abi.ClassServer, 0)
		return sdk.Fail(502, "the answer has no known end")
	}
	head("chat.completion", answer.Get("speech"))
	sdk.Emit(`"message":{"role":"assistant","content":`)
	text(answer.Get("said"))
	sdk.Emit(`,"refusal":null},"logprobs":null,"finish_reason":"` + reason + `"}]`)
	usage(answer.Get("cost"))
	sdk.Emit(`}`)
	return sdk.OK
}

// Event turns one line of a stream into a chunk: {"speech"} begins it, {"piece"} goes on,
// {"ended","cost"} ends it, and {"squawk"} breaks it off.
func (parrot) Event() sdk.Result {
	line := sdk.Response()
	switch {
	case sdk.EventName() == abi.EventEOF:
		return sdk.OK // a stream without an end is the host's to notice
	case line.Get("squawk").Exists():
		return squawked(line.Get("squawk"))
	case line.Get("speech").Exists():
		// Later lines do not say which speech they belong to.
		sdk.SaveState([]byte(line.Get("speech").Raw()))
		chunkHead()
		sdk.Emit(`{"role":"assistant","content":""},"finish_reason":null}]}`)
	case line.Get("piece").Exists():
		chunkHead()
		sdk.Emit(`{"content":`)
		text(line.Get("piece"))
		sdk.Emit(`},"finish_reason":null}]}`)
	case line.Get("ended").Exists():
		reason := finishReason(line.Get("ended"))
		if reason == "" {
			sdk.Classify(abi.ClassServer, 0)
			return sdk.Fail(502, "the stream has no known end")
		}
		chunkHead()
		sdk.Emit(`{},"finish_reason":"` + reason + `"}]`)
		usage(line.Get("cost"))
		sdk.Emit(`}`)
	}
	return sdk.OK
}

// chunkHead begins a chunk, up to its delta.
func chunkHead() {
	sdk.Emit(`{"id":`)
	if id := sdk.LoadState(); len(id) > 0 {
		sdk.Emit(string(id))
	} else {
		sdk.Emit(`"speech"`)
	}
	sdk.Emit(`,"object":"chat.completion.chunk","created":`)
	created()
	sdk.Emit(`,"choices":[{"index":0,"delta":`)
}

// head begins a document, up to the inside of its only choice.
func head(object string, id sdk.Node) {
	sdk.Emit(`{"id":`)
	text(id)
	sdk.Emit(`,"object":"` + object + `","created":`)
	created()
	sdk.Emit(`,"choices":[{"index":0,`)
}

// created writes the request's time and the model's name there.
func created() {
	sdk.EmitInt(sdk.NowMS() / 1000)
	sdk.Emit(`,"model":`)
	text(sdk.Call().Pointer("/target/upstream_id"))
}

// text writes a string node, and an empty string for anything else.
func text(n sdk.Node) {
	sdk.Emit(`"`)
	sdk.EmitInner(n)
	sdk.Emit(`"`)
}

// usage writes what was counted, if anything was.
func usage(cost sdk.Node) {
	if !cost.Exists() {
		return
	}
	heard, spoken := max(cost.Get("heard").Int(), 0), max(cost.Get("spoken").Int(), 0)
	sdk.Emit(`,"usage":{"prompt_tokens":`)
	sdk.EmitInt(heard)
	sdk.Emit(`,"completion_tokens":`)
	sdk.EmitInt(spoken)
	sdk.Emit(`,"total_tokens":`)
	sdk.EmitInt(heard + spoken)
	sdk.Emit(`}`)
}

// finishReason is OpenAI's word for a speech's end, "" for one that is not known.
func finishReason(ended sdk.Node) string {
	switch {
	case ended.Equal("done"):
		return "stop"
	case ended.Equal("limit"):
		return "length"
	case ended.Equal("hushed"):
		return "content_filter"
	}
	return ""
}
