package document

import (
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
			first := f.Doc(which)
			if again := f.Doc(which); again != first {
				t.Errorf("%s: Doc(%d) gives handle %d, then %d", entry, which, first, again)
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
