package httpapi

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// Server serves both APIs. Make one with New, then call Serve once and Shutdown once.
type Server struct {
	cfg  Config
	app  *fiber.App
	http *fasthttp.Server
	api  huma.API
	next fasthttp.RequestHandler // Fiber's

	unguarded []string // routes that were registered without a policy; New refuses them
	conns     connections
	callers   callers
	bodies    budget
	gate      gate // of requests to models
	desk      gate // of the rest, but for health
	strangers *strangers
	cursors   cursors
	spec      func() ([]byte, error) // /openapi.json
	docs      func() ([]byte, error) // /docs
	leaving   atomic.Bool            // no new caller should come
	closing   chan struct{}          // closed by close, when Shutdown begins
	close     func()
	listeners atomic.Int64 // of events

	// base is the parent of every request's context: it ends when Shutdown loses patience.
	base context.Context
	stop context.CancelCauseFunc
}

// New makes a server. It opens nothing.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, bodies: budget{limit: cfg.BodiesInFlight}, gate: gate{most: cfg.MaxInFlight, clock: engine.Monotonic}, desk: gate{most: cfg.MaxManagement}}
	if cfg.MemoryLimit > 0 {
		s.gate.memory = newMemoryPressure(cfg.MemoryLimit).room
	}
	if s.cursors, err = newCursors(cfg.CursorKey); err != nil {
		return nil, err
	}
	if s.strangers, err = newStrangers(cfg.UnknownKeys); err != nil {
		return nil, err
	}
	s.closing = make(chan struct{})
	s.close = sync.OnceFunc(func() { close(s.closing) })
	s.base, s.stop = context.WithCancelCause(cfg.Logger.WithContext(context.Background()))
	s.conns.linger, s.callers.log = cfg.LingerTimeout, cfg.Logger
	s.app = fiber.New(fiber.Config{
		// Strings that Fiber hands out are copies, not views of buffers that the next
		// request overwrites (see RATIONALE.md, "What may leave this package?").
		Immutable:                    true,
		BodyLimit:                    cfg.BodyLimit,
		ReadBufferSize:               readBufferSize,
		ReadTimeout:                  cfg.ReadTimeout,
		WriteTimeout:                 cfg.WriteTimeout,
		IdleTimeout:                  cfg.IdleTimeout,
		Concurrency:                  cfg.MaxConnections,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.respond,
	})
	s.http = s.app.Server()
	s.http.CloseOnShutdown = true
	s.http.ReduceMemoryUsage = true // see RATIONALE.md, "What does an open connection hold?"
	s.http.HeaderReceived = s.headerReceived
	s.http.ExpectHandler = s.expect
	s.http.ErrorHandler = s.transportFailed
	if err := s.register(); err != nil {
		return nil, err
	}
	s.next = s.app.Handler()
	s.http.Handler = s.serve
	return s, nil
}

// Serve accepts connections until Shutdown; then it returns nil.
func (s *Server) Serve(ln net.Listener) error {
	select {
	case <-s.closing:
		return ln.Close()
	default:
	}
	ln = &listener{Listener: ln, set: &s.conns, log: s.cfg.Logger}
	if s.cfg.TLS != nil { // outermost, as fasthttp asks a connection whether it is TLS's
		ln = tls.NewListener(ln, s.cfg.TLS)
	}
	return s.http.Serve(ln)
}

// Listen is Serve on a new TCP listener.
func (s *Server) Listen(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return s.Serve(ln)
}

// Leave says that the server will stop soon: from now on /readyz answers 503, and every answer asks
// its caller to take another connection for the next request. Everything is still served, on new
// connections too, until those who send requests here have noticed and Shutdown is called.
func (s *Server) Leave() { s.leaving.Store(true) }

// Shutdown stops accepting, lets what is under way end until ctx does, then cancels
// it: plain requests answer 503, streams end with an error event; those of notices, which have no
// end, are ended at once. What does not react
// within ShutdownGrace is cut off. It returns ctx's error when it had to cancel.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Leave()
	s.close()
	defer s.callers.close()
	// fasthttp waits for connections that may outlast ctx: it gets a context of our own.
	wait, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	done := make(chan error, 1)
	go func() { done <- s.http.ShutdownWithContext(wait) }()
	select {
	case err := <-done:
		s.stop(errShuttingDown)
		return err
	case <-ctx.Done():
	}
	s.stop(errShuttingDown)
	grace := time.NewTimer(s.cfg.ShutdownGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		s.conns.closeAll()
		giveUp()
		<-done
	}
	return ctx.Err()
}

// request is what is known of one request. It is reached through the context, under requestKey.
type request struct {
	id        string
	method    string
	received  time.Time // by the server's clock
	began     time.Time
	route     string // pattern that matched, "" for none
	principal engine.Principal
	meta      engine.Meta
	ctx       context.Context // ends with the request, or with its stream
	cancel    context.CancelCauseFunc
	streaming bool // the stream ends and logs it
	lost      bool // it was too broken to say where it was going
}

type requestKey struct{}

// requestOf returns the request that a fasthttp, Fiber or huma context belongs to.
// Before there is one, as for a request that cannot be parsed, it makes up an id.
func requestOf(ctx context.Context) *request {
	if rq, ok := ctx.Value(requestKey{}).(*request); ok {
		return rq
	}
	return &request{id: newRequestID()}
}

