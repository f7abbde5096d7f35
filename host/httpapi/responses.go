package httpapi

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

const responsesPath = "/v1/responses"

// responses serves POST /v1/responses, plain and streamed. Nothing is stored: an answer
// cannot be fetched or continued by its id, and says "store":false.
func (s *Server) responses(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	return s.complete(c, s.responsesDialect(rq))
}

func (s *Server) responsesDialect(rq *request) *responsesDialect {
	return &responsesDialect{models: s.cfg.Catalogue().Models(rq.principal.AccountID), received: rq.received, id: rq.id}
}

// responsesDialect is one completion in the wire of OpenAI's Responses API. Its errors
// are those of Chat Completions.
type responsesDialect struct {
	models   []engine.Model // that the caller may name; shared
	received time.Time
	id       string // of the request
	echo     wire.Asked
	asked    asked
}

func (d *responsesDialect) arrived(a *engine.Arrival) { d.asked.arrived(a, engine.APIResponses) }

func (d *responsesDialect) parse(body []byte) (*document.Doc, error) {
	doc, err := document.Parse(body, document.Limits{})
	if err != nil {
		return engine.ParseChat(body) // which has the words for it
	}
	model, shown := "", strings.Clone(doc.Root().Get("model").Text())
	if shown == engine.ModelAuto {
		shown = ""
	} else {
		model = upstreamModel(d.models, shown, d.received)
	}
	d.echo = wire.AskedOf(doc, shown, d.id)
	return d.asked.canonical(doc, model, wire.FromResponses)
}

func (d *responsesDialect) answer(completion []byte) ([]byte, error) {
	doc, err := document.Parse(completion, document.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	return wire.ToResponse(doc, d.echo), nil
}

func (d *responsesDialect) framing(native bool) framing {
	return &responsesFraming{wire.NewResponsesStream(d.echo), native}
}

// responsesFraming is the stream of the Responses API.
type responsesFraming struct {
	stream *wire.ResponsesStream
	native bool // its chunks are events already
}

func (f *responsesFraming) chunk(dst, chunk []byte) ([]byte, error) {
	if f.native {
		f.stream.Passed(chunk)
		return append(dst, chunk...), nil
	}
	return translated(dst, chunk, f.stream.Chunk, "The provider's answer is too long to be repeated at its end.")
}

func (f *responsesFraming) done(dst []byte) ([]byte, error) {
	if f.native {
		return dst, nil // the terminal event was the last chunk
	}
	dst, err := f.stream.End(dst)
	return dst, ended(err)
}

func (f *responsesFraming) failed(dst []byte, why *failure) []byte {
	return f.stream.Fail(dst, why.kind, why.code, why.message)
}

// ping is a comment: the API has no event for it.
func (f *responsesFraming) ping(dst []byte) []byte { return append(dst, eventPing...) }
