package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// read reads the body as an adapter would, every part of every message included.
func read(t *testing.T, body string) (f *document.Frame, messages int, ok bool) {
	t.Helper()
	f = sdktest.Call(t, document.FrameInput{
		Kind: abi.KindProvider, Entry: abi.EntryRequest,
		Request: sdktest.JSON(t, body), Call: sdktest.JSON(t, `{"operation":"chat","target":{"upstream_id":"m"}}`),
	}, func() {
		r := chat.ReadRequest()
		var list []chat.Message
		list, ok = r.Messages()
		for _, m := range list {
			for i := range m.Parts() {
				if part, isPart := m.Part(i); isPart && m.More(part) {
					for range m.Rest(part) {
					}
				}
			}
		}
		messages = len(list)
	})
	return f, messages, ok
}

// A request that asks for more host calls than there are is refused or loses
// members; it never breaks the limit, which would count against the plugin.
func TestReadingIsBounded(t *testing.T) {
	message := `{"role":"user","content":"x"}`
	part := `{"type":"text","text":"x"}`
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%d":1,`, i)
		}
		return b.String()
	}
	tests := []struct {
		name, body string
		wantOK     bool
		wantLossy  int
	}{
		{"5,000 messages", `{"messages":[` + strings.Repeat(message+",", 4999) + message + `]}`, true, 0},
		{"10,000 messages", `{"messages":[` + strings.Repeat(message+",", 9999) + message + `]}`, false, 0},
		{"20,000 parts", `{"messages":[{"role":"user","content":[` + strings.Repeat(part+",", 19_999) + part + `]}]}`, false, 0},
		{"200 unknown members", `{` + members(200) + `"messages":[` + message + `]}`, true, abi.MaxLossy},
		{"30,000 unknown members", `{` + members(30_000) + `"messages":[` + message + `]}`, false, abi.MaxLossy},
		{"30,000 members of a message", `{"messages":[{` + members(30_000) + `"role":"user","content":"x"}]}`, true, abi.MaxLossy},
		{"30,000 members of a part", `{"messages":[{"role":"user","content":[{` + members(30_000) + `"type":"text","text":"x"}]}]}`, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, messages, ok := read(t, tt.body)
			if _, _, failed := f.Failure(); ok != tt.wantOK || failed == ok || len(f.LossyFields()) != tt.wantLossy {
				t.Errorf("read %d messages, ok %v, failed %v, %d names lost; want ok %v, %d lost", messages, ok, failed, len(f.LossyFields()), tt.wantOK, tt.wantLossy)
			}
		})
	}
}
