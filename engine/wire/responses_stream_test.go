package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wire"
)

// translated holds that a body is valid JSON, and that what the engine still refuses in it
// is a member's value and not its form.
func translated(t testing.TB, body []byte) {
	t.Helper()
	doc, err := engine.ParseChat(slices.Clone(body))
	if err == nil {
		doc.Release()
		return
	}
	if engine.CodeOf(err) != engine.CodeInvalid {
		t.Fatalf("ParseChat(%s) = %v, want JSON", body, err)
	}
	var e *engine.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Param, "messages") {
		t.Fatalf("ParseChat(%s) = %v, want messages that are taken", body, err)
	}
}

const askedBody = "{\"model\":\"m\",\"input\":\"q\",\"instructions\":\"s\",\"tools\":[\n{\"type\":\"web_search\"}],\"temperature\":0.5}"

func asked(t testing.TB) wire.Asked { return wire.AskedOf(parse(t, askedBody), "gpt-x", "req-1") }

// respond runs chunks through a stream and returns what it wrote. A stream that breaks
// ends in its failure.
func respond(t testing.TB, chunks []string) (out string, err error) {
	t.Helper()
	s := wire.NewResponsesStream(asked(t))
	var b []byte
	for _, c := range chunks {
		doc, ok := lenient(c)
		if !ok {
			continue
		}
		b, err = s.Chunk(b, doc)
		doc.Release()
		if err != nil {
			break
		}
	}
	if err == nil {
		b, err = s.End(b)
	}
	if err != nil {
		b = s.Fail(b, "server_error", "upstream_truncated", "Cut.")
	}
	return string(b), err
}

// answered is what a client has put together of a stream.
type answered struct {
	Items  []answeredItem
	Status string
	Reason string
	Input  int64
	Cached int64
	Output int64
	Errors int
}

type answeredItem struct{ Type, Text, Refusal, CallID, Name, Encrypted, Status string }

type object = map[string]any

// itemOf reads a whole item.
func itemOf(v any) (it answeredItem) {
	item, _ := v.(object)
	str := func(o object, name string) string { s, _ := o[name].(string); return s }
	it = answeredItem{Type: str(item, "type"), Text: str(item, "arguments") + str(item, "input"), CallID: str(item, "call_id"), Name: str(item, "name"), Encrypted: str(item, "encrypted_content"), Status: str(item, "status")}
	for _, list := range []string{"content", "summary"} {
		parts, _ := item[list].([]any)
		for _, p := range parts {
			part, _ := p.(object)
			it.Text += str(part, "text")
			it.Refusal += str(part, "refusal")
		}
	}
	return it
}

