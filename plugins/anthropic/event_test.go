package anthropic_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk/abi"
)

const chunkHead = `{"id":"msg_1","object":"chat.completion.chunk","created":1795348800,"model":"claude-x","choices":[`

// chunk is a chunk of one choice.
func chunk(delta, finish string) string {
	if finish != "null" {
		finish = `"` + finish + `"`
	}
	return chunkHead + `{"index":0,"delta":{` + delta + `},"finish_reason":` + finish + `}]}`
}

func usage(counters string) string { return chunkHead + `],"usage":{` + counters + `}` }

// promptChunk is what start counts.
var promptChunk = usage(`"prompt_tokens":15,"prompt_tokens_details":{"cached_tokens":5}}`)

var roleChunk = chunk(`"role":"assistant","content":""`, "null")

func event(data string) adaptertest.Event { return adaptertest.Event{Data: data} }

const (
	start    = `{"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}`
	block    = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	hello    = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel\"lo"}}`
	stop     = `{"type":"content_block_stop","index":0}`
	turnOver = `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}`
	over     = `{"type":"message_stop"}`
)

// The calls f, of block 1, and g, of block 2.
const (
	useF      = `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_f","name":"f","input":{}}}`
	useG      = `{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_g","name":"g","input":{}}}`
	toolsOver = `{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}`
)

var (
	beginF = chunk(`"tool_calls":[{"index":0,"id":"toolu_f","type":"function","function":{"name":"f","arguments":""}}]`, "null")
	beginG = chunk(`"tool_calls":[{"index":1,"id":"toolu_g","type":"function","function":{"name":"g","arguments":""}}]`, "null")
	noneG  = chunk(`"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]`, "null")
)

func piece(block int, json string) string {
	return `{"type":"content_block_delta","index":` + strconv.Itoa(block) + `,"delta":{"type":"input_json_delta","partial_json":"` + json + `"}}`
}

func endOf(block int) string {
	return `{"type":"content_block_stop","index":` + strconv.Itoa(block) + `}`
}

