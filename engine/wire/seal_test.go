package wire_test

import (
	"testing"

	"github.com/pointsman/pointsman/engine/wire"
)

// What a translated answer brought into the history is known again; what the provider
// made itself is not taken for it.
func TestForeignHistory(t *testing.T) {
	t.Parallel()
	turn := func(blocks string) string { return `{"messages":[{"role":"assistant","content":[` + blocks + `]}]}` }
	for body, want := range map[string]bool{
		`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`:  false,
		turn(`{"type":"thinking","thinking":"h","signature":"ErUB"}`):                      false,
		turn(`{"type":"thinking","thinking":"","signature":"ErUB"}`):                       false,
		turn(`{"type":"thinking","thinking":"h","signature":""}`):                          true,
		turn(`{"type":"thinking","thinking":"h"}`):                                         true,
		turn(`{"type":"thinking","thinking":"h","signature":"pointsman:google:x"}`):        true,
		turn(`{"type":"redacted_thinking","data":"EmwK"}`):                                 false,
		turn(`{"type":"redacted_thinking","data":"pointsman:google:x"}`):                   true,
		turn(`{"type":"tool_use","id":"a","name":"f","input":{}}`):                         false,
		turn(`{"type":"tool_use","id":"a","name":"f","input":{},"extra_content":{"k":1}}`): true,
	} {
		if got := wire.ForeignMessages(parse(t, body).Root()); got != want {
			t.Errorf("ForeignMessages(%s) = %v, want %v", body, got, want)
		}
	}
	for body, want := range map[string]bool{
		`{"input":"a"}`: false,
		`{"input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":""}]}`: false,
		`{"input":[{"type":"reasoning","id":"rs_0aF","summary":[],"encrypted_content":"gAAA"}]}`:                     false,
		`{"input":[{"type":"reasoning","summary":[],"encrypted_content":"gAAA"}]}`:                                   false,
		`{"input":[{"type":"reasoning","id":"rs_0aF","summary":[]}]}`:                                                false, // stored at OpenAI
		`{"input":[{"type":"reasoning","id":"rs_0aF_0","summary":[]}]}`:                                              true,
		`{"input":[{"type":"reasoning","summary":[]}]}`:                                                              true,
		`{"input":[{"type":"reasoning","id":"rs_0aF","summary":[],"encrypted_content":"pointsman:anthropic:x"}]}`:    true,
		`{"input":[{"type":"reasoning","id":"rs_0aF","summary":[],"encrypted_content":"pointsman-redacted:a:x"}]}`:   true,
		`{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"","extra_content":{}}]}`:            true,
	} {
		if got := wire.ForeignInput(parse(t, body).Root()); got != want {
			t.Errorf("ForeignInput(%s) = %v, want %v", body, got, want)
		}
	}
}
