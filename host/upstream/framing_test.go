package upstream

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// cut is a reader that returns b in pieces: the sizes are taken in turn from sizes.
type cut struct {
	b     []byte
	sizes []byte
	n     int
}

func (c *cut) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	size := len(p)
	if len(c.sizes) > 0 {
		size = int(c.sizes[c.n%len(c.sizes)])%7 + 1
		c.n++
	}
	n := copy(p[:min(size, len(p))], c.b)
	c.b = c.b[n:]
	return n, nil
}

// pieces is a reader as a source.
type pieces struct {
	r      io.Reader
	buf    [4 << 10]byte
	unread []byte
}

func (p *pieces) more() ([]byte, error) {
	if len(p.unread) == 0 {
		n, err := p.r.Read(p.buf[:])
		if n == 0 {
			return nil, err
		}
		p.unread = p.buf[:n]
	}
	return p.unread, nil
}

func (p *pieces) take(n int) { p.unread = p.unread[n:] }

// frame reads all events of r, as "name|data", and the error after them.
func frame(name string, r io.Reader, limit int) ([]string, error) {
	f, err := newFraming(name, limit)
	if err != nil {
		return nil, err
	}
	body, events := &pieces{r: r}, []string(nil)
	for {
		e, err := f.next(body)
		if err != nil {
			return events, err
		}
		events = append(events, e.Name+"|"+string(e.Data))
	}
}

func TestSSE(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one", "data: a\n\n", []string{"|a"}},
		{"no space", "data:a\n\n", []string{"|a"}},
		{"only one space goes", "data:  a \n\n", []string{"| a "}},
		{"CR", "data: a\r\rdata: b\r\r", []string{"|a", "|b"}},
		{"CR LF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"|a", "|b"}},
		{"mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\rdata: d\n\n", []string{"|a", "|b", "|c", "|d"}},
		{"lines", "data: a\ndata:\ndata: b\n\n", []string{"|a\n\nb"}},
		{"field without a colon", "data: a\ndata\n\n", []string{"|a\n"}},
		{"event name", "event: ping\ndata: {}\n\n", []string{"ping|{}"}},
		{"event name after the data", "data: {}\nevent: ping\n\n", []string{"ping|{}"}},
		{"event name is of one event", "event: a\ndata: 1\n\ndata: 2\n\nevent: b\ndata: 3\n\n", []string{"a|1", "|2", "b|3"}},
		{"last event name counts", "event: a\nevent: b\ndata: 1\n\n", []string{"b|1"}},
		{"event without data", "event: a\n\ndata: 1\n\n", []string{"|1"}},
		{"empty data", "data:\n\ndata\n\ndata: \n\ndata: 1\n\n", []string{"|1"}},
		{"comments", ": hi\ndata: 1\n:\n: data: 2\n\n:x\n\n", []string{"|1"}},
		{"id, retry, unknown fields", "id: 7\nretry: 1\ndatum: x\nData: y\n data: z\ndata: 1\n\n", []string{"|1"}},
		{"blank lines", "\n\n\r\n\rdata: 1\n\n\n\ndata: 2\n\n", []string{"|1", "|2"}},
		{"BOM", "\uFEFFdata: 1\n\n", []string{"|1"}},
		{"BOM before event", "\uFEFFevent: e\ndata: 1\n\n", []string{"e|1"}},
		{"BOM and blank", "\uFEFF\ndata: 1\n\n", []string{"|1"}},
		{"second BOM is a field", "data: 0\n\n\uFEFFdata: 1\n\n", []string{"|0"}},
		{"two BOMs", "\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n", []string{"|2"}},
		{"colon in the data", "data: a: b\n\n", []string{"|a: b"}},
		{"no last blank line", "data: 1\n\ndata: 2\n", []string{"|1", "|2"}},
		{"no last line end", "data: 1\n\ndata: 2", []string{"|1", "|2"}},
		{"nothing after the last field name", "data: 1\n\ndata", []string{"|1"}},
		{"name without data at the end", "data: 1\n\nevent: x", []string{"|1"}},
		{"invalid UTF-8", "data: a\xffb\xc3\n\n", []string{"|a\uFFFDb\uFFFD"}},
		{"invalid UTF-8 in the name", "event: a\xff\ndata: 1\n\n", []string{"a\uFFFD|1"}},
		{"NUL", "data: a\x00b\n\n", []string{"|a\x00b"}},
		{"long name is cut", "event: " + strings.Repeat("n", 300) + "\ndata: 1\n\n", []string{strings.Repeat("n", maxEventName) + "|1"}},
		{"long unknown field", strings.Repeat("x", 9000) + ": y\ndata: 1\n\n", []string{"|1"}},
		{"long unknown line", strings.Repeat("x", 9000) + "\ndata: 1\n\n", []string{"|1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, r := range map[string]io.Reader{
				"whole":     strings.NewReader(test.in),
				"by bytes":  iotest.OneByteReader(strings.NewReader(test.in)),
				"by halves": iotest.HalfReader(strings.NewReader(test.in)),
			} {
				got, err := frame(framingSSE, r, 1<<20)
				if !slices.Equal(got, test.want) || err != io.EOF {
					t.Errorf("%q %s = %.100q, %v, want %.100q, EOF", test.name, how, got, err, test.want)
				}
			}
			if want := slowSSE(test.in); !slices.Equal(want, test.want) {
				t.Errorf("the slow reader of %q = %q, want %q", test.name, want, test.want)
			}
		})
	}
}

