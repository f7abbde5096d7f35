package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
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
	switch reason.Text() {
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

// indexOf is the candidate's place among the choices: as it says itself, else its
// position. -1 when that is out of range.
func indexOf(candidate sdk.Node, position int) int {
	i := int64(position)
	if index := candidate.Get("index"); index.Kind() == abi.KindNumber {
		i = index.Int()
	}
	if i < 0 || i >= chat.MaxChoices {
		return -1
	}
	return int(i)
}

// piece is one part of a candidate's content.
type piece uint8

const (
	nothing piece = iota // an empty text, as one that only carries a signature
	text
	thought // a summary of the model's reasoning
	other   // named by member, and lost
)

// read tells what a part is and returns its text.
func read(part sdk.Node) (piece, sdk.Node) {
	t := part.Get("text")
	switch {
	case t.Kind() != abi.KindString:
		return other, 0
	case t.Len() == 0:
		return nothing, 0
	case part.Get("thought").Bool():
		return thought, t
	}
	return text, t
}

// lose reports a part that is no text. Only members that the API is known to send
// are named, so that their number is bounded.
func lose(part sdk.Node) {
	for _, name := range [...]string{"functionCall", "inlineData", "fileData", "executableCode", "codeExecutionResult"} {
		if part.Get(name).Exists() {
			sdk.Lossy("parts[]." + name)
			return
		}
	}
	sdk.Lossy("parts[]")
}

// maxParts bounds the parts of one body, over all candidates; a model writes a few.
const maxParts = 4096

// candidatesOf returns the body's candidates. ok is false when they are more, or
// hold more, than a provider could mean.
func candidatesOf(body sdk.Node) (candidates sdk.Node, n int, ok bool) {
	candidates = body.Get("candidates")
	n = candidates.Len()
	if n > chat.MaxChoices {
		return 0, 0, false
	}
	parts := 0
	for i := range n {
		parts += partsOf(candidates.At(i)).Len()
	}
	return candidates, n, parts <= maxParts
}

// partsOf returns a candidate's parts, absent where there are none: a budget spent
// on thinking and a filter both leave the content empty.
func partsOf(candidate sdk.Node) sdk.Node { return candidate.Get("content").Get("parts") }

// count takes the counters as they stand: in a stream each chunk's are the sum so
// far. What Gemini leaves out is 0, but an object that counts no prompt counts
// nothing: early chunks hold only the kind of traffic.
func count(u *chat.Usage, usage sdk.Node) {
	prompt := usage.Get("promptTokenCount")
	if prompt.Kind() != abi.KindNumber {
		return
	}
	cached := chat.Count(usage.Get("cachedContentTokenCount"))
	thoughts := chat.Count(usage.Get("thoughtsTokenCount"))
	*u = chat.Usage{
		Known:     true,
		Uncached:  max(chat.Count(prompt)-cached, 0) + chat.Count(usage.Get("toolUsePromptTokenCount")),
		CacheRead: min(cached, chat.Count(prompt)),
		Output:    chat.Count(usage.Get("candidatesTokenCount")) + thoughts,
		Reasoning: thoughts,
	}
}
