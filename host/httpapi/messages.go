package httpapi

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

const messagesPath = "/v1/messages"

// headerMessagesID is where clients of Anthropic's API look for the request's id.
const headerMessagesID = "Request-Id"

// messages serves POST /v1/messages in Anthropic's wire, plain and streamed. The
// query (?beta=true of the SDKs) and anthropic-version are not needed.
func (s *Server) messages(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	c.Response().Header.Set(headerMessagesID, rq.id)
	return s.complete(c, s.messagesDialect(rq))
}

func (s *Server) messagesDialect(rq *request) *messagesDialect {
	return &messagesDialect{models: s.cfg.Catalogue().Models(rq.principal.AccountID), received: rq.received, id: rq.id}
}

// messagesDialect is one completion in Anthropic's wire.
type messagesDialect struct {
	models   []engine.Model // that the caller may name; shared
	received time.Time
	id       string // of the request
	shown    string // model of the answer, "" for the one that served
	asked    asked
}

// asked is what a request in a wire of its own says beside its canonical form.
type asked struct {
	source *document.Doc
	chat   wire.Chat
}

func (a *asked) arrived(to *engine.Arrival, api engine.API) {
	to.Wire, to.Source, to.Lossy = api, a.source, a.chat.Lossy
	if e := a.chat.Foreign; e != nil {
		to.WireOnly = &engine.Error{Code: engine.CodeInvalid, Param: e.Param, Message: e.Error()}
	}
}

// refusal is an error of engine/wire as the caller is told it.
func refusal(err error) error {
	var e *wire.Error
	if errors.As(err, &e) {
		return &engine.Error{Code: engine.CodeInvalid, Param: e.Param, Message: e.Error()}
	}
	return err
}

func (d *messagesDialect) arrived(a *engine.Arrival) { d.asked.arrived(a, engine.APIMessages) }

func (d *messagesDialect) parse(body []byte) (*document.Doc, error) {
	return d.read(body, wire.FromMessages)
}

// read is parse with the reader for what is asked for.
func (d *messagesDialect) read(body []byte, from func(*document.Doc, string) (wire.Chat, error)) (*document.Doc, error) {
	doc, err := document.Parse(body, document.Limits{})
	if err != nil {
		return engine.ParseChat(body) // which has the words for it
	}
	model := ""
	if asked := doc.Root().Get("model").Text(); asked != engine.ModelAuto {
		d.shown = strings.Clone(asked)
		model = upstreamModel(d.models, asked, d.received)
	}
	return d.asked.canonical(doc, model, from)
}

// canonical takes the body into its canonical form, and keeps it.
func (a *asked) canonical(doc *document.Doc, model string, from func(*document.Doc, string) (wire.Chat, error)) (*document.Doc, error) {
	chat, err := from(doc, model)
	if err != nil {
		doc.Release()
		return nil, refusal(err)
	}
	canonical, err := engine.ParseChat(chat.Body)
	if err != nil {
		doc.Release()
		return nil, err
	}
	a.source, a.chat = doc, wire.Chat{Lossy: chat.Lossy, Foreign: chat.Foreign}
	return canonical, nil
}

// upstreamModel returns the id of the model that a client of a vendor's API means: an id
// of ours as it is, else the only enabled row that the upstream id names, for Anthropic's
// with or without its date, else the only one that the id serves at that time in place of one
// that its vendor retired. What names none, or several, is returned for the engine to refuse.
func upstreamModel(models []engine.Model, asked string, now time.Time) string {
	exact, undated, instead := -1, -1, -1
	several := func(at *int, i int) {
		if *at == -1 {
			*at = i
		} else {
			*at = -2
		}
	}
	for i, m := range models {
		switch {
		case m.ID == asked:
			return asked
		case !m.Enabled:
		case m.UpstreamID == asked:
			several(&exact, i)
		case strings.HasPrefix(asked, "claude-") && withoutDate(m.UpstreamID) == withoutDate(asked):
			several(&undated, i)
		default:
			if served, substituted, _ := m.At(now); substituted && served.UpstreamID == asked {
				several(&instead, i)
			}
		}
	}
	switch {
	case exact >= 0:
		return models[exact].ID
	case exact == -1 && undated >= 0:
		return models[undated].ID
	case exact == -1 && undated == -1 && instead >= 0:
		return models[instead].ID
	}
	return asked
}

// withoutDate cuts the date off an id of Anthropic's: claude-haiku-4-5-20251001 has the
// alias claude-haiku-4-5.
func withoutDate(id string) string {
	const date = len("-20251001")
	at := len(id) - date
	if at <= 0 || id[at] != '-' || strings.Trim(id[at+1:], "0123456789") != "" {
		return id
	}
	return id[:at]
}

