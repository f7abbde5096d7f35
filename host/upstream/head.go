package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/valyala/fasthttp"
)

// errHead says that the head of an answer cannot be used. It does not quote the provider.
var errHead = errors.New("malformed head")

// Lengths of a body, where it has none of its own.
const (
	lengthChunked = -1
	lengthUnknown = -2 // it ends with the connection
)

// head is the status line and the headers of an answer (RFC 9112, 4 and 5). What frames
// the body is taken out at once; other headers are looked for when somebody asks.
// See RATIONALE.md, "Why is the head of an answer read here?"
type head struct {
	raw    []byte // all of it
	status int
	length int64 // of the body, or lengthChunked, lengthUnknown
	close  bool  // the connection serves no other exchange
}

// headEnd returns how long the head at the start of b is, as far as it is known: to its
// first blank line. 0: it is not there yet. Nothing before from is looked at.
func headEnd(b []byte, from int) int {
	for i := from; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return 0
		}
		i += j + 1
		switch rest := b[i:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2
		}
	}
}

// parse reads a head, whole to its blank line. A line that goes on in the next one
// (obs-fold) is made one in b, which h keeps.
func (h *head) parse(b []byte) error {
	line, rest := cutLine(b)
	if len(line) < len(statusLine) || !validStatus(line) || len(line) > len(statusLine) && line[len(statusLine)] != ' ' {
		return errHead
	}
	old := line[7] == '0'
	*h = head{raw: b, length: lengthUnknown, status: int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')}
	var chunked, sized, keep bool
	for {
		at := rest
		if line, rest = cutLine(rest); len(line) == 0 {
			break
		}
		if len(rest) > 0 && blank(rest[0]) {
			for len(rest) > 0 && blank(rest[0]) {
				unfold(at[:len(at)-len(rest)])
				_, rest = cutLine(rest)
			}
			line, _ = cutLine(at[:len(at)-len(rest)])
		}
		name, value, ok := cutField(line)
		if !ok {
			return errHead
		}
		switch {
		case foldEqual(name, "content-length"):
			if h.length, ok = decimal(value); !ok || sized {
				return errHead
			}
			sized = true
		case foldEqual(name, "transfer-encoding"):
			if !old && (chunked || !foldEqual(value, "chunked")) {
				return errHead
			}
			chunked = !old
		case foldEqual(name, "connection"):
			h.close = h.close || hasToken(value, "close")
			keep = keep || hasToken(value, "keep-alive")
		}
	}
	if chunked {
		h.length = lengthChunked
	}
	h.close = h.close || h.length == lengthUnknown && h.hasBody() || old && !keep || chunked && sized
	return nil
}

// hasBody reports whether an answer of that status has a body at all.
func (h *head) hasBody() bool {
	return h.status >= 200 && h.status != fasthttp.StatusNoContent && h.status != fasthttp.StatusNotModified
}

// field returns a header by name, any case; nil when absent.
func (h *head) field(name string) []byte {
	_, rest := cutLine(h.raw)
	for len(rest) > 0 {
		var line []byte
		line, rest = cutLine(rest)
		if len(line) > len(name) && line[len(name)] == ':' && foldEqual(line[:len(name)], name) {
			return bytes.Trim(line[len(name)+1:], " \t")
		}
	}
	return nil
}

// cutLine returns the first line of b without its end, LF or CR LF, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// unfold overwrites the end of a line with blanks.
func unfold(line []byte) {
	n := len(line) - 1
	line[n] = ' '
	if n > 0 && line[n-1] == '\r' {
		line[n-1] = ' '
	}
}

// cutField takes a header line apart. Blanks before the colon are refused, as is a line
// that begins with one, and a value with a control character other than tab.
func cutField(line []byte) (name, value []byte, ok bool) {
	i := 0
	for i < len(line) && tokenByte[line[i]] {
		i++
	}
	if i == 0 || i == len(line) || line[i] != ':' {
		return nil, nil, false
	}
	value = line[i+1:]
	for len(value) > 0 && blank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && blank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return line[:i], value, !hasControl(value)
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// tokenByte says of a byte whether it may be in a name (RFC 9110, 5.6.2).
var tokenByte = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// hasControl reports whether b has a control character other than tab. Eight bytes are
// looked at at a time, as heads have kilobytes that nobody asks for.
func hasControl(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		del := w ^ 0x7f*ones
		if ((w-' '*ones)&^w|(del-ones)&^del)&tops != 0 && slowControl(b[:8]) {
			return true
		}
	}
	return slowControl(b)
}

func slowControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// foldEqual reports whether b is s, which is in ASCII, in any case.
func foldEqual(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if c, d := b[i], s[i]; c != d && (c^d != 0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// hasToken reports whether a list has that token.
func hasToken(list []byte, token string) bool {
	for part := range bytes.SplitSeq(list, []byte(",")) {
		if foldEqual(bytes.Trim(part, " \t"), token) {
			return true
		}
	}
	return false
}

// decimal reads a body's length: digits and nothing else.
func decimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// statusLine shows how long the part of a status line is that validStatus looks at.
const statusLine = "HTTP/1.1 200"

// validStatus reports whether a status line begins as it should.
func validStatus(line []byte) bool {
	if string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return false
	}
	digit := func(i int) bool { return '0' <= line[i] && line[i] <= '9' }
	return '1' <= line[9] && line[9] <= '5' && digit(10) && digit(11)
}
