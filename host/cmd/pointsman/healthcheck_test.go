package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNearAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listen, want string }{
		{"127.0.0.1:8080", "127.0.0.1:8080"},
		{"0.0.0.0:8080", "127.0.0.1:8080"},
		{":8080", "127.0.0.1:8080"},
		{"[::]:8080", "[::1]:8080"},
		{"10.1.2.3:80", "10.1.2.3:80"},
		{"localhost:http", "localhost:http"},
		{"8080", ""},
	} {
		got, err := nearAddress(c.listen)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("nearAddress(%q) = %q, %v, want %q", c.listen, got, err, c.want)
		}
	}
}

// The verb is what container runtimes ask with, so its way to the address is tried whole.
func TestHealthcheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		want   string // of the error; "" for none
	}{
		{"ready", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, `{"status":"ready"}`) }, ""},
		{"draining", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprint(w, `{"status":"unready","reason":"shutting down"}`)
		}, "503"},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/healthz", http.StatusFound)
		}, "302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" {
					t.Errorf("the check asks for %s, want /readyz", r.URL.Path)
				}
				c.answer(w, r)
			}))
			defer server.Close()
			_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
			t.Setenv("POINTSMAN_LISTEN", "0.0.0.0:"+port)
			t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
			t.Setenv("POINTSMAN_CONFIG", "")
			root := newRoot()
			var out strings.Builder
			root.SetOut(&out)
			root.SetArgs([]string{"healthcheck"})
			err := root.ExecuteContext(t.Context())
			if c.want == "" && (err != nil || out.String() != "ready\n") {
				t.Errorf("healthcheck = %q, %v, want ready", out.String(), err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("healthcheck = %v, want an error that says %q", err, c.want)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		_ = l.Close()
		if err := askReady(t.Context(), "http", address); err == nil {
			t.Errorf("askReady(%s) = nil, want an error", address)
		}
	})
}
