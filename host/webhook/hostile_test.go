package webhook_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/webhook"
)

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

// hang waits until the client is gone.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// hijack gives the handler the connection itself.
func hijack(t *testing.T, talk func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("Hijack() = %v", err)
			return
		}
		defer conn.Close()
		talk(conn)
	}
}

func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	var redirected, written atomic.Int64
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { redirected.Add(1) })
	for _, c := range []struct {
		name       string
		handler    http.HandlerFunc
		wantStatus int
		wantError  string // "": it is accepted
	}{
		{"never answers", func(_ http.ResponseWriter, r *http.Request) { hang(r) }, 0, "did not answer in time"},
		{"answers, and its body never ends", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			hang(r)
		}, 200, ""},
		{"huge body", func(w http.ResponseWriter, r *http.Request) {
			block := []byte(strings.Repeat("x", 64<<10))
			for range 16 << 10 { // a gigabyte
				n, err := w.Write(block)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		}, 200, ""},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, 307, "Redirects are not followed"},
		{"redirect into the network", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, 302, "Redirects are not followed"},
		{"reset", hijack(t, func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }), 0, "connection ended"},
		{"closes", hijack(t, func(net.Conn) {}), 0, "connection ended"},
		{"no HTTP", hijack(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-x\r\n\r\n") }), 0, "connection ended"},
		{"huge headers", hijack(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}), 0, "connection ended"},
		{"endless 1xx", hijack(t, func(conn net.Conn) {
			for {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\n\r\n"); err != nil {
					return
				}
			}
		}), 0, "connection ended"},
		{"refuses", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }, 418, "answered 418"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, openStore(t, sqliteURL(t)), func(cfg *webhook.Config) { cfg.Timeout = 500 * time.Millisecond })
			hook, _ := p.hook(ann, "acme", serve(t, c.handler).URL)
			got, err := p.TestWebhook(t.Context(), ann, "acme", hook.ID)
			if err != nil || got.Status != c.wantStatus || got.OK != (c.wantError == "") || !strings.Contains(got.Error, c.wantError) {
				t.Errorf("TestWebhook() = %+v, %v, want status %d and error %q", got, err, c.wantStatus, c.wantError)
			}
		})
	}
	if n := redirected.Load(); n != 0 {
		t.Errorf("%d redirects were followed, want none", n)
	}
	if n := written.Load(); n > 64<<20 {
		t.Errorf("a receiver could send %d bytes, want no more than buffers hold", n)
	}
}

// An address that only dialling tells is refused then, and nobody is connected to.
func TestPrivateAddressIsRefusedWhenItIsDialled(t *testing.T) {
	t.Parallel()
	p := newPost(t, openStore(t, sqliteURL(t)), func(c *webhook.Config) {
		c.Addresses.PublicHost = func(string) bool { return true } // a name that looks well
		c.Addresses.Loopback = false
	})
	var came atomic.Int64
	r := serve(t, func(http.ResponseWriter, *http.Request) { came.Add(1) })
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"0.0.0.0", "[::ffff:0.0.0.0]", "[::]"} {
		hook, _ := p.hook(ann, "acme", "https://"+host+":"+port+"/")
		got, err := p.TestWebhook(t.Context(), ann, "acme", hook.ID)
		if err != nil || got.OK || got.Status != 0 || !strings.Contains(got.Error, "not allowed") {
			t.Errorf("TestWebhook(%s) = %+v, %v, want the address refused", host, got, err)
		}
	}
	if n := came.Load(); n != 0 {
		t.Errorf("%d requests came, want none", n)
	}
}

// Only a certificate that is trusted gets deliveries.
func TestCertificateIsChecked(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	p := newPost(t, openStore(t, sqliteURL(t)))
	hook, _ := p.hook(ann, "acme", s.URL)
	if got, err := p.TestWebhook(t.Context(), ann, "acme", hook.ID); err != nil || got.OK || !strings.Contains(got.Error, "certificate") {
		t.Errorf("TestWebhook() of an unknown certificate = %+v, %v, want it refused", got, err)
	}
	trusting := newPost(t, p.Store, func(c *webhook.Config) { c.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs })
	if got, err := trusting.TestWebhook(t.Context(), ann, "acme", hook.ID); err != nil || !got.OK {
		t.Errorf("TestWebhook() of a known certificate = %+v, %v, want it accepted", got, err)
	}
}
