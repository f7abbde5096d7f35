package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// running is a server on a real socket.
type running struct {
	*Server
	t    *testing.T
	addr string
	url  string
}

// start serves f until the test ends. change may alter the configuration.
func start(t *testing.T, f *fake, change ...func(*Config)) *running {
	t.Helper()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return &running{s, t, ln.Addr().String(), "http://" + ln.Addr().String()}
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// member returns a value of the JSON body by its path.
func (r reply) member(path ...string) any {
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		return nil
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends a request; headers are name, value pairs.
func (s *running) do(method, path, key, body string, headers ...string) reply {
	s.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, res.Header, string(out)}
}

// chatBody is the smallest valid chat body, with more members.
func chatBody(members string) string {
	return `{"model":"auto","messages":[{"role":"user","content":"hi"}]` + members + `}`
}

// rawDeadline is how long a raw connection may take before the test fails.
const rawDeadline = 20 * time.Second

// dial opens a raw connection.
func (s *running) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(rawDeadline))
	return c
}

// raw sends bytes as they are and returns the answers, until the server closes or n
// answers are there.
func (s *running) raw(text string, n int) []reply {
	s.t.Helper()
	c := s.dial()
	// The server may refuse and close before everything is written.
	_, _ = io.WriteString(c, text)
	return readReplies(s.t, bufio.NewReader(c), n)
}

func readReplies(t *testing.T, r *bufio.Reader, n int) []reply {
	t.Helper()
	var out []reply
	for len(out) < n {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		if res.Close {
			res.Header.Set("Connection", "close") // ReadResponse takes it away
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("body of answer %d: %v", len(out), err)
			return out
		}
		out = append(out, reply{res.StatusCode, res.Header, string(body)})
	}
	return out
}

// isOpenAIError checks the four members of an OpenAI error body.
func isOpenAIError(t *testing.T, what string, r reply, status int, kind, code, param string) {
	t.Helper()
	var got struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d %q as %q, want a JSON error", what, r.status, r.body, r.header.Get("Content-Type"))
	}
	message, _ := got.Error["message"].(string)
	gotParam, _ := got.Error["param"].(string)
	if _, there := got.Error["param"]; !there || len(got.Error) != 4 {
		t.Errorf("%s: error %v, want exactly message, type, param and code", what, got.Error)
	}
	if r.status != status || got.Error["type"] != kind || got.Error["code"] != code || gotParam != param || message == "" {
		t.Errorf("%s: %d %v, want %d with type %s, code %s, param %q and a message", what, r.status, got.Error, status, kind, code, param)
	}
}

// isProblem checks an RFC 9457 body.
func isProblem(t *testing.T, what string, r reply, status int, code string) {
	t.Helper()
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: content type %q, want application/problem+json", what, got)
	}
	if r.status != status || r.member("code") != code || r.member("status") != float64(status) || r.member("title") == "" || r.member("detail") == nil {
		t.Errorf("%s: %d %s, want a problem with status %d and code %s", what, r.status, r.body, status, code)
	}
}
