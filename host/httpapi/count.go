package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
	"github.com/pointsman/pointsman/sdk/abi"
)

const (
	countMessagesPath  = messagesPath + "/count_tokens"
	countResponsesPath = responsesPath + "/input_tokens"
)

// headerEstimated says that a count is ours and not a provider's.
const headerEstimated = "X-Pointsman-Estimated"

// countMessages serves POST /v1/messages/count_tokens in Anthropic's wire.
func (s *Server) countMessages(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	c.Response().Header.Set(headerMessagesID, rq.id)
	return s.complete(c, &messagesCount{*s.messagesDialect(rq)})
}

// messagesCount is a body of the Messages API whose tokens are to be counted. It never streams.
type messagesCount struct{ messagesDialect }

func (d *messagesCount) parse(body []byte) (*document.Doc, error) {
	return d.read(body, wire.FromMessagesCount)
}

func (d *messagesCount) arrived(a *engine.Arrival) {
	d.messagesDialect.arrived(a)
	a.Operation = abi.OperationCountTokens
}

// answer is the canonical one: {"input_tokens": n}.
func (d *messagesCount) answer(count []byte) ([]byte, error) { return count, nil }

// countResponses serves POST /v1/responses/input_tokens in the wire of OpenAI's Responses API.
func (s *Server) countResponses(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	return s.complete(c, &responsesCount{*s.responsesDialect(rq)})
}

// responsesCount is a body of the Responses API whose tokens are to be counted. It never streams.
type responsesCount struct{ responsesDialect }

func (d *responsesCount) arrived(a *engine.Arrival) {
	d.responsesDialect.arrived(a)
	a.Operation = abi.OperationCountTokens
}

func (d *responsesCount) answer(count []byte) ([]byte, error) {
	return append([]byte(`{"object":"response.input_tokens",`), count[1:]...), nil
}
