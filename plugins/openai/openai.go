// Package openai is the adapter for OpenAI's two wires, Chat Completions and
// Responses, and for every server that speaks the first of them.
//
// The canonical body is Chat Completions itself, so the chat wire is a splice:
// the members travel as they came, only what is ours is taken out and what a server
// would refuse is put otherwise. The Responses wire, which the Codex models and
// gpt-5.4 and later need, is translated. Which of the two a call takes is
// call.target.api; what a server is like is the provider's config (quirk.go).
//
// The package is importable so that it runs under go test; guest/ is the same
// code as a plugin. Read request.go and message.go first, then event.go, then
// responses_request.go.
//
// Outside facts are from OpenAI's API reference and from recorded exchanges as of
// 2026-08; each is named where it is used.
package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Adapter translates for OpenAI. The zero value is ready; it holds nothing.
type Adapter struct{}

var _ sdk.Adapter = Adapter{}

// Request builds the provider's request for the call's operation: POST
// /chat/completions, or /responses for a target with that api; POST /embeddings;
// POST /responses/input_tokens; GET /models.
func (Adapter) Request() sdk.Result {
	operation := chat.Operation()
	if operation == abi.OperationList {
		return listRequest()
	}
	call := sdk.Call()
	target := call.Get("target")
	if beta := call.Pointer("/headers/openai-beta"); beta.Len() > 0 {
		sdk.SetHeader("openai-beta", beta.Text())
	}
	sdk.SetHeader("content-type", "application/json")
	switch operation {
	case abi.OperationChat:
		q := readQuirks(target)
		if onResponses(target) {
			sdk.SetPath("/responses")
			return responsesRequest(&q, false)
		}
		return chatRequest(&q)
	case abi.OperationEmbeddings:
		return embeddingsRequest(target)
	case abi.OperationCountTokens:
		return countRequest(target)
	}
	return chat.Unsupported()
}

// Response turns a complete answer into the canonical one of the call's operation.
func (Adapter) Response() sdk.Result {
	switch chat.Operation() {
	case abi.OperationEmbeddings:
		return embeddingsResponse()
	case abi.OperationCountTokens:
		return countResponse()
	case abi.OperationList:
		return listResponse()
	}
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
