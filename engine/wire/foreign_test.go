package wire_test

import (
	"errors"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

// What only the wire itself can say is named, and the rest is canonical without it.
func TestForeign(t *testing.T) {
	t.Parallel()
	message := func(member string) string { return `{"model":"m","max_tokens":5,` + hello + `,` + member + `}` }
	turn := func(role, blocks string) string {
		return `{"model":"m","max_tokens":5,"messages":[{"role":"` + role + `","content":[` + blocks + `]}]}`
	}
	with := func(members string) string { return `{"model":"m","input":"hi",` + members + `}` }
	items := func(items string) string { return `{"model":"m","input":[` + items + `]}` }
	tests := []struct {
		name string
		from func(*document.Doc, string) (wire.Chat, error)
		body string
		want string // the member
		rest string // of the canonical messages
	}{
		{"no output", wire.FromMessages, `{"model":"m","max_tokens":0,` + hello + `}`, "max_tokens", `{"role":"user","content":"hi"}`},
		{"an unknown block", wire.FromMessages, turn("user", `{"type":"text","text":"a"},{"type":"video"}`), "messages[0].content[1].type", `{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":""}]}`},
		{"an unknown block in a result", wire.FromMessages, turn("user", `{"type":"tool_result","tool_use_id":"a","content":[{"type":"search_result"}]}`), "messages[0].content[0].content[0].type", `{"role":"tool","content":[{"type":"text","text":""}],"tool_call_id":"a"}`},
		{"a file of Anthropic's", wire.FromMessages, turn("user", `{"type":"image","source":{"type":"file","file_id":"f"}}`), "messages[0].content[0].source.type", `{"role":"user","content":[{"type":"text","text":""}]}`},
		{"a document of Anthropic's", wire.FromMessages, turn("user", `{"type":"document","source":{"type":"file","file_id":"f"}}`), "messages[0].content[0].source.type", `{"role":"user","content":[{"type":"text","text":""}]}`},
		{"a server tool's call", wire.FromMessages, turn("assistant", `{"type":"server_tool_use","id":"a","name":"b","input":{}}`), "messages[0].content[0].type", `{"role":"assistant","content":[{"type":"text","text":""}]}`},
		{"a server tool", wire.FromMessages, message(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "tools[0].type", `{"role":"user","content":"hi"}`},
		{"a server tool, chosen", wire.FromMessages, message(`"tools":[{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"any"}`), "tools[0].type", `{"role":"user","content":"hi"}`},
		{"a format", wire.FromMessages, message(`"output_config":{"format":{"type":"xml"}}`), "output_config.format.type", `{"role":"user","content":"hi"}`},
		{"a choice", wire.FromMessages, message(`"tool_choice":{"type":"some"}`), "tool_choice.type", `{"role":"user","content":"hi"}`},
		{"a tier", wire.FromMessages, message(`"service_tier":"gold"`), "service_tier", `{"role":"user","content":"hi"}`},
		{"servers of the caller", wire.FromMessages, message(`"mcp_servers":[{"url":"https://a"}]`), "mcp_servers", `{"role":"user","content":"hi"}`},

		{"an answer before", wire.FromResponses, with(`"previous_response_id":"resp_1"`), "previous_response_id", `{"role":"user","content":"hi"}`},
		{"an answer before, and nothing new", wire.FromResponses, `{"model":"m","previous_response_id":"resp_1","input":[]}`, "", ``},
		{"a conversation", wire.FromResponses, with(`"conversation":{"id":"conv_1"}`), "conversation", `{"role":"user","content":"hi"}`},
		{"a stored prompt", wire.FromResponses, with(`"prompt":{"id":"pmpt_1"}`), "prompt", `{"role":"user","content":"hi"}`},
		{"a stored prompt alone", wire.FromResponses, `{"model":"m","prompt":{"id":"pmpt_1"}}`, "prompt", `{"role":"user","content":""}`},
		{"a reference", wire.FromResponses, items(`{"type":"item_reference","id":"msg_1"}`), "input[0].type", `{"role":"user","content":""}`},
		{"a hosted call", wire.FromResponses, items(`{"role":"user","content":"a"},{"type":"web_search_call","id":"ws_1"}`), "input[1].type", `{"role":"user","content":"a"}`},
		{"a hosted tool", wire.FromResponses, with(`"tools":[{"type":"web_search"}]`), "tools[0].type", `{"role":"user","content":"hi"}`},
		{"a format of the Responses API", wire.FromResponses, with(`"text":{"format":{"type":"xml"}}`), "text.format.type", `{"role":"user","content":"hi"}`},
		{"a hosted tool, chosen", wire.FromResponses, with(`"tools":[{"type":"web_search"},{"type":"function","name":"f"}],"tool_choice":{"type":"web_search"}`), "tools[0].type", `{"role":"user","content":"hi"}`},
		{"a part of an answer", wire.FromResponses, items(`{"role":"user","content":[{"type":"output_text","text":"a"}]}`), "input[0].content[0].type", `{"role":"user","content":[{"type":"text","text":""}]}`},
		{"a part of a question", wire.FromResponses, items(`{"role":"assistant","content":[{"type":"input_text","text":"a"}]}`), "input[0].content[0].type", `{"role":"assistant","content":[{"type":"text","text":""}]}`},
		{"an image to a system", wire.FromResponses, items(`{"role":"system","content":[{"type":"input_image","image_url":"a"}]}`), "input[0].content[0].type", `{"role":"system","content":[{"type":"text","text":""}]}`},
		{"an image of OpenAI's", wire.FromResponses, items(`{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}`), "input[0].content[0].file_id", `{"role":"user","content":[{"type":"text","text":""}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.from(parse(t, tt.body), "")
			if tt.want == "" {
				if err == nil {
					t.Errorf("%s = %s, want an error", tt.body, got.Body)
				}
				return
			}
			if err != nil || got.Foreign == nil || got.Foreign.Param != tt.want || got.Foreign.Why == "" {
				t.Fatalf("%s = %+v, %v, want %q to be foreign", tt.body, got.Foreign, err, tt.want)
			}
			canonical(t, got.Body)
			if messages := parse(t, string(got.Body)).Root().Get("messages"); string(messages.Raw()) != "["+tt.rest+"]" {
				t.Errorf("%s: messages = %s, want %s", tt.body, messages.Raw(), tt.rest)
			}
		})
	}
}

// What is wrong in every wire stays wrong beside something foreign.
func TestForeignHidesNoFault(t *testing.T) {
	t.Parallel()
	for body, from := range map[string]func(*document.Doc, string) (wire.Chat, error){
		`{"model":"m","max_tokens":5,"tools":[{"type":"bash_20250124","name":"bash"}],` + hello + `,"temperature":9}`: wire.FromMessages,
		`{"model":"m","previous_response_id":"r","input":"a","temperature":9}`:                                        wire.FromResponses,
	} {
		_, err := from(parse(t, body), "")
		var e *wire.Error
		if !errors.As(err, &e) || e.Param != "temperature" {
			t.Errorf("%s = %v, want an error at temperature", body, err)
		}
	}
}
