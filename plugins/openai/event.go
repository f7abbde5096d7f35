package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// chatEvent passes a chunk on as it came, without the padding that OpenAI adds
// against traffic analysis ("obfuscation"): the caller's stream is another one.
// The host writes the terminator, so "[DONE]" and the end of the stream say nothing.
func chatEvent() sdk.Result {
	event := sdk.Response()
	switch event.Kind() {
	case abi.KindAbsent:
		return sdk.OK
	case abi.KindString:
		if event.Len() == 0 || event.Equal("[DONE]") {
			return sdk.OK
		}
		return chat.Unreadable("the provider sent a stream event that is not JSON")
	}
	if failed := errorOf(event); failed.Exists() {
		return failWith(failed)
	}
	if event.Get("choices").Kind() != abi.KindArray {
		return sdk.OK // an event of a kind that is not ours to know
	}
	if !event.Get("obfuscation").Exists() {
		sdk.EmitNode(event)
		return sdk.OK
	}
	sdk.Emit(`{`)
	sdk.EmitMembers(event, "obfuscation")
	sdk.Emit(`}`)
	return sdk.OK
}
