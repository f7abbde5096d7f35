package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// frame returns a Frame whose request is body, in a provider's pm_request_v1 if nothing else is said.
func frame(t testing.TB, body string, change ...func(*FrameInput)) *Frame {
	t.Helper()
	in := FrameInput{Request: mustParse(t, body).Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest}
	for _, c := range change {
		c(&in)
	}
	f := new(Frame)
	f.Reset(in)
	return f
}

func rule(in *FrameInput) { in.Kind, in.Entry = abi.KindRule, abi.EntryDecide }

// at returns the handle that a pointer names in the request.
func at(f *Frame, pointer string) int32 { return f.Pointer(f.Doc(abi.DocRequest), []byte(pointer)) }

// read returns what a getter writes, asked as a guest asks: first without room.
func read(t *testing.T, get func([]byte) int) string {
	t.Helper()
	n := get(nil)
	short := []byte(strings.Repeat("#", max(n-1, 0)))
	if got := get(short); got != n || strings.Trim(string(short), "#") != "" {
		t.Errorf("a getter with %d bytes of room = %d and wrote %q, want %d and nothing", len(short), got, short, n)
	}
	buf := []byte(strings.Repeat("#", n+3))
	if got := get(buf[:n+1]); got != n || string(buf[n:]) != "###" {
		t.Errorf("a getter with room = %d and left %q behind, want %d and ###", got, buf[n:], n)
	}
	return string(buf[:n])
}

func TestFrameDocuments(t *testing.T) {
	t.Parallel()
	node := func(s string) Node { return mustParse(t, s).Root() }
	in := FrameInput{Request: node("1"), Context: node("2"), Config: node("3"), Response: node("4"), Call: node("5"), Kind: abi.KindProvider}
	entries := map[string]int64{abi.EntryRequest: 1, abi.EntryResponse: 1, abi.EntryError: 1, abi.EntryProbe: 1, abi.EntryConfigure: 1, abi.EntryEvent: 0}
	var f Frame
	for entry, wantRequest := range entries {
		in.Entry = entry
		f.Reset(in)
		for which, want := range map[int32]int64{-1: 0, 0: 0, 1: wantRequest, 2: 2, 3: 3, 4: 4, 5: 5, 6: 0, 1 << 30: 0} {
			if got := f.Int(f.Doc(which)); got != want {
				t.Errorf("%s: Int(Doc(%d)) = %d, want %d", entry, which, got, want)
			}
			if f.Doc(which) != f.Doc(which) {
				t.Errorf("%s: Doc(%d) gives two handles", entry, which)
			}
		}
	}
	f.Reset(FrameInput{})
	for which := range int32(7) {
		if got := f.Doc(which); got != 0 {
			t.Errorf("Doc(%d) of an empty input = %d, want 0", which, got)
		}
	}
}

const readBody = `{"s":"plain","e":"tab\there \u00e9\ud83d\ude00","n":12.5e1,"t":true,"z":null,"a":[10,20,[30]],"o":{"k\u0031":1,"k2":"two"},"q":"{\"x\":[1]}","bad":"{"}`

func TestFrameReads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pointer  string
		kind     abi.Kind
		size     int
		text     string
		raw      string
		integer  int64
		num      float64
		yes      bool
		elements int // that At finds
	}{
		{"/s", abi.KindString, 5, "plain", `"plain"`, 0, 0, false, 0},
		{"/e", abi.KindString, 15, "tab\there é😀", `"tab\there \u00e9\ud83d\ude00"`, 0, 0, false, 0},
		{"/n", abi.KindNumber, 0, "", "12.5e1", 125, 125, false, 0},
		{"/t", abi.KindBool, 0, "", "true", 0, 0, true, 0},
		{"/z", abi.KindNull, 0, "", "null", 0, 0, false, 0},
		{"/a", abi.KindArray, 3, "", "[10,20,[30]]", 0, 0, false, 3},
		{"/a/-1", abi.KindArray, 1, "", "[30]", 0, 0, false, 1},
		{"/o", abi.KindObject, 2, "", `{"k\u0031":1,"k2":"two"}`, 0, 0, false, 2},
		{"/missing", abi.KindAbsent, 0, "", "", 0, 0, false, 0},
		{"missing", abi.KindAbsent, 0, "", "", 0, 0, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.pointer, func(t *testing.T) {
			t.Parallel()
			f := frame(t, readBody)
			h := at(f, tt.pointer)
			if got := f.Kind(h); got != tt.kind {
				t.Errorf("Kind = %v, want %v", got, tt.kind)
			}
			if got := f.Size(h); got != tt.size {
				t.Errorf("Size = %d, want %d", got, tt.size)
			}
			if got := read(t, func(b []byte) int { return f.Text(h, b) }); got != tt.text {
				t.Errorf("Text = %q, want %q", got, tt.text)
			}
			if got := read(t, func(b []byte) int { return f.Raw(h, b) }); got != tt.raw {
				t.Errorf("Raw = %q, want %q", got, tt.raw)
			}
			if got := f.Int(h); got != tt.integer {
				t.Errorf("Int = %d, want %d", got, tt.integer)
			}
			if got := f.Num(h); got != tt.num {
				t.Errorf("Num = %v, want %v", got, tt.num)
			}
			if got := f.Bool(h); got != tt.yes {
				t.Errorf("Bool = %v, want %v", got, tt.yes)
			}
			elements := 0
			for i := int32(-2); i < 6; i++ {
				if f.At(h, i) != 0 {
					elements++
				}
			}
			if elements != tt.elements {
				t.Errorf("At finds %d, want %d", elements, tt.elements)
			}
			if got, want := f.Equal(h, []byte(tt.text)), tt.kind == abi.KindString; got != want {
				t.Errorf("Equal(%q) = %v, want %v", tt.text, got, want)
			}
			if f.Equal(h, []byte(tt.text+"x")) || f.Equal(h, []byte("other")) {
				t.Errorf("Equal of another text = true, want false")
			}
			if got, want := f.Pointer(h, nil) != 0, tt.kind != abi.KindAbsent; got != want {
				t.Errorf("Pointer(\"\") exists = %v, want %v", got, want)
			}
			if f.Err() != nil {
				t.Errorf("Err() = %v, want nil", f.Err())
			}
		})
	}
}

