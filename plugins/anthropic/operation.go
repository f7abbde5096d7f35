package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: several choices, calls without their results, content of a type that Messages
// has not; and for embeddings, which Anthropic has not.
func (Adapter) Request() sdk.Result {
	switch chat.Operation() {
	case abi.OperationChat:
		return request(false)
	case abi.OperationCountTokens:
		if lacks("count_tokens") {
			return chat.Unsupported()
		}
		return request(true)
	case abi.OperationList:
		sdk.SetMethod("GET")
		sdk.SetPath("/v1/models?limit=1000")
		return sdk.OK
	}
	return chat.Unsupported()
}

// Response implements sdk.Adapter.
func (Adapter) Response() sdk.Result {
	body := sdk.Response()
	if err := body.Get("error"); err.Kind() == abi.KindObject {
		return failure(err, sdk.Status()).Fail()
	}
	switch chat.Operation() {
	case abi.OperationCountTokens:
		return counted(body)
	case abi.OperationList:
		return listed(body)
	}
	return answered(body)
}

func counted(body sdk.Node) sdk.Result {
	tokens := body.Get("input_tokens")
	if tokens.Kind() != abi.KindNumber {
		return chat.Unreadable("the provider sent a token count without a number")
	}
	w := chat.NewWriter()
	w.Emit(`{"input_tokens":`)
	w.Int(chat.Count(tokens))
	w.Emit(`}`)
	w.End()
	return sdk.OK
}

// maxModels is how many models one page of the list has at most.
const maxModels = 1000

func listed(body sdk.Node) sdk.Result {
	data := body.Get("data")
	if data.Kind() != abi.KindArray {
		return chat.Unreadable("the provider sent a list of models that is none")
	}
	w := chat.NewWriter()
	open := `{"object":"list","data":[{"id":`
	for i := range min(data.Len(), maxModels) {
		id := data.At(i).Get("id")
		if !chat.IsText(id) {
			continue
		}
		w.Emit(open)
		w.Node(id)
		open = `,"object":"model"},{"id":`
	}
	if open[0] == '{' {
		w.Emit(`{"object":"list","data":[]}`)
	} else {
		w.Emit(`,"object":"model"}]}`)
	}
	w.End()
	return sdk.OK
}
