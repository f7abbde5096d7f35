package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxInputs is how many texts the API embeds in one call (its limit, November 2026).
const maxInputs = 100

// embed writes a request for the embeddings of one text, or of several.
func embed() sdk.Result {
	request, upstreamID := sdk.Request(), sdk.Call().Get("target").Get("upstream_id")
	input := request.Get("input")
	n := 1
	if input.Kind() == abi.KindArray {
		n = input.Len()
	}
	if n > maxInputs {
		return chat.Refuse("input", "the Gemini API embeds at most 100 texts in a call")
	}
	method := ":embedContent"
	if n > 1 {
		method = ":batchEmbedContents"
	}
	if !setPath(upstreamID, method) {
		return badModel()
	}
	b := body{Writer: chat.NewWriter()}
	if n > 1 {
		b.Emit(`{"requests":[`)
	}
	for i := range n {
		text := input
		if input.Kind() == abi.KindArray {
			text = input.At(i)
		}
		if !chat.IsText(text) {
			return chat.Refuse("input", "the Gemini API embeds texts only, none of them empty, and no tokens")
		}
		if i > 0 {
			b.Emit(`,`)
		}
		b.Emit(`{"model":`)
		b.modelName(upstreamID)
		b.Emit(`,"content":{"parts":[{"text":`)
		b.Node(text)
		b.Emit(`}]}`)
		if d := request.Get("dimensions"); d.Kind() == abi.KindNumber {
			b.Emit(`,"outputDimensionality":`)
			b.Node(d)
		}
		b.Emit(`}`)
	}
	if n == 0 {
		return chat.Refuse("input", "there is nothing to embed")
	}
	if n > 1 {
		b.Emit(`]}`)
	}
	b.End()
	var r chat.Request
	r.Lose("user", request.Get("user"))
	return sdk.OK
}
