package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxPieces is how many output items and parts an answer may hold: reading them takes
// about ten host calls each, of which an entry point has 100,000.
const maxPieces = 5000

// callPieces is what a call counts beyond its item.
const callPieces = 2

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
	a := answer{choice: chat.Choice{Finish: finishOf(r, chat.FinishStop), Provider: "openai"}}
	for i := range output.Len() {
		if !a.read(output.At(i)) {
			return chat.Unreadable("the provider's answer has too many parts")
		}
	}
	a.choice.Finish = afterCalls(a.choice.Finish, len(a.choice.Calls) > 0)
	if len(a.citations) > 0 {
		a.choice.More = a.writeCitations
	}
	if len(a.logprobs) > 0 {
		a.choice.Logprobs = func(w *chat.Writer) { writeLogprobs(w, a.logprobs) }
	}
	whole := chat.Completion{ID: r.Get("id"), Model: r.Get("model"), Choices: []chat.Choice{a.choice}}
	readUsage(&whole.Usage, r.Get("usage"))
	whole.Usage.ServerCalls = a.searches
	whole.Emit()
	return sdk.OK
}

// answer gathers the one choice of a response from its output items.
type answer struct {
	choice    chat.Choice
	pieces    int
	citations []sdk.Node // annotations of type url_citation
	logprobs  []sdk.Node // lists
	searches  int64      // of the web, made by OpenAI
}

// read takes one output item. ok is false for more than can be read in a call.
func (a *answer) read(item sdk.Node) (ok bool) {
	if a.pieces += 1 + item.Get("content").Len() + item.Get("summary").Len(); a.pieces > maxPieces {
		return false
	}
	choice := &a.choice
	switch kind := item.Get("type"); {
	case kind.Equal("message"):
		return a.readMessage(item.Get("content"))
	case kind.Equal("reasoning"):
		before := len(choice.Reasoning)
		choice.Reasoning = appendTexts(choice.Reasoning, item.Get("summary"))
		choice.Reasoning = appendTexts(choice.Reasoning, item.Get("content"))
		if sealed := item.Get("encrypted_content"); chat.IsText(sealed) {
			choice.Thoughts = append(choice.Thoughts, chat.Thought{
				Texts: choice.Reasoning[before:], Signature: sealed, Calls: len(choice.Calls),
			})
		}
	case kind.Equal("function_call"), kind.Equal("custom_tool_call"):
		a.pieces += callPieces
		choice.Calls = append(choice.Calls, callOf(item))
	case kind.Equal("web_search_call"):
		a.searches++
	default:
		if a.pieces < abi.MaxLossy {
			sdk.Lossy("output[].type")
		}
	}
	return true
}

// readMessage collects a message item's texts. A response may hold several
// messages (commentary, then the final answer); their texts follow each other as
// they do in a stream.
func (a *answer) readMessage(parts sdk.Node) (ok bool) {
	choice := &a.choice
	choice.Content = appendTexts(choice.Content, parts)
	for i := range parts.Len() {
		part := parts.At(i)
		if refusal := part.Get("refusal"); chat.IsText(refusal) && choice.Refusal == 0 {
			choice.Refusal = refusal
		}
		notes := part.Get("annotations")
		if list := part.Get("logprobs"); list.Len() > 0 {
			a.logprobs = append(a.logprobs, list)
			a.pieces += list.Len()
		}
		if a.pieces += notes.Len(); a.pieces > maxPieces {
			return false
		}
		for k := range notes.Len() {
			if note := notes.At(k); note.Get("type").Equal("url_citation") {
				a.citations = append(a.citations, note)
			}
		}
	}
	return true
}

func (a *answer) writeCitations(w *chat.Writer) {
	for i, note := range a.citations {
		if i == 0 {
			w.Emit(`,"annotations":[`)
		} else {
			w.Emit(`,`)
		}
		writeCitation(w, note)
	}
	w.Emit(`]`)
}

// writeCitation writes an annotation, which is flat here and nested on Chat.
func writeCitation(w *chat.Writer, note sdk.Node) {
	w.Emit(`{"type":"url_citation","url_citation":{`)
	w.Members(note, "type")
	w.Emit(`}}`)
}

// writeLogprobs writes Chat's object of lists that are the same on both wires.
func writeLogprobs(w *chat.Writer, lists []sdk.Node) {
	w.Emit(`{"content":[`)
	first := true
	for _, list := range lists {
		for i := range list.Len() {
			if !first {
				w.Emit(`,`)
			}
			first = false
			w.Node(list.At(i))
		}
	}
	w.Emit(`],"refusal":null}`)
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

// callOf reads a function_call or custom_tool_call item. Its own id is not that of the
// call.
func callOf(item sdk.Node) chat.ToolCall {
	if item.Get("type").Equal("custom_tool_call") {
		return chat.ToolCall{ID: item.Get("call_id"), Name: item.Get("name"), Arguments: item.Get("input"), Free: true}
	}
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
