package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// chatResponse passes a chat.completion on as it came. An answer that is none
// (a proxy's page, an error with status 200) is a failure of the provider.
func chatResponse() sdk.Result {
	body := sdk.Response()
	if failed := errorOf(body); failed.Exists() {
		return failWith(failed)
	}
	choices := body.Get("choices")
	if choices.Kind() != abi.KindArray || choices.Len() == 0 {
		return chat.Unreadable("the provider's answer is not a chat completion")
	}
	sdk.EmitNode(body)
	return sdk.OK
}
