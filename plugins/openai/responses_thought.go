package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// thoughts are the reasoning items that an assistant message carries: the blocks of
// OpenAI's own, which no other provider can read, nor OpenAI theirs. An item has
// to stand directly before what it led to, or the request is refused.
// See RATIONALE.md, "Why do thoughts go before what they led to?".
type thoughts struct {
	*translation
	list, reasoning sdk.Node
	given           bool // at least one was written
}

// thoughtCost is what looking at a block takes in host calls, and writing it again.
const thoughtCost = 10

// emit writes the items that came after so many calls. ok is false after a failure
// was reported.
func (h *thoughts) emit(calls int) (ok bool) {
	if !h.thinks || h.list == 0 || h.list.Kind() != abi.KindArray {
		return true
	}
	n := h.list.Len()
	for i := range n {
		if !h.spend(thoughtCost) {
			return false
		}
		block := h.list.At(i)
		if !block.Get("provider").Equal("openai") || !chat.IsText(block.Get("signature")) ||
			block.Get("after_calls").Int() != int64(calls) {
			continue
		}
		if !h.spend(thoughtCost) {
			return false
		}
		text := block.Get("thinking")
		if n == 1 && !chat.IsText(text) {
			text = h.reasoning // a stream brings the text by itself
		}
		h.separate()
		sdk.Emit(`{"type":"reasoning","summary":[`)
		if chat.IsText(text) {
			sdk.Emit(`{"type":"summary_text","text":`)
			sdk.EmitNode(text)
			sdk.Emit(`}`)
		}
		sdk.Emit(`],"encrypted_content":`)
		sdk.EmitNode(block.Get("signature"))
		sdk.Emit(`}`)
		h.given = true
	}
	return true
}
