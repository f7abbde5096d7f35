// Package openai is the adapter for OpenAI's two wires, Chat Completions and
// Responses, and for every server that speaks the first of them.
//
// The canonical body is Chat Completions itself, so the chat wire is a splice:
// the members travel as they came, only what is ours is taken out. The Responses
// wire, which the Codex models and gpt-5.4 and later need, is translated.
// Which of the two a call takes is call.target.api.
//
// The package is importable so that it runs under go test; guest/ is the same
// code as a plugin. Read request.go first, then responses_request.go.
//
// Outside facts are from OpenAI's API reference and from recorded exchanges as of
// 2026-07; each is named where it is used.
package openai

import "github.com/pointsman/pointsman/sdk"

// Adapter translates for OpenAI. The zero value is ready; it holds nothing.
type Adapter struct{}

var _ sdk.Adapter = Adapter{}

// Request builds the provider's request on the wire of call.target.api:
// POST /chat/completions, or POST /responses for "responses".
func (Adapter) Request() sdk.Result {
	call := sdk.Call()
	if op := call.Get("operation"); op.Exists() && !op.Equal("chat") {
		return sdk.Fail(400, "this provider is called for chat only")
	}
	target := call.Get("target")
	if beta := call.Pointer("/headers/openai-beta"); beta.Len() > 0 {
		sdk.SetHeader("openai-beta", beta.Text())
	}
	sdk.SetHeader("content-type", "application/json")
	if onResponses(target) {
		return responsesRequest(target)
	}
	return chatRequest(target)
}

// Response turns a complete answer into a chat.completion.
func (Adapter) Response() sdk.Result {
	if onResponses(sdk.Call().Get("target")) {
		return responsesResponse()
	}
	return chatResponse()
}

// Event turns one stream event into chunks.
func (Adapter) Event() sdk.Result {
	if onResponses(sdk.Call().Get("target")) {
		return responsesEvent()
	}
	return chatEvent()
}

// Error turns a failed answer, of whatever form, into an OpenAI error object.
func (Adapter) Error() sdk.Result { return errorReply() }

func onResponses(target sdk.Node) bool { return target.Get("api").Equal("responses") }
