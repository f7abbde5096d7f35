package telemetry

import (
	"bytes"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// AdminConfig is what an admin listener serves.
type AdminConfig struct {
	Metrics *Metrics
	Ready   func() error // nil: it is; else why the process takes no requests
	// Loopback: it listens on a loopback address, so that no Host but a loopback one is meant for it.
	Loopback bool
}

// NewAdmin returns the server of an admin listener: /metrics, /healthz, /readyz and /debug/pprof/,
// all without a key. Profiles hold what is in memory, keys and prompts too: they are for peers
// on this machine at its loopback address, whatever it listens on. Pages of other origins are refused, and names that
// lead to this machine by DNS: a browser here is no administrator.
func NewAdmin(cfg AdminConfig) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		kind, err := cfg.Metrics.Write(&body, r.Header.Get("Accept"))
		if err != nil {
			http.Error(w, "metrics cannot be gathered", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body.Bytes())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if cfg.Ready != nil {
			if err := cfg.Ready(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.HandleFunc("GET /debug/pprof/", near(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound) // arguments may be secret
	mux.HandleFunc("GET /debug/pprof/profile", near(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/symbol", near(pprof.Symbol))
	mux.HandleFunc("GET /debug/pprof/trace", near(pprof.Trace))
	return &http.Server{
		Handler:           asked(mux, cfg.Loopback),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		WriteTimeout:   70 * time.Second, // a profile takes the time that it was asked for
		MaxHeaderBytes: 16 << 10,
	}
}

// asked lets through what somebody asked for who means this listener.
func asked(next http.Handler, loopback bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		if site != "" && site != "none" && site != "same-origin" || loopback && !IsLoopback(r.Host) {
			http.Error(w, "This is asked for at a loopback address, and by no other page.", http.StatusForbidden)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// near serves peers on this machine alone, who asked a loopback address. The peer's address is
// not enough: a page's name that leads here comes from here too, and so does what a proxy passes on.
func near(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if local == nil || !IsLoopback(local.String()) || !IsLoopback(r.RemoteAddr) || !IsLoopback(r.Host) {
			http.Error(w, "Profiles are served on the machine itself, at a loopback address.", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// IsLoopback reports whether a host, or host:port, is this machine's loopback: localhost, or an
// address of it. A name that is resolved is none.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if host == "localhost" {
		return true
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
