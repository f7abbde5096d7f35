package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// verdict is what a finish reason means.
type verdict uint8

const (
	unfinished verdict = iota // no reason was given
	finished                  // the canonical reason stands beside it
	broken                    // the model failed: nothing that could be called an answer
	unknown                   // a reason that is newer than this adapter
)

// finish maps a finish reason (GenerateContentResponse, November 2026).
func finish(reason sdk.Node) (verdict, string) {
	if !chat.IsText(reason) {
		return unfinished, ""
	}
	switch string(chat.Word(reason)) {
	case "STOP":
		return finished, chat.FinishStop
	case "MAX_TOKENS", "CONTINUATION":
		return finished, chat.FinishLength
	case "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "LANGUAGE",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER":
		return finished, chat.FinishContentFilter
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS",
		"OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED":
		return broken, ""
	}
	return unknown, chat.FinishStop
}

// afterCalls is the finish reason of a choice that may have called tools: Gemini says
// STOP for that, too.
func afterCalls(reason string, called bool) string {
	if called && reason == chat.FinishStop {
		return chat.FinishToolCalls
	}
	return reason
}

// indexOf is the candidate's place among the choices: as it says itself, else its
// position. -1 when that is out of range.
func indexOf(candidate sdk.Node, position int) int {
	i := int64(position)
	if index := candidate.Get("index"); index != 0 {
		i = index.Int()
	}
	if i < 0 || i >= chat.MaxChoices {
		return -1
	}
	return int(i)
}

// read returns a part's text, absent where it has none, whether it is a summary of
// the model's reasoning instead of its answer, and the signature that it carries.
func read(part sdk.Node) (text sdk.Node, thought bool, signature sdk.Node) {
	if text = part.Get("text"); text == 0 || part.Len() == 1 {
		return text, false, 0
	}
	mark := part.Get("thought")
	return text, mark != 0 && mark.Bool(), part.Get("thoughtSignature")
}

// callOf returns the call that a part is; ok is false for a part that is none.
func callOf(part sdk.Node) (call chat.ToolCall, ok bool) {
	function := part.Get("functionCall")
	if function == 0 {
		return call, false
	}
	return chat.ToolCall{
		ID: function.Get("id"), Name: function.Get("name"), Arguments: function.Get("args"), Signature: part.Get("thoughtSignature"),
		Whole: true,
	}, true
}

// inPieces reports a call whose arguments come in pieces, which another service of
// Google's does when it is asked to. Taken as whole it would lose them.
func inPieces(part sdk.Node) bool {
	function := part.Get("functionCall")
	more := function.Get("willContinue")
	return more != 0 && more.Bool() || function.Get("partialArgs").Len() > 0
}

const callInPieces = "the provider sent a tool call in pieces"

// lose reports a part that is neither text nor call. Only members that the API is known to send
// are named, so that their number is bounded.
func lose(part sdk.Node) {
	for _, name := range [...]string{"inlineData", "fileData", "executableCode", "codeExecutionResult"} {
		if part.Get(name).Exists() {
			sdk.Lossy("parts[]." + name)
			return
		}
	}
	sdk.Lossy("parts[]")
}

// partsOf returns a candidate's parts, absent where there are none: a budget spent
// on thinking and a filter both leave the content empty.
func partsOf(candidate sdk.Node) sdk.Node { return candidate.Get("content").Get("parts") }
