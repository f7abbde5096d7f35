package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

func lenient(text string) (*document.Doc, bool) {
	doc, err := document.Parse([]byte(text), document.Limits{Bytes: 1 << 20})
	return doc, err == nil
}

// delta is a chunk of choice 0.
func delta(members, finish string) string {
	if finish != "null" {
		finish = `"` + finish + `"`
	}
	return `{"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{` + members + `},"finish_reason":` + finish + `}]}`
}

func text(s string) string { return delta(`"content":"`+s+`"`, "null") }

// fragment is a piece of the call of that index; head names it.
func fragment(index int, head, arguments string) string {
	return delta(fmt.Sprintf(`"tool_calls":[{"index":%d,%s"function":{%s"arguments":%q}}]`, index, before(head, ","), before(strings.ReplaceAll(strings.ReplaceAll(head, `"id":"`, `"name":"f`), `,"type":"function"`, ``), ","), arguments), "null")
}

func before(s, sep string) string {
	if s == "" {
		return ""
	}
	return s + sep
}

func call(id string) string { return `"id":"` + id + `","type":"function"` }

const counts = `{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":7,"total_tokens":37,"prompt_tokens_details":{"cached_tokens":20}}}`

// play runs chunks through a stream and returns what it wrote.
func play(t testing.TB, chunks []string) (out string, err error) {
	t.Helper()
	s := wire.NewMessageStream("claude-x")
	var b []byte
	for _, c := range chunks {
		doc, ok := lenient(c)
		if !ok {
			continue
		}
		b, err = s.Chunk(b, doc)
		doc.Release()
		if err != nil {
			return string(b), err
		}
	}
	b, err = s.End(b)
	return string(b), err
}

// told is what a client has put together of a stream.
type told struct {
	Blocks []toldBlock
	Stop   string
	Input  int64
	Output int64
	Over   bool
}

type toldBlock struct{ Kind, Text, Signature, ID, Name string }

