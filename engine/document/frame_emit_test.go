package document

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestFrameEmit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		emit       func(f *Frame)
		want       string
	}{
		{"emit", "0", func(f *Frame) { f.Emit([]byte("{}")) }, "{}"},
		{"node as it came", `{"n": 9007199254740993 , "s":"\u0061"}`, func(f *Frame) { f.EmitNode(at(f, "")) }, `{"n": 9007199254740993 , "s":"\u0061"}`},
		{"node absent", "0", func(f *Frame) { f.EmitNode(0) }, ""},
		{"string", "0", func(f *Frame) { f.EmitString([]byte("a\"\n\xff")) }, "\"a\\\"\\n\uFFFD\""},
		{"text", "0", func(f *Frame) { f.EmitText([]byte("a\"\n")) }, `a\"\n`},
		{"int", "0", func(f *Frame) { f.EmitInt(-1 << 63) }, "-9223372036854775808"},
		{"inner", `"a\n\u00e9"`, func(f *Frame) { f.EmitInner(at(f, "")) }, `a\n\u00e9`},
		{"inner of a number", `7`, func(f *Frame) { f.EmitInner(at(f, "")) }, ""},
		{"joined strings", `["a\n","b"]`, func(f *Frame) {
			f.Emit([]byte(`"`))
			f.EmitInner(at(f, "/0"))
			f.EmitText([]byte("\t&\t"))
			f.EmitInner(at(f, "/1"))
			f.Emit([]byte(`"`))
		}, `"a\n\t&\tb"`},
		{"quoted object", `{"a": "b\n"}`, func(f *Frame) { f.EmitQuoted(at(f, "")) }, `"{\"a\": \"b\\n\"}"`},
		{"quoted string", `"b"`, func(f *Frame) { f.EmitQuoted(at(f, "")) }, `"\"b\""`},
		{"quoted absent", `0`, func(f *Frame) { f.EmitQuoted(0) }, `""`},
		{"key", `{"a\u0062":1,"c":2}`, func(f *Frame) { f.EmitKey(at(f, ""), 1); f.EmitKey(at(f, ""), 0); f.EmitKey(at(f, ""), 2) }, `"c""a\u0062"`},
		{"key of an array", `[1]`, func(f *Frame) { f.EmitKey(at(f, ""), 0) }, ``},
		{"flush is of events only", "0", func(f *Frame) { f.Emit([]byte("1")); f.Flush(); f.Emit([]byte("2")) }, "12"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, tt.body)
			tt.emit(f)
			if got := string(f.Output()); got != tt.want || f.Err() != nil {
				t.Errorf("Output() = %s, %v, want %s", got, f.Err(), tt.want)
			}
			if got := len(f.Chunks()); got > 1 {
				t.Errorf("Chunks() = %d, want at most one", got)
			}
		})
	}
}