func TestEvent(t *testing.T) {
	sum := usage(`"prompt_tokens":15,"completion_tokens":7,"total_tokens":22,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":0}}`)
	tests := []struct {
		name   string
		events []string
		want   []string
	}{
		{"text", []string{start, block, hello, stop, turnOver, over}, []string{promptChunk, roleChunk, chunk(`"content":"Hel\"lo"`, "null"), chunk("", "stop"), sum}},
		{"pings and events to come say nothing", []string{`{"type":"ping"}`, start, `{"type":"new"}`, hello, `{"type":"ping"}`, turnOver}, []string{promptChunk, roleChunk, chunk(`"content":"Hel\"lo"`, "null"), chunk("", "stop"), sum}},
		{"message_start twice", []string{start, start, turnOver, over}, []string{promptChunk, roleChunk, promptChunk, chunk("", "stop"), sum}},
		{
			"counters are overwritten, never added",
			[]string{start, turnOver[:len(turnOver)-2] + `,"input_tokens":40,"cache_read_input_tokens":0,"cache_creation_input_tokens":3}}`},
			[]string{promptChunk, roleChunk, chunk("", "stop"), usage(`"prompt_tokens":43,"completion_tokens":7,"total_tokens":50,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":3},"completion_tokens_details":{"reasoning_tokens":0}}`)},
		},
		{"no usage at all", []string{`{"type":"message_start","message":{"id":"msg_1","model":"claude-x"}}`, `{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}`, over}, []string{roleChunk, chunk("", "length")}},
		{"cut after content", []string{start, hello}, []string{promptChunk, roleChunk, chunk(`"content":"Hel\"lo"`, "null")}},
		{"message_stop without a stop reason", []string{start, hello, over}, []string{promptChunk, roleChunk, chunk(`"content":"Hel\"lo"`, "null")}},
		{"nothing", nil, nil},
		{"thinking", []string{start, `{"type":"content_block_start","content_block":{"type":"thinking","thinking":"","signature":""}}`, `{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}`, `{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"s"}}`, `{"type":"content_block_start","content_block":{"type":"redacted_thinking","data":"d"}}`},
			[]string{promptChunk, roleChunk, chunk(`"reasoning_content":"hm"`, "null"), chunk(`"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s","provider":"anthropic"}]`, "null"), chunk(`"thinking_blocks":[{"type":"redacted_thinking","data":"d","provider":"anthropic"}]`, "null")}},
		{"text in the opening of a block", []string{start, `{"type":"content_block_start","content_block":{"type":"text","text":"a"}}`}, []string{promptChunk, roleChunk, chunk(`"content":"a"`, "null")}},
		{"refusal", []string{start, `{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"explanation":"no"}},"usage":{"output_tokens":7}}`}, []string{promptChunk, roleChunk, chunk(`"refusal":"no"`, "null"), chunk("", "content_filter"), sum}},
		{
			"calls are counted, not blocks",
			[]string{start, block, hello, stop, useF, piece(1, ``), piece(1, `{\"x\"`), piece(1, `:1}`), endOf(1), useG, piece(2, ``), endOf(2), toolsOver},
			[]string{promptChunk, roleChunk, chunk(`"content":"Hel\"lo"`, "null"), beginF, chunk(`"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]`, "null"), chunk(`"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]`, "null"), beginG, noneG, chunk("", "tool_calls"), sum},
		},
		{"a call whose end is missing", []string{start, useG, toolsOver, endOf(2)}, []string{promptChunk, roleChunk, strings.Replace(beginG, `:1,`, `:0,`, 1), strings.Replace(noneG, `:1,`, `:0,`, 1), chunk("", "tool_calls"), sum}},
		{"a call that is cut", []string{start, useF, piece(1, `{\"x\"`)}, []string{promptChunk, roleChunk, beginF, chunk(`"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]`, "null")}},
		{"a call that comes whole", []string{start, strings.Replace(useF, `"input":{}`, `"input":{"x":1}`, 1), endOf(1)}, []string{promptChunk, roleChunk, strings.Replace(beginF, `"arguments":""`, `"arguments":"{\"x\":1}"`, 1)}},
		{"pieces of no call", []string{start, piece(3, `{}`), endOf(3)}, []string{promptChunk, roleChunk}},
		{"nothing follows the finish", []string{start, turnOver, hello, turnOver}, []string{promptChunk, roleChunk, chunk("", "stop"), sum}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var events []adaptertest.Event
			for _, e := range tt.events {
				events = append(events, event(e))
			}
			got := adaptertest.Stream(t, anthropic.Adapter{}, events)
			if got.Failed || !slices.Equal(got.Chunks, tt.want) {
				t.Errorf("stream %q\n got %s\n     %s\nwant %s", tt.events, strings.Join(got.Chunks, "\n     "), got.Message, strings.Join(tt.want, "\n     "))
			}
		})
	}
}

func TestEventFails(t *testing.T) {
	tests := []struct {
		name, data string
		want       abi.Class
	}{
		{"overloaded", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, abi.ClassOverloaded},
		{"an error without an object", `{"type":"error"}`, abi.ClassServer},
		{"not JSON", `<html>`, abi.ClassServer},
		{"an array", `[]`, abi.ClassServer},
		{"an empty event", ``, abi.ClassServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Stream(t, anthropic.Adapter{}, []adaptertest.Event{event(start), event(tt.data), event(turnOver)})
			if !got.Failed || got.Class != tt.want || len(got.Chunks) != 2 {
				t.Errorf("stream with %q = %q, class %d, failed %v, want two chunks and a failure of class %d", tt.data, got.Chunks, got.Class, got.Failed, tt.want)
			}
		})
	}
}

// An id is made where the provider gives none, and stays over the stream.
func TestEventWithoutID(t *testing.T) {
	got := adaptertest.Stream(t, anthropic.Adapter{}, []adaptertest.Event{event(hello), event(hello), event(turnOver)})
	if len(got.Chunks) != 5 {
		t.Fatalf("chunks = %q, want role, two texts, finish and usage", got.Chunks)
	}
	id, _, _ := strings.Cut(got.Chunks[0], ",")
	if !strings.HasPrefix(id, `{"id":"chatcmpl-`) {
		t.Errorf("first chunk begins %s, want an id", id)
	}
	for _, c := range got.Chunks {
		if !strings.HasPrefix(c, id+",") {
			t.Errorf("chunk %s has another id than %s", c, id)
		}
	}
}