// follow reads events as a strict client does: numbers without a gap, items and parts
// opened, filled and closed in order, the last event with all that was said.
func follow(stream string) (a answered, err error) {
	type state struct {
		id, kind, text, part string // part: type of the open one
		parts                int
		told, done           bool // arguments or summary are complete; the item is
		item                 any
	}
	var items []*state
	terminal := false
	for number, event := range strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		fault := func(why string) (answered, error) { return a, fmt.Errorf("event %q: %s", event, why) }
		name, data, ok := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
		if !ok || strings.ContainsAny(data, "\r\n") {
			return fault("not framed")
		}
		var e object
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fault(err.Error())
		}
		if e["type"] != name || e["sequence_number"] != float64(number) {
			return fault("another type or number")
		}
		if terminal {
			return fault("after the end")
		}
		response, _ := e["response"].(object)
		if response != nil && (!strings.HasPrefix(fmt.Sprint(response["id"]), "resp_") || response["object"] != "response") {
			return fault("no response object")
		}
		switch number {
		case 0, 1:
			if want := []string{"response.created", "response.in_progress"}[number]; name != want || response["status"] != "in_progress" {
				return fault("want " + want)
			}
			continue
		}
		if name == "error" {
			if a.Errors++; e["code"] == "" || e["message"] == "" {
				return fault("says nothing")
			}
			continue
		}
		if status, ok := strings.CutPrefix(name, "response."); ok && response != nil {
			terminal = true
			a.Status = status
			if response["status"] != status || (status == "failed") != (a.Errors == 1) || (status == "failed") != (response["error"] != nil) {
				return fault("another status")
			}
			details, _ := response["incomplete_details"].(object)
			a.Reason, _ = details["reason"].(string)
			output, _ := response["output"].([]any)
			said := 0
			for _, it := range items {
				if !it.done {
					if status != "failed" {
						return fault("an item is open")
					}
					continue
				}
				if said == len(output) || !reflect.DeepEqual(output[said], it.item) {
					return fault("the output is not what was said")
				}
				said++
				a.Items = append(a.Items, itemOf(it.item))
			}
			if said != len(output) {
				return fault("more output than was said")
			}
			if usage, ok := response["usage"].(object); ok {
				a.Input, a.Output = int64(usage["input_tokens"].(float64)), int64(usage["output_tokens"].(float64))
				a.Cached = int64(usage["input_tokens_details"].(object)["cached_tokens"].(float64))
			}
			continue
		}
		at, ok := e["output_index"].(float64)
		if !ok || a.Errors > 0 {
			return fault("out of place")
		}
		i := int(at)
		if name == "response.output_item.added" {
			item, _ := e["item"].(object)
			if i != len(items) || item["id"] == "" || itemOf(item).Text != "" {
				return fault("does not begin an item")
			}
			items = append(items, &state{id: item["id"].(string), kind: item["type"].(string)})
			continue
		}
		if i >= len(items) || items[i].done {
			return fault("no open item")
		}
		it := items[i]
		if name == "response.output_item.done" {
			item, _ := e["item"].(object)
			whole := itemOf(item)
			if item["id"] != it.id || item["type"] != it.kind || it.part != "" || whole.Text+whole.Refusal != it.text {
				return fault("ends another item")
			}
			if calls := strings.HasSuffix(it.kind, "_call"); calls && !it.told {
				return fault("arguments are not done")
			}
			it.done, it.item = true, e["item"]
			continue
		}
		if e["item_id"] != it.id {
			return fault("another id")
		}
		piece, _ := e["delta"].(string)
		part, _ := e["part"].(object)
		of := map[string]string{"response.output_text": "output_text", "response.refusal": "refusal", "response.reasoning_summary_text": "summary_text"}
		base, verb := name[:strings.LastIndexByte(name, '.')], name[strings.LastIndexByte(name, '.')+1:]
		switch {
		case name == "response.content_part.added" && it.kind == "message", name == "response.reasoning_summary_part.added" && it.kind == "reasoning":
			index, _ := e["content_index"].(float64)
			if it.part != "" || int(index) != it.parts {
				return fault("a part is open, or has another index")
			}
			it.part, _ = part["type"].(string)
			it.told = false
		case name == "response.content_part.done" && it.kind == "message", name == "response.reasoning_summary_part.done" && it.kind == "reasoning":
			if part["type"] != it.part || !it.told {
				return fault("ends another part")
			}
			it.part = ""
			it.parts++
		case of[base] != "" && of[base] == it.part && !it.told,
			base == "response.function_call_arguments" && it.kind == "function_call" && !it.told,
			base == "response.custom_tool_call_input" && it.kind == "custom_tool_call" && !it.told:
			if verb == "delta" {
				if piece == "" {
					return fault("an empty piece")
				}
				it.text += piece
				continue
			}
			whole := ""
			for _, member := range []string{"text", "refusal", "arguments", "input"} {
				s, _ := e[member].(string)
				whole += s
			}
			if !strings.HasSuffix(it.text, whole) || strings.HasSuffix(it.kind, "_call") && it.text != whole {
				return fault("done is not what was said")
			}
			it.told = true
		default:
			return fault("out of place")
		}
	}
	if !terminal {
		return a, errors.New("the stream has no end")
	}
	return a, nil
}