// listen reads events as a strict client does: one block open at a time, indexes from 0
// without a gap, nothing out of its place.
func listen(stream string) (m told, err error) {
	started, open, finished := false, false, false
	for event := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		if stream == "" {
			break
		}
		name, data, ok := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
		if !ok || strings.ContainsAny(data, "\r\n") {
			return m, fmt.Errorf("event %q is not framed", event)
		}
		var e struct {
			Type    string
			Index   *int
			Message *struct {
				ID, Type, Role, Model string
				Content               []any
			}
			Block *struct{ Type, Text, Thinking, Signature, Data, ID, Name string } `json:"content_block"`
			Delta struct {
				Type, Text, Thinking, Signature string
				PartialJSON                     string `json:"partial_json"`
				StopReason                      string `json:"stop_reason"`
			}
			Usage struct {
				Input  int64 `json:"input_tokens"`
				Output int64 `json:"output_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return m, fmt.Errorf("event %q: %w", event, err)
		}
		if e.Type != name {
			return m, fmt.Errorf("event %q is named otherwise", event)
		}
		if m.Over || !started && name != "message_start" {
			return m, fmt.Errorf("event %q is out of place", event)
		}
		at := len(m.Blocks)
		if open {
			at--
		}
		if strings.HasPrefix(name, "content_block") && (e.Index == nil || *e.Index != at || finished) {
			return m, fmt.Errorf("event %q, want index %d", event, at)
		}
		switch name {
		case "message_start":
			if started || e.Message == nil || e.Message.ID == "" || e.Message.Content == nil {
				return m, fmt.Errorf("event %q does not start a message", event)
			}
			started = true
		case "content_block_start":
			if open || e.Block == nil || e.Block.Type == "" {
				return m, fmt.Errorf("event %q opens a second block", event)
			}
			open = true
			b := e.Block
			m.Blocks = append(m.Blocks, toldBlock{Kind: b.Type, Text: b.Text + b.Thinking, Signature: b.Data, ID: b.ID, Name: b.Name})
		case "content_block_delta":
			if !open {
				return m, fmt.Errorf("event %q has no block", event)
			}
			b := &m.Blocks[at]
			if want := map[string]string{"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}[b.Kind]; e.Delta.Type != want && !(b.Kind == "thinking" && e.Delta.Type == "signature_delta") {
				return m, fmt.Errorf("event %q is no delta of %s", event, b.Kind)
			}
			b.Text += e.Delta.Text + e.Delta.Thinking + e.Delta.PartialJSON
			b.Signature += e.Delta.Signature
		case "content_block_stop":
			if !open {
				return m, fmt.Errorf("event %q closes nothing", event)
			}
			open = false
		case "message_delta":
			if open || finished || e.Delta.StopReason == "" {
				return m, fmt.Errorf("event %q is early or says no reason", event)
			}
			finished, m.Stop, m.Input, m.Output = true, e.Delta.StopReason, e.Usage.Input, e.Usage.Output
		case "message_stop":
			if !finished {
				return m, fmt.Errorf("event %q is early", event)
			}
			m.Over = true
		default:
			return m, fmt.Errorf("event %q is unknown", event)
		}
	}
	return m, nil
}

var (
	say   = func(s string) toldBlock { return toldBlock{Kind: "text", Text: s} }
	think = func(s, signature string) toldBlock { return toldBlock{Kind: "thinking", Text: s, Signature: signature} }
	use   = func(id, arguments string) toldBlock {
		return toldBlock{Kind: "tool_use", ID: id, Name: "f" + id, Text: arguments}
	}
)

func TestMessageStream(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		chunks []string
		want   []toldBlock
		stop   string
	}{
		{"text", []string{delta(`"role":"assistant","content":""`, "null"), text("He"), text(`l\"lo`), delta(``, "stop")}, []toldBlock{say(`Hel"lo`)}, "end_turn"},
		{"the first delta has text", []string{text("a"), delta(`"content":"b"`, "length")}, []toldBlock{say("ab")}, "max_tokens"},
		{"nothing", []string{delta(`"role":"assistant","content":null`, "null"), delta(``, "stop")}, nil, "end_turn"},
		{"thinking, then text", []string{delta(`"reasoning_content":"h"`, "null"), delta(`"reasoning_content":"m"`, "null"), delta(`"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s","provider":"anthropic"}]`, "null"), text("a"), delta(``, "stop")}, []toldBlock{think("hm", "s"), say("a")}, "end_turn"},
		{"thinking in blocks only", []string{delta(`"thinking_blocks":[{"type":"thinking","thinking":"h"}]`, "null"), delta(`"thinking_blocks":[{"type":"thinking","thinking":"m","signature":"s","provider":"google"}]`, "null"), delta(`"thinking_blocks":[{"type":"redacted_thinking","data":"d"}]`, "null"), text("a"), delta(``, "stop")}, []toldBlock{think("hm", "pointsman:google:s"), {Kind: "redacted_thinking", Signature: "d"}, say("a")}, "end_turn"},
		{"two thoughts", []string{delta(`"reasoning":"h","thinking_blocks":[{"type":"thinking","signature":"s"}]`, "null"), delta(`"reasoning":"g"`, "null"), delta(``, "stop")}, []toldBlock{think("h", "s"), think("g", "")}, "end_turn"},
		{"thinking and text in one delta", []string{delta(`"reasoning_content":"h","content":"a"`, "null"), delta(``, "stop")}, []toldBlock{think("h", ""), say("a")}, "end_turn"},
		{"no tool_calls beside content", []string{delta(`"content":"a","tool_calls":[]`, "null"), delta(`"content":"b","tool_calls":null`, "null"), delta(``, "tool_calls")}, []toldBlock{say("ab")}, "end_turn"},
		{"text, then a call", []string{text("a"), fragment(0, call("x"), ""), fragment(0, "", `{"k`), fragment(0, "", `":"}"}`), delta(``, "tool_calls")}, []toldBlock{say("a"), use("x", `{"k":"}"}`)}, "tool_use"},
		{"calls one after the other", []string{fragment(0, call("x"), `{"a":[`), fragment(0, "", `{}]}`), fragment(1, call("y"), ``), fragment(1, "", `{}`), delta(``, "tool_calls")}, []toldBlock{use("x", `{"a":[{}]}`), use("y", `{}`)}, "tool_use"},
		{"interleaved calls", []string{fragment(0, call("x"), `{"a"`), fragment(1, call("y"), `{"b"`), fragment(0, "", `:1}`), fragment(1, "", `:2}`), fragment(2, call("z"), ``), delta(``, "tool_calls")}, []toldBlock{use("x", `{"a":1}`), use("y", `{"b":2}`), use("z", ``)}, "tool_use"},
		{"indexes from the end", []string{fragment(5, call("x"), `{}`), fragment(2, call("y"), `{}`), delta(``, "stop")}, []toldBlock{use("x", `{}`), use("y", `{}`)}, "tool_use"},
		{"every call is the first", []string{fragment(0, call("x"), `{}`), fragment(0, call("y"), `{}`), delta(``, "stop")}, []toldBlock{use("x", `{}`), use("y", `{}`)}, "tool_use"},
		{"a call repeats its name", []string{fragment(0, call("x"), `{`), fragment(0, call("x"), `}`), delta(``, "tool_calls")}, []toldBlock{use("x", `{}`)}, "tool_use"},
		{"text after a call that is not finished", []string{fragment(0, call("x"), `{`), text("a"), fragment(0, "", `}`), text("b"), delta(``, "tool_calls")}, []toldBlock{use("x", `{}`), say("ab")}, "tool_use"},
		{"a call whole in the last chunk", []string{delta(`"content":"a","tool_calls":[{"index":0,"id":"x","function":{"name":"fx","arguments":{"k":1}}}]`, "tool_calls")}, []toldBlock{say("a"), use("x", `{"k":1}`)}, "tool_use"},
		{"a call cut off", []string{fragment(0, call("x"), `{"k`), delta(``, "length")}, []toldBlock{use("x", `{"k`)}, "max_tokens"},
		{"a call that never was", []string{delta(`"tool_calls":[{"index":0}]`, "null"), text("a"), delta(``, "stop")}, []toldBlock{say("a")}, "end_turn"},
		{"a custom call", []string{delta(`"tool_calls":[{"index":0,"id":"x","type":"custom","custom":{"name":"fx","input":"a\"b"}}]`, "null"), delta(`"tool_calls":[{"index":0,"custom":{"input":"c"}}]`, "null"), delta(``, "tool_calls")}, []toldBlock{use("x", `{"input":"a\"bc"}`)}, "tool_use"},
		{"the model refuses", []string{delta(`"refusal":"n"`, "null"), delta(`"refusal":"o"`, "null"), delta(``, "stop")}, []toldBlock{say("no")}, "refusal"},
		{"filtered", []string{text("a"), delta(`"refusal":"no"`, "null"), delta(``, "content_filter")}, []toldBlock{say("a")}, "refusal"},
		{"other choices and what follows the finish", []string{`{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"stop"}]}`, text("a"), delta(``, "stop"), text("b"), delta(``, "length")}, []toldBlock{say("a")}, "end_turn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := play(t, append(slices.Clone(tt.chunks), counts))
			if err != nil {
				t.Fatalf("stream %q: %v", tt.chunks, err)
			}
			got, err := listen(out)
			if err != nil {
				t.Fatalf("stream %q: %v\n%s", tt.chunks, err, out)
			}
			if !got.Over || got.Stop != tt.stop || !slices.Equal(got.Blocks, tt.want) || got.Input != 10 || got.Output != 7 {
				t.Errorf("stream %q\n got %+v\nwant %+v, %s, 10 and 7 tokens\n%s", tt.chunks, got, tt.want, tt.stop, out)
			}
			// Cut after any chunk it ends in an error, and what was said is a beginning.
			for cut := range tt.chunks {
				out, err := play(t, tt.chunks[:cut])
				if finished := strings.Contains(strings.Join(tt.chunks[:cut], ""), `0,"delta":{},"finish_reason":"`); !finished && !errors.Is(err, wire.ErrUnfinished) {
					t.Errorf("cut after %d chunks: %v, want ErrUnfinished", cut, err)
				}
				if _, err := listen(out); err != nil {
					t.Errorf("cut after %d chunks: %v", cut, err)
				}
			}
		})
	}
}

