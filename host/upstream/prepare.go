package upstream

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// outgoing is a request that is ready to be sent.
type outgoing struct {
	provider string // id, for messages
	origin   *origin
	private  bool // the origin may be on a private address
	key      poolKey
	wire     *wire
	rest     []byte // the body, without what lies in wire
	secret   string // what must not come back; "" when nothing was added

	firstByte, idle, total time.Duration
}

// wire is a request's head, and as much of its body as fits beside it: one write, and one
// TLS record. See RATIONALE.md, "Why is a request's head written here?"
type wire struct{ buf []byte }

// wireBuffer is the largest piece of data that a TLS record takes (RFC 8446, 5.1).
const wireBuffer = 16 << 10

var wires = sync.Pool{New: func() any { return &wire{buf: make([]byte, 0, wireBuffer)} }}

// release gives back what is not needed once the request was sent, if that was not done yet.
func (out *outgoing) release() {
	if out.wire == nil {
		return
	}
	if cap(out.wire.buf) == wireBuffer {
		wires.Put(out.wire)
	}
	out.wire, out.rest = nil, nil
}

// prepare turns a request into what goes on the wire: it joins the URL, merges
// the headers and puts the credential where the manifest says.
func (c *Client) prepare(out *outgoing, r *engine.UpstreamRequest) error {
	p, method, body := r.Provider, r.Request.Method, r.Request.Body
	private := c.cfg.AllowPrivate(p)
	o, err := c.origins.of(p.BaseURL)
	if err != nil {
		return &engine.Error{Code: engine.CodeUpstreamFailed, Message: "The base URL of provider " + p.ID + " cannot be used.", Err: err}
	}
	if !o.tls && !private {
		return engine.Errorf(engine.CodeUpstreamFailed, "The base URL of provider %s must be https.", p.ID)
	}
	*out = outgoing{
		provider: p.ID, origin: o, private: private,
		key:       poolKey{account: p.AccountID, provider: p.ID, address: o.address, tls: o.tls, private: private},
		firstByte: r.FirstByte, idle: r.Idle, total: r.Total,
	}
	c.bounds(out, r.Stream)
	switch method {
	case "":
		method = "POST"
	case "GET":
		if len(body) > 0 {
			return engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s gave a GET request a body.", p.ID)
		}
	case "POST", "PUT", "PATCH", "DELETE":
	default:
		return engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s named a method that is not allowed.", p.ID)
	}
	w := wires.Get().(*wire)
	b, asked, err := o.appendTarget(append(append(w.buf[:0], method...), ' '), r.Request.Path)
	if err != nil {
		return &engine.Error{Code: engine.CodePluginFailed, Message: "The adapter of provider " + p.ID + " named a path that cannot be used: " + err.Error() + ".", Err: err}
	}
	auth, err := c.authorize(out, r)
	if err != nil {
		return err
	}
	if auth.scheme == "query" {
		b = append(append(appendQuery(b, asked), url.QueryEscape(r.Auth.Name)...), '=')
		b = append(b, url.QueryEscape(auth.key)...)
	}
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", "", o.header)
	if b, err = c.appendHeaders(b, out, r, auth); err != nil {
		return err
	}
	if method != "GET" {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	n := min(len(body), max(cap(b)-len(b), 0))
	w.buf, out.wire, out.rest = append(b, body[:n]...), w, body[n:]
	return nil
}

func (c *Client) bounds(out *outgoing, stream bool) {
	if out.total <= 0 {
		out.total = c.cfg.Total
	}
	if out.idle <= 0 {
		out.idle = c.cfg.Idle
	}
	if out.firstByte <= 0 {
		// A plain answer sends its headers when the model has finished.
		// See RATIONALE.md, "Why may a plain answer take five minutes to begin?"
		out.firstByte = c.cfg.Answer
		if stream {
			out.firstByte = c.cfg.FirstByte
		}
	}
	out.firstByte = min(out.firstByte, out.total)
}

// appendHeaders appends the manifest's headers, the adapter's and ours; a later one
// replaces an earlier one of its name.
func (c *Client) appendHeaders(b []byte, out *outgoing, r *engine.UpstreamRequest, auth authorization) ([]byte, error) {
	var typed, agent, accept bool
	add := func(name, value string, later []engine.Pair) bool {
		if !validName(name) || !validValue(value) {
			return false
		}
		if ours(name) || strings.EqualFold(name, auth.header) || named(later, name) {
			return true
		}
		typed = typed || strings.EqualFold(name, "content-type")
		agent = agent || strings.EqualFold(name, "user-agent")
		accept = accept || strings.EqualFold(name, "accept")
		b = appendField(b, name, "", value)
		return true
	}
	valid := true
	for name, value := range r.Headers {
		valid = valid && add(name, value, r.Request.Headers)
	}
	for i, h := range r.Request.Headers {
		valid = valid && add(h.Name, h.Value, r.Request.Headers[i+1:])
	}
	if !valid {
		return nil, engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s set a header that is not valid.", out.provider)
	}
	if !typed && len(r.Request.Body) > 0 {
		b = append(b, "Content-Type: application/json\r\n"...)
	}
	if !agent {
		b = appendField(b, "User-Agent", "", c.cfg.UserAgent)
	}
	switch {
	case accept:
	case r.Stream && (r.Framing == "" || r.Framing == framingSSE):
		b = append(b, "Accept: text/event-stream\r\n"...)
	default:
		b = append(b, "Accept: application/json\r\n"...)
	}
	b = append(b, "Accept-Encoding: identity\r\n"...)
	if r.TraceParent != "" {
		b = appendField(b, "Traceparent", "", r.TraceParent)
	}
	if auth.header != "" {
		b = appendField(b, auth.header, auth.prefix, auth.key)
	}
	return b, nil
}

// appendField appends a header whose value is in two parts.
func appendField(b []byte, name, prefix, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(append(b, prefix...), value...), "\r\n"...)
}