func TestFrameMembers(t *testing.T) {
	t.Parallel()
	f := frame(t, readBody)
	o := f.Get(f.Doc(abi.DocRequest), []byte("o"))
	for i, want := range []string{"k1", "k2"} {
		if got := read(t, func(b []byte) int { return f.Key(o, int32(i), b) }); got != want {
			t.Errorf("Key(%d) = %q, want %q", i, got, want)
		}
	}
	for _, i := range []int32{-1, 2, 1 << 30} {
		if got := f.Key(o, i, make([]byte, 9)); got != 0 {
			t.Errorf("Key(%d) = %d, want 0", i, got)
		}
	}
	if got := f.Key(at(f, "/a"), 0, nil); got != 0 {
		t.Errorf("Key of an array = %d, want 0", got)
	}
	if got := f.Int(f.Get(o, []byte("k1"))); got != 1 {
		t.Errorf("Get(k1) = %d, want 1", got)
	}
	if f.Get(o, []byte("k3")) != 0 || f.Get(at(f, "/a"), []byte("0")) != 0 || f.Get(0, []byte("o")) != 0 {
		t.Errorf("Get of what is not there gives a handle")
	}
	// Members in any order, backwards and repeated: the cursor must not mislead.
	for _, i := range []int32{1, 0, 1, 1, 0, 0, 1} {
		if got, want := f.Kind(f.At(o, i)), []abi.Kind{abi.KindNumber, abi.KindString}[i]; got != want {
			t.Errorf("Kind(At(%d)) = %v, want %v", i, got, want)
		}
	}
}

func TestFrameFindAndMentions(t *testing.T) {
	t.Parallel()
	f := frame(t, `{"p":"one two two","e":"\ttab \u00e9 two\n","n":1}`)
	tests := []struct {
		pointer, needle string
		wantFind        int
		wantMentions    bool
	}{
		{"/p", "two", 4, true}, {"/p", "wo", 5, false}, {"/p", "TWO", -1, true}, {"/p", "three", -1, false}, {"/p", "", 0, false},
		{"/e", "é", 5, true}, {"/e", "two", 8, true}, {"/e", "\n", 11, false}, {"/e", "é two", 5, true},
		{"/n", "1", -1, false}, {"/x", "", -1, false},
	}
	for _, tt := range tests {
		if got := f.Find(at(f, tt.pointer), []byte(tt.needle)); got != tt.wantFind {
			t.Errorf("Find(%s, %q) = %d, want %d", tt.pointer, tt.needle, got, tt.wantFind)
		}
		if got := f.Mentions(at(f, tt.pointer), []byte(tt.needle)); got != tt.wantMentions {
			t.Errorf("Mentions(%s, %q) = %v, want %v", tt.pointer, tt.needle, got, tt.wantMentions)
		}
	}
}

