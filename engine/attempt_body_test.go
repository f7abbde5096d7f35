package engine

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestBodiesAreNotShared: the memory of a long body is used by a later request, not by one under way.
func TestBodiesAreNotShared(t *testing.T) {
	t.Parallel()
	s := &script{native: []string{"chat"}, body: `{"object":"chat.completion","model":"up","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}`}
	var mu sync.Mutex
	mixed, seen := "", 0
	s.onSend = func(r *UpstreamRequest) {
		mu.Lock()
		defer mu.Unlock()
		seen++
		_, text, _ := bytes.Cut(r.Request.Body, []byte(`"content":"`))
		text, rest, _ := bytes.Cut(text, []byte(`"`))
		if len(text) < leastBody || bytes.Count(text, text[:1]) != len(text) || string(rest) != `}]}` {
			mixed = fmt.Sprintf("%d bytes of text that begins with %.4q, then %.10q", len(text), text, rest)
		}
	}
	g := newRig(t, map[string]*script{"a": s})
	var all sync.WaitGroup
	const callers, times = 6, 10
	for caller := range callers {
		all.Go(func() {
			for n := range times {
				r := rigRequest(t, "")
				doc, err := ParseChat([]byte(`{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat(string(rune('a'+caller)), leastBody+1000*((n+caller)%times)) + `"}]}`))
				if err != nil {
					t.Error(err)
					return
				}
				r.Doc = doc
				if _, err := g.Complete(t.Context(), r); err != nil {
					t.Errorf("Complete() = %v", err)
				}
			}
		})
	}
	all.Wait()
	if mixed != "" || seen != callers*times {
		t.Errorf("after %d bodies, one had %s; want %d, each of its own request", seen, mixed, callers*times)
	}
	g.closed(t)
}
