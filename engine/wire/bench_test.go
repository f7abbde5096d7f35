package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wire"
)

// A turn of a coding agent: 100 KB of history with calls and results, 20 tools.
func BenchmarkFromMessages(b *testing.B) {
	var turns, tools strings.Builder
	for i := range 25 {
		fmt.Fprintf(&turns, `{"role":"assistant","content":[{"type":"text","text":"%s"},{"type":"tool_use","id":"t%d","name":"read","input":{"path":"a/b\"c"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t%d","content":"%s"}]},`,
			strings.Repeat("word ", 200), i, i, strings.Repeat(`line\n`, 500))
	}
	for i := range 20 {
		fmt.Fprintf(&tools, `{"name":"tool%d","description":"%s","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}},`, i, strings.Repeat("about ", 50))
	}
	doc := parse(b, `{"model":"m","max_tokens":5,"tools":[`+strings.TrimSuffix(tools.String(), ",")+`],"messages":[`+turns.String()+`{"role":"user","content":"go on"}]}`)
	b.SetBytes(int64(len(doc.Bytes())))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.FromMessages(doc, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// One delta of a stream, parsed and written.
func BenchmarkMessageStream(b *testing.B) {
	s := wire.NewMessageStream("m")
	chunk, out := text("word"), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		doc, _ := lenient(chunk)
		var err error
		if out, err = s.Chunk(out[:0], doc); err != nil {
			b.Fatal(err)
		}
		doc.Release()
	}
}
