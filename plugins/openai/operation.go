package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// embeddingsRequest passes OpenAI's embeddings body on with the target's model.
func embeddingsRequest(target sdk.Node) sdk.Result {
	sdk.SetPath("/embeddings")
	q := readQuirks(target)
	return membersRequest(&q)
}

// embeddingsResponse passes the list of embeddings on as it came.
func embeddingsResponse() sdk.Result {
	body := sdk.Response()
	if failed := errorOf(body); failed.Exists() {
		return failWith(failed)
	}
	if data := body.Get("data"); data.Kind() != abi.KindArray || data.Len() > 0 && !data.At(0).Get("embedding").Exists() {
		return chat.Unreadable("the provider's answer is not a list of embeddings")
	}
	sdk.EmitNode(body)
	return sdk.OK
}

func listRequest() sdk.Result {
	sdk.SetMethod("GET")
	sdk.SetPath("/models")
	return sdk.OK
}

// maxModels is how many models of a list are read: ten host calls each, of the 100,000
// that an entry point has.
const maxModels = 8000

// listResponse writes the models that the provider lists. Some servers say null for
// none (Ollama), or send the array by itself.
func listResponse() sdk.Result {
	body := sdk.Response()
	data := body
	if body.Kind() != abi.KindArray {
		if failed := errorOf(body); failed.Exists() {
			return failWith(failed)
		}
		data = body.Get("data")
	}
	if kind := data.Kind(); kind != abi.KindArray && kind != abi.KindNull {
		return chat.Unreadable("the provider's answer is not a list of models")
	}
	sdk.Emit(`{"object":"list","data":[`)
	first := true
	for i := range min(data.Len(), maxModels) {
		model := data.At(i)
		if !chat.IsText(model.Get("id")) {
			continue
		}
		if !first {
			sdk.Emit(`,`)
		}
		first = false
		sdk.Emit(`{"id":`)
		sdk.EmitNode(model.Get("id"))
		sdk.Emit(`,"object":"model"`)
		sdk.EmitMembers(model, "id", "object")
		sdk.Emit(`}`)
	}
	sdk.Emit(`]}`)
	return sdk.OK
}

// countRequest asks OpenAI to count the tokens of a request, which is written as the
// Responses wire has it, whatever wire it will be answered on.
func countRequest(target sdk.Node) sdk.Result {
	q := readQuirks(target)
	if !q.counts() {
		return chat.Unsupported()
	}
	sdk.SetPath("/responses/input_tokens")
	return responsesRequest(&q, true)
}

func countResponse() sdk.Result {
	body := sdk.Response()
	if failed := errorOf(body); failed.Exists() {
		return failWith(failed)
	}
	tokens := body.Get("input_tokens")
	if tokens.Kind() != abi.KindNumber {
		return chat.Unreadable("the provider's answer is not a count of tokens")
	}
	sdk.Emit(`{"input_tokens":`)
	sdk.EmitInt(chat.Count(tokens))
	sdk.Emit(`}`)
	return sdk.OK
}