// named reports whether one of the headers has that name.
func named(headers []engine.Pair, name string) bool {
	for i := range headers {
		if strings.EqualFold(headers[i].Name, name) {
			return true
		}
	}
	return false
}

// authorization is where a credential goes: into the query, or a header if that is set.
// The zero value is nowhere.
type authorization struct {
	scheme, header, prefix, key string
}

// authorize finds the credential and where it goes.
func (c *Client) authorize(out *outgoing, r *engine.UpstreamRequest) (authorization, error) {
	auth, key := r.Auth, placeholder
	if !c.Simulated(r.Provider) {
		key = c.secret(r.Provider, r.Credential)
		out.secret = key
	}
	if key == "" && r.Provider.Keyless {
		return authorization{}, nil
	}
	if key == "" {
		return authorization{}, &engine.Error{Code: engine.CodeUpstreamFailed, Message: "Provider " + out.provider + " has no credential.", Err: engine.ErrNoCredential}
	}
	if !validValue(key) {
		return authorization{}, engine.Errorf(engine.CodeUpstreamFailed, "The credential of provider %s is malformed.", out.provider)
	}
	switch {
	case auth.Scheme == "bearer":
		return authorization{scheme: auth.Scheme, header: "Authorization", prefix: "Bearer ", key: key}, nil
	case auth.Scheme == "header" && validName(auth.Name) && !framing(auth.Name):
		return authorization{scheme: auth.Scheme, header: auth.Name, key: key}, nil
	case auth.Scheme == "query" && auth.Name != "":
		return authorization{scheme: auth.Scheme, key: key}, nil
	case auth.Scheme == "":
		out.secret = ""
		return authorization{}, nil
	}
	return authorization{}, engine.Errorf(engine.CodePluginFailed, "The manifest of provider %s does not say where its credential goes.", out.provider)
}

// ours reports whether a manifest or an adapter has no say in that header: it
// frames the message, or could carry a credential.
func ours(name string) bool {
	switch strings.ToLower(name) {
	case "accept-encoding", "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "traceparent", "tracestate":
		return true
	}
	return framing(name)
}

func framing(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te",
		"trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection", "proxy-authenticate":
		return true
	}
	return false
}

// validName reports whether s is a header name: a token (RFC 9110, 5.6.2).
func validName(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != "" && len(s) <= 256
}

// validValue reports whether s may be a header value: no control characters but tab.
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return len(s) <= 8<<10
}
