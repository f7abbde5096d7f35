package openai_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// FuzzAnswer gives the adapter whatever a provider may send, as an answer of each
// operation, as two events and the end of a stream, and as an error. What comes out is
// valid JSON, or a failure that was said and classed; never a panic, a broken limit or a
// lone result code.
func FuzzAnswer(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), 200, "")
	}
	for _, s := range []string{
		`{"type":"response.created","response":{"id":"r","model":"m"}}`,
		`{"type":"response.output_text.delta","delta":"a"}`,
		`{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":-1,"output_tokens":1e18}}}`,
		`{"type":"response.incomplete"}`, `{"type":"error","message":"try again in 1h2m3.5s"}`,
		`{"error":{"message":" in organization ","code":"rate_limit_exceeded"}}`,
		`{"output":[{"type":"message","content":[{"text":"a"},{"refusal":"b"}]},{"type":"reasoning","summary":[{"text":"c"}]}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}},{"index":7,"custom":{"input":"x"}}]},"finish_reason":"stop"}]}`,
		`{"choices":[{"index":1,"message":{"reasoning":"r","tool_calls":[{"function":{"name":"f"}},{}]},"finish_reason":"eos"}]}`,
		`{"type":"response.output_item.done","output_index":1,"item":{"type":"custom_tool_call","name":"f","input":"x"}}`,
		`{"type":"response.output_item.done","item":{"type":"reasoning","id":"r","encrypted_content":"s"}}`,
		`{"output":[{"type":"message","content":[{"text":"a","annotations":[{"type":"url_citation"}],"logprobs":[{"token":"a"},1]}]}]}`,
		`{"object":"list","data":[{"id":"m","embedding":[1]},2],"input_tokens":3}`,
		`{"choices":[{}]}`, `[DONE]`, `[[[]]]`, `"` + "\u2028" + `"`, "\xff",
	} {
		f.Add(s, 429, "1.5")
	}
	f.Fuzz(func(t *testing.T, body string, status int, after string) {
		for _, call := range []string{
			`{"operation":"chat","target":{"api":"chat"}}`, `{"operation":"chat","target":{"api":"responses"}}`,
			`{"operation":"embeddings"}`, `{"operation":"count_tokens"}`, `{"operation":"list"}`,
		} {
			a := openai.Adapter{}
			in := document.FrameInput{
				Call: sdktest.JSON(t, call), Response: sdktest.Body(body), Status: status,
				Field: func(string) string { return after }, State: new(document.State),
			}
			for _, step := range []struct {
				entry, event string
				run          func() sdk.Result
			}{
				{abi.EntryResponse, "", a.Response},
				{abi.EntryEvent, "message", a.Event},
				{abi.EntryEvent, "message", a.Event},
				{abi.EntryEvent, abi.EventEOF, a.Event},
				{abi.EntryError, "", a.Error},
			} {
				in := in
				in.Entry, in.EventName = step.entry, step.event
				if step.event == abi.EventEOF {
					in.Response = document.Node{}
				}
				frame, result := run(t, in, step.run)
				check(t, step.entry, body, frame, result)
			}
		}
	})
}

func check(t *testing.T, entry, body string, f *document.Frame, result sdk.Result) {
	t.Helper()
	_, _, said := f.Failure()
	if failed := result != sdk.OK; failed != said {
		t.Fatalf("%s(%q) = %d, but fail said %v", entry, body, result, said)
	}
	if (result != sdk.OK || entry == abi.EntryError) && f.Class() == abi.ClassNone {
		t.Fatalf("%s(%q) failed without a class", entry, body)
	}
	chunks := f.Chunks()
	if entry != abi.EntryEvent && result == sdk.OK && len(chunks) != 1 {
		t.Fatalf("%s(%q) gave %d outputs, want 1", entry, body, len(chunks))
	}
	for _, c := range chunks {
		if _, err := document.Parse(c, document.Limits{}); err != nil {
			t.Fatalf("%s(%q) gave %q: %v", entry, body, c, err)
		}
	}
}

// FuzzRequest gives the adapter whatever body a caller may have sent, under a config of
// every quirk and none. The request is valid JSON, or the body is refused with 4xx.
func FuzzRequest(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/chat.json")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`{"messages":[{"role":"tool","content":[{"type":"image_url"},1]},{"role":"function"},{"role":"assistant","function_call":{"name":"f"},"thinking_blocks":[{"provider":"openai","signature":"s"}]}],"tools":[1,{"cache_control":{}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := document.Parse([]byte(body), document.Limits{}); err != nil {
			t.Skip("the host hands over JSON only")
		}
		for _, target := range []string{`,"api":"chat"`, `,"api":"responses","capabilities":["reasoning"],"unsupported":["seed"],"rename":{"max_tokens":"x"}`} {
			for _, config := range []string{"", `{"extensions":true,"reasoning":"reasoning","count_tokens":true}`,
				`{"stream_options":false,"max_tokens":"max_tokens","developer":false,"reasoning":"reasoning","tool_choice":false,"image_url":false,"cache_breakpoints":true,"reasoning_summary":"auto","unsupported":["system"]}`} {
				for _, operation := range []string{"chat", "embeddings", "count_tokens"} {
					frame, result := request(t, operation, target, config, body)
					code, message, said := frame.Failure()
					if said != (result != sdk.OK) || said && (code < 400 || message == "") || frame.Err() != nil {
						t.Fatalf("Request(%q) = %d, failure %d %q, %v", body, result, code, message, frame.Err())
					}
					if said {
						continue
					}
					if _, err := document.Parse(frame.Output(), document.Limits{Bytes: abi.ProviderOutput}); err != nil {
						t.Fatalf("Request(%q) wrote %q: %v", body, frame.Output(), err)
					}
				}
			}
		}
	})
}