func TestResponsesStream(t *testing.T) {
	t.Parallel()
	said := func(text string) answeredItem { return answeredItem{Type: "message", Text: text, Status: "completed"} }
	thought := func(text, encrypted string) answeredItem {
		return answeredItem{Type: "reasoning", Text: text, Encrypted: encrypted}
	}
	used := func(id, arguments string) answeredItem {
		return answeredItem{Type: "function_call", CallID: id, Name: "f" + id, Text: arguments, Status: "completed"}
	}
	cut := func(it answeredItem) answeredItem { it.Status = "incomplete"; return it }
	tests := []struct {
		name   string
		chunks []string
		want   []answeredItem
		reason string // of an incomplete one
	}{
		{"text", []string{delta(`"role":"assistant","content":""`, "null"), text("He"), text(`l\"lo`), delta(``, "stop")}, []answeredItem{said(`Hel"lo`)}, ""},
		{"cut by its length", []string{text("a"), delta(`"content":"b"`, "length")}, []answeredItem{cut(said("ab"))}, "max_output_tokens"},
		{"filtered", []string{text("a"), delta(``, "content_filter")}, []answeredItem{cut(said("a"))}, "content_filter"},
		{"nothing", []string{delta(`"role":"assistant","content":null`, "null"), delta(``, "stop")}, nil, ""},
		{"reasoning, then text", []string{delta(`"reasoning_content":"h"`, "null"), delta(`"reasoning_content":"m"`, "null"), text("a"), delta(``, "stop")}, []answeredItem{thought("hm", ""), said("a")}, ""},
		{"signed reasoning", []string{delta(`"reasoning_content":"hm"`, "null"), delta(`"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s","provider":"anthropic"}]`, "null"), delta(`"thinking_blocks":[{"type":"redacted_thinking","data":"d","provider":"anthropic"}]`, "null"), text("a"), delta(``, "stop")}, []answeredItem{thought("hm", "pointsman:anthropic:s"), thought("", "pointsman-redacted:anthropic:d"), said("a")}, ""},
		{"reasoning of OpenAI in blocks", []string{delta(`"thinking_blocks":[{"type":"thinking","thinking":"h"}]`, "null"), delta(`"thinking_blocks":[{"type":"thinking","thinking":"m","signature":"s","provider":"openai"}]`, "null"), delta(``, "stop")}, []answeredItem{thought("hm", "s")}, ""},
		{"a refusal", []string{delta(`"refusal":"n"`, "null"), delta(`"refusal":"o"`, "null"), delta(``, "stop")}, []answeredItem{{Type: "message", Refusal: "no", Status: "completed"}}, ""},
		{"text, then a refusal", []string{text("a"), delta(`"refusal":"no"`, "null"), delta(``, "stop")}, []answeredItem{{Type: "message", Text: "a", Refusal: "no", Status: "completed"}}, ""},
		{"text, then a call", []string{text("a"), fragment(0, call("x"), ""), fragment(0, "", `{"k`), fragment(0, "", `":"}"}`), delta(``, "tool_calls")}, []answeredItem{said("a"), used("x", `{"k":"}"}`)}, ""},
		{"calls one after the other", []string{fragment(0, call("x"), `{"a":[`), fragment(0, "", `{}]}`), fragment(1, call("y"), ``), fragment(1, "", `{}`), delta(``, "tool_calls")}, []answeredItem{used("x", `{"a":[{}]}`), used("y", `{}`)}, ""},
		{"interleaved calls", []string{fragment(0, call("x"), `{"a"`), fragment(1, call("y"), `{"b"`), fragment(0, "", `:1}`), fragment(1, "", `:2}`), fragment(2, call("z"), ``), delta(``, "tool_calls")}, []answeredItem{used("x", `{"a":1}`), used("y", `{"b":2}`), used("z", ``)}, ""},
		{"every call is the first", []string{fragment(0, call("x"), `{}`), fragment(0, call("y"), `{}`), delta(``, "stop")}, []answeredItem{used("x", `{}`), used("y", `{}`)}, ""},
		{"text beside an open call", []string{fragment(0, call("x"), `{`), text("a"), fragment(0, "", `}`), text("b"), delta(``, "tool_calls")}, []answeredItem{used("x", `{}`), said("ab")}, ""},
		{"a call cut off", []string{fragment(0, call("x"), `{"k`), delta(``, "length")}, []answeredItem{cut(used("x", `{"k`))}, "max_output_tokens"},
		{"a call whose arguments are an object", []string{delta(`"tool_calls":[{"index":0,"id":"x","function":{"name":"fx","arguments":{"k":1}}}]`, "tool_calls")}, []answeredItem{used("x", `{"k":1}`)}, ""},
		{"a name that comes late", []string{delta(`"tool_calls":[{"index":0,"id":"x","function":{"arguments":"{"}}]`, "null"), delta(`"tool_calls":[{"index":0,"function":{"name":"fx","arguments":"}"}}]`, "tool_calls")}, []answeredItem{used("x", `{}`)}, ""},
		{"a call that never was", []string{delta(`"tool_calls":[{"index":0}]`, "null"), text("a"), delta(``, "stop")}, []answeredItem{said("a")}, ""},
		{"a custom call", []string{delta(`"tool_calls":[{"index":0,"id":"x","type":"custom","custom":{"name":"fx","input":"a\"b"}}]`, "null"), delta(`"tool_calls":[{"index":0,"custom":{"input":"c"}}]`, "null"), delta(``, "tool_calls")}, []answeredItem{{Type: "custom_tool_call", CallID: "x", Name: "fx", Text: `a"bc`, Status: "completed"}}, ""},
		{"other choices and what follows the finish", []string{`{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"stop"}]}`, text("a"), delta(``, "stop"), text("b"), delta(``, "length")}, []answeredItem{said("a")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := respond(t, append(slices.Clone(tt.chunks), counts))
			if err != nil {
				t.Fatalf("stream %q: %v", tt.chunks, err)
			}
			got, err := follow(out)
			if err != nil {
				t.Fatalf("stream %q: %v\n%s", tt.chunks, err, out)
			}
			want := "completed"
			if tt.reason != "" {
				want = "incomplete"
			}
			if got.Status != want || got.Reason != tt.reason || !slices.Equal(got.Items, tt.want) || got.Input != 30 || got.Cached != 20 || got.Output != 7 {
				t.Errorf("stream %q\n got %+v\nwant %+v, %s %s and 30, 20, 7 tokens\n%s", tt.chunks, got, tt.want, want, tt.reason, out)
			}
			// Cut after any chunk it ends in an error, and what was said is a beginning.
			for cut := range tt.chunks {
				out, err := respond(t, tt.chunks[:cut])
				finished := strings.Contains(strings.Join(tt.chunks[:cut], ""), `0,"delta":{},"finish_reason":"`)
				if !finished && !errors.Is(err, wire.ErrUnfinished) {
					t.Errorf("cut after %d chunks: %v, want ErrUnfinished", cut, err)
				}
				if got, err := follow(out); err != nil || !finished && got.Status != "failed" {
					t.Errorf("cut after %d chunks: %v, status %s, want failed\n%s", cut, err, got.Status, out)
				}
			}
		})
	}
}