// The first block is never held back.
func TestMessageStreamDoesNotWait(t *testing.T) {
	t.Parallel()
	s := wire.NewMessageStream("")
	for _, step := range []struct{ chunk, want string }{
		{text("a"), `"text":"a"`},
		{text("b"), `"text":"b"`},
		{fragment(0, call("x"), `{"k`), `"partial_json":"{\"k"`},
		{fragment(0, "", `":1}`), `"partial_json":"\":1}"`},
		{fragment(1, call("y"), `{"l`), `"partial_json":"{\"l"`},
	} {
		doc, _ := lenient(step.chunk)
		out, err := s.Chunk(nil, doc)
		if err != nil || !strings.Contains(string(out), step.want) {
			t.Errorf("Chunk(%s) = %s, %v, want it to hold %s", step.chunk, out, err, step.want)
		}
	}
}

func TestMessageStreamGolden(t *testing.T) {
	t.Parallel()
	got, err := play(t, []string{text("hi"), fragment(0, call("x"), `{}`), delta(``, "tool_calls"), counts})
	const want = `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"x","name":"fx","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":20,"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

`
	if err != nil || got != want {
		t.Errorf("stream = %v\n got %s\nwant %s", err, got, want)
	}
}

// A server cannot make a stream keep all that it likes.
func TestMessageStreamIsBounded(t *testing.T) {
	t.Parallel()
	s := wire.NewMessageStream("")
	feed := func(chunk string) error {
		doc, _ := lenient(chunk)
		_, err := s.Chunk(nil, doc)
		return err
	}
	if err := feed(fragment(0, call("x"), `{`)); err != nil {
		t.Fatal(err)
	}
	piece, sent := text(strings.Repeat("a", 1<<18)), 0
	for ; sent < 100; sent++ {
		if err := feed(piece); err != nil {
			break
		}
	}
	if sent != 64 {
		t.Errorf("%d pieces of 256 KiB were held, want an error at 64", sent)
	}
}

