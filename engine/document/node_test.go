package document

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestAbsentNode(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"a":1}`)
	var nilDoc *Doc
	released := mustParse(t, `{"a":[1,"x"]}`)
	root := released.Root()
	element := root.Get("a").At(1)
	released.Release()
	released.Release()
	nilDoc.Release()
	for name, n := range map[string]Node{
		"zero": {}, "missing member": d.Root().Get("b"), "member of a number": d.Root().Get("a").Get("b"),
		"negative index": d.Root().At(-1), "index past the end": d.Root().At(1), "nil document": nilDoc.Root(), "empty document": new(Doc).Root(),
		"root of a released document": root, "element of a released document": element,
	} {
		members, elements := 0, 0
		for range n.Members() {
			members++
		}
		for range n.Elements() {
			elements++
		}
		start, end := n.Span()
		if n.Kind() != abi.KindAbsent || n.Exists() || n.Get("a").Exists() || n.At(0).Exists() || n.Key(0) != "" || n.Len() != 0 ||
			n.Pointer("").Exists() || n.Text() != "" || n.AppendText(nil) != nil || n.Raw() != nil || n.Bool() || n.Int() != 0 || n.Float() != 0 ||
			start != 0 || end != 0 || members != 0 || elements != 0 {
			t.Errorf("%s: a method of an absent node answers", name)
		}
	}
	if nilDoc.Bytes() != nil {
		t.Errorf("Bytes() of a nil document = %v, want nil", nilDoc.Bytes())
	}
}

func TestNodeNavigation(t *testing.T) {
	t.Parallel()
	d := mustParse(t, ` {"a" : {"b":[10,{"c":"x\ty"},[ ]]}, "n\u0061me":null, "t":true, "f":false}`)
	root := d.Root()
	if got := root.Len(); got != 4 {
		t.Errorf("Len() = %d, want 4", got)
	}
	if got := root.Get("name"); got.Kind() != abi.KindNull {
		t.Errorf("Get(name).Kind() = %v, want null", got.Kind())
	}
	if got := root.Key(1); got != "name" {
		t.Errorf("Key(1) = %q, want name", got)
	}
	if got := root.Key(4); got != "" {
		t.Errorf("Key(4) = %q, want none", got)
	}
	if got := root.Get("a").Get("b").At(1).Get("c").Text(); got != "x\ty" {
		t.Errorf("Text() = %q, want %q", got, "x\ty")
	}
	if got := root.At(2); !got.Bool() {
		t.Errorf("At(2).Bool() = false, want true")
	}
	if got := root.Get("f"); got.Bool() || !got.Exists() {
		t.Errorf("Get(f).Bool() = true, want false")
	}
	if got := string(root.Get("a").Raw()); got != `{"b":[10,{"c":"x\ty"},[ ]]}` {
		t.Errorf("Raw() = %s", got)
	}
	if root.Get("a").Get("b").At(2).At(0).Exists() {
		t.Errorf("At(0) of an empty array exists")
	}
	if root.Get("a").Get("b").Get("c").Exists() || root.Get("a").Get("b").Key(0) != "" {
		t.Errorf("an array answers as an object")
	}
	raw := root.Get("a").Raw()
	if _ = append(raw, "overwritten"...); root.Key(1) != "name" {
		t.Errorf("appending to Raw() changed the document")
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	// The examples of RFC 6901, section 5, and what is our own.
	d := mustParse(t, `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"-1":9,"n":{"":{"x":10}},"l":[[1,2],[3,4]],"\u00e9~":11,"e":[]}`)
	tests := []struct{ pointer, want string }{
		{"/foo", `["bar","baz"]`}, {"/foo/0", `"bar"`}, {"/", "0"}, {"/a~1b", "1"}, {"/c%d", "2"}, {"/e^f", "3"}, {"/g|h", "4"},
		{`/i\j`, "5"}, {`/k"l`, "6"}, {"/ ", "7"}, {"/m~0n", "8"},
		{"/-1", "9"}, {"/foo/-1", `"baz"`}, {"/l/-1/-1", "4"}, {"/l/1/0", "3"}, {"/n//x", "10"}, {"/é~0", "11"},
		{"foo", ""}, {"/foo/2", ""}, {"/foo/-", ""}, {"/foo/-2", ""}, {"/foo/00", ""}, {"/foo/01", ""}, {"/foo/+1", ""}, {"/foo/", ""},
		{"/foo/0/x", ""}, {"/missing/x", ""}, {"/m~2n", ""}, {"/m~", ""}, {"/foo/99999999999999999999", ""}, {"/e/-1", ""}, {"/e/0", ""}, {"/foo/4294967296", ""},
	}
	for _, tt := range tests {
		if got := string(d.Root().Pointer(tt.pointer).Raw()); got != tt.want {
			t.Errorf("Pointer(%q) = %s, want %s", tt.pointer, got, tt.want)
		}
	}
	if d.Root().Pointer("") != d.Root() {
		t.Errorf("Pointer(\"\") is not the node itself")
	}
	if got := d.Root().Get("l").At(1).Pointer("/1").Int(); got != 4 {
		t.Errorf("Pointer from inside = %d, want 4", got)
	}
}