func TestFrameSlice(t *testing.T) {
	t.Parallel()
	const plain, escaped = "ab é 😀 z", `"a\u0062 \u00e9 \ud83d\ude00 \u007a"`
	f := frame(t, `{"p":"`+plain+`","e":`+escaped+`,"n":123}`)
	for _, pointer := range []string{"/p", "/e"} {
		for from := int32(-2); from < int32(len(plain))+3; from++ {
			for to := int32(-2); to < int32(len(plain))+3; to++ {
				a := clamp(plain, int(from))
				want := plain[a:max(a, clamp(plain, int(to)))]
				f.Reset(f.in)
				h := f.Slice(at(f, pointer), from, to)
				if got := read(t, func(b []byte) int { return f.Text(h, b) }); got != want || f.Size(h) != len(want) || f.Kind(h) != abi.KindString {
					t.Fatalf("Slice(%s, %d, %d) = %q (Size %d), want %q", pointer, from, to, got, f.Size(h), want)
				}
				if !f.Equal(h, []byte(want)) || f.Find(h, []byte(want)) != 0 {
					t.Fatalf("Slice(%s, %d, %d) is not equal to %q", pointer, from, to, want)
				}
				f.EmitNode(h)
				if got := decoded(t, f.Output()); got != want {
					t.Fatalf("EmitNode(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, want)
				}
				if got := read(t, func(b []byte) int { return f.Raw(h, b) }); got != string(f.Output()) {
					t.Fatalf("Raw(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, f.Output())
				}
				f.Reset(f.in)
				h = f.Slice(at(f, pointer), from, to)
				f.EmitQuoted(h)
				if got := decoded(t, []byte(decoded(t, f.Output()))); got != want {
					t.Fatalf("EmitQuoted(Slice(%s, %d, %d)) = %q, want %q", pointer, from, to, got, want)
				}
			}
		}
	}
	f.Reset(f.in)
	part := f.Slice(f.Slice(at(f, "/e"), 2, 100), 1, 3)
	if got := read(t, func(b []byte) int { return f.Text(part, b) }); got != "é" {
		t.Errorf("Slice of a Slice = %q, want é", got)
	}
	if f.Hash(part) == 0 || f.Pointer(part, nil) == 0 || f.Pointer(part, []byte("/0")) != 0 || f.Get(part, []byte("x")) != 0 || f.At(part, 0) != 0 {
		t.Errorf("a part does not answer as a string")
	}
	if f.Slice(at(f, "/n"), 0, 1) != 0 || f.Slice(0, 0, 1) != 0 {
		t.Errorf("Slice of what is not a string gives a handle")
	}
}

// clamp moves an offset to where Slice takes it.
func clamp(s string, i int) int {
	i = min(max(i, 0), len(s))
	for i > 0 && i < len(s) && s[i]&0xC0 == 0x80 {
		i--
	}
	return i
}

func decoded(t testing.TB, b []byte) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("json.Unmarshal(%q) = %v, want no error", b, err)
	}
	return s
}

func TestFrameParse(t *testing.T) {
	t.Parallel()
	f := frame(t, readBody)
	for range 3 {
		h := f.Parse(at(f, "/q"))
		if got := f.Int(f.Pointer(h, []byte("/x/0"))); got != 1 {
			t.Errorf("Parse(q)/x/0 = %d, want 1", got)
		}
		if f.Parse(at(f, "/bad")) != 0 || f.Parse(at(f, "/s")) != 0 || f.Parse(at(f, "/n")) != 0 || f.Parse(0) != 0 {
			t.Errorf("Parse of what is not JSON in a string gives a handle")
		}
	}
	if f.parsedUsed != 3 {
		t.Errorf("parsed %d texts, want each once: 3", f.parsedUsed)
	}
	// A document inside a document inside a document, and a part of a string.
	inner := string(AppendString(nil, string(AppendString(nil, `[true]`))))
	f = frame(t, `{"a":`+inner+`,"b":"x{\"y\":2}z"}`)
	if h := f.Parse(f.Parse(at(f, "/a"))); !f.Bool(f.At(h, 0)) {
		t.Errorf("Parse(Parse(a))[0] = false, want true")
	}
	if h := f.Parse(f.Slice(at(f, "/b"), 1, 8)); f.Int(f.Get(h, []byte("y"))) != 2 {
		t.Errorf("Parse(Slice(b)) has no y of 2")
	}
	// Duplicates and depth are refused as everywhere.
	f = frame(t, `["{\"a\":1,\"a\":2}","`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`"]`)
	if f.Parse(at(f, "/0")) != 0 || f.Parse(at(f, "/1")) != 0 || f.Err() != nil {
		t.Errorf("Parse accepts what Parse refuses, or Err() = %v", f.Err())
	}
}

func TestFrameHandles(t *testing.T) {
	t.Parallel()
	f := frame(t, readBody)
	old := at(f, "/s")
	f.Reset(f.in)
	fresh := at(f, "/s")
	if f.Kind(fresh) != abi.KindString {
		t.Fatalf("Kind(fresh handle) = %v, want a string", f.Kind(fresh))
	}
	for _, h := range []int32{0, old, -1, 1, 5, fresh + 1, fresh + 1000, -fresh, fresh ^ 1<<20, 1<<31 - 1, -1 << 31} {
		if f.Kind(h) != abi.KindAbsent || f.Get(h, []byte("s")) != 0 || f.At(h, 0) != 0 || f.Size(h) != 0 || f.Pointer(h, nil) != 0 ||
			f.Text(h, make([]byte, 9)) != 0 || f.Raw(h, make([]byte, 9)) != 0 || f.Int(h) != 0 || f.Num(h) != 0 || f.Bool(h) || f.Equal(h, nil) ||
			f.Find(h, nil) != -1 || f.Mentions(h, []byte("a")) || f.Hash(h) != 0 || f.Parse(h) != 0 || f.Slice(h, 0, 1) != 0 || f.Key(h, 0, nil) != 0 {
			t.Errorf("handle %#x answers, want it absent", h)
		}
		f.EmitNode(h)
		f.EmitMembers(h, nil)
		f.EmitKey(h, 0)
		f.EmitInner(h)
		f.TargetNode(h)
	}
	if len(f.Output()) != 0 || f.Err() != nil {
		t.Errorf("Output() = %q, Err() = %v, want nothing", f.Output(), f.Err())
	}
	f.EmitQuoted(0)
	if got := string(f.Output()); got != `""` {
		t.Errorf("EmitQuoted(0) = %s, want \"\"", got)
	}
}

