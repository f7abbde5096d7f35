package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	c := New(Config{
		Secret: func(p *engine.Provider, id string) string {
			return map[string]string{"/keyed/a": " " + testKey + "\n", "/keyed/b": testKey + "2", "/simulated/a": testKey, "acme/own/a": testKey}[p.AccountID+"/"+p.ID+"/"+id]
		},
		Simulated: func(p *engine.Provider) bool { return p.ID == "simulated" || p.ID == "other" },
		AllowPrivate: func(p *engine.Provider) bool {
			return true
		},
	})
	defer c.Close()
	s := serve(t, keep(okAnswer))
	tests := []struct {
		account, id   string
		credential    string
		wantHas       bool
		wantSimulated bool
		wantHeader    string
	}{
		{"", "keyed", "", true, false, "Bearer " + testKey},
		{"", "keyed", "b", true, false, "Bearer " + testKey + "2"},
		{"", "keyed", "disabled", true, false, "refused"},
		{"", "keyless", "", true, false, ""},
		{"", "simulated", "", true, true, "Bearer " + placeholder},
		{"", "other", "", true, true, "Bearer " + placeholder},
		{"", "unknown", "", false, false, ""},
		{"acme", "own", "", true, false, "Bearer " + testKey},
		{"acme", "keyed", "", false, false, ""},
		{"acme", "simulated", "", false, false, ""},
	}
	for _, test := range tests {
		t.Run(test.account+"/"+test.id+"/"+test.credential, func(t *testing.T) {
			p := &engine.Provider{AccountID: test.account, ID: test.id, BaseURL: s.url, Keyless: test.id == "keyless"}
			for _, id := range []string{"off", "a", "b", "disabled"} {
				p.Credentials = append(p.Credentials, engine.Credential{ID: id, Weight: 1, Enabled: id == "a" || id == "b"})
			}
			if got := c.HasCredential(p); got != test.wantHas {
				t.Errorf("HasCredential(%q) = %v, want %v", test.id, got, test.wantHas)
			}
			if got := c.Simulated(p); got != test.wantSimulated {
				t.Errorf("Simulated(%q) = %v, want %v", test.id, got, test.wantSimulated)
			}
			reply, err := c.Do(context.Background(), request(s.url, func(r *engine.UpstreamRequest) { r.Provider, r.Credential = p, test.credential }))
			if !test.wantHas || test.wantHeader == "refused" {
				if engine.CodeOf(err) != engine.CodeUpstreamFailed || !errors.Is(err, engine.ErrNoCredential) {
					t.Errorf("Do(%q) = %v, want %s, no credential", test.id, err, engine.CodeUpstreamFailed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			reply.Close()
			requests := s.seen()
			if got := requests[len(requests)-1].Header.Get("Authorization"); got != test.wantHeader {
				t.Errorf("Do(%q) sent Authorization %q, want %q", test.id, got, test.wantHeader)
			}
		})
	}
}

// P10: a redirect is an answer; nothing goes to the other host, the key least of all.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	sink := serve(t, keep(okAnswer))
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(status, stream), func(t *testing.T) {
				t.Parallel()
				s := serve(t, keep(fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: %s/steal\r\nContent-Length: 4\r\n\r\nmove", status, sink.url)))
				r := request(s.url, func(r *engine.UpstreamRequest) {
					r.Stream = stream
					r.Auth = engine.ManifestAuth{Scheme: "header", Name: "x-api-key"}
				})
				reply, err := client(t).Do(context.Background(), r)
				if err != nil {
					t.Fatal(err)
				}
				defer reply.Close()
				if reply.Status != status || string(reply.Body) != "move" || reply.Events != nil {
					t.Errorf("Do = %d %q, want %d %q", reply.Status, reply.Body, status, "move")
				}
				if got := len(s.seen()); got != 1 {
					t.Errorf("the server saw %d requests, want 1", got)
				}
			})
		}
	}
	t.Cleanup(func() {
		if n := sink.accepted(); n != 0 {
			t.Errorf("the redirect's target saw %d connections, want none", n)
		}
	})
}

// The credential is in no error, and not in what a provider echoes.
func TestCredentialDoesNotComeBack(t *testing.T) {
	t.Parallel()
	echo := `{"error":"bad key ` + testKey + ` and ` + testKey + `"}`
	stars := strings.Repeat("*", len(testKey))
	answers := map[string]script{
		"body of 200":      say(okHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(echo), echo)),
		"body of 401":      say(fmt.Sprintf("HTTP/1.1 401 x\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", testKey, len(echo), echo)),
		"events":           say(sseHead + chunked + chunks("data: "+echo[:20], echo[20:]+"\n\n") + "0\r\n\r\n"),
		"status line":      say("HTTP/1.1 " + testKey + " 200\r\n\r\n"),
		"header":           say("HTTP/1.1 200 OK\r\n" + testKey + "\r\n\r\n"),
		"content type":     say("HTTP/1.1 200 OK\r\nContent-Type: " + testKey + "\r\n\r\n"),
		"content encoding": say("HTTP/1.1 200 OK\r\nContent-Encoding: " + testKey + "\r\n\r\n"),
		"transfer coding":  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + testKey + "\r\n\r\n"),
		"chunk":            say(sseHead + chunked + testKey + "\r\n"),
		"reset":            aborted(""),
		"huge header":      flood("HTTP/1.1 200 OK\r\nX: ", testKey),
	}
	for name, answer := range answers {
		for _, scheme := range []engine.ManifestAuth{{Scheme: "bearer"}, {Scheme: "query", Name: "key"}} {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprint(name, scheme.Scheme, stream), func(t *testing.T) {
					t.Parallel()
					s := serve(t, answer)
					r := request(s.url, func(r *engine.UpstreamRequest) { r.Auth, r.Stream = scheme, stream })
					reply, err := client(t).Do(context.Background(), r)
					var said strings.Builder
					if reply != nil {
						defer reply.Close()
						said.Write(reply.Body)
						said.WriteString(reply.Field("X-Request-Id") + reply.Field("Content-Type"))
						if reply.Events != nil {
							var events []string
							events, err = drain(context.Background(), reply.Events)
							said.WriteString(strings.Join(events, ""))
						}
						if strings.Contains(name, "body") && !stream && strings.Count(said.String(), stars) < 2 {
							t.Errorf("%q came back as %q, want the key as asterisks", name, said.String())
						}
					}
					for e := err; e != nil; e = errors.Unwrap(e) {
						fmt.Fprintf(&said, "%v %+v %#v", e, e, e)
					}
					if strings.Contains(said.String(), testKey) {
						t.Errorf("%q leaked the key: %q", name, said.String())
					}
				})
			}
		}
	}
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
		r := request("http://"+ln.Addr().String(), func(r *engine.UpstreamRequest) {
			r.Auth = engine.ManifestAuth{Scheme: "query", Name: "key"}
		})
		_, err = client(t).Do(context.Background(), r)
		if engine.CodeOf(err) != engine.CodeUpstreamFailed || strings.Contains(err.Error(), testKey) {
			t.Errorf("Do = %v, want %s without the key", err, engine.CodeUpstreamFailed)
		}
		if !errors.Is(err, engine.ErrUnsent) {
			t.Errorf("Do = %v, want it to say that nothing was sent", err)
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err = client(t).Do(gone, r); engine.CodeOf(err) != engine.CodeCanceled || !errors.Is(err, engine.ErrUnsent) {
			t.Errorf("Do(canceled) = %v, want %s, and that nothing was sent", err, engine.CodeCanceled)
		}
	})
}
