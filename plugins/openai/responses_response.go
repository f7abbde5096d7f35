package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxPieces is how many output items and parts an answer may hold: reading them takes
// about ten host calls each, of which an entry point has 100,000.
const maxPieces = 5000

// responsesResponse turns a response object into a chat.completion with one choice.
func responsesResponse() sdk.Result {
	r := sdk.Response()
	if failed := errorOf(r); failed.Exists() {
		return failWith(failed)
	}
	output := r.Get("output")
	if output.Kind() != abi.KindArray {
		return chat.Unreadable("the provider's answer is not a response object")
	}
	switch status := r.Get("status"); {
	case status.Equal("failed"), status.Equal("cancelled"), status.Equal("queued"), status.Equal("in_progress"):
		return chat.Unreadable("the provider's response ended without an answer")
	}
	choice := chat.Choice{Finish: finishOf(r, chat.FinishStop)}
	pieces := 0
	for i := range output.Len() {
		item := output.At(i)
		if pieces += 1 + item.Get("content").Len() + item.Get("summary").Len(); pieces > maxPieces {
			return chat.Unreadable("the provider's answer has too many parts")
		}
		switch kind := item.Get("type"); {
		case kind.Equal("message"):
			readMessage(&choice, item.Get("content"))
		case kind.Equal("reasoning"):
			choice.Reasoning = appendTexts(choice.Reasoning, item.Get("summary"))
			choice.Reasoning = appendTexts(choice.Reasoning, item.Get("content"))
		case kind.Equal("function_call"):
			choice.Calls = append(choice.Calls, callOf(item))
		case kind.Equal("custom_tool_call"):
			sdk.Lossy("output[].custom_tool_call")
		}
	}
	choice.Finish = afterCalls(choice.Finish, len(choice.Calls) > 0)
	answer := chat.Completion{ID: r.Get("id"), Model: r.Get("model"), Choices: []chat.Choice{choice}}
	readUsage(&answer.Usage, r.Get("usage"))
	answer.Emit()
	return sdk.OK
}

// readMessage collects a message item's texts. A response may hold several
// messages (commentary, then the final answer); their texts follow each other as
// they do in a stream.
func readMessage(choice *chat.Choice, parts sdk.Node) {
	choice.Content = appendTexts(choice.Content, parts)
	for i := range parts.Len() {
		if refusal := parts.At(i).Get("refusal"); chat.IsText(refusal) && choice.Refusal == 0 {
			choice.Refusal = refusal
		}
	}
}

// appendTexts adds the text of every part that has one.
func appendTexts(texts []sdk.Node, parts sdk.Node) []sdk.Node {
	for i := range parts.Len() {
		if text := parts.At(i).Get("text"); text.Kind() == abi.KindString {
			texts = append(texts, text)
		}
	}
	return texts
}

// callOf reads a function_call item. Its own id is not that of the call.
func callOf(item sdk.Node) chat.ToolCall {
	return chat.ToolCall{ID: item.Get("call_id"), Name: item.Get("name"), Arguments: item.Get("arguments")}
}

// afterCalls is the finish reason of an answer that may hold calls.
func afterCalls(finish string, called bool) string {
	if called && finish == chat.FinishStop {
		return chat.FinishToolCalls
	}
	return finish
}

// finishOf derives Chat's finish_reason, which the Responses wire lacks; otherwise is
// what an answer that does not call itself incomplete ended with.
func finishOf(r sdk.Node, otherwise string) string {
	reason := r.Pointer("/incomplete_details/reason")
	switch {
	case reason.Equal("content_filter"):
		return chat.FinishContentFilter
	case r.Get("status").Equal("incomplete"), reason.Kind() == abi.KindString:
		return chat.FinishLength
	}
	return otherwise
}

// readUsage reads the counters of the Responses wire. Its input_tokens hold the
// cached ones, and its output_tokens the reasoning, as Chat's do.
func readUsage(u *chat.Usage, usage sdk.Node) {
	if usage.Kind() != abi.KindObject {
		return
	}
	details := usage.Get("input_tokens_details")
	input := chat.Count(usage.Get("input_tokens"))
	u.Known = true
	u.CacheRead = min(chat.Count(details.Get("cached_tokens")), input)
	u.CacheWrite = min(chat.Count(details.Get("cache_write_tokens")), input-u.CacheRead)
	u.Uncached = input - u.CacheRead - u.CacheWrite
	u.Output = chat.Count(usage.Get("output_tokens"))
	u.Reasoning = min(chat.Count(usage.Pointer("/output_tokens_details/reasoning_tokens")), u.Output)
}
