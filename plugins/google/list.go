package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxModels bounds the models of a list: a page of the API.
const maxModels = 1000

// models turns the provider's models into the canonical list. Their names come as
// resources, "models/gemini-3.5-flash".
func models(answer sdk.Node) sdk.Result {
	list := answer.Get("models")
	if list.Kind() != abi.KindArray {
		return chat.Unreadable("the provider sent no list of models")
	}
	w := chat.NewWriter()
	w.Emit(`{"object":"list","data":[`)
	open := `{"id":`
	for i := range min(list.Len(), maxModels) {
		name := list.At(i).Get("name")
		if !chat.IsText(name) {
			continue
		}
		const prefix = "models/"
		if name.Slice(0, len(prefix)).Equal(prefix) {
			name = name.Slice(len(prefix), name.Len())
		}
		w.Emit(open)
		open = `,{"id":`
		w.Node(name)
		w.Emit(`,"object":"model","owned_by":"google"}`)
	}
	w.Emit(`]}`)
	w.End()
	return sdk.OK
}
