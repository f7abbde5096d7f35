package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: calls without their results, and content of a type that it cannot carry.
func (Adapter) Request() sdk.Result {
	switch operation := chat.Operation(); operation {
	case abi.OperationChat, abi.OperationCountTokens:
		return generate(operation == abi.OperationCountTokens)
	case abi.OperationEmbeddings:
		return embed()
	case abi.OperationList:
		sdk.SetMethod("GET")
		sdk.SetPath("/v1beta/models?pageSize=1000") // the most that a page can hold
		return sdk.OK
	}
	return chat.Unsupported()
}

// generate writes a request for an answer, or one that counts what it would hold.
func generate(counting bool) sdk.Result {
	r := chat.ReadRequest(ownMembers...)
	r.KeepTools, r.FreeText = true, true
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	box, ok := r.Toolbox()
	if !ok || !counting && !remember(&box) {
		return sdk.Failed
	}
	method := ":generateContent"
	switch {
	case counting:
		method = ":countTokens"
	case r.Stream:
		method = ":streamGenerateContent?alt=sse"
	}
	if !setPath(r.UpstreamID, method) {
		return badModel()
	}
	b := body{Writer: chat.NewWriter(), r: r, model: modelOf(r.UpstreamID)}
	if b.open = `{"contents":[`; counting {
		// What stands outside of the whole request is not counted.
		b.Emit(`{"generateContentRequest":{"model":`)
		b.modelName(r.UpstreamID)
		b.open = `,"contents":[`
	}
	if !b.contents(messages) || !b.system(messages) || !b.tools(&box) {
		return sdk.Failed
	}
	if counting {
		b.Emit(`}}`)
		b.End()
		return sdk.OK
	}
	if !b.config() {
		return sdk.Failed
	}
	b.service()
	b.extension()
	b.Emit(`}`)
	b.End()
	return sdk.OK
}

// setPath names the model and the method. ok is false for an id that would not be
// one path segment as it stands.
func setPath(upstreamID sdk.Node, method string) (ok bool) {
	const models = "/v1beta/models/"
	b := upstreamID.AppendText(append(path[:0], models...))
	id := b[len(models):]
	if !plainID(id) {
		return false
	}
	sdk.SetPath(string(append(b, method...)))
	sdk.SetHeader("content-type", "application/json")
	return true
}

// path is the memory of the path, which is short.
var path [256]byte

func badModel() sdk.Result {
	return sdk.Fail(400, "the upstream id of the model cannot stand in a path")
}

func plainID(id []byte) bool {
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return len(id) > 0 && string(id) != "." && string(id) != ".."
}

// body writes the body of a request.
type body struct {
	*chat.Writer
	r      *chat.Request
	model  model
	open   string    // what stands before the first turn
	turn   chat.Role // of the turn that is open; 0 before the first
	inText bool      // its last part is a text whose brace is still open
	tooled bool      // tools have been written
	member string    // of the generation config: what stands before its next member
}

// modelName writes the resource name of a model whose id is plain.
func (b *body) modelName(upstreamID sdk.Node) {
	b.Emit(`"models/`)
	b.Inner(upstreamID)
	b.Emit(`"`)
}
