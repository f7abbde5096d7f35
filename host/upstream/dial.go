package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// dialer opens connections. Safe for concurrent use.
type dialer struct {
	within   time.Duration
	roots    *x509.CertPool
	sessions tls.ClientSessionCache
	resolver *net.Resolver // nil: the system's. Tests set it
}

// errHandshake says that TCP was there and TLS was not.
var errHandshake = errors.New("handshake")

func newDialer(cfg *Config) *dialer {
	return &dialer{within: cfg.Connect, roots: cfg.RootCAs, sessions: tls.NewLRUClientSessionCache(256)}
}

// dial connects to the origin, and makes TLS where it has it. The address is
// checked after the name was looked up and right before the connection is
// made, so a name cannot lead elsewhere between the two.
func (d *dialer) dial(ctx context.Context, out *outgoing) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.within)
	defer cancel()
	nd := net.Dialer{Resolver: d.resolver}
	if !out.private {
		nd.ControlContext = guard
	}
	raw, err := nd.DialContext(ctx, "tcp", out.origin.address)
	if err != nil {
		return nil, err
	}
	l := newLine(raw)
	if !out.origin.tls {
		return newConn(l, nil), nil
	}
	secure := tls.Client(l, &tls.Config{
		ServerName:         out.origin.host,
		RootCAs:            d.roots,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: d.sessions,
		// A server reads a request whole: small records would only be more writes.
		DynamicRecordSizingDisabled: true,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	return newConn(l, secure), nil
}

// guard refuses a connection to an address that is not public.
func guard(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr()) {
		return errAddress
	}
	return nil
}

// dialFailure is the error of a connection that was not made.
func dialFailure(ctx context.Context, out *outgoing, err error) *engine.Error {
	e := &engine.Error{Code: engine.CodeUpstreamFailed, Err: fmt.Errorf("%w: %w", engine.ErrUnsent, err)}
	var (
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Code, e.Message = engine.CodeCanceled, "The request was canceled."
	case ctx.Err() != nil:
		e.Code, e.Message = engine.CodeUpstreamTimeout, "The time for the request is used up."
	case errors.Is(err, errAddress):
		e.Message = "The address of provider " + out.provider + " is not allowed."
	case errors.As(err, &certificate):
		e.Message = "The certificate of provider " + out.provider + " is not valid."
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Message = "Provider " + out.provider + " did not accept a connection in time."
	case errors.Is(err, errHandshake):
		e.Message = "Provider " + out.provider + " did not agree on TLS."
	case errors.As(err, &lookup):
		e.Message = "The host name of provider " + out.provider + " was not found."
	default:
		e.Message = "Provider " + out.provider + " cannot be reached."
	}
	return e
}
