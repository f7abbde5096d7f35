package telemetry

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Profiles are for who means this machine and is on it: on a public listener neither a name that
// leads here nor the address that others use gets to them.
func TestAdminProfiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, host, local, remote string
		loopback                  bool
		want                      int
	}{
		{"a peer on the machine", "127.0.0.1:9091", "127.0.0.1", "127.0.0.1", true, 200},
		{"a public listener's peer on the machine", "localhost:9091", "127.0.0.1", "127.0.0.1", false, 200},
		{"a public listener's peer on the machine, IPv6", "[::1]:9091", "::1", "::1", false, 200},
		{"a name that was led here", "evil.example:9091", "127.0.0.1", "127.0.0.1", false, 403},
		{"a proxy on the machine, for its name", "gateway.example", "127.0.0.1", "127.0.0.1", false, 403},
		{"no host", "", "127.0.0.1", "127.0.0.1", false, 403},
		{"at the address that others use", "127.0.0.1:9091", "192.0.2.1", "127.0.0.1", false, 403},
		{"at who knows what address", "127.0.0.1:9091", "", "127.0.0.1", false, 403},
		{"another machine", "127.0.0.1:9091", "127.0.0.1", "192.0.2.7", false, 403},
	} {
		server := NewAdmin(AdminConfig{Loopback: c.loopback})
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host, r.RemoteAddr = c.host, net.JoinHostPort(c.remote, "50000")
			if c.local != "" {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP(c.local), Port: 9091})))
			}
			w := httptest.NewRecorder()
			server.Handler.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s: GET %s = %d, want %d", c.name, path, w.Code, c.want)
			}
		}
	}
}

// Who says nothing of readiness is ready.
func TestAdminReady(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	NewAdmin(AdminConfig{}).Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != 200 || w.Body.String() != "ready\n" {
		t.Errorf("GET /readyz = %d %q, want 200", w.Code, w.Body)
	}
}