// slowSSE reads events the plain way: split into lines, then field by field.
func slowSSE(in string) []string {
	in = strings.TrimPrefix(in, "\uFEFF")
	in = strings.ReplaceAll(in, "\r\n", "\n")
	in = strings.ReplaceAll(in, "\r", "\n")
	var events, data []string
	name := ""
	dispatch := func() {
		if text := strings.Join(data, "\n"); text != "" {
			events = append(events, strings.ToValidUTF8(name, "\uFFFD")+"|"+strings.ToValidUTF8(text, "\uFFFD"))
		}
		data, name = nil, ""
	}
	for _, line := range strings.Split(in, "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			dispatch()
		case field == "data":
			data = append(data, value)
		case field == "event":
			name = value[:min(len(value), maxEventName)]
		}
	}
	dispatch()
	return events
}

// An event's data is bounded however its lines are written.
func TestSSETooLong(t *testing.T) {
	t.Parallel()
	const limit = 64
	for name, in := range map[string]string{
		"one line":              "data: " + strings.Repeat("x", limit+1),
		"lines":                 strings.Repeat("data: xxx\n", limit),
		"empty lines":           strings.Repeat("data:\n", limit+3),
		"lines without a colon": strings.Repeat("data\n", limit+3),
	} {
		got, err := frame(framingSSE, strings.NewReader(in+"\n\n"), limit)
		if len(got) != 0 || !errors.Is(err, errTooLong) {
			t.Errorf("%s = %d events, %v, want %v", name, len(got), err, errTooLong)
		}
	}
	fits := "data: " + strings.Repeat("x", limit)
	if got, err := frame(framingSSE, strings.NewReader(fits+"\n\n"), limit); len(got) != 1 || err != io.EOF {
		t.Errorf("%d bytes = %d events, %v, want one", limit, len(got), err)
	}
}

func TestJSONArray(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
		wantErr  error
	}{
		{"empty array", "[]", nil, io.EOF},
		{"empty body", "", nil, io.EOF},
		{"two", `[{"a":1},{"b":2}]`, []string{`|{"a":1}`, `|{"b":2}`}, io.EOF},
		{"pretty", "[{\n  \"a\": [1, {}]\n}\n,\r\n{}]\n", []string{"|{\n  \"a\": [1, {}]\n}", "|{}"}, io.EOF},
		{"braces in strings", `[{"a":"}\"]{\\"},{"b":"\\\""}]`, []string{`|{"a":"}\"]{\\"}`, `|{"b":"\\\""}`}, io.EOF},
		{"bare object", `{"error":{"code":1}}`, []string{`|{"error":{"code":1}}`}, io.EOF},
		{"BOM", "\uFEFF[{}]", []string{"|{}"}, io.EOF},
		{"cut in an element", `[{"a":1},{"b"`, []string{`|{"a":1}`}, io.ErrUnexpectedEOF},
		{"cut between elements", `[{"a":1},`, []string{`|{"a":1}`}, io.ErrUnexpectedEOF},
		{"cut in a bare object", `{"a":`, nil, io.ErrUnexpectedEOF},
		{"html", "<html>", nil, errShape},
		{"after the array", "[{}]x", []string{"|{}"}, errShape},
		{"second object", "{}{}", []string{"|{}"}, errShape},
		{"number", "[1]", nil, errShape},
		{"too long", `[{"a":"` + strings.Repeat("x", 5000) + `"}]`, nil, errTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, r := range map[string]io.Reader{
				"whole":    strings.NewReader(test.in),
				"by bytes": iotest.OneByteReader(strings.NewReader(test.in)),
			} {
				got, err := frame(framingArray, r, 4096)
				if !slices.Equal(got, test.want) || !errors.Is(err, test.wantErr) {
					t.Errorf("%q %s = %q, %v, want %q, %v", test.name, how, got, err, test.want, test.wantErr)
				}
			}
		})
	}
}

func TestNDJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
		wantErr  error
	}{
		{"empty", "", nil, io.EOF},
		{"two", "{\"a\":1}\n{\"b\":2}\n", []string{`|{"a":1}`, `|{"b":2}`}, io.EOF},
		{"CR LF and blanks", "\r\n {\"a\":1}\t\r\n\r\n", []string{`|{"a":1}`}, io.EOF},
		{"no last line end", "{}\n{\"b\":2}", []string{"|{}", `|{"b":2}`}, io.EOF},
		{"BOM", "\uFEFF{}\n", []string{"|{}"}, io.EOF},
		{"too long", strings.Repeat("x", 5000), nil, errTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, r := range map[string]io.Reader{
				"whole":    strings.NewReader(test.in),
				"by bytes": iotest.OneByteReader(strings.NewReader(test.in)),
			} {
				got, err := frame(framingNDJSON, r, 4096)
				if !slices.Equal(got, test.want) || !errors.Is(err, test.wantErr) {
					t.Errorf("%q %s = %q, %v, want %q, %v", test.name, how, got, err, test.want, test.wantErr)
				}
			}
		})
	}
}

// Recorded streams of the providers come out whole, however they are split.
func TestRecordedStreams(t *testing.T) {
	t.Parallel()
	root := sharedData(t)
	files, err := filepath.Glob(filepath.Join(root, "fixtures", "*", "*", "stream.sse"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded streams under %s: %v", root, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := slowSSE(string(b))
		if len(want) == 0 {
			t.Errorf("%s holds no event", file)
		}
		for i := range min(len(b), 512) {
			r := io.MultiReader(bytes.NewReader(b[:i]), bytes.NewReader(b[i:]))
			got, err := frame(framingSSE, r, 1<<24)
			if !slices.Equal(got, want) || err != io.EOF {
				t.Fatalf("%s cut at %d: %d events, %v, want %d", file, i, len(got), err, len(want))
			}
		}
		if got, err := frame(framingSSE, iotest.OneByteReader(bytes.NewReader(b)), 1<<24); !slices.Equal(got, want) || err != io.EOF {
			t.Errorf("%s by bytes: %d events, %v, want %d", file, len(got), err, len(want))
		}
	}
}

// sharedData finds the data folder beside the repository, or skips.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no repository root above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(filepath.Dir(dir), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the recorded answers are not beside the repository")
	}
	return data
}

func FuzzSSE(f *testing.F) {
	for _, seed := range []string{
		"data: {\"a\":1}\n\n", "event: e\r\ndata: x\r\n\r\n", "\uFEFFdata:1\r\rdata\r:c\r\r", "data: \xff\n\n", "id: 1\ndata: a\ndata: b\n",
	} {
		f.Add([]byte(seed), []byte{1, 3, 0})
	}
	f.Fuzz(func(t *testing.T, b, sizes []byte) {
		whole, err := frame(framingSSE, bytes.NewReader(b), 1<<20)
		if err != io.EOF {
			t.Fatalf("%q ended with %v, want EOF", b, err)
		}
		split, err := frame(framingSSE, &cut{b: b, sizes: sizes}, 1<<20)
		if !slices.Equal(whole, split) || err != io.EOF {
			t.Fatalf("%q whole = %q, split = %q, %v", b, whole, split, err)
		}
		if want := slowSSE(string(b)); !slices.Equal(whole, want) {
			t.Fatalf("%q = %q, the slow reader says %q", b, whole, want)
		}
		for _, e := range whole {
			if !utf8.ValidString(e) {
				t.Fatalf("%q gave invalid UTF-8: %q", b, e)
			}
		}
	})
}

func FuzzOtherFramings(f *testing.F) {
	f.Add([]byte(`[{"a":1},{"b":"\"}"}]`), []byte{0, 2})
	f.Add([]byte("{\"a\":1}\n{}\r\n\xff"), []byte{6})
	f.Fuzz(func(t *testing.T, b, sizes []byte) {
		for _, name := range []string{framingArray, framingNDJSON} {
			whole, wholeErr := frame(name, bytes.NewReader(b), 64)
			split, splitErr := frame(name, &cut{b: b, sizes: sizes}, 64)
			if !errors.Is(wholeErr, splitErr) {
				t.Fatalf("%s %q: whole ends with %v, split with %v", name, b, wholeErr, splitErr)
			}
			if !slices.Equal(whole, split) {
				t.Fatalf("%s %q: whole = %q, split = %q", name, b, whole, split)
			}
			for _, e := range whole {
				if !utf8.ValidString(e) || len(e) > 3*64+1 {
					t.Fatalf("%s %q gave %q", name, b, e)
				}
			}
		}
	})
}
