package wire

import "github.com/pointsman/pointsman/engine/document"

// FromMessagesCount is FromMessages for a body of POST /v1/messages/count_tokens, which
// has no max_tokens and needs none.
// Errors: *Error. Safe for concurrent use.
func FromMessagesCount(doc *document.Doc, model string) (Chat, error) {
	return fromMessages(doc, model, true)
}