// A piece goes out with the chunk that brought it.
func TestResponsesStreamDoesNotWait(t *testing.T) {
	t.Parallel()
	s := wire.NewResponsesStream(asked(t))
	for _, step := range []struct{ chunk, want string }{
		{delta(`"role":"assistant"`, "null"), `response.in_progress`},
		{text("a"), `"delta":"a"`},
		{text("b"), `"delta":"b"`},
		{fragment(0, call("x"), `{"k`), `"delta":"{\"k"`},
		{fragment(1, call("y"), `{"l`), `"delta":"{\"l"`},
		{fragment(0, "", `":1}`), `"delta":"\":1}"`},
	} {
		doc, _ := lenient(step.chunk)
		out, err := s.Chunk(nil, doc)
		if err != nil || !strings.Contains(string(out), step.want) {
			t.Errorf("Chunk(%s) = %s, %v, want it to hold %s", step.chunk, out, err, step.want)
		}
	}
}

// A server cannot make a stream keep all that it likes.
func TestResponsesStreamIsBounded(t *testing.T) {
	t.Parallel()
	s := wire.NewResponsesStream(wire.Asked{})
	piece, sent := text(strings.Repeat("a", 1<<18)), 0
	for ; sent < 100; sent++ {
		doc, _ := lenient(piece)
		if _, err := s.Chunk(nil, doc); err != nil {
			break
		}
	}
	if sent != 64 {
		t.Errorf("%d pieces of 256 KiB were held, want an error at 64", sent)
	}
}

func TestResponsesStreamFails(t *testing.T) {
	t.Parallel()
	s := wire.NewResponsesStream(asked(t))
	out := string(s.Fail(nil, "rate_limit_error", "rate_limit_exceeded", "Slow."))
	got, err := follow(out)
	if err != nil || got.Status != "failed" || !strings.Contains(out, `"error":{"code":"rate_limit_exceeded","message":"Slow."}`) || !strings.Contains(out, `"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"Slow.","param":null}`) {
		t.Errorf("Fail = %v, %+v, want a failed response\n%s", err, got, out)
	}
	if again := s.Fail(nil, "a", "b", "c"); len(again) != 0 {
		t.Errorf("a second Fail writes %s, want nothing", again)
	}
}

// Whatever chunks come in whatever order, what goes out is a sequence that a strict
// client takes, whole or ended by a failure.
func FuzzResponsesStream(f *testing.F) {
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
		out, err := respond(t, chunks)
		got, broken := follow(out)
		if broken != nil {
			t.Fatalf("stream %q: %v\n%s", chunks, broken, out)
		}
		if (got.Status == "failed") != (err != nil) {
			t.Errorf("stream %q: status %s with error %v", chunks, got.Status, err)
		}
	})
}
