package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/pointsman/pointsman/host/store"
)

// diagnoseProviders says how each seeded provider would be reached by the environment alone, and
// whether its address keeps the key secret on the way.
func diagnoseProviders(ctx context.Context, cfg Config, opts DiagnoseOptions) []Finding {
	seeded, err := store.LoadCatalogue(time.Time{})
	if err != nil {
		return []Finding{{"provider", LevelError, err.Error(), "build the program with `make build`"}}
	}
	usual := map[string]string{}
	for _, p := range seeded.Providers {
		usual[p.ID] = p.BaseURL
	}
	simulated := cfg.Simulate || !cfg.Upstreams.configured()
	var found []Finding
	for _, s := range cfg.Upstreams.settings() {
		f := Finding{Check: "provider", Level: LevelOK}
		base := s.base
		if base == "" {
			base = usual[s.id]
		}
		switch {
		case s.key == "" && s.base == "":
			f.Text = "skipped: no key in the environment"
			if simulated {
				f.Text = "simulated"
			}
		case base == "":
			f.Level, f.Text = LevelWarning, "key set, and no base URL"
			f.Next = "set " + s.baseFrom
		default:
			f = diagnoseURL(s, base)
			if opts.Online && f.Level != LevelError {
				f = connect(ctx, base, opts.Now, f)
			}
		}
		f.Text = fmt.Sprintf("%-10s %s", s.id, f.Text)
		found = append(found, f)
	}
	return found
}

// diagnoseURL judges an address without calling it.
func diagnoseURL(s upstreamSetting, base string) Finding {
	f := Finding{Check: "provider", Level: LevelOK, Text: "key set"}
	if s.key == "" {
		f.Text = "no key"
	}
	f.Text += ", base URL " + shownURL(base)
	if !isBaseURL(base) {
		f.Level, f.Next = LevelError, "set "+s.baseFrom+" to a URL such as https://host/path"
		return f
	}
	u, err := url.Parse(base)
	if err == nil && u.Scheme == "http" && s.key != "" && !isThisMachine(u.Hostname()) {
		f.Level, f.Text = LevelWarning, f.Text+": the key goes over the network as it is"
		f.Next = "use https in " + s.baseFrom + ", or leave the key out if the server needs none"
	}
	return f
}

func isThisMachine(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// Connections of Diagnose.
const (
	dialTimeout  = 5 * time.Second
	expiresSoon  = 14 * 24 * time.Hour
	nextReach    = "see that the name resolves, and that a firewall or proxy lets the connection through"
	nextTLS      = "see that the certificate is the server's, and that this machine trusts its authority and has the right time"
	nextRenewing = "renew the server's certificate"
)

// connect opens a connection as a request would, TLS and all, and says nothing on it.
func connect(ctx context.Context, base string, now time.Time, f Finding) Finding {
	u, err := url.Parse(base)
	if err != nil {
		return f
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // a service name
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme != "https" {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return worse(f, "cannot be reached: "+err.Error(), nextReach)
		}
		_ = c.Close()
		f.Text += ", reachable"
		return f
	}
	c, err := (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", address)
	if err != nil {
		if bad := (*tls.CertificateVerificationError)(nil); errors.As(err, &bad) {
			return worse(f, "TLS: "+err.Error(), nextTLS)
		}
		return worse(f, "cannot be reached: "+err.Error(), nextReach)
	}
	defer c.Close()
	secured, ok := c.(*tls.Conn)
	if !ok {
		return f
	}
	ends := secured.ConnectionState().PeerCertificates[0].NotAfter
	f.Text += ", TLS until " + ends.UTC().Format(time.DateOnly)
	if ends.Sub(now) < expiresSoon {
		f.Level, f.Next = LevelWarning, nextRenewing
	}
	return f
}

func worse(f Finding, text, next string) Finding {
	f.Level, f.Text, f.Next = LevelWarning, f.Text+": "+text, next
	return f
}
