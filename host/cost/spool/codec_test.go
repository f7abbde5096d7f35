package spool

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// TestCodec fills every member there is, so that none can be forgotten.
func TestCodec(t *testing.T) {
	var u engine.Usage
	n := int64(1)
	fill(t, reflect.ValueOf(&u).Elem(), &n)
	var got engine.Usage
	if b := appendUsage(nil, &u); !parseUsage(b, &got) {
		t.Fatalf("parseUsage(%x) = false", b)
	}
	if got != u {
		t.Errorf("read %+v, want %+v", got, u)
	}
	var zero engine.Usage
	if got = u; !parseUsage(appendUsage(nil, &engine.Usage{}), &zero) || zero != (engine.Usage{}) {
		t.Errorf("read %+v, want the zero row", zero)
	}
}

// TestRowsOfBeforeHadADecision: files that an older program left have a text there.
func TestRowsOfBeforeHadADecision(t *testing.T) {
	want := *attempt("1")
	want.Source = "the-rule"
	old := bytes.Replace(appendUsage(nil, &want), []byte("the-rule\x00"), []byte("the-rule\x04gone"), 1)
	var got engine.Usage
	if !parseUsage(old, &got) || got != want {
		t.Errorf("read %+v, want %+v without its decision", got, want)
	}
}

func fill(t *testing.T, v reflect.Value, n *int64) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.UnixMilli(1_700_000_000_000 + *n).UTC()
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + time.UnixMilli(*n).UTC().String())
	case reflect.Int, reflect.Int64:
		v.SetInt(*n * -1_000_003)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("a row has a member of kind %s, which the spool does not know", v.Kind())
	}
}

func FuzzParseUsage(f *testing.F) {
	f.Add(appendUsage(nil, &engine.Usage{}))
	f.Add(appendUsage(nil, attempt("1")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var u engine.Usage
		if !parseUsage(b, &u) {
			return
		}
		var again engine.Usage
		if !parseUsage(appendUsage(nil, &u), &again) || again != u {
			t.Fatalf("%+v reads back as %+v", u, again)
		}
	})
}

func FuzzScan(f *testing.F) {
	record := appendRecord(nil, kindSettle, attempt("1"))
	f.Add(record, 3)
	f.Add(append([]byte{0xff, 'P'}, record...), 0)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		found := 0
		used, damaged := scan(b, func(byte, *engine.Usage) { found++ })
		if damaged < 0 || damaged > used || used > len(b) || len(bytes.Trim(b[used:], "\x00")) > 0 {
			t.Fatalf("%d of %d bytes used, %d damaged", used, len(b), damaged)
		}
		// A whole record behind whatever it is is found, unless that swallows it with a
		// checksum that holds.
		before := found
		found = 0
		scan(append(b[:len(b):len(b)], record...), func(byte, *engine.Usage) { found++ })
		if found <= before {
			t.Fatalf("%d records, and %d with one more behind", before, found)
		}
	})
}
