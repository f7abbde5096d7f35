package anthropic_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const patchTool = `{"type":"custom","custom":{"name":"patch","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: \"x\"\n"}}}}`

func TestCustomTool(t *testing.T) {
	a := begin(t, "chat", target, `{"tools":[`+patchTool+`,{"type":"custom","custom":{"name":"say","format":{"type":"text"}},"cache_control":{"type":"ephemeral"}}],"tool_choice":{"type":"custom","custom":{"name":"say"}},
		"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"say","input":"\"é\"\n"}},{"id":"b","type":"custom","custom":{"name":"say","input":""}}]},
		{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":"2"}]}`)
	const want = `{"model":"claude-x","max_tokens":64000,"tools":[{"name":"patch","description":"d","input_schema":{"type":"object","properties":{"input":{"type":"string","description":"Text that matches this Lark grammar:\nstart: \"x\"\n"}},"required":["input"],"additionalProperties":false}},` +
		`{"name":"say","input_schema":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false},"cache_control":{"type":"ephemeral"}}],"tool_choice":{"type":"tool","name":"say"},` +
		`"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"say","input":{"input":"\"é\"\n"}},{"type":"tool_use","id":"b","name":"say","input":{"input":""}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"}]}]}`
	if a.built != want {
		t.Errorf("request with custom tools\n got %s\nwant %s", a.built, want)
	}
	if lossy := []string{"tools[].custom.format"}; !slices.Equal(a.lossy, lossy) {
		t.Errorf("request with custom tools loses %q, want %q", a.lossy, lossy)
	}

	for input, want := range map[string]string{
		`{"input":"\"é\"\n"}`:       `"type":"custom","custom":{"name":"say","input":"\"é\"\n"}}]`,
		`{"input":""}`:              `"type":"custom","custom":{"name":"say","input":""}}]`,
		`{"text":"x"}`:              `"type":"custom","custom":{"name":"say","input":"{\"text\":\"x\"}"}}]`,
		`{"input":{"a":"b"},"c":1}`: `"type":"custom","custom":{"name":"say","input":"{\"input\":{\"a\":\"b\"},\"c\":1}"}}]`,
	} {
		got, ok := a.answer(`{"content":[{"type":"tool_use","id":"toolu_1","name":"say","input":` + input + `}],"stop_reason":"tool_use"}`)
		if !ok || !strings.Contains(got, want) || !strings.Contains(got, `"finish_reason":"tool_calls"`) {
			t.Errorf("answer with the input %s = %s, want %s", input, got, want)
		}
	}
	if got, _ := a.answer(`{"content":[{"type":"tool_use","id":"t","name":"other","input":{"input":"x"}}],"stop_reason":"tool_use"}`); !strings.Contains(got, `"type":"function"`) {
		t.Errorf("answer with a function's call = %s, want a function", got)
	}
}

// The input arrives as pieces of JSON that end anywhere, and goes out as text.
func TestCustomToolStream(t *testing.T) {
	const text = "*** \"A\" \\ /\b\f\t\r\n é € \U0001F682 end"
	input := `{ "input" : "*** \"A\" \\ \/\b\f\t\r\n \u00e9 \u20ac \ud83d\ude82 end" }`
	for size := 1; size <= len(input); size++ {
		events := []string{start, strings.Replace(useF, `"name":"f"`, `"name":"say"`, 1)}
		for rest := input; rest != ""; {
			n := min(size, len(rest))
			quoted, _ := json.Marshal(rest[:n])
			events = append(events, `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":`+string(quoted)+`}}`)
			rest = rest[n:]
		}
		a := begin(t, "chat", target, `{"stream":true,"tools":[{"type":"custom","custom":{"name":"say"}}],"messages":[{"role":"user","content":"hi"}]}`)
		got := ""
		for i, c := range a.stream(append(events, endOf(1), useG, endOf(2), toolsOver)...) {
			var chunk struct {
				Choices []struct {
					Delta struct {
						Calls []struct {
							Index    int
							ID, Type string
							Custom   *struct{ Name, Input string }
							Function *struct{ Name, Arguments string }
						} `json:"tool_calls"`
					}
				}
			}
			if err := json.Unmarshal([]byte(c), &chunk); err != nil {
				t.Fatal(err)
			}
			for _, choice := range chunk.Choices {
				for _, call := range choice.Delta.Calls {
					if (call.Index == 0) != (call.Custom != nil) || (call.Index == 0) == (call.Function != nil) {
						t.Fatalf("pieces of %d: chunk %d = %s, want a custom call and then a function's", size, i, c)
					}
					if call.Custom != nil {
						got += call.Custom.Input
					}
				}
			}
		}
		if got != text {
			t.Fatalf("pieces of %d give %q, want %q", size, got, text)
		}
	}
}

// What is no such object, or no text, gives no more than that: text.
func TestCustomToolStreamOddInput(t *testing.T) {
	for input, want := range map[string]string{
		`{"input":"a\ud83d\u0041b"}`: "a\ufffdAb", `{"input":"\ude00x"}`: "\ufffdx", `{"input":"\q\uzzzz"}`: "\ufffd\ufffd", `{"input":"\ud83d\n"}`: "\ufffd\n",
		`{"input":"a","more":"b"}`: "a", `{}`: "", ``: "", `{"input":"cut\`: "cut", `{"input":7}`: "",
	} {
		quoted, _ := json.Marshal(input)
		a := begin(t, "chat", target, `{"tools":[{"type":"custom","custom":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]}`)
		got := ""
		for _, c := range a.stream(start, useF, `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":`+string(quoted)+`}}`, endOf(1), toolsOver) {
			if _, after, ok := strings.Cut(c, `"custom":{"input":`); ok {
				var piece string
				if err := json.NewDecoder(strings.NewReader(after)).Decode(&piece); err != nil {
					t.Fatal(err)
				}
				got += piece
			}
		}
		if got != want {
			t.Errorf("input %s gives %q, want %q", input, got, want)
		}
	}
}
