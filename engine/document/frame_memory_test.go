package document

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// TestFrameHasEveryFunction: the boundary's names, in Go's spelling.
func TestFrameHasEveryFunction(t *testing.T) {
	t.Parallel()
	frame := reflect.TypeFor[*Frame]()
	for _, function := range abi.Functions() {
		var name strings.Builder
		for word := range strings.SplitSeq(function.Name, "_") {
			switch word {
			case "http", "ms":
				name.WriteString(strings.ToUpper(word))
			default:
				name.WriteString(strings.ToUpper(word[:1]) + word[1:])
			}
		}
		if _, ok := frame.MethodByName(name.String()); !ok {
			t.Errorf("Frame has no method %s for %s", name.String(), function.Name)
		}
	}
}

// TestFrameForgetsLargeCalls: what a Frame keeps for the next call is bounded.
func TestFrameForgetsLargeCalls(t *testing.T) {
	t.Parallel()
	var texts strings.Builder
	for i := range 100 {
		fmt.Fprintf(&texts, `,"[\"%d\\n%s\",%s0]"`, i, strings.Repeat("x", 100_000), strings.Repeat("0,", 5_000))
	}
	f := frame(t, `["`+strings.Repeat(`\n`, 2<<20)+`"`+texts.String()+`]`)
	long := at(f, "/0")
	f.Find(long, []byte("x"))
	f.Log(1, []byte("\x01"))
	f.EmitNode(f.Doc(abi.DocRequest))
	for i := range int32(10_000) {
		if h := f.Parse(f.At(f.Doc(abi.DocRequest), i%100+1)); f.Size(h) != 5_002 {
			t.Fatalf("Parse of text %d has %d elements, want 5,002 (%v)", i%100, f.Size(h), f.Err())
		}
	}
	f.Reset(FrameInput{})
	kept := cap(f.out) + cap(f.scratch) + cap(f.memo.text) + cap(f.refs)*int(reflect.TypeFor[ref]().Size())
	for _, p := range f.parsed {
		kept += cap(p.text) + 16*cap(p.doc.work.slots) + 8*cap(p.doc.work.table)
		if p.source != nil || p.doc.src != nil || p.doc.tape != nil {
			t.Errorf("a parsed text keeps its document")
		}
	}
	if kept > 4<<20 {
		t.Errorf("a Frame keeps %d bytes after a large call, want at most 4 MiB", kept)
	}
	for _, r := range f.refs[:cap(f.refs)] {
		if r.d != nil {
			t.Fatal("a handle keeps its document after Reset")
		}
	}
	for i := range 2000 {
		f.Reset(FrameInput{Kind: abi.KindRule})
		f.Reason(fmt.Append(nil, i))
		f.Tag([]byte("k"), []byte(strings.Repeat("v", 256)+fmt.Sprint(i)))
	}
	if got := len(f.strings.known); got > maxInterned {
		t.Errorf("a Frame keeps %d strings, want at most %d", got, maxInterned)
	}
}

// TestWorkspaceForgetsLargeTapes: so is what Release puts into the pool.
func TestWorkspaceForgetsLargeTapes(t *testing.T) {
	t.Parallel()
	w := new(workspace)
	d := &Doc{work: w}
	d.parse([]byte("{"+numbered(200_000)+`,"\u0061`+strings.Repeat("a", 10_000)+`":0}`), Limits{})
	if d.Root().Len() != 200_001 || cap(w.slots) < 400_000 {
		t.Fatalf("Len() = %d on %d slots, want 200,001 members", d.Root().Len(), cap(w.slots))
	}
	w.trim(keepSlots)
	if cap(w.slots) > keepSlots || cap(w.table) > keepTable || cap(w.name) > keepName || cap(w.other) > keepName {
		t.Errorf("the pool keeps %d slots, %d table entries, %d bytes of name", cap(w.slots), cap(w.table), cap(w.name))
	}
}