func (d *messagesDialect) answer(completion []byte) ([]byte, error) {
	doc, err := document.Parse(completion, document.Limits{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	return wire.ToMessage(doc, d.shown), nil
}

func (d *messagesDialect) framing(native bool) framing {
	return &messagesFraming{wire.NewMessageStream(d.shown), d.id, native}
}

// messagesFraming is the stream of the Messages API.
type messagesFraming struct {
	stream *wire.MessageStream
	id     string // of the request
	native bool   // its chunks are events already
}

func (f *messagesFraming) chunk(dst, chunk []byte) ([]byte, error) {
	if f.native {
		return append(dst, chunk...), nil
	}
	return translated(dst, chunk, f.stream.Chunk, "The provider's answer is in no order that can be streamed.")
}

// translated appends what a canonical chunk becomes in another wire; tooMuch is what the
// caller is told when the translation would have to hold back more than it may.
func translated(dst, chunk []byte, translate func(dst []byte, chunk *document.Doc) ([]byte, error), tooMuch string) ([]byte, error) {
	doc, err := document.Parse(chunk, document.Limits{})
	if err != nil {
		return dst, err
	}
	defer doc.Release()
	dst, err = translate(dst, doc)
	if errors.Is(err, wire.ErrTooMuch) {
		err = &engine.Error{Code: engine.CodeUpstreamFailed, Message: tooMuch, Err: err}
	}
	return dst, err
}

func (f *messagesFraming) done(dst []byte) ([]byte, error) {
	if f.native {
		return dst, nil // message_stop was the last chunk
	}
	dst, err := f.stream.End(dst)
	return dst, ended(err)
}

// ended is the error of a translated stream's end as the caller is told it.
func ended(err error) error {
	if errors.Is(err, wire.ErrUnfinished) {
		return &engine.Error{Code: engine.CodeUpstreamTruncated, Message: "The provider ended the stream before the answer was complete.", Err: err}
	}
	return err
}

func (f *messagesFraming) failed(dst []byte, why *failure) []byte {
	_, kind := why.anthropic()
	return f.stream.Fail(dst, kind, why.anthropicMessage(), f.id)
}

func (f *messagesFraming) ping(dst []byte) []byte { return f.stream.Ping(dst) }

// statusOverloaded is Anthropic's status for it, which its SDKs try again.
const statusOverloaded = 529

// anthropic returns the status and the type of a failure in the Messages API
// (error types of its API reference, November 2026).
func (f *failure) anthropic() (status int, kind string) {
	switch {
	case f.code == string(engine.CodeUpstreamOverloaded), f.code == codeOverloaded:
		return statusOverloaded, "overloaded_error"
	case f.status == http.StatusUnauthorized:
		kind = typeAuthentication
	case f.status == http.StatusPaymentRequired:
		kind = "billing_error"
	case f.status == http.StatusForbidden:
		kind = typePermission
	case f.status == http.StatusNotFound:
		kind = typeNotFound
	case f.status == http.StatusRequestEntityTooLarge:
		kind = "request_too_large"
	case f.status == http.StatusTooManyRequests:
		kind = typeRateLimit
	case f.status == http.StatusGatewayTimeout:
		kind = "timeout_error"
	case f.status >= http.StatusInternalServerError:
		kind = "api_error"
	default:
		kind = typeInvalid
	}
	return f.status, kind
}

// promptTooLong begins the message of Anthropic's API for a prompt that exceeds the context
// window. It has no code, so clients look for these words to compact the conversation.
const promptTooLong = "prompt is too long"

func (f *failure) anthropicMessage() string {
	if f.code != string(engine.CodeContextLength) || strings.HasPrefix(f.message, promptTooLong) {
		return f.message
	}
	return promptTooLong + ": " + f.message
}

// isMessages reports whether errors of that request have Anthropic's form.
func isMessages(fctx *fasthttp.RequestCtx) bool {
	p := fctx.URI().PathOriginal()
	return bytes.HasPrefix(p, []byte(messagesPath)) && (len(p) == len(messagesPath) || p[len(messagesPath)] == '/')
}

// writeMessagesError answers with the failure in Anthropic's form. The body of a wrong
// key is the same for every one: the id is in the headers.
func writeMessagesError(fctx *fasthttp.RequestCtx, f *failure, id string) {
	h := &fctx.Response.Header
	h.Set(headerMessagesID, id)
	status, kind := f.anthropic()
	if f.code == string(engine.CodeUnauthorized) {
		h.Set("WWW-Authenticate", `Bearer realm="pointsman"`)
		id = ""
	}
	fctx.SetStatusCode(status)
	h.SetContentType("application/json")
	fctx.Response.SetBodyRaw(wire.AppendMessagesError(nil, kind, f.anthropicMessage(), id))
}