// A stream cut at any byte yields the chunks of its beginning, and finishes only
// if the provider's finish was in it.
func TestEventCutAtEveryByte(t *testing.T) {
	raw, err := os.ReadFile("testdata/stream/stream.sse")
	if err != nil {
		t.Fatal(err)
	}
	whole := adaptertest.Stream(t, anthropic.Adapter{}, adaptertest.Events(string(raw)))
	if len(whole.Chunks) != 8 || whole.Failed {
		t.Fatalf("the whole stream gives %d chunks, failed %v, want 8", len(whole.Chunks), whole.Failed)
	}
	finished := strings.Index(string(raw), "event: message_stop")
	for cut := range len(raw) {
		got := adaptertest.Stream(t, anthropic.Adapter{}, adaptertest.Events(string(raw[:cut])))
		n := len(got.Chunks)
		if got.Failed || n > len(whole.Chunks) || !slices.Equal(got.Chunks, whole.Chunks[:n]) {
			t.Fatalf("cut at byte %d: chunks %q, want the beginning of %q", cut, got.Chunks, whole.Chunks)
		}
		if done := slices.ContainsFunc(got.Chunks, func(c string) bool { return strings.Contains(c, `"finish_reason":"`) }); done != (cut >= finished) {
			t.Fatalf("cut at byte %d: finished %v, want %v", cut, done, cut >= finished)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, e := range []string{start, block, hello, stop, turnOver, over, `{"type":"error","error":{}}`} {
		f.Add("data: "+e+"\n\n", 529)
	}
	raw, err := os.ReadFile("testdata/stream/stream.sse")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw), 200)
	f.Add(`{"id":1,"model":[],"content":[{"type":"text","text":{}},{"type":"thinking"},7],"stop_reason":"x","usage":{"input_tokens":"1"}}`, 200)
	for _, e := range []string{useF, piece(1, `{`), endOf(1), toolsOver, `{"type":"content_block_start","index":-9e9,"content_block":{"type":"tool_use","id":[],"input":"x"}}`} {
		f.Add("data: "+start+"\n\ndata: "+e+"\n\n", 200)
	}
	f.Add(`{"content":[{"type":"tool_use","name":{},"input":[]},{"type":"redacted_thinking","data":1},{"type":"thinking","signature":"s"}],"stop_reason":"tool_use"}`, 200)
	for _, name := range []string{"respond_with_json", "patch"} {
		called := strings.Replace(useF, `"name":"f"`, `"name":"`+name+`"`, 1)
		f.Add("data: "+start+"\n\ndata: "+called+"\n\ndata: "+piece(1, `{\"input\":\"\\u00e`)+"\n\ndata: "+piece(1, `9x\"}`)+"\n\ndata: "+endOf(1)+"\n\ndata: "+toolsOver+"\n\n", 200)
	}
	f.Add(`{"content":[{"type":"tool_use","name":"patch","input":{"input":1}},{"type":"tool_use","name":"respond_with_json","input":"x"}],"stop_reason":"tool_use"}`, 200)
	f.Add("<html>", 503)
	f.Fuzz(func(t *testing.T, body string, status int) {
		// adaptertest fails the test for output that is not JSON.
		adaptertest.Response(t, anthropic.Adapter{}, adaptertest.Provider{Status: status}, body)
		adaptertest.Error(t, anthropic.Adapter{}, adaptertest.Provider{Status: status, Fields: map[string]string{"retry-after": body}}, body)
		adaptertest.Stream(t, anthropic.Adapter{}, adaptertest.Events(body))
		adaptertest.Stream(t, anthropic.Adapter{}, []adaptertest.Event{event(body), event(body)})
		for _, request := range []string{formatted(person, `"tools":[`+toolF+`],`), `{"tools":[` + patchTool + `],"messages":[{"role":"user","content":"hi"}]}`} {
			a := begin(t, "chat", older, request)
			a.answer(body)
			for _, e := range adaptertest.Events(body) {
				if !a.event(e.Data) {
					break
				}
			}
		}
	})
}