func TestFrameRandomAndHash(t *testing.T) {
	t.Parallel()
	random := NewRandom("req-1", 1, "openai")
	f := frame(t, `["a","\u0061","b",97,"a",null,true,[1],{"a":1}]`, func(in *FrameInput) { in.Random, in.NowMS = random, 1234 })
	if f.Hash(at(f, "/0")) != f.Hash(at(f, "/1")) || f.Hash(at(f, "/0")) != f.Hash(f.Slice(at(f, "/0"), 0, 1)) {
		t.Errorf("Hash of equal texts differs")
	}
	seen := map[int64]string{0: "absent"}
	for _, p := range []string{"/0", "/2", "/3", "/5", "/6", "/7", "/8", ""} {
		h := f.Hash(at(f, p))
		if other, ok := seen[h]; ok {
			t.Errorf("Hash(%s) = Hash(%s)", p, other)
		}
		seen[h] = p
	}
	// Recorded decisions depend on these: they must never change.
	if got, want := f.Hash(at(f, "/0")), int64(-8625932697636715738); got != want {
		t.Errorf("Hash(a) = %d, want %d", got, want)
	}
	first := f.Random()
	if want := int64(8762326338404912844); first != want {
		t.Errorf("Random() = %d, want %d", first, want)
	}
	f.Reset(f.in)
	if f.Random() == first {
		t.Errorf("Random() begins anew with the next entry point of an attempt")
	}
	if got := NewRandom("req-1", 1, "openai").Next(); got != first {
		t.Errorf("the same seed gives %d, then %d", first, got)
	}
	for _, r := range []*Random{NewRandom("req-1", 2, "openai"), NewRandom("req-2", 1, "openai"), NewRandom("req-1", 1, "google")} {
		if r.Next() == first {
			t.Errorf("another seed gives the same number")
		}
	}
	if f.NowMS() != 1234 {
		t.Errorf("NowMS() = %d, want 1234", f.NowMS())
	}
	f.Reset(FrameInput{})
	if f.Random() != 0 {
		t.Errorf("Random() without a sequence = something, want 0")
	}
}

func TestFrameBudgets(t *testing.T) {
	t.Parallel()
	long := `{"t":"` + strings.Repeat("word ", 20_000) + `","e":"` + strings.Repeat(`\n`, 50_000) + `","a":[` + strings.Repeat("1,", 20_000) + `1],"o":{` + numbered(2000) + `},"n":` + strings.Repeat("1", 300) + `}`
	tests := []struct {
		name string
		call func(f *Frame)
		want error
	}{
		{"kind is free", func(f *Frame) { f.Kind(0) }, ErrCalls},
		{"get", func(f *Frame) { f.Get(at(f, "/o"), []byte("k1999")) }, ErrWork},
		{"pointer", func(f *Frame) { at(f, "/a/20000") }, ErrWork},
		{"at, backwards", func(f *Frame) { h := at(f, "/a"); f.At(h, 20_000); f.At(h, 19_999) }, ErrWork},
		{"text", func(f *Frame) { f.Text(at(f, "/t"), make([]byte, 200_000)) }, ErrWork},
		{"raw", func(f *Frame) { f.Raw(at(f, "/t"), make([]byte, 200_000)) }, ErrWork},
		{"find", func(f *Frame) { f.Find(at(f, "/t"), []byte("x")) }, ErrWork},
		{"find in escapes", func(f *Frame) { f.Find(at(f, "/e"), []byte("x")) }, ErrWork},
		{"mentions", func(f *Frame) { f.Mentions(at(f, "/t"), []byte("word wordy")) }, ErrWork},
		{"equal", func(f *Frame) { f.Equal(at(f, "/e"), []byte(strings.Repeat("\n", 50_000))) }, ErrWork},
		{"hash", func(f *Frame) { f.Hash(at(f, "/a")) }, ErrWork},
		{"slice", func(f *Frame) { f.Slice(at(f, "/e"), 49_000, 49_001) }, ErrWork},
		{"members", func(f *Frame) { f.EmitMembers(at(f, "/o"), []byte("nothing")) }, ErrOutput},
		{"parse again and again", func(f *Frame) { f.Parse(f.Slice(at(f, "/t"), int32(f.calls), 100_000)) }, ErrParse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, long, rule)
			for i := 0; f.Err() == nil; i++ {
				if i > abi.RuleHostCalls {
					t.Fatal("the call never ends")
				}
				tt.call(f)
			}
			if f.Err() != tt.want {
				t.Errorf("Err() = %v, want %v", f.Err(), tt.want)
			}
			// It stays, and everything answers as for absent.
			f.Emit([]byte("x"))
			f.Fail(1, []byte("x"))
			if _, _, failed := f.Failure(); f.Err() != tt.want || f.Doc(1) != 0 || failed || f.NowMS() != 0 || f.Find(0, nil) != -1 {
				t.Errorf("after %v a method still answers", tt.want)
			}
			f.Reset(f.in)
			if f.Err() != nil || f.Calls() != 0 || f.Kind(f.Doc(1)) != abi.KindObject {
				t.Errorf("Reset does not begin anew: %v", f.Err())
			}
		})
	}
}

