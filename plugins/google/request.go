package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// Request implements sdk.Adapter. It fails for what would change the request's
// meaning: calls without their results, and content of a type that it cannot carry.
func (Adapter) Request() sdk.Result {
	r, ok := chat.ReadRequest()
	if !ok {
		return sdk.Failed
	}
	messages, ok := r.Messages()
	if !ok {
		return sdk.Failed
	}
	if !setPath(r) {
		return sdk.Fail(400, "the upstream id of the model cannot stand in a path")
	}
	sdk.SetHeader("content-type", "application/json")
	b := body{Writer: chat.NewWriter(), r: r}
	if !b.contents(messages) || !b.system(messages) {
		return sdk.Failed
	}
	if !b.tools() {
		return sdk.Failed
	}
	b.config()
	b.service()
	b.Emit(`}`)
	b.End()
	return sdk.OK
}

// setPath names the model and the method. ok is false for an id that would not be
// one path segment as it stands.
func setPath(r *chat.Request) (ok bool) {
	const models = "/v1beta/models/"
	b := r.UpstreamID.AppendText(append(path[:0], models...))
	id := b[len(models):]
	if !plainID(id) {
		return false
	}
	if r.Stream {
		b = append(b, ":streamGenerateContent?alt=sse"...)
	} else {
		b = append(b, ":generateContent"...)
	}
	sdk.SetPath(string(b))
	return true
}

// path is the memory of the path, which is short.
var path [256]byte

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
	turn   chat.Role // of the turn that is open; 0 before the first
	inText bool      // its last part is a text whose brace is still open
	member string    // of the generation config: what stands before its next member
}
