package httpapi

import (
	"net"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

const chatPath = "/v1/chat/completions"

// held is what a completion occupies until its answer is written.
type held struct {
	s     *Server
	bytes int64
	whose string // account that the gate let in
	doc   *document.Doc
	own   *document.Doc // the caller's body, when doc is not; nil otherwise
	peer  *caller       // nil: its connection is not watched
}

func (h *held) release() {
	h.peer.release()
	h.doc.Release()
	h.own.Release()
	h.s.bodies.release(h.bytes)
	h.s.gate.leave(h.whose)
}

// dialect is the wire in which one completion is asked for and answered.
type dialect interface {
	// parse reads the body, which it may keep, into a canonical document.
	parse(body []byte) (*document.Doc, error)
	// arrived says what else is known of a request that was parsed: its wire, and for
	// another one than Chat Completions the caller's own body, and what is not in the
	// canonical one.
	arrived(a *engine.Arrival)
	// answer writes a canonical completion; a native one is of the wire already.
	answer(completion []byte) ([]byte, error)
	// framing writes a stream, whose chunks are canonical, or native: events of the wire.
	framing(native bool) framing
}

// chatDialect is Chat Completions, which is the canonical form.
type chatDialect struct{}

func (chatDialect) parse(body []byte) (*document.Doc, error) { return engine.ParseChat(body) }
func (chatDialect) arrived(a *engine.Arrival)                { a.Wire = engine.APIChat }
func (chatDialect) answer(completion []byte) ([]byte, error) { return completion, nil }
func (chatDialect) framing(bool) framing                     { return chatFraming{} }

// chatCompletions serves POST /v1/chat/completions, plain and streamed.
func (s *Server) chatCompletions(c *fiber.Ctx) error { return s.complete(c, chatDialect{}) }

// complete answers a completion in its caller's wire.
func (s *Server) complete(c *fiber.Ctx, d dialect) (err error) {
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
	h.whose = requestOf(c.Context()).principal.AccountID
	if f := s.gate.enter(h.whose); f != nil {
		return f
	}
	if !s.bodies.reserve(h.bytes) {
		s.gate.leave(h.whose)
		f := failed(http.StatusServiceUnavailable, codeOverloaded, "The server is busy with other large requests. Try again shortly.")
		f.after = time.Second
		return f
	}
	passedOn := false
	var k *keyed
	defer func() {
		if faltered(err) {
			s.gate.falter()
		}
		if !passedOn {
			k.abandon() // a panic
			h.release()
		}
	}()
	k, f := s.keyed(c, body) // before the body may be changed
	if f != nil {
		return f
	}
	r, err := s.chatRequest(c, d, h, body)
	if err != nil {
		return err
	}
	if replayed, err := k.begin(c); replayed || err != nil {
		return err
	}
	rq := requestOf(c.Context())
	if !k.outlives(r) {
		h.peer = s.callers.watch(c.Context().Conn(), func() { rq.cancel(errCallerGone) })
	}
	if r.Stream {
		if passedOn, err = s.streamChat(c.Context(), d, r, h, k); passedOn {
			return nil
		}
	} else {
		err = s.completeChat(c, d, r)
	}
	return k.ended(c, err)
}

func (s *Server) chatRequest(c *fiber.Ctx, d dialect, h *held, body []byte) (*engine.Request, error) {
	rq := requestOf(c.Context())
	doc, err := d.parse(body)
	if err != nil {
		return nil, err
	}
	h.doc = doc
	header := &c.Request().Header
	arrival := engine.Arrival{
		ID: rq.id, Principal: rq.principal, Received: rq.received,
		Session: string(header.Peek(engine.HeaderSession)), Task: string(header.Peek(engine.HeaderTask)), Agent: string(header.Peek(engine.HeaderAgent)),
		CodeSession: string(header.Peek(engine.HeaderCodeSession)),
	}
	d.arrived(&arrival)
	h.own = arrival.Source
	var f *failure
	if arrival.Headers, f = betaHeaders(header); f != nil {
		return nil, f
	}
	r, err := engine.NewRequest(doc, arrival)
	if err == nil {
		r.Explain = explains(header)
		r.TraceParent = string(header.Peek("traceparent"))
	}
	return r, err
}

func (s *Server) completeChat(c *fiber.Ctx, d dialect, r *engine.Request) error {
	rq := requestOf(c.Context())
	answer, err := s.cfg.Completer.Complete(rq.ctx, r)
	rq.meta = answer.Meta
	setMeta(&c.Response().Header, answer.Meta)
	setLimits(&c.Response().Header, answer.Meta.Limits, isMessages(c.Context()), rq.received)
	if err != nil {
		return err
	}
	body := answer.Body
	if !answer.Meta.Native {
		if body, err = d.answer(body); err != nil {
			return err
		}
	}
	c.Response().Header.SetContentType("application/json")
	c.Response().SetBodyRaw(withExplanation(rq, body))
	return nil
}

// streamChat answers with server-sent events. passedOn says that the stream now owns held and k.
func (s *Server) streamChat(fctx *fasthttp.RequestCtx, d dialect, r *engine.Request, held *held, k *keyed) (passedOn bool, err error) {
	rq := requestOf(fctx)
	events, meta, err := s.cfg.Completer.Stream(rq.ctx, r)
	rq.meta = meta
	h := &fctx.Response.Header
	setMeta(h, meta)
	setLimits(h, meta.Limits, isMessages(fctx), rq.received)
	if err != nil {
		return false, err
	}
	// It is sent; a stream may live long. Fiber's body was copied.
	r.Source, held.own = nil, nil
	fctx.Request.ResetBody()
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set(fiber.HeaderCacheControl, "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx: do not collect events
	rq.streaming = true
	held.peer.answers()
	body := s.newEventStream(rq, events, explained(rq, d.framing(meta.Native)), fctx.Conn(), held.release)
	k.heads(h)
	body.kept = k
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
