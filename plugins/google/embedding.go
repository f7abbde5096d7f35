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

// embeddings turns the answer into OpenAI's list, as numbers: the host packs them for
// a caller who wants that. Only newer models count what they read; where none is said
// the host estimates.
func embeddings(answer sdk.Node) sdk.Result {
	list := answer.Get("embeddings")
	n := list.Len()
	one := answer.Get("embedding")
	if one != 0 {
		n = 1
	}
	if n == 0 || n > maxInputs {
		return chat.Unreadable("the provider sent an answer without embeddings")
	}
	w := chat.NewWriter()
	w.Emit(`{"object":"list","data":[`)
	for i := range n {
		embedding := one
		if one == 0 {
			embedding = list.At(i)
		}
		values := embedding.Get("values")
		if values.Kind() != abi.KindArray || values.Len() == 0 {
			return chat.Unreadable("the provider sent an embedding without values")
		}
		if i > 0 {
			w.Emit(`,`)
		}
		w.Emit(`{"object":"embedding","index":`)
		w.Int(int64(i))
		w.Emit(`,"embedding":`)
		w.Node(values)
		w.Emit(`}`)
	}
	w.Emit(`],"model":`)
	if id := sdk.Call().Get("target").Get("upstream_id"); chat.IsText(id) {
		w.Node(id)
	} else {
		w.Emit(`""`)
	}
	if count := answer.Get("usageMetadata").Get("promptTokenCount"); count.Kind() == abi.KindNumber {
		w.Emit(`,"usage":{"prompt_tokens":`)
		w.Int(chat.Count(count))
		w.Emit(`,"total_tokens":`)
		w.Int(chat.Count(count))
		w.Emit(`}`)
	}
	w.Emit(`}`)
	w.End()
	return sdk.OK
}
