package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// count takes the counters as they stand: in a stream each chunk's are the sum so
// far. What Gemini leaves out is 0, but an object that counts no prompt counts
// nothing: early chunks hold only the kind of traffic. Thoughts are counted beside
// the candidates, what tools put into the prompt beside the prompt.
func count(u *chat.Usage, usage sdk.Node) {
	node := usage.Get("promptTokenCount")
	if node == 0 || node.Kind() != abi.KindNumber {
		return
	}
	prompt := chat.Count(node)
	cached := min(chat.Count(usage.Get("cachedContentTokenCount")), prompt)
	thoughts := chat.Count(usage.Get("thoughtsTokenCount"))
	audioInput := u.AudioInput
	if !u.Known || prompt != u.Uncached+u.CacheRead {
		audioInput = audio(usage.Get("promptTokensDetails")) // the prompt does not change
	}
	*u = chat.Usage{
		Known:       true,
		Uncached:    prompt - cached + chat.Count(usage.Get("toolUsePromptTokenCount")),
		CacheRead:   cached,
		Output:      chat.Count(usage.Get("candidatesTokenCount")) + thoughts,
		Reasoning:   thoughts,
		ServerCalls: u.ServerCalls,
		AudioInput:  audioInput,
		AudioOutput: audio(usage.Get("candidatesTokensDetails")),
	}
}

// maxModalities bounds what is read of a list of modalities, of which there are five.
const maxModalities = 8

// audio returns the tokens of a list by modality that were audio.
func audio(list sdk.Node) (tokens int64) {
	if list == 0 {
		return 0
	}
	for i := range min(list.Len(), maxModalities) {
		if one := list.At(i); one.Get("modality").Equal("AUDIO") {
			tokens += chat.Count(one.Get("tokenCount"))
		}
	}
	return tokens
}
