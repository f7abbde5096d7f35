package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// chunkOf is a delta of its own id and model.
func chunkOf(id, text string) string {
	return `{"id":"` + id + `","model":"` + id + `-model","choices":[{"index":0,"delta":{"role":"assistant","content":` + string(document.AppendString(nil, text)) + `},"finish_reason":null}]}`
}

// continueRig sends requests to a, then b, then c; b and c can prefill.
func continueRig(t *testing.T, a, b, c *script, allowed bool) *rig {
	g := newRig(t, map[string]*script{"a": a, "b": b, "c": c})
	old := g.catalogue.Load()
	var models []Model
	for _, m := range old.Models("") {
		if m.ID != "m-a" {
			m.Capabilities = []Capability{CapPrefill}
		}
		models = append(models, m)
	}
	var prices []Price
	for _, id := range []string{"a", "b", "c"} {
		prices = append(prices, Price{ProviderID: id, UpstreamID: "up-" + id, Input: promptPrice * 1e6, Output: completionPrice * 1e6})
	}
	g.catalogue.Store(NewCatalogue(models, old.Providers(""), prices))
	decide := g.decide
	g.decide = func(ctx context.Context, r *Request) (Decision, error) {
		d, err := decide(ctx, r)
		d.Continue = allowed
		return d, err
	}
	return g
}

// A stream that is cut goes on at a target that can, where the rule allows it: same id,
// no seam, both legs billed. Else the cut is the end.
func TestContinueAfterCut(t *testing.T) {
	t.Parallel()
	cut := func(texts ...string) *script {
		s := &script{}
		for _, text := range texts {
			s.events = append(s.events, chunkOf("one", text))
		}
		s.events = append(s.events, markCut)
		return s
	}
	goesOn := func(texts ...string) *script {
		s := &script{}
		for _, text := range texts {
			s.events = append(s.events, chunkOf("two", text))
		}
		s.events = append(s.events, finishOf(0), usageOf(7, 5))
		return s
	}
	with := func(s *script, event string) *script {
		s.events = append(s.events[:len(s.events)-1:len(s.events)-1], event, markCut)
		return s
	}
	down := &script{status: 503}
	call := `{"id":"one","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"f","arguments":""}}]}}]}`
	thought := `{"id":"one","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}`
	tests := []struct {
		name     string
		a, b, c  *script
		more     string
		refused  bool   // the rule does not allow it
		wantText string // of the whole stream
		wantLegs string // providers of the rows
		wantSaid string // what the last leg is asked to go on from
		wantCode Code   // of the stream's end
	}{
		{name: "goes on", a: cut("Hello, ", "wor"), b: goesOn("ld", "!"), wantText: "Hello, world!", wantLegs: "a b", wantSaid: "Hello, wor"},
		{name: "after a stall", a: &script{events: []string{chunkOf("one", "Hel"), markTimeout}}, b: goesOn("lo"), wantText: "Hello", wantLegs: "a b", wantSaid: "Hel"},
		{name: "after an error event", a: &script{events: []string{chunkOf("one", "Hel"), fmt.Sprintf(`{"fail":%d}`, abi.ClassOverloaded)}}, b: goesOn("lo"), wantText: "Hello", wantLegs: "a b", wantSaid: "Hel"},
		{name: "a blank at the seam is said once", a: cut("Hello, "), b: goesOn(" ", " world"), wantText: "Hello, world", wantLegs: "a b", wantSaid: "Hello,"},
		{name: "quotes and beyond ASCII", a: cut("\"é\n"), b: goesOn("ü"), wantText: "\"é\nü", wantLegs: "a b", wantSaid: "\"é"},
		{name: "twice", a: cut("one "), b: cut("two "), c: goesOn("three"), wantText: "one two three", wantLegs: "a b c", wantSaid: "one two"},
		{name: "the next but one", a: cut("Hel"), b: down, c: goesOn("lo"), wantText: "Hello", wantLegs: "a b c", wantSaid: "Hel"},
		{name: "nobody can", a: cut("Hel"), b: down, c: down, wantText: "Hel", wantLegs: "a b c", wantCode: CodeUpstreamTruncated},
		{name: "not allowed", a: cut("Hel"), refused: true, wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "a tool call", a: with(cut("Hel"), call), wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "a thought", a: with(cut("Hel"), thought), wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "only blanks", a: cut(" "), wantText: " ", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "several choices", a: cut("Hel"), more: `,"n":2`, wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "a schema", a: cut("Hel"), more: `,"response_format":{"type":"json_object"}`, wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
		{name: "reasoning is asked for", a: cut("Hel"), more: `,"reasoning_effort":"low"`, wantText: "Hel", wantLegs: "a", wantCode: CodeUpstreamTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			said := ""
			listen := func(s *script) *script {
				if s == nil {
					s = goesOn("never")
				}
				own := *s
				own.onOpen = func(a AdapterAttempt) {
					mu.Lock()
					defer mu.Unlock()
					said = a.Request.Pointer("/messages/-1/content").Text()
				}
				return &own
			}
			g := continueRig(t, tt.a, listen(tt.b), listen(tt.c), !tt.refused)
			r := rigRequest(t, tt.more)
			got := g.stream(t, t.Context(), r)
			if got.text() != tt.wantText || got.early || CodeOf(got.err) != tt.wantCode {
				t.Errorf("stream = %q, %v, want %q and %q", got.text(), got.err, tt.wantText, tt.wantCode)
			}
			for _, chunk := range got.chunks {
				if strings.Contains(chunk, `"id":"two"`) || strings.Contains(chunk, `two-model`) {
					t.Errorf("chunk %s has another id or model than the first", chunk)
				}
			}
			var legs []string
			rows := g.ledger.all()
			for _, row := range rows {
				legs = append(legs, row.ProviderID)
			}
			if strings.Join(legs, " ") != tt.wantLegs {
				t.Fatalf("rows of %v, want %s", legs, tt.wantLegs)
			}
			last := rows[len(rows)-1]
			if tt.wantCode == "" {
				if last.Outcome != OutcomeOK || rows[0].Tokens.Completion == 0 || last.Tokens != (Tokens{Prompt: 7, Completion: 5}) {
					t.Errorf("rows = %+v, want both legs billed", rows)
				}
				if said != tt.wantSaid {
					t.Errorf("the last leg goes on from %q, want %q", said, tt.wantSaid)
				}
			}
			if err := g.Drain(t.Context()); err != nil {
				t.Errorf("Drain = %v after the stream is closed", err)
			}
			g.closed(t)
		})
	}
}
