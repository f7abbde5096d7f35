package document

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFrameHTTPPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path string
		want bool
	}{
		{"/", true}, {"/v1/chat/completions", true}, {"/v1beta/models/gemini-3-pro:generateContent", true},
		{"/v1beta/models/x:streamGenerateContent?alt=sse", true}, {"/a%20b", true}, {"/a?b=/../c", true}, {"/a?u=http://x//y", true}, {"/a//b", true},
		{"/...", true}, {"/..a/b..", true}, {"/a.b/.well-known/x", true}, {"/%C3%A9", true}, {"/a%2Fb", true}, {"/?", true}, {"/a@b", true},
		{"/" + strings.Repeat("a", abi.MaxHTTPText-1), true},
		{"", false}, {"v1", false}, {"http://evil/", false}, {"//evil/x", false}, {"/%2Fevil", false}, {"/%2fevil", false}, {"/%5cevil", false}, {`/\evil`, false},
		{"/..", false}, {"/a/..", false}, {"/a/../b", false}, {"/../a", false}, {"/.", false}, {"/./a", false}, {"/a/.", false}, {"/a/..?x", false},
		{"/%2e%2E/a", false}, {"/a/.%2e", false}, {"/a%2f..%2fb", false}, {"/a%2F%2e%2e", false}, {"/a%5C..%5Cb", false}, {`/a\..\b`, false},
		{"/a#b", false}, {"/a?b#c", false}, {"/a b", false}, {"/a\tb", false}, {"/a\r\nHost: x", false}, {"/a\x00", false}, {"/é", false}, {"/\x7f", false},
		{"/a%0d%0ab", false}, {"/a%00", false}, {"/a%7f", false}, {"/a%", false}, {"/a%2", false}, {"/a%zz", false}, {"*", false}, {"?x", false},
		{"/a?b c", false}, {"/a?b\nc", false},
		{"/" + strings.Repeat("a", abi.MaxHTTPText), false},
	}
	for _, tt := range tests {
		f := frame(t, "0")
		f.HTTPPath([]byte(tt.path))
		_, got, _ := f.HTTP()
		if (f.Err() == nil) != tt.want || tt.want && got != tt.path || !tt.want && (got != "" || f.Err() != ErrPath) {
			t.Errorf("HTTPPath(%.60q) = %q, %v, want allowed %v", tt.path, got, f.Err(), tt.want)
		}
	}
}

func TestFrameHTTPMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{
		"GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
		"": false, "get": false, "CONNECT": false, "TRACE": false, "GET /x HTTP/1.1\r\n": false, "HEAD": false, "OPTIONS": false,
	} {
		f := frame(t, "0")
		f.HTTPMethod([]byte(method))
		if got, _, _ := f.HTTP(); (f.Err() == nil) != want || want && got != method || !want && got != "" {
			t.Errorf("HTTPMethod(%q) = %q, %v, want allowed %v", method, got, f.Err(), want)
		}
	}
}

func TestFrameHTTPHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		want        bool
	}{
		{"anthropic-version", "2023-06-01", true}, {"Content-Type", "application/json", true}, {"X_y.z!", "", true}, {"accept", "text/event-stream, */*", true},
		{"x", "tab\tand é", true}, {"proxy", "x", true}, {"x-api-keys", "x", true}, {"hosts", "x", true},
		{"", "x", false}, {"a b", "x", false}, {"a:b", "x", false}, {"a\r\nb", "x", false}, {"a\x00", "x", false}, {"é", "x", false}, {"a(", "x", false},
		{"a", "x\ry", false}, {"a", "x\ny", false}, {"a", "x\x00y", false}, {"a", "\x7f", false}, {"a", "\x1b", false}, {"a", "x\r\nAuthorization: y", false},
		{"Authorization", "Bearer x", false}, {"authorization", "x", false}, {"X-Api-Key", "x", false}, {"x-goog-api-key", "x", false}, {"API-KEY", "x", false},
		{"Cookie", "x", false}, {"Host", "x", false}, {"content-length", "1", false}, {"Transfer-Encoding", "chunked", false}, {"connection", "close", false},
		{"Proxy-Authorization", "x", false}, {"proxy-", "x", false}, {"PROXY-connection", "x", false}, {"te", "x", false}, {"trailer", "x", false},
		{"upgrade", "x", false}, {"keep-alive", "x", false}, {"expect", "100-continue", false}, {"accept-encoding", "gzip", false}, {"content-encoding", "gzip", false},
		{"a", strings.Repeat("x", abi.MaxHTTPText-1), true}, {"a", strings.Repeat("x", abi.MaxHTTPText), false},
	}
	for _, tt := range tests {
		f := frame(t, "0")
		f.HTTPHeader([]byte(tt.name), []byte(tt.value))
		_, _, got := f.HTTP()
		if (f.Err() == nil) != tt.want || tt.want && !reflect.DeepEqual(got, [][2]string{{tt.name, tt.value}}) || !tt.want && (len(got) != 0 || f.Err() != ErrHeader) {
			t.Errorf("HTTPHeader(%q, %.30q) = %.60q, %v, want allowed %v", tt.name, tt.value, got, f.Err(), tt.want)
		}
	}
	f := frame(t, "0")
	f.HTTPHeader([]byte("A"), []byte("1"))
	f.HTTPHeader([]byte("b"), []byte("2"))
	f.HTTPHeader([]byte("a"), []byte("3"))
	if _, _, got := f.HTTP(); !reflect.DeepEqual(got, [][2]string{{"A", "3"}, {"b", "2"}}) {
		t.Errorf("HTTP() = %q, want the last value of each name", got)
	}
}
