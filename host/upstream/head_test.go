package upstream

import (
	"strings"
	"testing"
)

func TestHead(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, in string
		status   int // 0: it is refused
		length   int64
		close    bool
		fields   map[string]string
	}{
		{name: "length", in: ok + "Content-Length: 7\r\n\r\n", status: 200, length: 7},
		{name: "length in any case, blanks around", in: ok + "CONTENT-length: \t7 \t\r\n\r\n", status: 200, length: 7},
		{name: "no reason", in: "HTTP/1.1 429\r\nContent-Length: 0\r\n\r\n", status: 429},
		{name: "an empty reason", in: "HTTP/1.1 429 \r\nContent-Length: 0\r\n\r\n", status: 429},
		{name: "lines end in LF", in: "HTTP/1.1 200 OK\nContent-Length: 7\nA: b\n\n", status: 200, length: 7, fields: map[string]string{"a": "b"}},
		{name: "until close", in: ok + "\r\n", status: 200, length: lengthUnknown, close: true},
		{name: "no content", in: "HTTP/1.1 204 x\r\n\r\n", status: 204, length: lengthUnknown},
		{name: "not modified", in: "HTTP/1.1 304 x\r\n\r\n", status: 304, length: lengthUnknown},
		{name: "chunked", in: ok + "transfer-encoding: Chunked\r\n\r\n", status: 200, length: lengthChunked},
		{name: "chunked beside a length", in: ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", status: 200, length: lengthChunked, close: true},
		{name: "a length beside chunked", in: ok + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", status: 200, length: lengthChunked, close: true},
		{name: "close", in: ok + "Connection: keep-alive , CLOSE\r\nContent-Length: 0\r\n\r\n", status: 200, close: true},
		{name: "a longer word", in: ok + "Connection: closed\r\nContent-Length: 0\r\n\r\n", status: 200},
		{name: "HTTP/1.0", in: "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", status: 200, close: true},
		{name: "HTTP/1.0 kept", in: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", status: 200},
		{name: "HTTP/1.0 knows no chunks", in: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", status: 200, length: lengthUnknown, close: true},
		{
			name: "fields", in: ok + "A:b\r\nEmpty:\r\nX-Long-Name:  two words \r\na: second\r\nContent-Length: 0\r\n\r\n", status: 200,
			fields: map[string]string{"A": "b", "EMPTY": "", "x-long-name": "two words", "long-name": "", "x": "", "HTTP/1.1 200 OK": ""},
		},
		{
			name: "folded", in: ok + "A: b\r\n\tc\r\n  d\r\nB: e\n f\r\nContent-Length: 0\r\n\r\n", status: 200,
			fields: map[string]string{"a": "b  \tc    d", "b": "e  f"},
		},
		{name: "a folded length", in: ok + "Content-Length:\r\n 7\r\n\r\n", status: 200, length: 7},
		{name: "a folded length in two", in: ok + "Content-Length: 7\r\n 7\r\n\r\n"},
		{name: "a tab and bytes beyond ASCII", in: ok + "A: b\tü\r\nContent-Length: 0\r\n\r\n", status: 200, fields: map[string]string{"a": "b\tü"}},

		{name: "status and more", in: "HTTP/1.1 2000 x\r\n\r\n"},
		{name: "status too short", in: "HTTP/1.1 20 x\r\nContent-Length: 0\r\n\r\n"},
		{name: "short", in: "\r\n\r\n"},
		{name: "first line folded", in: ok + " A: b\r\n\r\n"},
		{name: "no colon", in: ok + "Content-Length 7\r\n\r\n"},
		{name: "no name", in: ok + ": 7\r\n\r\n"},
		{name: "a blank before the colon", in: ok + "Content-Length : 7\r\n\r\n"},
		{name: "a blank in the name", in: ok + "Content Length: 7\r\n\r\n"},
		{name: "NUL in the name", in: ok + "A\x00: 7\r\n\r\n"},
		{name: "NUL in a value", in: ok + "A: 12345678\x009\r\n\r\n"},
		{name: "DEL in a value", in: ok + "A: 1234\x7f678\r\n\r\n"},
		{name: "CR in a value", in: ok + "A: b\rContent-Length: 7\r\n\r\n"},
		{name: "two CR", in: ok + "A: b\r\r\n\r\n"},
		{name: "same length twice", in: ok + "Content-Length: 7\r\nContent-Length: 7\r\n\r\n"},
		{name: "list of lengths", in: ok + "Content-Length: 7, 7\r\n\r\n"},
		{name: "length with a sign", in: ok + "Content-Length: +7\r\n\r\n"},
		{name: "length in hex", in: ok + "Content-Length: 0x7\r\n\r\n"},
		{name: "no length", in: ok + "Content-Length: \r\n\r\n"},
		{name: "a huge length", in: ok + "Content-Length: 9999999999999999999\r\n\r\n"},
		{name: "chunked twice", in: ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{name: "another coding first", in: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
		{name: "identity", in: ok + "Transfer-Encoding: identity\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if n := headEnd([]byte(tt.in+"\r\n\r\nrest"), 0); n != len(tt.in) {
				t.Errorf("headEnd(%q) = %d, want %d", tt.in, n, len(tt.in))
			}
			var h head
			err := h.parse([]byte(tt.in))
			if tt.status == 0 {
				if err == nil {
					t.Errorf("parse(%q) = %+v, want it refused", tt.in, h)
				}
				return
			}
			if err != nil || h.status != tt.status || h.length != tt.length || h.close != tt.close {
				t.Errorf("parse(%q) = %v, status %d, length %d, close %v, want %d, %d, %v", tt.in, err, h.status, h.length, h.close, tt.status, tt.length, tt.close)
			}
			for name, want := range tt.fields {
				if got := string(h.field(name)); got != want {
					t.Errorf("field(%q) = %q, want %q", name, got, want)
				}
			}
		})
	}
}

// Wherever a head is cut, its end is found when it has come, and not before.
func TestHeadEndInPieces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nA: b\n\r\n"} {
		for step := 1; step <= len(text); step++ {
			for seen, n := 0, step; ; n = min(n+step, len(text)) {
				end := headEnd([]byte(text[:n]), seen)
				if want := len(text); n == want && end != want || n < want && end != 0 {
					t.Errorf("headEnd(%q) after %d bytes at a time = %d", text[:n], step, end)
				}
				if seen = max(n-2, 0); n == len(text) {
					break
				}
			}
		}
	}
}

// A head that is nearly all one folded line is read as one.
func TestFoldedHead(t *testing.T) {
	t.Parallel()
	text := "HTTP/1.1 200 OK\r\nA: b" + strings.Repeat("\r\n ", 20<<10) + "\r\nContent-Length: 0\r\n\r\n"
	var h head
	if err := h.parse([]byte(text)); err != nil || h.length != 0 || string(h.field("a")) != "b" {
		t.Errorf("parse of a long folded line = %v, length %d, field %.20q", err, h.length, h.field("a"))
	}
}

// What heads end with decides what the next bytes are: the two ways to look for control
// characters agree on every byte at every place.
func TestHasControl(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 17 {
			b := []byte(strings.Repeat("a", 17))
			b[at] = byte(c)
			if got, want := hasControl(b), slowControl(b); got != want {
				t.Errorf("hasControl(byte %#x at %d) = %v, want %v", c, at, got, want)
			}
		}
	}
}