func TestFrameEmitMembers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, before, except, want string
	}{
		{"all after a brace", `{"a":1,"b":[2]}`, "{", "", `{"a":1,"b":[2]`},
		{"all after a member", `{"a":1,"b":2}`, `{"x":0`, "", `{"x":0,"a":1,"b":2`},
		{"all after a string", `{"a":1}`, `{"x":"{"`, "", `{"x":"{","a":1`},
		{"all after a comma", `{"a":1}`, `{"x":0,`, "", `{"x":0,"a":1`},
		{"all after a comma and white space", `{"a":1}`, "{\"x\":0,\n ", "", "{\"x\":0,\n \"a\":1"},
		{"all after a brace and white space", `{"a":1}`, "{ \t\r\n", "", "{ \t\r\n\"a\":1"},
		{"all after a nested object", `{"a":1}`, `{"x":{}`, "", `{"x":{},"a":1`},
		{"all in an empty chunk", `{"a":1}`, ``, "", `"a":1`},
		{"none after a member", `{}`, `{"x":0`, "", `{"x":0`},
		{"none after a brace", `{}`, `{`, "", `{`},
		{"none left", `{"a":1,"b":2}`, `{"x":0`, "b\na", `{"x":0`},
		{"first left out", `{"a":1,"b":2,"c":3}`, `{`, "a", `{"b":2,"c":3`},
		{"middle left out", `{"a":1,"b":2,"c":3}`, `{`, "b", `{"a":1,"c":3`},
		{"last left out", `{"a":1,"b":2,"c":3}`, `{`, "c", `{"a":1,"b":2`},
		{"names that are not there", `{"a":1}`, `{`, "x\n\naa\n\n", `{"a":1`},
		{"name escaped in the body", `{"m\u006fdel":1,"b":2}`, `{`, "model", `{"b":2`},
		{"empty name named", `{"":1,"b":2}`, `{`, "\nx", `{"b":2`},
		{"empty name not named", `{"":1,"b":2}`, `{`, "", `{"":1,"b":2`},
		{"trailing newline", `{"a":1,"b":2}`, `{`, "a\n", `{"b":2`},
		{"spelling stays", `{ "a" : { "x" : 1 } , "b":"\u0041" }`, `{`, "", `{"a" : { "x" : 1 },"b":"\u0041"`},
		{"not an object", `[1]`, `{"x":0`, "", `{"x":0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, tt.body)
			f.Emit([]byte(tt.before))
			f.EmitMembers(at(f, ""), []byte(tt.except))
			if got := string(f.Output()); got != tt.want || f.Err() != nil {
				t.Errorf("EmitMembers(%s, %q) after %s = %s, %v, want %s", tt.body, tt.except, tt.before, got, f.Err(), tt.want)
			}
		})
	}
}

func TestFrameChunks(t *testing.T) {
	t.Parallel()
	f := frame(t, `{"a":1}`, func(in *FrameInput) { in.Entry, in.Response = abi.EntryEvent, in.Request })
	f.Flush()
	f.Emit([]byte("[1]"))
	f.Flush()
	f.Flush()
	f.Emit([]byte("{"))
	f.EmitMembers(f.Doc(abi.DocResponse), nil)
	f.Emit([]byte("}"))
	f.Flush()
	f.EmitMembers(f.Doc(abi.DocResponse), nil) // a new chunk: no comma
	var got []string
	for _, c := range f.Chunks() {
		got = append(got, string(c))
	}
	if want := `[1] {"a":1} "a":1`; strings.Join(got, " ") != want {
		t.Errorf("Chunks() = %s, want %s", got, want)
	}
	chunk := f.Chunks()[0]
	if _ = append(chunk, "xxx"...); string(f.Chunks()[1]) != `{"a":1}` {
		t.Errorf("appending to a chunk changes the next")
	}
	f.Reset(f.in)
	if len(f.Chunks()) != 0 || len(f.Output()) != 0 {
		t.Errorf("Reset leaves chunks behind")
	}
}

func TestFrameOutputLimit(t *testing.T) {
	t.Parallel()
	// Each emits exactly 12 bytes.
	tests := map[string]func(f *Frame){
		"emit":           func(f *Frame) { f.Emit([]byte("123456789012")) },
		"node":           func(f *Frame) { f.EmitNode(at(f, "/s")) },
		"part":           func(f *Frame) { f.EmitNode(f.Slice(at(f, "/t"), 0, 10)) },
		"members":        func(f *Frame) { f.EmitMembers(at(f, "/o"), nil) },
		"second member":  func(f *Frame) { f.EmitMembers(at(f, "/two"), nil) },
		"key":            func(f *Frame) { f.EmitKey(at(f, "/k"), 0) },
		"string":         func(f *Frame) { f.EmitString([]byte("a\n\n\n\nb")) },
		"escaped string": func(f *Frame) { f.EmitString([]byte("\x00abcd")) },
		"int":            func(f *Frame) { f.EmitInt(-12345678901) },
		"inner":          func(f *Frame) { f.EmitInner(f.Slice(at(f, "/t"), 0, 12)) },
		"text":           func(f *Frame) { f.EmitText([]byte("\x00\x01")) },
		"quoted":         func(f *Frame) { f.EmitQuoted(at(f, "/q")) },
		"quoted part":    func(f *Frame) { f.EmitQuoted(f.Slice(at(f, "/t"), 0, 6)) },
	}
	const body = `{"s":"1234567890","t":"123456789012345","o":{"abcdef":"1"},"two":{"a":12,"b":3},"k":{"abcdefghij":1},"q":{"a":12}}`
	for name, emit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for limit, want := range map[int]error{12: nil, 11: ErrOutput} {
				f := frame(t, body, func(in *FrameInput) { in.MaxOutput = limit })
				emit(f)
				if f.Err() != want || want == nil && len(f.Output()) != 12 || len(f.Output()) > limit {
					t.Errorf("limit %d: Err() = %v with %q, want %v", limit, f.Err(), f.Output(), want)
				}
			}
		})
	}
	f := frame(t, "0", func(in *FrameInput) { in.MaxOutput = 1 << 20 })
	f.EmitString(make([]byte, 1<<19)) // 3 MiB when escaped
	if f.Err() != ErrOutput || cap(f.out) > 4<<20 {
		t.Errorf("Err() = %v with %d bytes of memory, want %v", f.Err(), cap(f.out), ErrOutput)
	}
	f = frame(t, "0", func(in *FrameInput) { in.MaxOutput = 1 << 20 })
	text := strings.Repeat("é\n€", 40_000)
	f.EmitString([]byte(text))
	if got := decoded(t, f.Output()); got != text {
		t.Errorf("EmitString of %d bytes gives %d others", len(text), len(got))
	}
}