func TestIteratorsStop(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"a":[1,2,3],"b":2}`)
	for k := range d.Root().Members() {
		if k != "a" {
			t.Fatalf("first member = %q, want a", k)
		}
		break
	}
	for i, n := range d.Root().Get("a").Elements() {
		if i == 1 {
			if n.Int() != 2 {
				t.Fatalf("second element = %d, want 2", n.Int())
			}
			break
		}
	}
	for range d.Root().Elements() {
		t.Fatal("Elements of an object yields")
	}
	for range d.Root().Get("a").Members() {
		t.Fatal("Members of an array yields")
	}
}

func TestStringDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", ""}, {"plain", "plain", "plain"}, {"html", "<h1>Bad \"Gateway\"</h1>\r\n", "<h1>Bad \"Gateway\"</h1>\r\n"},
		{"NUL", "a\x00b", "a\x00b"}, {"invalid UTF-8", "a\xffb\xc3", "a\uFFFDb\uFFFD"}, {"surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"long", strings.Repeat("é\n", 1000), strings.Repeat("é\n", 1000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := String(tt.text)
			if got := d.Root(); got.Kind() != abi.KindString || got.Text() != tt.want || got.Len() != len(tt.want) {
				t.Errorf("String(%q).Text() = %q (Len %d), want %q", tt.text, got.Text(), got.Len(), tt.want)
			}
			if again := mustParse(t, string(d.Bytes())); again.Root().Text() != tt.want {
				t.Errorf("Parse(String(%q)) = %q, want %q", tt.text, again.Root().Text(), tt.want)
			}
			d.Release()
			if d.Root().Exists() {
				t.Errorf("Root() after Release exists")
			}
		})
	}
}

// TestHammer reads one document from many goroutines while others parse and release their own.
func TestHammer(t *testing.T) {
	t.Parallel()
	body := chat(20_000, 200)
	d, err := Parse(body, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := d.Root().Pointer("/messages/-1/content").Text()
	words := NewWords(ruleWords)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			hits := make([]uint64, 1)
			var f Frame
			for i := range 100 {
				if got := d.Root().Pointer("/messages/-1/content").Text(); got != want {
					t.Errorf("Text() = %q, want %q", got, want)
				}
				for _, m := range d.Root().Get("messages").Elements() {
					words.Scan(m.Get("content").Text(), hits)
				}
				f.Reset(FrameInput{Request: d.Root(), Kind: abi.KindProvider, Entry: abi.EntryRequest})
				translate(&f)
				own := fmt.Appendf(nil, `{"g":%d,"i":[%d,"%s"]}`, g, i, strings.Repeat("x", i))
				o, err := Parse(own, Limits{})
				if err != nil || o.Root().Get("g").Int() != int64(g) || o.Root().Pointer("/i/0").Int() != int64(i) || o.Root().Pointer("/i/1").Len() != i {
					t.Errorf("Parse(%s) = %v, want its own values", own, err)
				}
				o.Release()
			}
		})
	}
	wg.Wait()
}