func TestAppendMessagesError(t *testing.T) {
	t.Parallel()
	if got, want := string(wire.AppendMessagesError(nil, "api_error", "a\"b\n", "r")), `{"type":"error","error":{"type":"api_error","message":"a\"b\n"},"request_id":"r"}`; got != want {
		t.Errorf("AppendMessagesError = %s, want %s", got, want)
	}
	if got, want := string(wire.NewMessageStream("").Fail(nil, "api_error", "m", "")), "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n"; got != want {
		t.Errorf("Fail = %s, want %s", got, want)
	}
}

// Whatever chunks come in whatever order, what goes out is a sequence that a strict
// client takes, whole or ended by an error.
func FuzzMessageStream(f *testing.F) {
	f.Add(strings.Join([]string{text("a"), fragment(0, call("x"), `{"a"`), fragment(1, call("y"), `{`), fragment(0, "", `:1}`), text("b"), delta(``, "tool_calls"), counts}, "\n"), uint64(0))
	f.Add(strings.Join([]string{delta(`"reasoning":"h"`, "null"), delta(`"thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"google"},{"type":"redacted_thinking","data":"d"}]`, "null"), delta(`"refusal":"r"`, "null"), delta(`"tool_calls":[{"custom":{"name":"c","input":"i"},"extra_content":{}}]`, "stop")}, "\n"), uint64(7))
	f.Fuzz(func(t *testing.T, lines string, order uint64) {
		chunks := strings.Split(lines, "\n")
		for i := range chunks { // a shuffle that the seed repeats
			order = order*6364136223846793005 + 1442695040888963407
			if order>>63 == 1 {
				j := int(order>>33) % len(chunks)
				chunks[i], chunks[j] = chunks[j], chunks[i]
			}
		}
		out, err := play(t, chunks)
		got, broken := listen(out)
		if broken != nil {
			t.Fatalf("stream %q: %v\n%s", chunks, broken, out)
		}
		if got.Over != (err == nil) {
			t.Errorf("stream %q: over %v with error %v", chunks, got.Over, err)
		}
	})
}
