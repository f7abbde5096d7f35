package httpapi

import (
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

// held is what a completion occupies until its answer is written.
type held struct {
	s     *Server
	bytes int64
	doc   *document.Doc
	peer  *caller // nil: its connection cannot be watched
}

func (h *held) release() {
	h.peer.release()
	h.doc.Release()
	h.s.bodies.release(h.bytes)
}

// dialect is the wire in which one completion is asked for and answered.
type dialect interface {
	// parse reads the body, which it may keep, into a canonical document.
	parse(body []byte) (*document.Doc, error)
	// lossy names what of the request the canonical form has no place for.
	lossy() []string
	// answer writes a canonical completion.
	answer(completion []byte) ([]byte, error)
	framing() framing
}

// chatDialect is Chat Completions, which is the canonical form.
type chatDialect struct{}

func (chatDialect) parse(body []byte) (*document.Doc, error) { return engine.ParseChat(body) }
func (chatDialect) lossy() []string                          { return nil }
func (chatDialect) answer(completion []byte) ([]byte, error) { return completion, nil }
func (chatDialect) framing() framing                         { return chatFraming{} }

// chatCompletions serves POST /v1/chat/completions, plain and streamed.
func (s *Server) chatCompletions(c *fiber.Ctx) error { return s.complete(c, chatDialect{}) }

// complete answers a completion in its caller's wire.
func (s *Server) complete(c *fiber.Ctx, d dialect) error {
	if f := notJSON(&c.Request().Header); f != nil {
		return f
	}
	// BodyRaw, not Body: that unpacks compressed bodies. Immutable makes it a copy, which
	// the document and everything taken from it may keep.
	body := c.BodyRaw()
	h := &held{s: s}
	if len(body) > smallBody {
		h.bytes = int64(len(body))
	}
	if !s.bodies.reserve(h.bytes) {
		f := failed(http.StatusServiceUnavailable, codeOverloaded, "The server is busy with other large requests. Try again shortly.")
		f.after = time.Second
		return f
	}
	passedOn := false
	defer func() {
		if !passedOn {
			h.release()
		}
	}()
	r, err := s.chatRequest(c, d, h, body)
	if err != nil {
		return err
	}
	rq := requestOf(c.Context())
	h.peer = s.callers.watch(c.Context().Conn(), func() { rq.cancel(errCallerGone) })
	if r.Stream {
		passedOn, err = s.streamChat(c.Context(), d, r, h)
		return err
	}
	return s.completeChat(c, d, r)
}

func (s *Server) chatRequest(c *fiber.Ctx, d dialect, h *held, body []byte) (*engine.Request, error) {
	rq := requestOf(c.Context())
	doc, err := d.parse(body)
	if err != nil {
		return nil, err
	}
	h.doc = doc
	r, err := engine.NewRequest(doc, engine.Arrival{
		ID: rq.id, Principal: rq.principal, Received: rq.received,
		Session: c.Get(engine.HeaderSession), Task: c.Get(engine.HeaderTask), Agent: c.Get(engine.HeaderAgent),
	})
	if lost := d.lossy(); err == nil && r.Hints.Strict && len(lost) > 0 {
		return nil, invalid(lost[0], "'"+lost[0]+"' cannot be carried, and metadata.strict is set.")
	}
	return r, err
}

func (s *Server) completeChat(c *fiber.Ctx, d dialect, r *engine.Request) error {
	rq := requestOf(c.Context())
	answer, err := s.cfg.Completer.Complete(rq.ctx, r)
	rq.meta = answer.Meta
	setMeta(&c.Response().Header, lossier(answer.Meta, d))
	if err != nil {
		return err
	}
	body, err := d.answer(answer.Body)
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType("application/json")
	c.Response().SetBodyRaw(body)
	return nil
}

// lossier adds what was lost before the request was routed.
func lossier(m engine.Meta, d dialect) engine.Meta {
	if lost := d.lossy(); len(lost) > 0 {
		m.Lossy = append(slices.Clone(lost), m.Lossy...)
	}
	return m
}

// streamChat answers with server-sent events. passedOn says that the stream now owns h.
func (s *Server) streamChat(fctx *fasthttp.RequestCtx, d dialect, r *engine.Request, held *held) (passedOn bool, err error) {
	rq := requestOf(fctx)
	events, meta, err := s.cfg.Completer.Stream(rq.ctx, r)
	rq.meta = meta
	h := &fctx.Response.Header
	setMeta(h, lossier(meta, d))
	if err != nil {
		return false, err
	}
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set(fiber.HeaderCacheControl, "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx: do not collect events
	rq.streaming = true
	held.peer.answers()
	body := s.newEventStream(rq, events, d.framing(), fctx.Conn(), held.release)
	if fctx.Request.Header.IsHTTP11() {
		fctx.Response.SetBodyStream(body, -1)
		return true, nil
	}
	// fasthttp would send chunks, which HTTP/1.0 does not know: there the events go out
	// bare and end with the connection. nginx speaks it to its upstreams unless told otherwise.
	h.SetContentLength(-2)
	head := h.AppendBytes(nil)
	fctx.HijackSetNoResponse(true)
	fctx.Hijack(func(c net.Conn) { body.sendBare(c, head) })
	return true, nil
}
