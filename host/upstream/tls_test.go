package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		address string
		want    bool
	}{
		{"8.8.8.8", true}, {"104.18.6.192", true}, {"172.15.255.255", true}, {"172.32.0.1", true},
		{"100.63.255.255", true}, {"100.128.0.0", true}, {"223.255.255.255", true}, {"192.169.0.1", true},
		{"2606:4700::6812:6c0", true}, {"2a00:1450:4001::200e", true}, {"::ffff:8.8.8.8", true},

		{"0.0.0.0", false}, {"0.1.2.3", false}, {"127.0.0.1", false}, {"127.255.255.254", false},
		{"10.0.0.1", false}, {"172.16.0.1", false}, {"172.31.255.255", false}, {"192.168.1.1", false},
		{"169.254.169.254", false}, {"100.64.0.1", false}, {"100.127.255.255", false},
		{"192.0.0.1", false}, {"192.0.2.1", false}, {"192.88.99.1", false}, {"198.18.0.1", false}, {"198.19.255.255", false},
		{"198.51.100.1", false}, {"203.0.113.1", false},
		{"224.0.0.1", false}, {"239.255.255.255", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"::ffff:127.0.0.1", false}, {"::ffff:169.254.169.254", false}, {"::127.0.0.1", false},
		{"64:ff9b::7f00:1", false}, {"64:ff9b:1::1", false}, {"100::1", false},
		{"2001::1", false}, {"2001:db8::1", false}, {"2002:7f00:1::", false}, {"3fff::1", false},
		{"fc00::1", false}, {"fd12:3456::1", false}, {"fe80::1", false}, {"fe80::1%eth0", false}, {"fec0::1", false},
		{"ff02::1", false}, {"5f00::1", false}, {"4000::1", false},
	}
	for _, test := range tests {
		if got := public(netip.MustParseAddr(test.address)); got != test.want {
			t.Errorf("public(%s) = %v, want %v", test.address, got, test.want)
		}
	}
	if public(netip.Addr{}) {
		t.Errorf("public of no address = true, want false")
	}
}

// No spelling of a loopback address gets past the guard, and nothing is sent.
func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(okAnswer))
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// Not private, yet served: the guard alone is in the way.
	c := New(Config{Secret: oneKey})
	defer c.Close()
	c.wire.(*http1).dialer.resolver = fakeDNS(t, func() net.IP { return net.IPv4(127, 0, 0, 1) })
	for _, host := range []string{
		"llm.example", "127.0.0.1.example",
		"127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "127.0.0.1.", "①②⑦.0.0.1", "%31%32%37.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			_, err := c.Do(context.Background(), request("https://"+host+":"+port))
			if engine.CodeOf(err) != engine.CodeUpstreamFailed {
				t.Errorf("Do(https://%s) = %v, want %s", host, err, engine.CodeUpstreamFailed)
			}
			_, err = c.Do(context.Background(), request("http://"+host+":"+port))
			if engine.CodeOf(err) != engine.CodeUpstreamFailed {
				t.Errorf("Do(http://%s) = %v, want %s", host, err, engine.CodeUpstreamFailed)
			}
		})
	}
	_, err = c.Do(context.Background(), request("https://127.0.0.1:"+port))
	if err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("Do = %v, want that the address is not allowed", err)
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made, want none", n)
	}
}

// A public name that leads to a private address leads nowhere, whenever it is
// asked: what is checked is the address of the connection, not of an earlier look-up.
func TestNameOfAPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(okAnswer))
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	c := New(Config{Secret: oneKey})
	defer c.Close()
	c.wire.(*http1).dialer.resolver = fakeDNS(t, func() net.IP {
		asked.Add(1)
		return net.IPv4(127, 0, 0, 1)
	})
	for range 3 {
		_, err := c.Do(context.Background(), request("https://rebinding.example:"+port))
		if engine.CodeOf(err) != engine.CodeUpstreamFailed || !strings.Contains(err.Error(), "not allowed") {
			t.Errorf("Do = %v, want that the address is not allowed", err)
		}
	}
	if asked.Load() == 0 {
		t.Errorf("the name was never looked up")
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made, want none", n)
	}
}

// fakeDNS is a resolver whose server, on loopback, answers every question for an
// IPv4 address with what address returns; nil is "no such name".
func fakeDNS(t *testing.T, address func() net.IP) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := answerDNS(buf[:n], address); reply != nil {
				_, _ = pc.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { _ = pc.Close(); <-finished })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answerDNS answers a query of one question (RFC 1035, 4.1).
