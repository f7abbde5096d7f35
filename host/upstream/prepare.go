package upstream

import (
	"net/url"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// outgoing is a request that is ready to be sent.
type outgoing struct {
	provider string // id, for messages
	account  string
	origin   *origin
	private  bool // the origin may be on a private address
	method   string
	target   string // path and query
	header   []engine.Pair
	body     []byte
	secret   string // what must not come back; "" when nothing was added

	firstByte, idle, total time.Duration
}

// prepare turns a request into what goes on the wire: it joins the URL, merges
// the headers and puts the credential where the manifest says.
func (c *Client) prepare(r *engine.UpstreamRequest) (*outgoing, error) {
	p := r.Provider
	private := c.cfg.AllowPrivate(p)
	o, err := c.origin(p.BaseURL)
	if err != nil {
		return nil, &engine.Error{Code: engine.CodeUpstreamFailed, Message: "The base URL of provider " + p.ID + " cannot be used.", Err: err}
	}
	if !o.tls && !private {
		return nil, engine.Errorf(engine.CodeUpstreamFailed, "The base URL of provider %s must be https.", p.ID)
	}
	out := &outgoing{
		provider: p.ID, account: p.AccountID, origin: o, private: private,
		method: r.Request.Method, body: r.Request.Body,
		firstByte: r.FirstByte, idle: r.Idle, total: r.Total,
	}
	c.bounds(out, r.Stream)
	switch out.method {
	case "":
		out.method = "POST"
	case "GET":
		if len(out.body) > 0 {
			return nil, engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s gave a GET request a body.", p.ID)
		}
	case "POST", "PUT", "PATCH", "DELETE":
	default:
		return nil, engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s named a method that is not allowed.", p.ID)
	}
	if out.target, err = o.join(r.Request.Path); err != nil {
		return nil, &engine.Error{Code: engine.CodePluginFailed, Message: "The adapter of provider " + p.ID + " named a path that cannot be used: " + err.Error() + ".", Err: err}
	}
	if err := c.headers(out, r); err != nil {
		return nil, err
	}
	return out, c.authorize(out, r)
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

// headers merges the manifest's headers, the adapter's and ours; a later one
// replaces an earlier one of its name.
func (c *Client) headers(out *outgoing, r *engine.UpstreamRequest) error {
	out.header = make([]engine.Pair, 0, len(r.Headers)+len(r.Request.Headers)+5)
	set := func(name, value string) error {
		if !validName(name) || !validValue(value) {
			return engine.Errorf(engine.CodePluginFailed, "The adapter of provider %s set a header that is not valid.", out.provider)
		}
		if !ours(name) {
			out.setHeader(name, value)
		}
		return nil
	}
	for name, value := range r.Headers {
		if err := set(name, value); err != nil {
			return err
		}
	}
	for _, h := range r.Request.Headers {
		if err := set(h.Name, h.Value); err != nil {
			return err
		}
	}
	if len(out.body) > 0 {
		out.addHeader("Content-Type", "application/json")
	}
	out.addHeader("User-Agent", c.cfg.UserAgent)
	if r.Stream && (r.Framing == "" || r.Framing == framingSSE) {
		out.addHeader("Accept", "text/event-stream")
	} else {
		out.addHeader("Accept", "application/json")
	}
	out.setHeader("Accept-Encoding", "identity")
	if r.TraceParent != "" {
		out.setHeader("Traceparent", r.TraceParent)
	}
	return nil
}

// authorize puts the credential into the request.
func (c *Client) authorize(out *outgoing, r *engine.UpstreamRequest) error {
	auth, key := r.Auth, placeholder
	if !c.Simulated(r.Provider) {
		key = c.secret(r.Provider, r.Credential)
		out.secret = key
	}
	if key == "" && r.Provider.Keyless {
		return nil
	}
	if key == "" {
		return &engine.Error{Code: engine.CodeUpstreamFailed, Message: "Provider " + out.provider + " has no credential.", Err: engine.ErrNoCredential}
	}
	if !validValue(key) {
		return engine.Errorf(engine.CodeUpstreamFailed, "The credential of provider %s is malformed.", out.provider)
	}
	switch {
	case auth.Scheme == "bearer":
		out.setHeader("Authorization", "Bearer "+key)
	case auth.Scheme == "header" && validName(auth.Name) && !framing(auth.Name):
		out.setHeader(auth.Name, key)
	case auth.Scheme == "query" && auth.Name != "":
		sep := "?"
		if strings.Contains(out.target, "?") {
			sep = "&"
		}
		out.target += sep + url.QueryEscape(auth.Name) + "=" + url.QueryEscape(key)
	case auth.Scheme == "":
		out.secret = ""
	default:
		return engine.Errorf(engine.CodePluginFailed, "The manifest of provider %s does not say where its credential goes.", out.provider)
	}
	return nil
}

// setHeader replaces or adds a header.
func (out *outgoing) setHeader(name, value string) {
	for i := range out.header {
		if strings.EqualFold(out.header[i].Name, name) {
			out.header[i].Value = value
			return
		}
	}
	out.header = append(out.header, engine.Pair{Name: name, Value: value})
}

// addHeader adds a header that is not there yet.
func (out *outgoing) addHeader(name, value string) {
	for i := range out.header {
		if strings.EqualFold(out.header[i].Name, name) {
			return
		}
	}
	out.header = append(out.header, engine.Pair{Name: name, Value: value})
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
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
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
