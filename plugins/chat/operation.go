package chat

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Operation returns what the call asks for, as [abi.OperationChat]. A call that
// says nothing is a chat; an unknown word is returned as "".
func Operation() string {
	operation := sdk.Call().Get("operation")
	if operation == 0 {
		return abi.OperationChat
	}
	for _, known := range [...]string{abi.OperationChat, abi.OperationEmbeddings, abi.OperationCountTokens, abi.OperationList} {
		if operation.Equal(known) {
			return known
		}
	}
	return ""
}

// Unsupported ends a request call whose operation the provider does not have.
func Unsupported() sdk.Result {
	return sdk.Fail(int(abi.CodeUnsupported), "the adapter has no operation '"+sdk.Call().Get("operation").Slice(0, 32).Text()+"'")
}
