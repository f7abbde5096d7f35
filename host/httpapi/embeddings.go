package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

const embeddingsPath = "/v1/embeddings"

// embeddings serves POST /v1/embeddings in OpenAI's wire, which is the canonical one.
func (s *Server) embeddings(c *fiber.Ctx) error { return s.complete(c, embeddingsDialect{}) }

// embeddingsDialect is one request for embeddings. It never streams.
type embeddingsDialect struct{ chatDialect }

func (embeddingsDialect) parse(body []byte) (*document.Doc, error) {
	return engine.ParseEmbeddings(body)
}

func (embeddingsDialect) arrived(a *engine.Arrival) { a.Operation = abi.OperationEmbeddings }