func answerDNS(query []byte, address func() net.IP) []byte {
	if len(query) < 12 {
		return nil
	}
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	reply := append([]byte(nil), query[:end]...)
	copy(reply[2:12], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // answer, recursion available
	isA := query[end-3] == 1
	ip := address()
	switch {
	case ip == nil:
		reply[3] |= 3 // NXDOMAIN
	case isA:
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, ip.To4()...)
	}
	return reply
}

// A connection that a provider with leave made is not lent to one without.
func TestGuardHoldsWithAFullPool(t *testing.T) {
	t.Parallel()
	srv := tlsServer(t, nil)
	allowed := true
	c := New(Config{
		Secret:       oneKey,
		AllowPrivate: func(*engine.Provider) bool { return allowed },
		RootCAs:      roots(srv),
	})
	defer c.Close()
	reply, err := c.Do(context.Background(), request(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	reply.Close()
	allowed = false
	if _, err := c.Do(context.Background(), request(srv.URL)); engine.CodeOf(err) != engine.CodeUpstreamFailed {
		t.Errorf("Do without leave = %v, want %s", err, engine.CodeUpstreamFailed)
	}
}

func tlsServer(t *testing.T, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, helloSSE)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, helloJSON)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{}
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func roots(srv *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	plain := serve(t, keep(okAnswer))
	tests := []struct {
		name    string
		change  func(*tls.Config)
		noRoots bool
		host    string // in place of 127.0.0.1
		url     string // in place of all
		wantErr string // part of the message; "" when it works
	}{
		{name: "works"},
		{name: "works with 1.2", change: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{name: "unknown authority", noRoots: true, wantErr: "certificate"},
		{name: "another name", host: "localhost", wantErr: "certificate"},
		{name: "1.1 only", change: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, wantErr: "TLS"},
		{name: "not TLS", url: strings.Replace(plain.url, "http:", "https:", 1), wantErr: "TLS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := tlsServer(t, test.change)
			c := client(t, func(cfg *Config) {
				if !test.noRoots {
					cfg.RootCAs = roots(srv)
				}
			})
			base := srv.URL
			if test.host != "" {
				base = strings.Replace(base, "127.0.0.1", test.host, 1)
			}
			if test.url != "" {
				base = test.url
			}
			for range 2 { // the second on the pooled connection
				reply, err := c.Do(context.Background(), request(base))
				if test.wantErr != "" {
					if engine.CodeOf(err) != engine.CodeUpstreamFailed || !strings.Contains(err.Error(), test.wantErr) {
						t.Fatalf("Do(%q) = %v, want %s with %q", test.name, err, engine.CodeUpstreamFailed, test.wantErr)
					}
					continue
				}
				if err != nil || string(reply.Body) != helloJSON {
					t.Fatalf("Do(%q) = %v, want %s", test.name, err, helloJSON)
				}
				reply.Close()
			}
			if test.wantErr != "" {
				return
			}
			reply, err := c.Do(context.Background(), request(base, streamed, func(r *engine.UpstreamRequest) { r.Request.Path = "/stream" }))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Close()
			if events, err := drain(context.Background(), reply.Events); len(events) != 2 || err != io.EOF {
				t.Errorf("the stream over TLS gave %q, %v, want 2 events", events, err)
			}
		})
	}
	t.Run("plain http needs leave", func(t *testing.T) {
		t.Parallel()
		c := New(Config{Secret: oneKey})
		defer c.Close()
		if _, err := c.Do(context.Background(), request("http://192.0.2.1")); err == nil || !strings.Contains(err.Error(), "https") {
			t.Errorf("Do(http://…) = %v, want that it must be https", err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	t.Run("no such name", func(t *testing.T) {
		t.Parallel()
		c := client(t)
		c.wire.(*http1).dialer.resolver = fakeDNS(t, func() net.IP { return nil })
		_, err := c.Do(context.Background(), request("https://nothing.invalid"))
		if engine.CodeOf(err) != engine.CodeUpstreamFailed || !strings.Contains(err.Error(), "not found") {
			t.Errorf("Do = %v, want %s, not found", err, engine.CodeUpstreamFailed)
		}
	})
	t.Run("handshake stalls", func(t *testing.T) {
		t.Parallel()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		c := client(t, func(cfg *Config) { cfg.Connect = 50_000_000 })
		_, err = c.Do(context.Background(), request("https://"+ln.Addr().String()))
		if engine.CodeOf(err) != engine.CodeUpstreamFailed || !strings.Contains(err.Error(), "in time") {
			t.Errorf("Do = %v, want %s in time", err, engine.CodeUpstreamFailed)
		}
	})
}
