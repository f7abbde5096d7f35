package document

import (
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// TestFrameAllocatesNothing is not parallel: AllocsPerRun counts the whole process.
func TestFrameAllocatesNothing(t *testing.T) {
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
	// Parse itself makes the Doc, and a workspace when the pool has none.
	d := &Doc{work: new(workspace)}
	if got := testing.AllocsPerRun(50, func() {
		d.parse(request.Bytes(), Limits{})
	}); got != 0 {
		t.Errorf("parsing into a used workspace allocates %v times, want 0", got)
	}
}
