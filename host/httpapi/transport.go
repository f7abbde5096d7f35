package httpapi

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// The functions of this file run in fasthttp, outside serve and its recover: between
// the headers and the body, and when a request cannot be read at all.

// bodyRate is how slowly a body may arrive before the connection is closed.
const bodyRate = 256 << 10 // bytes a second

// bodyLimit is the most that a request to that target may carry.
func (s *Server) bodyLimit(target []byte) int {
	switch {
	case bytes.HasPrefix(target, []byte("/v1/")):
		return s.cfg.BodyLimit
	case bytes.HasPrefix(target, []byte(dashboardPath)):
		return loginBodyLimit
	case bytes.HasPrefix(target, []byte("/api/v1/plugins")):
		return s.cfg.MaxModuleUpload + maxFixtures + uploadOverhead
	}
	return adminBodyLimit
}

// headerUnread marks, from headerReceived to serve, a request whose body stays on the
// wire. A client that sends it itself only gets a refusal, or its connection closed.
const headerUnread = "X-Pointsman-Unread"

// Values of headerUnread.
const (
	unreadUnknown = "unknown" // there is no valid key, or not from there
	unreadLarge   = "large"   // it says that it is over the limit
)

// headerReceived sets the limits of one request when its headers are there. A body
// that is large, or does not say how large it is, is read only for a valid key:
// without one the request goes on as if it had none, to be refused in the ordinary way.
func (s *Server) headerReceived(h *fasthttp.RequestHeader) (limits fasthttp.RequestConfig) {
	limits.MaxRequestBodySize = s.bodyLimit(h.RequestURI())
	expected := h.ContentLength()
	if expected == lengthNone || expected >= 0 && expected <= smallBody {
		return limits
	}
	why := ""
	switch {
	case !s.knows(h):
		why = unreadUnknown
	case expected > limits.MaxRequestBodySize:
		why = unreadLarge // fasthttp's own refusal does not know what was asked
	}
	if why != "" {
		h.SetContentLength(0)
		h.SetConnectionClose() // what follows on the wire is not the next request
		h.Set(headerUnread, why)
		return limits
	}
	if expected < 0 {
		expected = limits.MaxRequestBodySize
	}
	limits.ReadTimeout = s.cfg.ReadTimeout + time.Duration(expected/bodyRate)*time.Second
	return limits
}

// lengthNone is fasthttp's content length of a request that announces no body.
const lengthNone = -2

// knows reports whether the request has a key that is valid where it comes from.
func (s *Server) knows(h *fasthttp.RequestHeader) (known bool) {
	defer func() {
		if recover() != nil {
			known = false
		}
	}()
	p, key, f := s.authenticate(h)
	// One that is not is counted later, once.
	return f == nil && s.admitted(contextOf(h), s.cfg.Now(), key, p, nil) == nil
}

// contextOf returns the context that the header is part of: fasthttp hands HeaderReceived nothing
// else, and whom a key belongs to may depend on the address. See RATIONALE.md, "Who is told to stop
// trying keys?".
func contextOf(h *fasthttp.RequestHeader) *fasthttp.RequestCtx {
	const place = unsafe.Offsetof(fasthttp.RequestCtx{}.Request) + unsafe.Offsetof(fasthttp.Request{}.Header)
	return (*fasthttp.RequestCtx)(unsafe.Add(unsafe.Pointer(h), -int(place)))
}

// unread is the answer to an admitted request whose body stays on the wire, nil to another.
func (s *Server) unread(h *fasthttp.RequestHeader) *failure {
	switch string(h.Peek(headerUnread)) {
	case unreadLarge:
		return tooLarge(s.bodyLimit(h.RequestURI()))
	case unreadUnknown:
		// It is by now: it was made, or the wait ended, a moment ago.
		f := failed(http.StatusTooManyRequests, string(engine.CodeRateLimited), "The API key was not known when the request came, so that its body was not read. Send it again.")
		f.after = time.Second
		return f
	}
	return nil
}

// expect answers "Expect: 100-continue": what the headers alone condemn is refused
// before the body is sent.
func (s *Server) expect(fctx *fasthttp.RequestCtx) (status int) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(requestOf(fctx), v)
			status = http.StatusInternalServerError
		}
	}()
	h := &fctx.Request.Header
	f := inspect(h)
	now := s.cfg.Now()
	if f == nil {
		p, key, refused := s.authenticate(h)
		f = s.admitted(fctx, now, key, p, refused)
	}
	if f == nil {
		f = encoded(h)
	}
	if f == nil {
		f = s.unread(h)
	}
	if f == nil {
		return http.StatusContinue
	}
	leaveUnread(fctx.Conn())
	s.write(fctx, f)
	return f.status
}

// transportFailed answers a request that could not be read. fasthttp closes the
// connection afterwards.
func (s *Server) transportFailed(fctx *fasthttp.RequestCtx, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(requestOf(fctx), v)
			fctx.Response.Reset()
			fctx.SetStatusCode(http.StatusBadRequest)
		}
	}()
	leaveUnread(fctx.Conn())
	rq := &request{id: requestID(fctx.Request.Header.Peek(headerRequestID)), began: time.Now()}
	// fasthttp says "/" also when it does not know.
	rq.lost = string(fctx.Request.Header.RequestURI()) == "/"
	fctx.SetUserValue(requestKey{}, rq)
	f := unreadable(err)
	s.write(fctx, f)
	s.log(rq, string(fctx.Request.Header.Method()), f.status)
}

// unreadable says what was wrong. Of the request nothing may be left: fasthttp clears
// it when its body cannot be read.
func unreadable(err error) *failure {
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return failed(http.StatusRequestEntityTooLarge, string(engine.CodeTooLarge), "The request body is too large.")
	case errors.As(err, &small):
		return failed(http.StatusRequestHeaderFieldsTooLarge, codeHeadersTooLarge, "The request headers are larger than 16 KiB.")
	case errors.As(err, &timeout) && timeout.Timeout():
		return failed(http.StatusRequestTimeout, codeRequestTimeout, "The request did not arrive in time.")
	}
	return failed(http.StatusBadRequest, codeMalformedRequest, "The request is not well-formed HTTP/1.1.")
}

func tooLarge(limit int) *failure {
	return failed(http.StatusRequestEntityTooLarge, string(engine.CodeTooLarge), "The request body is larger than "+sizeText(limit)+".")
}

func sizeText(n int) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return itoa(n>>20) + " MiB"
	}
	return itoa(n) + " bytes"
}
