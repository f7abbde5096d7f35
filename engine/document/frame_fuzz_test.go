package document

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

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
