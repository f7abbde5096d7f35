package httpapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// TestFasthttpVersion: older versions read one request as two (request smuggling),
// and Fiber's own go.mod asks for one of them.
func TestFasthttpVersion(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*(?:require\s+)?github\.com/valyala/fasthttp v(\d+)\.(\d+)\.`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("go.mod does not require fasthttp, want ≥ 1.77.0 named there")
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	if major < 1 || major == 1 && minor < 77 {
		t.Errorf("go.mod requires fasthttp %d.%d, want ≥ 1.77", major, minor)
	}
	if regexp.MustCompile(`(?m)^\s*replace\s.*fasthttp`).Match(mod) {
		t.Error("go.mod replaces fasthttp")
	}
}

// head is a request line and headers of an authenticated chat request.
func head(more string) string {
	return "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + userKey + "\r\n" + more
}

// TestMalformedHTTP: what two servers in a row could read differently is refused, as
// one request, and the connection is closed. Case names are those of the fault list.
func TestMalformedHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	body := chatBody("")
	smuggled := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"H1 CL and TE", head(fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(body))) + chunked + smuggled, 400},
		{"H1 TE and CL", head("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n") + chunked + smuggled, 400},
		{"H2 two lengths", head(fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d\r\n\r\n", len(body), len(body)+1)) + body + smuggled, 400},
		{"H2 list of lengths", head("Content-Length: 5, 6\r\n\r\n") + body + smuggled, 400},
		{"H2 signed length", head(fmt.Sprintf("Content-Length: +%d\r\n\r\n", len(body))) + body + smuggled, 400},
		{"H3 xchunked", head("Transfer-Encoding: xchunked\r\n\r\n") + chunked + smuggled, 400},
		{"H3 blank before the colon", head("Transfer-Encoding : chunked\r\n\r\n") + chunked + smuggled, 400},
		{"H3 two codings", head("Transfer-Encoding: gzip, chunked\r\n\r\n") + chunked + smuggled, 400},
		{"H4 LF in a chunk extension", head("Transfer-Encoding: chunked\r\n\r\n") + fmt.Sprintf("%x;a\nb\r\n%s\r\n0\r\n\r\n", len(body), body) + smuggled, 400},
		{"H5 negative chunk", head("Transfer-Encoding: chunked\r\n\r\n") + "-5\r\nhello\r\n0\r\n\r\n" + smuggled, 400},
		{"H5 chunk of 2^63", head("Transfer-Encoding: chunked\r\n\r\n") + "8000000000000000\r\nhello\r\n0\r\n\r\n" + smuggled, 400},
		{"H5 chunk that is no number", head("Transfer-Encoding: chunked\r\n\r\n") + "zz\r\n" + smuggled, 400},
		{"H6 folded header", head(fmt.Sprintf("X-A: 1\r\n  2\r\nContent-Length: %d\r\n\r\n", len(body))) + body, 400},
		{"H6 folded with a tab", head(fmt.Sprintf("X-A: 1\r\n\t2\r\nContent-Length: %d\r\n\r\n", len(body))) + body, 400},
		{"H7 NUL in a value", head(fmt.Sprintf("X-A: a\x00b\r\nContent-Length: %d\r\n\r\n", len(body))) + body, 400},
		{"H7 CR in a value", head(fmt.Sprintf("X-A: a\rb\r\nContent-Length: %d\r\n\r\n", len(body))) + body, 400},
		{"H8 no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400},
		{"H8 two Hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"HTTP/0.9", "GET /healthz\r\n\r\n", 400},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"H19 17 KiB of headers", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", 431},
	} {
		got := s.raw(c.text, 2)
		if len(got) != 1 || got[0].status != c.want {
			t.Errorf("%s: %d answers %+v, want one of %d", c.name, len(got), got, c.want)
			continue
		}
		if !strings.EqualFold(got[0].header.Get("Connection"), "close") {
			t.Errorf("%s: Connection %q, want close", c.name, got[0].header.Get("Connection"))
		}
		if got[0].member("error", "code") == nil && got[0].member("code") == nil {
			t.Errorf("%s: body %q, want an error body", c.name, got[0].body)
		}
	}
	if r := s.do("GET", "/healthz", "", ""); r.status != 200 {
		t.Errorf("GET /healthz afterwards = %d, want 200", r.status)
	}
}

// TestLegalHTTP: strictness must not hit what is allowed.
func TestLegalHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	body := chatBody("")
	for _, c := range []struct{ name, text string }{
		{"chunked", head("Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n") + fmt.Sprintf("%x;ext=1\r\n%s\r\n0\r\n\r\n", len(body), body)},
		{"header near the limit", head(fmt.Sprintf("Connection: close\r\nX-A: %s\r\nContent-Length: %d\r\n\r\n", strings.Repeat("a", 9<<10), len(body))) + body},
		{"lower-case headers", strings.ToLower(head("")) + fmt.Sprintf("connection: close\r\ncontent-length: %d\r\n\r\n", len(body)) + body},
		{"absolute form", strings.Replace(head(fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n", len(body))), chatPath, "http://x"+chatPath, 1) + body},
		{"Expect", head(fmt.Sprintf("Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))) + body},
	} {
		c.text = strings.Replace(c.text, "post /v1", "POST /v1", 1)
		c.text = strings.Replace(c.text, "http/1.1", "HTTP/1.1", 1)
		got := s.raw(c.text, 2)
		if last := got[len(got)-1]; last.status != 200 {
			t.Errorf("%s: %+v, want 200", c.name, got)
		}
	}
}

// TestBodyLimit: a body of exactly the limit passes, one byte more does not, however
// it is framed, and the client sees the answer (H13).
func TestBodyLimit(t *testing.T) {
	const limit = 32 << 20
	s := start(t, &fake{})
	pad := limit - len(chatBody(`,"user":""`))
	exact := chatBody(`,"user":"` + strings.Repeat("a", pad) + `"`)
	if len(exact) != limit {
		t.Fatalf("test body has %d bytes, want %d", len(exact), limit)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name    string
		body    string
		chunked bool
		want    int
	}{
		{"limit, length", exact, false, 200},
		{"limit, chunked", exact, true, 200},
		{"limit+1, length", exact + " ", false, 413},
		{"limit+1, chunked", exact + " ", true, 413},
		{"twice the limit, chunked", exact + exact, true, 413},
	} {
		req, err := http.NewRequest("POST", s.url+chatPath, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.chunked {
			req.Body, req.ContentLength = io.NopCloser(req.Body), -1
		}
		req.Header.Set("X-Api-Key", userKey)
		res, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v, want status %d", c.name, err, c.want)
			continue
		}
		out, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %d %.200s, want %d", c.name, res.StatusCode, out, c.want)
		}
		if c.want == 413 {
			isOpenAIError(t, c.name, reply{res.StatusCode, res.Header, string(out)}, 413, "invalid_request_error", "request_too_large", "")
		}
	}
	// Pooled buffers are let go by the second collection after their last use, and the
	// connection of a refused body may linger until the first.
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 6*limit {
		t.Errorf("heap grew by %d MiB over five bodies of 32 MiB, want it given back", grown>>20)
	}
	if r := s.do("POST", "/api/v1/rules", superKey, `{"name":"`+strings.Repeat("a", 1<<20)+`"}`); r.status != 413 {
		t.Errorf("1 MiB on the admin API = %d, want 413", r.status)
	} else {
		isProblem(t, "admin limit", r, 413, "request_too_large")
	}
}

// TestUnauthenticatedBody: without a key nobody makes the server read a large body.
func TestUnauthenticatedBody(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, c := range []struct{ name, text string }{
		{"length", fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", chatPath, 31<<20)},
		{"chunked", fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", chatPath, 31<<20)},
		{"wrong key", fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: wrong\r\nContent-Length: %d\r\n\r\n", chatPath, 31<<20)},
	} {
		got := s.raw(c.text+strings.Repeat("a", 128<<10), 1)
		if len(got) != 1 {
			t.Errorf("%s: no answer", c.name)
			continue
		}
		isOpenAIError(t, c.name, got[0], 401, "authentication_error", "invalid_api_key", "")
	}
}

// TestExpect: with 100-continue the headers alone decide, before the body is sent (H20).
func TestExpect(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, c := range []struct {
		name, headers string
		want          int
		code          string
	}{
		{"no key", "", 401, "invalid_api_key"},
		{"wrong key", "X-Api-Key: wrong\r\n", 401, "invalid_api_key"},
		{"compressed", "X-Api-Key: " + userKey + "\r\nContent-Encoding: gzip\r\n", 415, "unsupported_media_type"},
		{"good", "X-Api-Key: " + userKey + "\r\n", 100, ""},
	} {
		conn := s.dial()
		body := chatBody("")
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%sContent-Length: %d\r\n\r\n", chatPath, c.headers, len(body)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		line, err := in.ReadString('\n')
		if want := fmt.Sprintf("HTTP/1.1 %d ", c.want); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%s: %q, %v, want %q", c.name, line, err, want)
			continue
		}
		if c.want == 100 {
			_, _ = in.ReadString('\n')
			_, _ = io.WriteString(conn, body)
			if got := readReplies(t, in, 1); len(got) != 1 || got[0].status != 200 {
				t.Errorf("%s: after the body %+v, want 200", c.name, got)
			}
			continue
		}
		got := readReplies(t, bufio.NewReader(io.MultiReader(strings.NewReader(line), in)), 1)
		if len(got) != 1 {
			t.Errorf("%s: the answer cannot be read", c.name)
			continue
		}
		isOpenAIError(t, c.name, got[0], c.want, got[0].member("error", "type").(string), c.code, "")
	}
	got := s.raw(head(fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", 33<<20)), 1)
	if len(got) != 1 || got[0].status != 413 {
		t.Errorf("Expect with too large a body = %+v, want 413", got)
	}
}

// TestGzipBomb: a small compressed body that would unpack beyond every limit is
// refused, and so is a broken one; nothing unpacks them (H14, H15).
func TestGzipBomb(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	for _, c := range []struct{ name, path, key, body string }{
		{"bomb on chat", chatPath, userKey, packed.String()},
		{"broken on chat", chatPath, userKey, "not gzip"},
		{"bomb on the admin API", "/api/v1/rules", superKey, packed.String()},
		{"broken on the admin API", "/api/v1/rules", superKey, "not gzip"},
		{"bomb as an upload", "/api/v1/plugins", superKey, packed.String()},
	} {
		if r := s.do("POST", c.path, c.key, c.body, "Content-Encoding", "gzip"); r.status != 415 || r.member("error", "code") == nil && r.member("code") == nil {
			t.Errorf("%s: %d %s, want 415 with an error body", c.name, r.status, r.body)
		}
	}
}

// TestSlowloris: a client that sends its headers or body in drips is closed after the
// read timeout, counted from the first byte (H17).
func TestSlowloris(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, func(c *Config) { c.ReadTimeout = 100 * time.Millisecond })
	for _, c := range []struct{ name, text string }{
		{"headers", "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nX-A: "},
		{"body", head("Content-Length: 1000\r\n\r\n") + "{"},
		{"first byte", ""},
	} {
		conn := s.dial()
		if _, err := io.WriteString(conn, c.text); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		all, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("%s: %v, want the connection closed", c.name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: closed after %v, want about 100 ms", c.name, took)
		}
		if c.text != "" && !bytes.HasPrefix(all, []byte("HTTP/1.1 408 ")) {
			t.Errorf("%s: %.80q, want 408", c.name, all)
		}
	}
}

// TestPipelinedAfterRefusal: a request that is refused for its content does not
// disturb the next one on the connection.
func TestPipelinedAfterRefusal(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	body := chatBody("")
	good := head(fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))) + body
	bad := head("Content-Length: 3\r\n\r\n") + "{}}"
	noKey := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", chatPath, len(body), body)
	got := s.raw(good+bad+good+noKey+good, 5)
	want := []int{200, 400, 200, 401, 200}
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i, r := range got {
		if r.status != want[i] {
			t.Errorf("answer %d = %d, want %d", i, r.status, want[i])
		}
	}
}

// FuzzInspect: whatever fasthttp accepts as headers is inspected without a panic, and
// what passes has one framing and no folded line.
func FuzzInspect(f *testing.F) {
	for _, s := range []string{
		"Host: x\r\n", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "X-A: 1\r\n 2\r\n", "A:\r\n", ":\r\n", "x-api-key: a\r\nX-API-KEY: b\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, headers string) {
		var h fasthttp.RequestHeader
		if err := h.Read(bufio.NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"))); err != nil {
			return
		}
		_, _ = credential(&h)
		_ = encoded(&h)
		_ = notJSON(&h)
		if inspect(&h) != nil {
			return
		}
		raw := strings.ToLower(string(h.RawHeaders()))
		if strings.Contains(raw, "\n ") || strings.Contains(raw, "\n\t") {
			t.Fatalf("inspect passes the folded line in %q", raw)
		}
		if strings.Contains(raw, "\ncontent-length:") && strings.Contains(raw, "\ntransfer-encoding:") {
			t.Fatalf("inspect passes two framings in %q", raw)
		}
	})
}
