package plugins_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// spending remembers what the last call of each entry point of each guest took.
type spending struct {
	mu   sync.Mutex
	last map[string]cost // by plugin and entry point
}

type cost struct {
	fuel  int64
	calls int // of the host
}

var spent spending

func (s *spending) add(plugin, entry string, fuel int64, calls int) {
	name, _, _ := strings.Cut(plugin, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]cost{}
	}
	s.last[name+" "+entry] = cost{fuel, calls}
}

func (s *spending) of(plugin, entry string) cost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[plugin+" "+entry]
}

// TestGuestCost: fuel and host calls are what a call costs, and on a busy machine the only part of it that
// can be held to a figure. See RATIONALE.md, "What does a call of ours cost?". Not parallel: it
// looks at the last call of each guest.
func TestGuestCost(t *testing.T) {
	const body = `{"model":"auto","temperature":0.7,"max_tokens":1000,"messages":[{"role":"system","content":"You answer questions about trains."},` +
		`{"role":"user","content":"The slow train stops everywhere, says \"Zug\" on its side, and is never late."},{"role":"user","content":"When does it leave?"}]}`
	tests := []struct {
		plugin, api            string
		answer                 string
		event, data            string
		request, reply, stream cost // at most
	}{
		{
			"openai", "chat",
			`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"At ten."},"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":5}}`,
			"", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" ten"},"finish_reason":null}]}`,
			cost{17_000, 48}, cost{6_000, 27}, cost{4_600, 23},
		},
		{
			"anthropic", "chat",
			`{"id":"msg_01","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"At ten."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":40,"output_tokens":5}}`,
			"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" ten"}}`,
			cost{31_600, 62}, cost{21_700, 43}, cost{11_400, 11},
		},
		{
			"google", "generate",
			`{"candidates":[{"content":{"parts":[{"text":"At ten."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5},"modelVersion":"m","responseId":"r"}`,
			"", `{"candidates":[{"content":{"parts":[{"text":" ten"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2},"modelVersion":"m","responseId":"r"}`,
			cost{33_000, 57}, cost{25_100, 46}, cost{15_900, 34},
		},
	}
	for _, tt := range tests {
		t.Run(tt.plugin, func(t *testing.T) {
			doc := sdktest.JSON(t, body)
			adapter, err := guest(t, tt.plugin).OpenAdapter("", tt.plugin, engine.AdapterAttempt{
				RequestID: "cost", Attempt: 1, NowMS: nowMS, Request: doc, Call: sdktest.JSON(t, strings.Replace(benchCall, `"api":"chat"`, `"api":"`+tt.api+`"`, 1)),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer adapter.Close()
			answer := &engine.UpstreamResponse{Status: 200, Field: func(string) string { return "" }}
			free := func(r engine.AdapterReply, err error) {
				if err != nil || r.Failure != nil || len(r.Chunks) == 0 {
					t.Fatal(r.Failure, err)
				}
				for _, c := range r.Chunks {
					c.Release()
				}
			}
			for _, call := range []struct {
				entry string
				most  cost
				do    func()
			}{
				{abi.EntryRequest, tt.request, func() {
					if _, err := adapter.Request(t.Context()); err != nil {
						t.Fatal(err)
					}
				}},
				{abi.EntryResponse, tt.reply, func() { free(adapter.Response(t.Context(), answer, []byte(tt.answer))) }},
				{abi.EntryEvent, tt.stream, func() { free(adapter.Event(t.Context(), answer, tt.event, []byte(tt.data))) }},
			} {
				least := cost{1 << 40, 1 << 20}
				for range 4 { // in one of them the guest may collect its garbage; the first event begins the stream
					call.do()
					got := spent.of(tt.plugin, call.entry)
					least = cost{min(least.fuel, got.fuel), min(least.calls, got.calls)}
				}
				t.Logf("%s %s: %d fuel, %d host calls", tt.plugin, call.entry, least.fuel, least.calls)
				if least.fuel > call.most.fuel || least.calls > call.most.calls || least.calls == 0 {
					t.Errorf("%s of %s spends %d fuel and %d host calls, want at most %d and %d", call.entry, tt.plugin, least.fuel, least.calls, call.most.fuel, call.most.calls)
				}
			}
		})
	}
}