// serve is the life of one request: named, inspected, routed, answered, logged.
func (s *Server) serve(fctx *fasthttp.RequestCtx) {
	rq := &request{id: requestID(fctx.Request.Header.Peek(headerRequestID)), method: string(fctx.Method()), received: s.cfg.Now(), began: time.Now()}
	rq.ctx, rq.cancel = context.WithCancelCause(s.base)
	fctx.SetUserValue(requestKey{}, rq)
	defer s.cfg.Origins.answer(fctx) // after all else
	defer func() {
		if v := recover(); v != nil {
			s.panicked(rq, v)
			// Whatever was half written is taken back.
			fctx.Response.Reset()
			s.write(fctx, failureOf(nil))
			fctx.SetConnectionClose()
		}
		if !rq.streaming {
			rq.cancel(nil)
			s.log(rq, string(fctx.Method()), fctx.Response.StatusCode())
		}
	}()
	fctx.Response.Header.Set(headerRequestID, rq.id)
	h := &fctx.Request.Header
	f := inspect(h)
	if len(h.Peek(headerUnread)) > 0 {
		leaveUnread(fctx.Conn())
		fctx.SetConnectionClose()
		// Wherever it goes: that the body was not waited for says what the key is worth.
		p, key, refused := s.authenticate(h)
		refused = s.admitted(fctx, rq.received, key, p, refused)
		switch {
		case refused == nil && f == nil:
			f = s.unread(h)
		case refused != nil && refused.status == http.StatusTooManyRequests:
			f = refused
		}
	}
	if f == nil && !slices.Contains(fiber.DefaultMethods, string(h.Method())) {
		f = failed(http.StatusMethodNotAllowed, codeMethodNotAllowed, "The request method is not known here.")
	}
	switch {
	case f != nil:
		s.write(fctx, f)
	case !s.cfg.Origins.preflight(fctx):
		s.next(fctx)
	}
	if s.leaving.Load() {
		fctx.SetConnectionClose()
	}
}

// panicked logs a panic with its stack, which holds no request text.
func (s *Server) panicked(rq *request, v any) {
	s.cfg.Logger.Error().Str("request_id", rq.id).Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Msg(engine.PanicContained)
}

// log writes the one line of a request.
func (s *Server) log(rq *request, method string, status int) {
	s.cfg.Metrics.Answered(rq.route, status, time.Since(rq.began))
	e := s.cfg.Logger.Info()
	if !e.Enabled() {
		return
	}
	route := rq.route
	if route == "" {
		route = "unmatched"
	}
	e.Str("request_id", rq.id).Str("method", method).Str("route", route).Int("status", status).
		Int64("duration_ms", time.Since(rq.began).Milliseconds())
	if rq.principal.AccountID != "" {
		e.Str("tenant_id", rq.principal.AccountID)
	}
	if m := rq.meta; m.Rule != "" {
		e.Str("rule_id", m.Rule).Str("model", m.Model).Str("provider", m.Provider).Int("attempts", m.Attempts)
	}
	e.Msg("request")
}

// respond is Fiber's error handler: every error that a handler or the router returns
// ends here.
func (s *Server) respond(c *fiber.Ctx, err error) error {
	fctx := c.Context()
	rq := requestOf(fctx)
	f := routing(c, err)
	if f == nil {
		ctx := rq.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		f = during(ctx, err)
	}
	// What is shed has its one line: an overloaded server has better things to do.
	if f.status >= http.StatusInternalServerError && f.code != codeOverloaded {
		s.cfg.Logger.Error().Str("request_id", rq.id).Str("code", f.code).Int("status", f.status).Err(err).Msg("request failed")
	}
	s.write(fctx, f)
	return nil
}

// write answers with the failure, in the form of the API that the path belongs to.
func (s *Server) write(fctx *fasthttp.RequestCtx, f *failure) {
	h := &fctx.Response.Header
	rq := requestOf(fctx)
	h.Set(headerRequestID, rq.id)
	setRetry(h, f)
	defer explainFailure(fctx)
	if f.close {
		fctx.SetConnectionClose()
	}
	if isMessages(fctx) {
		writeMessagesError(fctx, f, rq.id)
		return
	}
	fctx.SetStatusCode(f.status)
	openAI := isInference(fctx)
	if f.status == http.StatusUnauthorized && f.code == string(engine.CodeUnauthorized) {
		// The same bytes for every wrong key: no request id, no reason.
		h.Set("WWW-Authenticate", `Bearer realm="pointsman"`)
		body, kind := unauthorizedProblem, problemType
		if openAI {
			body, kind = unauthorizedOpenAI, "application/json"
		}
		h.SetContentType(kind)
		fctx.Response.SetBodyRaw(body)
		return
	}
	if openAI {
		h.SetContentType("application/json")
		fctx.Response.SetBodyRaw(f.openAI())
		return
	}
	h.SetContentType(problemType)
	fctx.Response.SetBodyRaw(f.problem(rq.id).json())
}

// isInference reports whether errors of that request have OpenAI's form, unless they have
// Anthropic's. Those of a lost one have.
func isInference(fctx *fasthttp.RequestCtx) bool {
	if requestOf(fctx).lost {
		return true
	}
	p := string(fctx.URI().PathOriginal())
	return p == "/v1" || strings.HasPrefix(p, "/v1/")
}
