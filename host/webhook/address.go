package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/pointsman/pointsman/engine"
)

// Addresses says where webhooks may go. Both functions are required: without them nothing
// would keep a tenant's URL out of the operator's network.
type Addresses struct {
	PublicHost    func(host string) bool     // whether a host may be public, as far as its text tells
	PublicAddress func(addr netip.Addr) bool // whether an address, as it is dialled, is public
	Loopback      bool                       // also receivers on this machine, over http too
}

// errAddress says that a name led to an address to which no webhook goes.
var errAddress = errors.New("address is not allowed")

// check reads the URL of a webhook. Errors: *engine.Error with CodeInvalid, which does not
// quote the URL.
func (a Addresses) check(text string) (*url.URL, error) {
	refuse := func(reason string) (*url.URL, error) {
		return nil, &engine.Error{Code: engine.CodeInvalid, Param: "url", Message: "'url' " + reason}
	}
	if text == "" || len(text) > engine.MaxWebhookURL {
		return refuse("must have 1 to 2,048 bytes.")
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == '\\' {
			return refuse("holds characters that need escaping.")
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return refuse("is not a URL such as https://example.com/hook.")
	}
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("must begin with https://.")
	case u.User != nil:
		return refuse("must not hold a user or a password.")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return refuse("must have no fragment.")
	case host == "":
		return refuse("has no host.")
	case strings.HasSuffix(u.Host, ":"):
		return refuse("has an empty port.")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return refuse("has a port that is none.")
		}
	}
	switch {
	case isLoopback(host):
		if !a.Loopback {
			return refuse("leads to this machine, which the operator does not allow (POINTSMAN_WEBHOOK_LOOPBACK).")
		}
	case u.Scheme != "https":
		return refuse("must begin with https://.")
	case !a.PublicHost(host):
		return refuse("must lead to a host on the public internet.")
	}
	return u, nil
}

// isLoopback reports whether a host says that it is this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// control refuses a connection to any address but those that the URL's host may have. It is
// called after the name was looked up, for each address, right before it is dialled.
func (a Addresses) control(host string) func(context.Context, string, string, syscall.RawConn) error {
	allowed := a.PublicAddress
	if isLoopback(host) {
		allowed = func(addr netip.Addr) bool { return a.Loopback && addr.Unmap().IsLoopback() }
	}
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(ap.Addr()) {
			return errAddress
		}
		return nil
	}
}

// dial connects to host:port under control.
func (a Addresses) dial(resolver *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		d := net.Dialer{ControlContext: a.control(host), Resolver: resolver}
		return d.DialContext(ctx, "tcp", address)
	}
}
