package httpapi

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

const responsesPath = "/v1/responses"

// responses serves POST /v1/responses, plain and streamed. Nothing is stored: an answer
// cannot be fetched or continued by its id, and says "store":false.
func (s *Server) responses(c *fiber.Ctx) error {
	return s.complete(c, &responsesDialect{id: requestOf(c.Context()).id})
}

// responsesDialect is one completion in the wire of OpenAI's Responses API. Its errors
// are those of Chat Completions.
type responsesDialect struct {
	id    string // of the request
	asked wire.Asked
	lost  []string
}

func (d *responsesDialect) lossy() []string { return d.lost }

func (d *responsesDialect) parse(body []byte) (*document.Doc, error) {
	doc, err := document.Parse(body, document.Limits{})
	if err != nil {
		return engine.ParseChat(body) // which has the words for it
	}
	defer doc.Release()
	chat, err := wire.FromResponses(doc, "")
	var e *wire.Error
	if errors.As(err, &e) {
		return nil, &engine.Error{Code: engine.CodeInvalid, Param: e.Param, Message: e.Error()}
	}
	if err != nil {
		return nil, err
	}
	shown := strings.Clone(doc.Root().Get("model").Text())
	if shown == engine.ModelAuto {
		shown = ""
	}
	d.asked, d.lost = wire.AskedOf(doc, shown, d.id), chat.Lossy
	return engine.ParseChat(chat.Body)
}

func (d *responsesDialect) answer(completion []byte) ([]byte, error) {
	doc, err := document.Parse(completion, document.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	return wire.ToResponse(doc, d.asked), nil
}

func (d *responsesDialect) framing() framing {
	return &responsesFraming{wire.NewResponsesStream(d.asked)}
}

// responsesFraming is the stream of the Responses API.
type responsesFraming struct{ stream *wire.ResponsesStream }

func (f *responsesFraming) chunk(dst, chunk []byte) ([]byte, error) {
	doc, err := document.Parse(chunk, document.Limits{})
	if err != nil {
		return dst, err
	}
	defer doc.Release()
	dst, err = f.stream.Chunk(dst, doc)
	if errors.Is(err, wire.ErrTooMuch) {
		err = &engine.Error{Code: engine.CodeUpstreamFailed, Message: "The provider's answer is too long to be repeated at its end.", Err: err}
	}
	return dst, err
}

func (f *responsesFraming) done(dst []byte) ([]byte, error) {
	dst, err := f.stream.End(dst)
	return dst, ended(err)
}

func (f *responsesFraming) failed(dst []byte, why *failure) []byte {
	return f.stream.Fail(dst, why.kind, why.code, why.message)
}

// ping is a comment: the API has no event for it.
func (f *responsesFraming) ping(dst []byte) []byte { return append(dst, eventPing...) }
