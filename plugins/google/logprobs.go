package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Host calls: what the candidates of one body may cost, and what a part, a token of
// the answer and an alternative to it do cost at most.
const (
	answerCalls     = 90_000
	partCost        = 28
	tokenCost       = 14
	alternativeCost = 10
)

// logprobs is the probabilities of one candidate's tokens (LogprobsResult).
type logprobs struct {
	chosen, top sdk.Node // lists of the same length
	tokens      int
	most        int // alternatives of each
}

// logprobsOf returns a candidate's; ok is false when it has none. left is what the
// body may still cost: alternatives that are too many are left out, then all.
func logprobsOf(candidate sdk.Node, left *int) (l logprobs, ok bool) {
	result := candidate.Get("logprobsResult")
	if result == 0 {
		return l, false
	}
	l.chosen, l.top = result.Get("chosenCandidates"), result.Get("topCandidates")
	if l.tokens = l.chosen.Len(); l.tokens == 0 {
		return l, false
	}
	if *left < l.tokens*tokenCost {
		sdk.Lossy("logprobs")
		return l, false
	}
	*left -= l.tokens * tokenCost
	wanted := min(l.top.At(0).Get("candidates").Len(), 20)
	if l.most = min(wanted, *left/(l.tokens*alternativeCost)); l.most < wanted {
		sdk.Lossy("top_logprobs")
	}
	*left -= l.tokens * l.most * alternativeCost
	return l, true
}

// write writes OpenAI's logprobs object. Gemini says no bytes.
func (l logprobs) write(w *chat.Writer) {
	w.Emit(`{"content":[`)
	for i := range l.tokens {
		if i > 0 {
			w.Emit(`,`)
		}
		writeToken(w, l.chosen.At(i))
		w.Emit(`,"top_logprobs":[`)
		candidates := l.top.At(i).Get("candidates")
		for j := range min(candidates.Len(), l.most) {
			if j > 0 {
				w.Emit(`,`)
			}
			writeToken(w, candidates.At(j))
			w.Emit(`}`)
		}
		w.Emit(`]}`)
	}
	w.Emit(`],"refusal":null}`)
}

// writeToken writes a token up to what follows its bytes. A certain one's logarithm
// of 0 is left out by the API.
func writeToken(w *chat.Writer, token sdk.Node) {
	w.Emit(`{"token":`)
	if text := token.Get("token"); text.Kind() == abi.KindString {
		w.Node(text)
	} else {
		w.Emit(`""`)
	}
	w.Emit(`,"logprob":`)
	if log := token.Get("logProbability"); log.Kind() == abi.KindNumber {
		w.Node(log)
	} else {
		w.Emit(`0`)
	}
	w.Emit(`,"bytes":null`)
}
