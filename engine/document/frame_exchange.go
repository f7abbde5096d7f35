package document

import (
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

// HTTPMethod sets the method of the provider request: GET, POST, PUT, PATCH or DELETE.
func (f *Frame) HTTPMethod(method []byte) {
	if !f.enterProvider() {
		return
	}
	switch string(method) {
	case "GET", "POST", "PUT", "PATCH", "DELETE":
		f.result.method = f.strings.text(method)
	default:
		f.violate(ErrMethod)
	}
}

// HTTPPath sets path and query of the provider request, relative to the configured
// base URL. It begins with one slash, is at most abi.MaxHTTPText bytes of visible
// ASCII, and has no fragment, no backslash and no "." or ".." segment, however escaped.
func (f *Frame) HTTPPath(path []byte) {
	if !f.enterProvider() {
		return
	}
	if !pathAllowed(path) {
		f.violate(ErrPath)
		return
	}
	f.result.path = f.strings.text(path)
}

// HTTPHeader sets a header of the provider request; a name that was set before gets
// the new value. Names are tokens, values have no control characters; names that
// belong to the host (credentials, framing, connection) are forbidden.
func (f *Frame) HTTPHeader(name, value []byte) {
	if !f.enterProvider() {
		return
	}
	if !headerAllowed(name, value) {
		f.violate(ErrHeader)
		return
	}
	n, v := f.strings.text(name), f.strings.text(value)
	for i := range f.result.headers {
		if h := &f.result.headers[i]; strings.EqualFold(h[0], n) {
			h[1] = v
			return
		}
	}
	if len(f.result.headers) == abi.MaxHTTPField {
		f.violate(ErrHeader)
		return
	}
	f.result.headers = append(f.result.headers, [2]string{n, v})
}

func (f *Frame) enterProvider() bool { return f.enter() && f.in.Kind != abi.KindRule }
func (f *Frame) enterRule() bool     { return f.enter() && f.in.Kind != abi.KindProvider }

// EventName writes the upstream event's name to buf and returns its length; it
// writes nothing when that is more than len(buf).
func (f *Frame) EventName(buf []byte) int {
	if !f.enter() {
		return 0
	}
	return fill(buf, f.in.EventName)
}

// HTTPStatus returns the status of the upstream answer, 0 when there is none.
func (f *Frame) HTTPStatus() int32 {
	if !f.enter() {
		return 0
	}
	return int32(f.in.Status)
}

// HTTPField writes a header of the upstream answer to buf and returns its length, 0
// when it is absent; it writes nothing when that is more than len(buf).
func (f *Frame) HTTPField(name, buf []byte) int {
	if !f.enter() || f.in.Field == nil || len(name) > abi.MaxTagText {
		return 0
	}
	value := f.in.Field(f.strings.text(name))
	f.spend(len(value))
	return fill(buf, value)
}

// StateLoad writes the saved state to buf and returns its length; it writes nothing
// when that is more than len(buf).
func (f *Frame) StateLoad(buf []byte) int {
	if !f.enter() {
		return 0
	}
	b := f.in.State.Bytes()
	f.spend(len(b))
	return fill(buf, b)
}

// StateSave replaces the saved state, at most abi.MaxState bytes.
func (f *Frame) StateSave(b []byte) {
	if !f.enter() || f.in.State == nil {
		return
	}
	if len(b) > abi.MaxState {
		f.violate(ErrState)
		return
	}
	f.spend(len(b))
	f.in.State.save(b)
}

// NowMS returns the request's time in Unix milliseconds.
func (f *Frame) NowMS() int64 {
	if !f.enter() {
		return 0
	}
	return f.in.NowMS
}

// Random returns the next number of the attempt's sequence.
func (f *Frame) Random() int64 {
	if !f.enter() {
		return 0
	}
	return f.in.Random.Next()
}

// pathAllowed checks a request target that a guest chose.
func pathAllowed(path []byte) bool {
	if len(path) == 0 || len(path) > abi.MaxHTTPText || path[0] != '/' {
		return false
	}
	query := false
	start := 0 // of the segment
	for i := 0; i <= len(path); i++ {
		c := byte('/')
		if i < len(path) {
			c = path[i]
		}
		if c <= ' ' || c >= 0x7F || c == '#' || c == '\\' {
			return false
		}
		if query {
			continue
		}
		width := 1
		if c == '%' {
			r, ok := hex2(path, i+1)
			if !ok || r < ' ' || r == 0x7F {
				return false
			}
			c, width = r, 3
			if r != '/' && r != '\\' {
				continue
			}
		}
		if c != '/' && c != '\\' && c != '?' {
			continue
		}
		if dots(path[start:i]) || i == 1 && c != '?' && len(path) > 1 {
			return false
		}
		query = c == '?'
		i += width - 1
		start = i + 1
	}
	return true
}

// dots reports whether a path segment is "." or "..", escaped or not.
func dots(segment []byte) bool {
	count := 0
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			c, _ = hex2(segment, i+1)
			i += 2
		}
		if c != '.' {
			return false
		}
		count++
	}
	return count == 1 || count == 2
}

func hex2(b []byte, i int) (byte, bool) {
	if i+2 > len(b) || hexValue[b[i]]|hexValue[b[i+1]] == 0xFF {
		return 0, false
	}
	return hexValue[b[i]]<<4 | hexValue[b[i+1]], true
}

// headerAllowed checks a request header that a guest chose.
func headerAllowed(name, value []byte) bool {
	if len(name) == 0 || len(name)+len(value) > abi.MaxHTTPText {
		return false
	}
	for _, c := range name {
		if !tokenByte[c] {
			return false
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7F {
			return false
		}
	}
	if len(name) >= 6 && strings.EqualFold(view(name[:6]), "proxy-") {
		return false
	}
	for _, n := range hostHeaders {
		if strings.EqualFold(view(name), n) {
			return false
		}
	}
	return true
}

// hostHeaders are the host's to set: credentials, and what frames the message or the connection.
var hostHeaders = [...]string{
	"authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie",
	"host", "content-length", "transfer-encoding", "content-encoding", "accept-encoding",
	"connection", "keep-alive", "te", "trailer", "upgrade", "expect",
}

// tokenByte marks the characters of a header name (RFC 9110, section 5.6.2).
var tokenByte = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'a' || c >= 'A' && c <= 'Z'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()
