package plugins_test

import (
	"strings"
	"testing"
)

// event is one event of a stream as the host frames it.
type event struct{ name, data string }

// events frames the body of a stream, or of a part of one. What has no end yet is
// no event, as the specification of server-sent events has it.
func (r *recording) events(t testing.TB, body []byte) []event {
	t.Helper()
	var found []event
	f := newFramer(t, r.framing)
	for _, c := range body {
		if e, ok := f.next(c); ok {
			found = append(found, e)
		}
	}
	return found
}

// framer takes a stream byte by byte. It is the suite's own, so that a cut can be
// made at every byte without framing the beginning again, and so that it shares
// no mistake with the host's reader.
type framer interface {
	// next takes one byte and returns the event that it completes, if it does.
	next(c byte) (event, bool)
	// torn is the data of the event that has begun: what a reader would hand on
	// that does not wait for the end.
	torn() string
}

func newFramer(t testing.TB, framing string) framer {
	t.Helper()
	switch framing {
	case "sse":
		return new(sseFramer)
	case "json-array":
		return new(arrayFramer)
	}
	t.Fatalf("unknown framing %q", framing)
	return nil
}

// sseFramer splits server-sent events: lines end with LF, CR or CRLF, a blank line
// ends an event, one without data is dropped.
type sseFramer struct {
	line     []byte
	name     string
	data     []string
	sawCR    bool
	anything bool // a data line was seen
}

func (f *sseFramer) next(c byte) (event, bool) {
	if c == '\n' && f.sawCR {
		f.sawCR = false
		return event{}, false
	}
	f.sawCR = c == '\r'
	if c != '\n' && c != '\r' {
		f.line = append(f.line, c)
		return event{}, false
	}
	line := string(f.line)
	f.line = f.line[:0]
	if line != "" {
		f.field(line)
		return event{}, false
	}
	e, ok := event{f.name, strings.Join(f.data, "\n")}, f.anything
	f.name, f.data, f.anything = "", nil, false
	return e, ok
}

func (f *sseFramer) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "event":
		f.name = value
	case "data":
		f.data, f.anything = append(f.data, value), true
	}
}

func (f *sseFramer) torn() string {
	_, value, _ := strings.Cut(string(f.line), ":")
	return strings.TrimPrefix(value, " ")
}

// arrayFramer splits the elements of one JSON array.
type arrayFramer struct {
	element          []byte
	depth            int // of brackets; the array itself is 1
	inString, escape bool
}

func (f *arrayFramer) next(c byte) (event, bool) {
	if f.depth >= 2 {
		f.element = append(f.element, c)
	}
	switch {
	case f.escape:
		f.escape = false
	case f.inString:
		f.escape = c == '\\'
		f.inString = c != '"'
	case c == '"':
		f.inString = true
	case c == '{' || c == '[':
		if f.depth++; f.depth == 2 {
			f.element = append(f.element[:0], c)
		}
	case c == '}' || c == ']':
		if f.depth--; f.depth == 1 {
			e := event{data: string(f.element)}
			f.element = f.element[:0]
			return e, true
		}
	}
	return event{}, false
}

func (f *arrayFramer) torn() string { return string(f.element) }

func TestFramer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, framing, body string
		want                []event
	}{
		{"lf", "sse", "event: a\ndata: 1\n\ndata:2\n\n", []event{{"a", "1"}, {"", "2"}}},
		{"crlf", "sse", "data: 1\r\n\r\ndata: 2\r\n\r\n", []event{{"", "1"}, {"", "2"}}},
		{"cr", "sse", "data: 1\r\rdata: 2\r\r", []event{{"", "1"}, {"", "2"}}},
		{"several data lines and a comment", "sse", ": hi\ndata: 1\ndata: 2\n\n", []event{{"", "1\n2"}}},
		{"no data", "sse", "event: a\n\n", nil},
		{"cut", "sse", "data: 1\n\ndata: 2\n", []event{{"", "1"}}},
		{"array", "json-array", "[{\"a\":\"]}\\\"\"}\n,\n{\"b\":[1]}]", []event{{"", `{"a":"]}\""}`}, {"", `{"b":[1]}`}}},
		{"array cut", "json-array", `[{"a":1},{"b":`, []event{{"", `{"a":1}`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := (&recording{framing: tc.framing}).events(t, []byte(tc.body))
			if len(got) != len(tc.want) {
				t.Fatalf("events(%q) = %q, want %q", tc.body, got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("events(%q)[%d] = %q, want %q", tc.body, i, got[i], tc.want[i])
				}
			}
		})
	}
}
