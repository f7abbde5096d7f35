package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// counted turns the answer of countTokens into the canonical count.
func counted(answer sdk.Node) sdk.Result {
	total := answer.Get("totalTokens")
	if total.Kind() != abi.KindNumber {
		return chat.Unreadable("the provider sent a count without tokens")
	}
	w := chat.NewWriter()
	w.Emit(`{"input_tokens":`)
	w.Int(chat.Count(total))
	w.Emit(`}`)
	w.End()
	return sdk.OK
}
