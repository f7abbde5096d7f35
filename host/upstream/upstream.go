// Package upstream is the outbound HTTP of Pointsman: it sends the request that an
// adapter built to its provider, adds the credential on the way out, and reads the
// answer, whole or event by event, within bounds of time and size.
//
// It is not for anything that a tenant's plugin or prompt may name a host for:
// the host always comes from a provider row, and private addresses are refused
// unless the operator allowed them. It follows no redirect, uses no proxy and
// decompresses nothing.
//
// Read do.go first: one exchange from top to bottom. transport.go is the seam
// below which HTTP/1.1 ends; stream.go and sse.go read events.
package upstream

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Config is what a Client needs. The zero value works: no provider has a
// credential then, and none on a private address is reachable.
type Config struct {
	// Secret returns the text of one of the provider's credentials, "" when there is no
	// such key. It is called for every request, must not wait, and may be called
	// concurrently. Nil: there are none.
	Secret func(p *engine.Provider, credentialID string) string
	// Simulated reports whether the provider's base URL is the simulator's. It is sent a
	// placeholder, never its credential. It must not wait, and may be called concurrently.
	// Nil: none is.
	Simulated func(p *engine.Provider) bool
	// AllowPrivate reports whether the provider may be on a loopback, private or
	// otherwise special address, and may be called without TLS. Nil: none may.
	// It must be true only where an operator set the base URL.
	AllowPrivate func(p *engine.Provider) bool
	// RootCAs verify the providers' certificates. Nil: the system's.
	RootCAs *x509.CertPool

	Connect   time.Duration // name lookup, TCP and TLS together; default 10 s
	FirstByte time.Duration // until the headers of a stream; default 60 s
	Answer    time.Duration // until the headers of a plain answer; default 300 s
	Idle      time.Duration // between two reads of the body, and two writes; default 60 s
	Total     time.Duration // the whole exchange; default 600 s
	KeepIdle  time.Duration // how long an unused connection is kept; default 90 s
	MaxIdle   int           // unused connections kept per provider; default 64
	MaxHeader int           // bytes of an answer's status line and headers; default 64 KiB
	MaxBody   int           // bytes of an answer that is not streamed; default 32 MiB
	MaxEvent  int           // bytes of one stream event's data; default 16 MiB
	MaxStream int64         // bytes of a whole streamed body; default 256 MiB
	UserAgent string        // default "pointsman"
}

// Client sends requests to providers. Make one with New, end it with Close.
// Safe for concurrent use.
type Client struct {
	cfg     Config
	wire    transport
	origins origins
}

var _ engine.Upstream = (*Client)(nil)

// placeholder is the credential of simulated providers.
const placeholder = "simulated"

// New returns a client. White space around a credential is dropped, as files and
// environments often add a line end.
func New(cfg Config) *Client {
	if cfg.Secret == nil {
		cfg.Secret = func(*engine.Provider, string) string { return "" }
	}
	if cfg.Simulated == nil {
		cfg.Simulated = func(*engine.Provider) bool { return false }
	}
	if cfg.AllowPrivate == nil {
		cfg.AllowPrivate = func(*engine.Provider) bool { return false }
	}
	orDefault(&cfg.Connect, 10*time.Second)
	orDefault(&cfg.FirstByte, 60*time.Second)
	orDefault(&cfg.Answer, 300*time.Second)
	orDefault(&cfg.Idle, 60*time.Second)
	orDefault(&cfg.Total, 600*time.Second)
	orDefault(&cfg.KeepIdle, 90*time.Second)
	orDefault(&cfg.MaxIdle, 64)
	orDefault(&cfg.MaxHeader, 64<<10)
	orDefault(&cfg.MaxBody, 32<<20)
	orDefault(&cfg.MaxEvent, 16<<20)
	orDefault(&cfg.MaxStream, 256<<20)
	if cfg.UserAgent == "" {
		cfg.UserAgent = "pointsman"
	}
	return &Client{cfg: cfg, wire: newHTTP1(&cfg)}
}

func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Close closes the unused connections; those in use are closed when their
// exchange ends. No Do may follow.
func (c *Client) Close() { c.wire.close() }

// HasCredential implements engine.Upstream.
func (c *Client) HasCredential(p *engine.Provider) bool {
	return p.Keyless || c.Simulated(p) || c.secret(p, "") != ""
}

// secret is the text of the named credential; without a name of the first enabled one
// that has any.
func (c *Client) secret(p *engine.Provider, id string) string {
	for _, k := range p.Credentials {
		if k.Enabled && (id == "" || id == k.ID) {
			if secret := strings.TrimSpace(c.cfg.Secret(p, k.ID)); secret != "" {
				return secret
			}
		}
	}
	return ""
}

// Simulated implements engine.Upstream.
func (c *Client) Simulated(p *engine.Provider) bool {
	return p.AccountID == "" && c.cfg.Simulated(p)
}