func TestFrameCallLimit(t *testing.T) {
	t.Parallel()
	f := frame(t, "1", func(in *FrameInput) { in.MaxCalls = 3 })
	for i := range 3 {
		if f.NowMS(); f.Err() != nil {
			t.Fatalf("Err() after %d calls = %v, want nil", i+1, f.Err())
		}
	}
	if f.NowMS(); !errors.Is(f.Err(), ErrCalls) {
		t.Errorf("Err() after 4 calls = %v, want %v", f.Err(), ErrCalls)
	}
	f = frame(t, "[1]", func(in *FrameInput) { in.MaxCalls = 1 << 20 })
	a := f.Doc(abi.DocRequest)
	for f.Err() == nil {
		f.At(a, 0)
	}
	if f.Err() != ErrHandles || f.Calls() < maxRefs-2 {
		t.Errorf("Err() = %v after %d calls, want %v", f.Err(), f.Calls(), ErrHandles)
	}
}

func TestFrameUseAfterRelease(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"a":[1]}`)
	var f Frame
	f.Reset(FrameInput{Request: d.Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest})
	h := at(&f, "/a")
	d.Release()
	if f.Kind(h) != abi.KindAbsent || f.At(h, 0) != 0 {
		t.Errorf("a handle into a released document answers")
	}
}

func TestFrameInputExamples(t *testing.T) {
	t.Parallel()
	state := new(State)
	fields := map[string]string{"retry-after": "7"}
	f := frame(t, "{}", func(in *FrameInput) {
		in.Entry, in.EventName, in.Status, in.State = abi.EntryEvent, "message_stop", 429, state
		in.Field = func(name string) string { return fields[strings.ToLower(name)] }
	})
	if got := read(t, f.EventName); got != "message_stop" {
		t.Errorf("EventName = %q, want message_stop", got)
	}
	if got := f.HTTPStatus(); got != 429 {
		t.Errorf("HTTPStatus = %d, want 429", got)
	}
	for name, want := range map[string]string{"Retry-After": "7", "x": "", strings.Repeat("n", 1000): ""} {
		if got := read(t, func(b []byte) int { return f.HTTPField([]byte(name), b) }); got != want {
			t.Errorf("HTTPField(%.20q) = %q, want %q", name, got, want)
		}
	}
	if got := read(t, f.StateLoad); got != "" {
		t.Errorf("StateLoad = %q, want nothing", got)
	}
	guest := []byte("first")
	f.StateSave(guest)
	guest[0] = 'X'
	f.Reset(f.in)
	if got := read(t, f.StateLoad); got != "first" {
		t.Errorf("StateLoad = %q, want first", got)
	}
	f.StateSave(make([]byte, abi.MaxState))
	if f.Err() != nil || len(state.Bytes()) != abi.MaxState {
		t.Errorf("StateSave at the limit: %v, %d bytes", f.Err(), len(state.Bytes()))
	}
	f.StateSave(make([]byte, abi.MaxState+1))
	if f.Err() != ErrState {
		t.Errorf("StateSave over the limit: %v, want %v", f.Err(), ErrState)
	}
	state.Reset()
	if len(state.Bytes()) != 0 {
		t.Errorf("Bytes() after Reset = %q, want nothing", state.Bytes())
	}
	f.Reset(FrameInput{})
	f.StateSave([]byte("x"))
	if f.StateLoad(nil) != 0 || f.HTTPField([]byte("x"), nil) != 0 || f.EventName(nil) != 0 || f.HTTPStatus() != 0 || f.Err() != nil {
		t.Errorf("an empty input answers, or Err() = %v", f.Err())
	}
}

// FuzzFrame makes random sequences of calls with random handles and texts. Nothing
// may panic, write past a buffer, or emit invalid JSON from sound calls alone.
func FuzzFrame(f *testing.F) {
	f.Add(`{"a":[1,"x\u00e9y",{"b":"{\"c\":1}"}],"t":"some text"}`, []byte("\x01\x00\x02a\x03\x04\x05\x06\x07\x08\x09\x10\x11\x12\x13\x14\x15\x16\x17\x18"), false)
	f.Add(`"\ud83d\ude00[1]"`, []byte{0, 1, 2, 0, 3, 9, 1, 4, 1, 2, 5, 6, 7, 8, 30, 31, 32, 33, 34}, true)
	f.Fuzz(func(t *testing.T, body string, script []byte, isRule bool) {
		d, err := Parse([]byte(body), Limits{})
		if err != nil {
			d = String(body)
		}
		in := FrameInput{
			Request: d.Root(), Context: d.Root().At(0), Response: d.Root(), Kind: abi.KindProvider, Entry: abi.EntryEvent, EventName: "e", Status: 200,
			State: new(State), Random: NewRandom(body, 1, "p"), MaxOutput: 4096, MaxCalls: 300, Field: func(n string) string { return n },
		}
		if isRule {
			in.Kind, in.Entry = abi.KindRule, abi.EntryDecide
		}
		fr := new(Frame)
		for range 2 {
			runScript(t, fr, in, body, script)
		}
		if string(d.Root().Raw()) != string(d.Bytes()[rootStart(d):rootEnd(d)]) || err == nil && string(d.Bytes()) != body {
			t.Fatalf("the document changed to %q, want %q", d.Bytes(), body)
		}
	})
}

func rootStart(d *Doc) int { s, _ := d.Root().Span(); return s }
func rootEnd(d *Doc) int   { _, e := d.Root().Span(); return e }

func runScript(t *testing.T, f *Frame, in FrameInput, body string, script []byte) {
	f.Reset(in)
	handles := []int32{0, f.Doc(abi.DocRequest), f.Doc(abi.DocContext), f.Doc(abi.DocResponse), -1, 1 << 20}
	pos := 0
	next := func() int {
		if pos >= len(script) {
			return -1
		}
		pos++
		return int(script[pos-1])
	}
	handle := func() int32 { return handles[max(next(), 0)%len(handles)] }
	number := func() int32 { return int32(int8(max(next(), 0))) }
	text := func() []byte {
		a, b := max(next(), 0), max(next(), 0)
		from := a % (len(script) + 1)
		return script[from:min(len(script), from+b%40)]
	}
	room := func(get func([]byte) int) {
		buf := make([]byte, 48)
		n := number() & 31
		got := get(buf[:n:n])
		if got < 0 {
			t.Fatalf("a getter = %d, want 0 or more", got)
		}
		for _, c := range buf[n:] {
			if c != 0 {
				t.Fatalf("a getter wrote beyond its buffer: %q", buf)
			}
		}
	}
	keep := func(h int32) { handles = append(handles, h) }
	sound := func(emit func()) {
		if before := len(f.Output()); f.Err() == nil {
			emit()
			if out := f.Output()[before:]; len(out) > 0 && !json.Valid(out) {
				t.Fatalf("emitted %q, want JSON", out)
			}
		}
	}
	for {
		op := next()
		if op < 0 {
			break
		}
		switch op % 40 {
		case 0:
			keep(f.Doc(number()))
		case 1:
			keep(f.Get(handle(), text()))
		case 2:
			keep(f.Pointer(handle(), text()))
		case 3:
			keep(f.At(handle(), number()))
		case 4:
			h, i := handle(), number()
			room(func(b []byte) int { return f.Key(h, i, b) })
		case 5:
			f.Size(handle())
		case 6:
			f.Kind(handle())
		case 7:
			f.Int(handle())
			f.Num(handle())
			f.Bool(handle())
		case 8:
			h := handle()
			room(func(b []byte) int { return f.Text(h, b) })
		case 9:
			h := handle()
			room(func(b []byte) int { return f.Raw(h, b) })
		case 10:
			f.Equal(handle(), text())
		case 11:
			f.Mentions(handle(), text())
		case 12:
			f.Find(handle(), text())
		case 13:
			keep(f.Slice(handle(), number(), number()))
		case 14:
			keep(f.Parse(handle()))
		case 15:
			f.Hash(handle())
		case 16:
			f.Emit(text())
		case 17:
			h := handle()
			sound(func() { f.EmitNode(h) })
		case 18:
			f.EmitMembers(handle(), text())
		case 19:
			h, i := handle(), number()
			sound(func() { f.EmitKey(h, i) })
		case 20:
			s := text()
			sound(func() { f.EmitString(s) })
		case 21:
			sound(func() { f.EmitInt(int64(number())) })
		case 22:
			f.EmitInner(handle())
		case 23:
			f.EmitText(text())
		case 24:
			h := handle()
			sound(func() { f.EmitQuoted(h) })
		case 25:
			f.Flush()
		case 26:
			room(f.StateLoad)
		case 27:
			f.StateSave(text())
		case 28:
			f.HTTPMethod(text())
		case 29:
			f.HTTPPath(text())
		case 30:
			f.HTTPHeader(text(), text())
		case 31:
			room(f.EventName)
			f.HTTPStatus()
		case 32:
			name := text()
			room(func(b []byte) int { return f.HTTPField(name, b) })
		case 33:
			f.Target(text())
			f.TargetNode(handle())
		case 34:
			f.Reason(text())
			f.Tag(text(), text())
			f.Param(text(), text())
		case 35:
			f.Lossy(text())
		case 36:
			f.Classify(number(), int64(number()))
		case 37:
			f.Fail(number(), text())
		case 38:
			f.Log(number(), text())
		case 39:
			f.NowMS()
			f.Random()
		}
	}
	if len(f.Output()) > in.MaxOutput {
		t.Fatalf("Output() = %d bytes, want at most %d", len(f.Output()), in.MaxOutput)
	}
	joined := ""
	for _, c := range f.Chunks() {
		joined += string(c)
	}
	if joined != string(f.Output()) {
		t.Fatalf("Chunks() join to %q, want %q", joined, f.Output())
	}
	_, path, headers := f.HTTP()
	for _, s := range append([]string{path, f.ReasonText(), fmt.Sprint(headers, f.Tags(), f.Targets(), f.Logs(), f.LossyFields())}, f.Targets()...) {
		if strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("a result holds a line break: %q", s)
		}
	}
	if in.Kind == abi.KindRule && (path != "" || f.Class() != 0) || in.Kind == abi.KindProvider && len(f.Targets()) > 0 {
		t.Fatalf("a %s has results of the other kind", in.Kind)
	}
}

func TestFrameAllocatesNothing(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters allocate")
	}
	ctx := mustParse(t, contextBody)
	request, err := Parse(chat(10_000, 500), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tools := mustParse(t, `{"calls":["{\"a\":1}","{\"b\":[2,\"x\"]}"],"e":"line\nline"}`)
	buf := make([]byte, 1<<10)
	words := NewWords(ruleWords)
	hits := make([]uint64, 1)
	text := prose(10 << 10)
	random, state := NewRandom("r", 1, "p"), new(State)
	random.Seed("r", 2, "p")
	var f Frame
	for name, call := range map[string]func(){
		"a rule call": func() {
			f.Reset(FrameInput{Context: ctx.Root(), Kind: abi.KindRule, Entry: abi.EntryDecide})
			readFive(&f, buf)
			f.Tag([]byte("why"), []byte("short"))
			f.Param([]byte("max_tokens"), []byte("100"))
			f.Fail(403, []byte("not\nnow"))
			f.Log(1, []byte("a line"))
		},
		"a translation": func() {
			f.Reset(FrameInput{Request: request.Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest, Random: random})
			translate(&f)
			f.HTTPMethod([]byte("POST"))
			f.HTTPPath([]byte("/v1/messages"))
			f.HTTPHeader([]byte("anthropic-version"), []byte("2023-06-01"))
			f.Lossy([]byte("logit_bias"))
			f.Random()
			f.Chunks()
		},
		"an event": func() {
			f.Reset(FrameInput{Response: tools.Root(), Kind: abi.KindProvider, Entry: abi.EntryEvent, State: state})
			r := f.Doc(abi.DocResponse)
			calls := f.Get(r, []byte("calls"))
			for i := range int32(f.Size(calls)) {
				f.EmitNode(f.Parse(f.At(calls, i)))
				f.Flush()
			}
			e := f.Get(r, []byte("e"))
			f.Find(e, []byte("x"))
			f.Hash(e)
			f.EmitQuoted(f.Slice(e, 2, 6))
			f.StateSave(buf[:100])
			f.StateLoad(buf)
			f.Chunks()
		},
		"a scan":       func() { words.Scan(text, hits) },
		"mentions":     func() { Mentions(text, "stack trace") },
		"a plain text": func() { _ = request.Root().Pointer("/metadata/session_id").Text() },
		"navigation": func() {
			for _, m := range request.Root().Get("messages").Elements() {
				_ = m.Get("role").Raw()
			}
		},
	} {
		if got := testing.AllocsPerRun(50, call); got != 0 {
			t.Errorf("%s allocates %v times, want 0", name, got)
		}
	}
	if got := testing.AllocsPerRun(50, func() {
		d, _ := Parse(request.Bytes(), Limits{})
		d.Release()
	}); got > 1 {
		t.Errorf("Parse allocates %v times, want 1", got)
	}
}

func TestFrameResults(t *testing.T) {
	t.Parallel()
	f := frame(t, `{"m":"gpt\u002d5","n":1}`, rule)
	f.Target([]byte("claude"))
	f.TargetNode(at(f, "/m"))
	f.TargetNode(at(f, "/n"))
	f.Target(nil)
	f.Reason([]byte("first"))
	f.Reason([]byte("because\nof \x1b[31mred\u202e"))
	f.Tag([]byte("a"), []byte("1"))
	f.Tag([]byte("b"), []byte("2"))
	f.Tag([]byte("a"), []byte("3"))
	f.Tag(nil, []byte("4"))
	f.Param([]byte("max_tokens"), []byte("100"))
	f.Log(-5, []byte("low\r\n"))
	f.Log(99, []byte("high\x00\xff"))
	f.Fail(429, []byte("later"))
	f.Fail(403, []byte("no"))
	// Not a rule's:
	f.HTTPPath([]byte("/x"))
	f.HTTPMethod([]byte("GET"))
	f.HTTPHeader([]byte("a"), []byte("b"))
	f.Lossy([]byte("x"))
	f.Classify(2, 5)
	f.Flush()
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %q, want %q", what, got, want)
		}
	}
	check("Targets", f.Targets(), []string{"claude", "gpt-5"})
	check("ReasonText", f.ReasonText(), "because of [31mred")
	check("Tags", f.Tags(), [][2]string{{"a", "3"}, {"b", "2"}})
	check("Params", f.Params(), [][2]string{{"max_tokens", "100"}})
	check("Logs", f.Logs(), []LogLine{{0, "low  "}, {3, "high\uFFFD"}})
	code, message, ok := f.Failure()
	check("Failure", []any{code, message, ok}, []any{int32(403), "no", true})
	method, path, headers := f.HTTP()
	check("HTTP", []any{method, path, len(headers)}, []any{"", "", 0})
	check("Class", f.Class(), abi.ClassNone)
	check("LossyFields", len(f.LossyFields()), 0)
	check("Err", f.Err(), error(nil))

	kept := f.Targets()[0]
	in := f.in
	in.Kind, in.Entry = abi.KindProvider, abi.EntryError
	f.Reset(in)
	if len(f.Targets())+len(f.Tags())+len(f.Params())+len(f.Logs()) != 0 || f.ReasonText() != "" {
		t.Errorf("Reset leaves results behind")
	}
	if _, _, ok := f.Failure(); ok {
		t.Errorf("Reset leaves a failure behind")
	}
	check("a kept string", kept, "claude")
	f.Classify(int32(abi.ClassRateLimited), 1500)
	f.Lossy([]byte("top_k"))
	f.Lossy([]byte("top_k"))
	f.Lossy([]byte("seed"))
	f.Target([]byte("x"))
	f.Reason([]byte("x"))
	f.Tag([]byte("x"), nil)
	check("Class", f.Class(), abi.ClassRateLimited)
	check("RetryAfterMS", f.RetryAfterMS(), int64(1500))
	check("LossyFields", f.LossyFields(), []string{"top_k", "seed"})
	check("a provider's Targets", len(f.Targets())+len(f.Tags())+len(f.ReasonText()), 0)
	f.Classify(4, -1)
	check("RetryAfterMS of less than nothing", f.RetryAfterMS(), int64(0))
	f.Classify(4, 1<<62)
	check("RetryAfterMS of ages", f.RetryAfterMS(), int64(86_400_000))
	f.Classify(10, 0)
	check("Err", f.Err(), ErrClass)
}

func TestFrameTextLimits(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat("€", 2000))
	f := frame(t, "1", rule)
	f.Reason(long)
	f.Fail(400, long)
	f.Tag(long, long)
	for range abi.MaxLogLines + 5 {
		f.Log(1, long)
	}
	if got, want := f.ReasonText(), strings.Repeat("€", abi.MaxReason/3); got != want {
		t.Errorf("ReasonText() = %d bytes, want %d", len(got), len(want))
	}
	if _, got, _ := f.Failure(); got != strings.Repeat("€", abi.MaxMessage/3) {
		t.Errorf("Failure() = %d bytes, want whole characters up to %d", len(got), abi.MaxMessage)
	}
	if got := f.Tags(); len(got[0][0]) != 255 || len(got[0][1]) != 255 {
		t.Errorf("Tags() = %d and %d bytes, want 255", len(got[0][0]), len(got[0][1]))
	}
	if len(f.Logs()) != abi.MaxLogLines || f.LogsDropped() != 5 || len(f.Logs()[0].Text) != 1023 {
		t.Errorf("Logs() = %d lines of %d bytes, %d dropped, want %d of 1023, 5", len(f.Logs()), len(f.Logs()[0].Text), f.LogsDropped(), abi.MaxLogLines)
	}
	f.Reason([]byte(strings.Repeat("\xff", 300)))
	if got, want := f.ReasonText(), strings.Repeat("\uFFFD", 85); got != want {
		t.Errorf("ReasonText() of invalid UTF-8 = %d bytes, want %d", len(got), len(want))
	}
	if f.Err() != nil {
		t.Errorf("Err() = %v, want nil", f.Err())
	}
	tests := []struct {
		name string
		kind func(*FrameInput)
		call func(f *Frame, i int)
		most int // calls that are in order
		want error
	}{
		{"targets", rule, func(f *Frame, i int) { f.Target([]byte("m")) }, abi.MaxTargets, ErrTargets},
		{"tags", rule, func(f *Frame, i int) { f.Tag(fmt.Append(nil, i), nil) }, abi.MaxTags, ErrTags},
		{"params", rule, func(f *Frame, i int) { f.Param(fmt.Append(nil, i), nil) }, abi.MaxTags, ErrTags},
		{"lossy", func(*FrameInput) {}, func(f *Frame, i int) { f.Lossy(fmt.Append(nil, i)) }, abi.MaxLossy, ErrLossy},
		{"headers", func(*FrameInput) {}, func(f *Frame, i int) { f.HTTPHeader(fmt.Append(nil, i), nil) }, abi.MaxHTTPField, ErrHeader},
		{"target too long", rule, func(f *Frame, i int) { f.Target(long[:256+i]) }, 1, ErrText},
		{"target node too long", rule, func(f *Frame, i int) {
			f.TargetNode(f.Slice(f.Doc(abi.DocContext), 0, int32(256+i)))
		}, 1, ErrText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame(t, "1", tt.kind, func(in *FrameInput) { in.Context = String(strings.Repeat("x", 1000)).Root() })
			for i := range tt.most {
				if tt.call(f, i); f.Err() != nil {
					t.Fatalf("Err() after %d = %v, want nil", i+1, f.Err())
				}
			}
			if tt.call(f, tt.most); f.Err() != tt.want {
				t.Errorf("Err() after %d = %v, want %v", tt.most+1, f.Err(), tt.want)
			}
		})
	}
}
