package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// FuzzParse compares with encoding/json: what it accepts and our stricter rules do
// not refuse is accepted, nothing else is, and the values are the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5e-3,true,false,null,"x\u00e9\ud83d\ude00"]}`, `[1e999]`, `"\ud800"`, `{"a":1,"\u0061":2}`, "\xEF\xBB\xBF{}",
		`[[[[]]]]`, `{"":{"":{}}}`, "\"\xff\"", `-0.0e+00`, `9007199254740993`, `[1,]`, `{"k":"v",}`, " \t\r\n1", `"\u0000"`, "nul",
		`{"model":"auto","messages":[{"role":"user","content":"hi\nthere"}]}`, "{" + numbered(20) + "}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b, Limits{})
		var want any
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		jsonErr := dec.Decode(&want)
		if jsonErr == nil && !json.Valid(b) { // trailing junk
			jsonErr = fmt.Errorf("trailing")
		}
		if err != nil {
			e := err.(*SyntaxError)
			if e.Reason == "" || e.Offset < 0 || e.Offset > len(b) || e.Line < 1 || e.Column < 1 || len(e.Pointer) > maxPointer {
				t.Fatalf("Parse(%q) = %+v, want a proper place", b, e)
			}
			if jsonErr == nil && !stricter(e.Reason) {
				t.Fatalf("Parse(%q) = %v, want no error", b, err)
			}
			return
		}
		if jsonErr != nil {
			t.Fatalf("Parse(%q) = no error, want one: %v", b, jsonErr)
		}
		same(t, d.Root(), want)
		start, end := d.Root().Span()
		if got := bytes.Trim(b, " \t\r\n"); !bytes.Equal(got, b[start:end]) {
			t.Fatalf("Span() = %d, %d, want all of %q", start, end, got)
		}
		d.Release()
	})
}

// stricter reports whether the reason is one that encoding/json does not know.
func stricter(reason string) bool {
	switch reason {
	case reasonDuplicate, reasonUTF8, reasonSurrogate, reasonRange, reasonDepth, reasonNodes:
		return true
	}
	return false
}

// same compares a node with what encoding/json (with UseNumber) made of the same text.
func same(t *testing.T, n Node, want any) {
	t.Helper()
	switch want := want.(type) {
	case nil:
		if n.Kind() != abi.KindNull {
			t.Fatalf("Kind(%s) = %v, want null", n.Raw(), n.Kind())
		}
	case bool:
		if n.Kind() != abi.KindBool || n.Bool() != want {
			t.Fatalf("Bool(%s) = %v, want %v", n.Raw(), n.Bool(), want)
		}
	case json.Number:
		if f, err := want.Float64(); n.Kind() != abi.KindNumber || err != nil || n.Float() != f || math.Signbit(f) != math.Signbit(n.Float()) {
			t.Fatalf("Float(%s) = %v, want %v", n.Raw(), n.Float(), f)
		}
		if i, err := want.Int64(); err == nil && n.Int() != i {
			t.Fatalf("Int(%s) = %v, want %v", n.Raw(), n.Int(), i)
		}
	case string:
		if n.Kind() != abi.KindString || n.Text() != want || n.Len() != len(want) || string(n.AppendText(nil)) != want {
			t.Fatalf("Text(%s) = %q, want %q", n.Raw(), n.Text(), want)
		}
	case []any:
		if n.Kind() != abi.KindArray || n.Len() != len(want) {
			t.Fatalf("Len(%s) = %d, want %d", n.Raw(), n.Len(), len(want))
		}
		for i, e := range n.Elements() {
			same(t, e, want[i])
			if i < 8 && n.At(i) != e {
				t.Fatalf("At(%d) of %s differs from Elements", i, n.Raw())
			}
		}
	case map[string]any:
		if n.Kind() != abi.KindObject || n.Len() != len(want) {
			t.Fatalf("Len(%s) = %d, want %d", n.Raw(), n.Len(), len(want))
		}
		i := 0
		for k, v := range n.Members() {
			w, ok := want[k]
			if !ok {
				t.Fatalf("Members(%s) has %q, want it not to", n.Raw(), k)
			}
			same(t, v, w)
			if n.Get(k) != v || i < 8 && (n.At(i) != v || n.Key(i) != k) {
				t.Fatalf("Get(%q) of %s differs from Members", k, n.Raw())
			}
			i++
		}
	}
}
