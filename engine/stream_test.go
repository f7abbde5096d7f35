package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One answer, as each of the wires might send it, is cut after every event and in
// every way. A caller never gets a stop that the provider did not send; the row says
// what was used.
func TestStreamCutAtEveryEvent(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		events []string
		more   string // of the request
	}{
		"plain":                {[]string{roleChunk, deltaOf(0, "four"), deltaOf(0, "more"), finishOf(0), usageOf(7, 5), "[DONE]"}, ""},
		"without terminator":   {[]string{roleChunk, deltaOf(0, "four"), deltaOf(0, "more"), finishOf(0), usageOf(7, 5)}, ""},
		"usage with each":      {[]string{"[" + deltaOf(0, "four") + "," + usageOf(7, 2) + "]", "[" + deltaOf(0, "more") + "," + usageOf(7, 4) + "]", "[" + finishOf(0) + "," + usageOf(7, 5) + "]"}, ""},
		"usage before content": {[]string{usageOf(7, 0), deltaOf(0, "fourmore"), finishOf(0), usageOf(7, 5)}, ""},
		"two choices":          {[]string{deltaOf(0, "fo"), deltaOf(1, "mo"), deltaOf(0, "ur"), finishOf(0), deltaOf(1, "re"), finishOf(1), usageOf(7, 5)}, `,"n":2`},
		"two after another":    {[]string{deltaOf(0, "four"), finishOf(0), deltaOf(1, "more"), finishOf(1), usageOf(7, 5)}, `,"n":2`},
		"asked for usage":      {[]string{deltaOf(0, "fourmore"), finishOf(0), usageOf(7, 5)}, `,"stream":true,"stream_options":{"include_usage":true}`},
	}
	for name, answer := range answers {
		for at := 0; at <= len(answer.events); at++ {
			for _, end := range []string{"", markCut, markTimeout, "not JSON", dataTrap, dataPanic, markPanic, `{"fail":6}`} {
				t.Run(fmt.Sprintf("%s, %d events, then %q", name, at, end), func(t *testing.T) {
					t.Parallel()
					s := &script{events: append([]string(nil), answer.events[:at]...)}
					if end != "" {
						s.events = append(s.events, end)
					}
					g := newRig(t, map[string]*script{"a": s})
					got := g.stream(t, t.Context(), rigRequest(t, answer.more))
					g.closed(t)

					sent := strings.Join(answer.events[:at], "")
					finished := strings.Count(sent, `"stop"`)
					choices := 1 + strings.Count(answer.more, `"n":2`)
					whole := finished == choices
					if choices == 2 && finished == 1 && end == "" && !strings.Contains(sent, `"index":1`) {
						// A clean end after the only choice that was begun: a server that knows no n.
						whole = true
					}
					// The rest of a whole answer may be lost, but for a broken client.
					if whole != (got.err == nil) {
						t.Fatalf("stream error = %v, want one only where a finish_reason is missing", got.err)
					}
					if said := strings.Count(strings.Join(got.chunks, ""), `"stop"`); said > finished {
						t.Errorf("the caller got %d finish reasons, the provider sent %d", said, finished)
					}
					rows := g.ledger.all()
					if len(rows) != 1 {
						t.Fatalf("%d rows, want 1: %+v", len(rows), rows)
					}
					row := rows[0]
					if (row.Outcome == OutcomeOK) != whole || (row.Code == "") != whole || (row.PremiumUse != 0) != whole {
						t.Errorf("row outcome %q, code %q, premium %d; want ok: %v", row.Outcome, row.Code, row.PremiumUse, whole)
					}
					content := strings.Count(sent, "four") + strings.Count(sent, "more") + strings.Count(sent, `"fo"`) + strings.Count(sent, `"mo"`)
					counted := strings.Count(sent, "prompt_tokens")
					switch {
					case content == 0 && counted == 0:
						wantPrompt := int64(0)
						if end == markTimeout {
							wantPrompt = rigPrompt
						}
						if row.Tokens != (Tokens{Prompt: wantPrompt}) {
							t.Errorf("tokens = %+v, want %d of prompt: nothing was produced", row.Tokens, wantPrompt)
						}
					case strings.HasSuffix(sent, usageOf(7, 5)) || strings.HasSuffix(sent, "[DONE]") || strings.HasSuffix(sent, usageOf(7, 5)+"]"):
						if row.Tokens != (Tokens{Prompt: 7, Completion: 5}) || row.Estimated {
							t.Errorf("tokens = %+v, estimated %v, want the provider's 7 and 5", row.Tokens, row.Estimated)
						}
					case counted > 0 && content > 0:
						if row.Tokens.Prompt != 7 || row.Tokens.Completion < 2 {
							t.Errorf("tokens = %+v, want the provider's 7 of prompt, and the output in some way", row.Tokens)
						}
					case content > 0:
						if row.Tokens.Prompt != rigPrompt || row.Tokens.Completion < 1 || !row.Estimated {
							t.Errorf("tokens = %+v, estimated %v, want an estimate of both", row.Tokens, row.Estimated)
						}
					}
					if want := row.Tokens.Prompt*promptPrice + row.Tokens.Completion*completionPrice; row.CostNanoUSD != want {
						t.Errorf("cost = %d, want %d", row.CostNanoUSD, want)
					}
				})
			}
		}
	}
}

// What a stream says of its usage, and what is recorded.
func TestStreamUsage(t *testing.T) {
	t.Parallel()
	u := func(usage string) string { return `{"choices":[],"usage":` + usage + `}` }
	eight := deltaOf(0, "12345678") // two tokens by the estimate
	tests := []struct {
		name          string
		events        []string
		want          Tokens
		wantEstimated bool
	}{
		{"counted once", []string{eight, finishOf(0), usageOf(9, 4)}, Tokens{Prompt: 9, Completion: 4}, false},
		{"cumulative: the last wins", []string{usageOf(9, 1), eight, usageOf(9, 3), finishOf(0), usageOf(9, 4)}, Tokens{Prompt: 9, Completion: 4}, false},
		{"the last wins also when it is lower", []string{eight, finishOf(0), usageOf(9, 40), usageOf(9, 4)}, Tokens{Prompt: 9, Completion: 4}, false},
		{"usage and finish in one chunk", []string{eight, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4}}`}, Tokens{Prompt: 9, Completion: 4}, false},
		{"missing", []string{eight, finishOf(0)}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"null", []string{eight, finishOf(0), u("null")}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"a text", []string{eight, finishOf(0), u(`"9 and 4"`)}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"an empty object", []string{eight, finishOf(0), u(`{}`)}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"texts in it", []string{eight, finishOf(0), u(`{"prompt_tokens":"9","completion_tokens":"4"}`)}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"explicit zeros stay", []string{eight, finishOf(0), usageOf(0, 0)}, Tokens{}, false},
		{"the completion is missing", []string{eight, finishOf(0), u(`{"prompt_tokens":9}`)}, Tokens{Prompt: 9, Completion: 2}, true},
		{"the prompt is missing", []string{eight, finishOf(0), u(`{"completion_tokens":4}`)}, Tokens{Prompt: rigPrompt, Completion: 4}, true},
		{"negative counts are none", []string{eight, finishOf(0), usageOf(-9, -4)}, Tokens{Prompt: rigPrompt, Completion: 2}, true},
		{"a negative count is none", []string{eight, finishOf(0), usageOf(9, -1)}, Tokens{Prompt: 9, Completion: 2}, true},
		{"beyond belief", []string{eight, finishOf(0), u(`{"prompt_tokens":1e18,"completion_tokens":4}`)}, Tokens{Prompt: maxTokens, Completion: 4}, true},
		{"whole numbers written as fractions", []string{eight, finishOf(0), u(`{"prompt_tokens":9.0,"completion_tokens":4e0}`)}, Tokens{Prompt: 9, Completion: 4}, false},
		{"fractions", []string{eight, finishOf(0), u(`{"prompt_tokens":9.5,"completion_tokens":4}`)}, Tokens{Prompt: 9, Completion: 4}, true},
		{"parts beyond the whole", []string{eight, finishOf(0), u(`{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":8},"completion_tokens_details":{"reasoning_tokens":99}}`)},
			Tokens{Prompt: 9, Cached: 8, CacheWrite: 1, Completion: 4, Reasoning: 4}, false},
		{"output after the last count", []string{usageOf(9, 0), eight, finishOf(0)}, Tokens{Prompt: 9, Completion: 2}, true},
		{"garbage after a count changes nothing", []string{eight, finishOf(0), usageOf(9, 4), u(`{"prompt_tokens":null}`)}, Tokens{Prompt: 9, Completion: 4}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {events: tt.events}})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			rows := g.ledger.all()
			if got.err != nil || len(rows) != 1 || rows[0].Outcome != OutcomeOK {
				t.Fatalf("stream = %v, rows = %+v, want one that is ok", got.err, rows)
			}
			if rows[0].Tokens != tt.want || rows[0].Estimated != tt.wantEstimated {
				t.Errorf("tokens = %+v, estimated %v, want %+v, %v", rows[0].Tokens, rows[0].Estimated, tt.want, tt.wantEstimated)
			}
			if strings.Contains(strings.Join(got.chunks, ""), "_tokens") {
				t.Errorf("the caller did not ask for usage and got it: %q", got.chunks)
			}
		})
	}
}

// What is counted of the prompt alone is for the row; a caller who asked for usage gets the
// whole of it, once.
func TestStreamUsageOfThePrompt(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{"a": {events: []string{
		`{"choices":[],"usage":{"prompt_tokens":9}}`, deltaOf(0, "12345678"),
		`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":9}}`, finishOf(0), usageOf(9, 4)}}})
	r := rigRequest(t, "")
	r.IncludeUsage = true
	got := g.stream(t, t.Context(), r)
	all := strings.Join(got.chunks, "\n")
	if got.err != nil || strings.Count(all, `"prompt_tokens"`) != 1 || !strings.Contains(got.chunks[len(got.chunks)-1], `"completion_tokens":4`) || !strings.Contains(all, `"usage":null`) {
		t.Errorf("chunks = %s, %v, want one usage, the whole, at the end", all, got.err)
	}
}

// A finish_reason is a text that says something; anything else leaves the choice open.
func TestStreamFinish(t *testing.T) {
	t.Parallel()
	finish := func(reason string) string {
		return `{"choices":[{"index":0,"delta":{},"finish_reason":` + reason + `}]}`
	}
	tests := []struct {
		name   string
		events []string
		want   Code
	}{
		{"stop", []string{deltaOf(0, "hi"), finish(`"stop"`)}, ""},
		{"an unknown reason is one", []string{deltaOf(0, "hi"), finish(`"eos"`)}, ""},
		{"null", []string{deltaOf(0, "hi"), finish(`null`)}, CodeUpstreamTruncated},
		{"an empty text", []string{deltaOf(0, "hi"), finish(`""`)}, CodeUpstreamTruncated},
		{"a number", []string{deltaOf(0, "hi"), finish(`1`)}, CodeUpstreamTruncated},
		{"only the terminator", []string{deltaOf(0, "hi"), "[DONE]"}, CodeUpstreamTruncated},
		{"one of two choices", []string{deltaOf(0, "hi"), deltaOf(1, "ho"), finishOf(0), "[DONE]"}, CodeUpstreamTruncated},
		{"nothing at all", nil, CodeUpstreamTruncated},
		{"no choices", []string{usageOf(1, 1), "[DONE]"}, CodeUpstreamTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {events: tt.events}})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			if code := CodeOf(got.err); code != tt.want {
				t.Errorf("stream = %v, want code %q", got.err, tt.want)
			}
			g.closed(t)
		})
	}
}

// What a provider does after the last finish_reason: late counters are waited for,
// but not for long, and not at the price of the answer.
func TestStreamTrailer(t *testing.T) {
	tests := []struct {
		name   string
		more   string
		events []string
		within time.Duration
		want   Tokens
		text   string
		err    Code
	}{
		{"the terminator, and an open connection", "", []string{deltaOf(0, "hi"), finishOf(0), usageOf(7, 5), "[DONE]", markStall}, 0, Tokens{Prompt: 7, Completion: 5}, "hi", ""},
		{"no terminator, and an open connection", "", []string{deltaOf(0, "hi"), finishOf(0), usageOf(7, 5), markStall}, time.Second, Tokens{Prompt: 7, Completion: 5}, "hi", ""},
		{"no usage either", "", []string{deltaOf(0, "hi"), finishOf(0), markStall}, 5 * time.Second, Tokens{Prompt: rigPrompt, Completion: 1}, "hi", ""},
		{"usage that comes late", "", []string{deltaOf(0, "hi"), finishOf(0), "3s later: " + usageOf(7, 5)}, 3 * time.Second, Tokens{Prompt: 7, Completion: 5}, "hi", ""},
		{"counters in several events", "", []string{deltaOf(0, "hi"), finishOf(0), usageOf(7, 3), usageOf(7, 4), usageOf(7, 5)}, 0, Tokens{Prompt: 7, Completion: 5}, "hi", ""},
		{"events without end", "", append([]string{deltaOf(0, "hi"), finishOf(0), usageOf(7, 5)}, repeated(`0.9s later: {"ping":1}`, 100)...), time.Second, Tokens{Prompt: 7, Completion: 5}, "hi", ""},
		{"a second choice that thinks for long", `,"n":2`, []string{deltaOf(0, "hi"), "[" + finishOf(0) + "," + usageOf(7, 3) + "]", "30s later: " + deltaOf(1, "ho"), finishOf(1), usageOf(7, 5)}, 30 * time.Second, Tokens{Prompt: 7, Completion: 5}, "hiho", ""},
		{"a second choice that is cut before it begins", `,"n":2`, []string{deltaOf(0, "hi"), finishOf(0), usageOf(7, 3), markCut}, 0, Tokens{Prompt: 7, Completion: 3}, "hi", CodeUpstreamTruncated},
		{"a choice that nobody asked for", "", []string{deltaOf(0, "hi"), "[" + finishOf(0) + "," + usageOf(7, 3) + "]", "0.5s later: " + deltaOf(1, "ho"), "2s later: " + finishOf(1), usageOf(7, 5)}, 2500 * time.Millisecond, Tokens{Prompt: 7, Completion: 5}, "hiho", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, map[string]*script{"a": {events: tt.events}})
				r := rigRequest(t, tt.more)
				began := time.Now()
				r.Stream = true
				s, _, err := g.Stream(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				got := read(t.Context(), s)
				took := time.Since(began)
				s.Close()
				synctest.Wait()
				if CodeOf(got.err) != tt.err || got.text() != tt.text {
					t.Errorf("stream = %q, %v, want %q, %q", got.text(), got.err, tt.text, tt.err)
				}
				if took > tt.within {
					t.Errorf("the stream's end took %v, want at most %v", took, tt.within)
				}
				if rows := g.ledger.all(); len(rows) != 1 || rows[0].Tokens != tt.want {
					t.Errorf("rows = %+v, want one with %+v", rows, tt.want)
				}
				g.closed(t)
			})
		})
	}
}

// How long a caller takes to be written to is none of the time that a provider has for the counts.
func TestStreamTrailerOfSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, map[string]*script{"a": {events: []string{deltaOf(0, "hi"), finishOf(0), "3s later: " + usageOf(7, 5)}}})
		r := rigRequest(t, "")
		r.Stream = true
		s, _, err := g.Stream(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		told, settled := 0, 0
		s.(Forewarner).BeforeWait(func() {
			told++
			settled = len(g.ledger.all())
			time.Sleep(20 * time.Second)
		})
		got := read(t.Context(), s)
		s.Close()
		synctest.Wait()
		if got.err != nil || got.text() != "hi" || told == 0 {
			t.Errorf("stream = %q, %v, told %d times, want %q and to be told", got.text(), got.err, told, "hi")
		}
		if rows := g.ledger.all(); len(rows) != 1 || rows[0].Tokens != (Tokens{Prompt: 7, Completion: 5}) {
			t.Errorf("rows = %+v, want the counts of the provider", rows)
		}
		// Before the finish, the counts, the end, and the row.
		if told != 4 || settled != 0 {
			t.Errorf("told %d times, the last with %d rows, want 4 with none", told, settled)
		}
		g.closed(t)
	})
}

func repeated(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

// A connection whose stream came to its proper end is free for the next request:
// nothing that the pipeline does may close it.
func TestStreamIsReadToItsEnd(t *testing.T) {
	for name, tail := range map[string][]string{
		"[DONE]":    {usageOf(7, 5), "[DONE]"},
		"the end":   {usageOf(7, 5)},
		"two after": {usageOf(7, 5), `{"type":"stop"}`, `{"type":"bye"}`},
		"no usage":  {"[DONE]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, map[string]*script{"a": {events: append([]string{deltaOf(0, "hi"), finishOf(0)}, tail...), pace: time.Millisecond}})
				got := g.stream(t, t.Context(), rigRequest(t, ""))
				synctest.Wait()
				if got.err != nil || g.drained != 1 {
					t.Errorf("stream = %v, drained %d, want it read to the end of its body", got.err, g.drained)
				}
				g.closed(t)
			})
		})
	}
}

// What the caller does, at every place of the stream.
func TestStreamCallerGone(t *testing.T) {
	events := []string{roleChunk, deltaOf(0, "four"), deltaOf(0, "more"), finishOf(0), usageOf(7, 5), "[DONE]"}
	for after := range 5 {
		for _, how := range []string{"close", "cancel", "cancel under Next", "close twice"} {
			t.Run(fmt.Sprintf("%s after %d chunks", how, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					act := &script{events: events}
					if how == "cancel under Next" && after >= 2 {
						act.events = append(append([]string(nil), events[:after]...), markStall)
					}
					g := newRig(t, map[string]*script{"a": act})
					r := rigRequest(t, "")
					r.Stream = true
					s, _, err := g.Stream(ctx, r)
					if err != nil {
						t.Fatal(err)
					}
					for range after {
						if _, err := s.Next(ctx); err != nil {
							break
						}
					}
					switch how {
					case "close twice":
						s.Close()
					case "cancel":
						cancel()
						_, err = s.Next(ctx)
					case "cancel under Next":
						time.AfterFunc(time.Minute, cancel)
						_, err = s.Next(ctx)
					}
					_ = err
					s.Close()
					synctest.Wait()
					rows := g.ledger.all()
					if len(rows) != 1 {
						t.Fatalf("%d rows, want 1: %+v", len(rows), rows)
					}
					g.closed(t)
					row := rows[0]
					if row.Tokens.Prompt == 0 || row.Tokens.Completion == 0 || row.CostNanoUSD == 0 || row.PremiumUse != 33 {
						t.Errorf("row = %+v, want the prompt, the output so far and the premium request billed", row)
					}
					if row.Code != "" && row.Code != CodeCanceled {
						t.Errorf("code = %q, want client_closed or none", row.Code)
					}
					if after == 4 && row.Outcome != OutcomeOK {
						t.Errorf("outcome = %q after the finish_reason was delivered, want ok", row.Outcome)
					}
					if after < 3 && row.Outcome != OutcomeCanceled {
						t.Errorf("outcome = %q, want canceled", row.Outcome)
					}
				})
			})
		}
	}
}

func read(ctx context.Context, s Stream) (got streamed) {
	for {
		chunk, err := s.Next(ctx)
		if err != nil {
			if err.Error() != "EOF" {
				got.err = err
			}
			return got
		}
		got.chunks = append(got.chunks, string(chunk))
	}
}

// A provider that never says anything, or says it in a thousand choices, ends before
// it fills the memory.
func TestStreamBounds(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 1000 {
		many = append(many, deltaOf(i, "x"))
	}
	tests := []struct {
		name   string
		events []string
	}{
		{"empty chunks", repeated(`{"padding":"`+strings.Repeat("x", 1000)+`","choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}`, 10_000)},
		{"choices", many},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {events: tt.events}})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			if CodeOf(got.err) != CodeUpstreamFailed || len(got.chunks) > 200 {
				t.Errorf("stream = %d chunks, %v, want it refused as upstream_error", len(got.chunks), got.err)
			}
			if rows := g.ledger.all(); len(rows) != 1 || rows[0].Outcome != OutcomeFailed {
				t.Errorf("rows = %+v, want one that failed", rows)
			}
			g.closed(t)
		})
	}
}

// One large event, or one of many chunks, is handed out whole, and its memory is not
// kept for the rest of the stream.
func TestStreamKeepsNoLargeBuffers(t *testing.T) {
	t.Parallel()
	large := deltaOf(0, strings.Repeat("x", 1<<20))
	many := "[" + strings.Join(repeated(deltaOf(0, "y"), 1000), ",") + "]"
	g := newRig(t, map[string]*script{"a": {events: []string{deltaOf(0, "a"), large, deltaOf(0, "b"), many, deltaOf(0, "c"), finishOf(0)}}})
	r := rigRequest(t, `,"stream":true`)
	s, _, err := g.Stream(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sizes := map[int]int{}
	for range 1003 {
		chunk, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes[len(chunk)]++
	}
	if got, err := s.Next(t.Context()); err != nil || !strings.Contains(string(got), `"c"`) {
		t.Errorf("Next after them = %s, %v, want c", got, err)
	}
	kept := 0
	for _, b := range s.(*chunkStream).queue[:cap(s.(*chunkStream).queue)] {
		kept += cap(b)
	}
	if kept > 64<<10 || len(sizes) != 2 {
		t.Errorf("%d bytes are kept after chunks of sizes %v, want at most 64 KiB", kept, sizes)
	}
}

// Content is whatever a delta says beyond its role: it opens the stream to the caller.
func TestStreamOpensWithContent(t *testing.T) {
	t.Parallel()
	for _, delta := range []string{
		`{"content":"x"}`, `{"refusal":"x"}`, `{"reasoning_content":"x"}`, `{"reasoning":"x"}`,
		`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}`,
		`{"audio":{"data":"x"}}`, `{"function_call":{"name":"f"}}`,
	} {
		t.Run(delta, func(t *testing.T) {
			t.Parallel()
			opening := `{"choices":[{"index":0,"delta":` + delta + `,"finish_reason":null}]}`
			g := newRig(t, map[string]*script{"a": {events: []string{roleChunk, opening, markCut}}, "b": {}})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			if got.early || len(got.chunks) != 2 || CodeOf(got.err) != CodeUpstreamTruncated {
				t.Errorf("stream = %q, %v (before it opened: %v), want two chunks and then the cut", got.chunks, got.err, got.early)
			}
			if rows := g.ledger.all(); len(rows) != 1 {
				t.Errorf("%d rows, want 1: nothing fails over after content", len(rows))
			}
		})
	}
	for _, delta := range []string{`{}`, `{"role":"assistant"}`, `{"role":"assistant","content":""}`, `{"content":null,"refusal":null}`, `{"tool_calls":[]}`} {
		t.Run(delta+" is none", func(t *testing.T) {
			t.Parallel()
			opening := `{"choices":[{"index":0,"delta":` + delta + `,"finish_reason":null}]}`
			g := newRig(t, map[string]*script{
				"a": {events: []string{opening, markCut}},
				"b": {events: []string{deltaOf(0, "from b"), finishOf(0)}},
			})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			if got.err != nil || got.text() != "from b" || got.meta.Model != "m-b" || len(g.ledger.all()) != 2 {
				t.Errorf("stream = %q by %s, %v, want b's answer in the second attempt", got.text(), got.meta.Model, got.err)
			}
		})
	}
}

// The model of every chunk is the caller's, and usage is where it was asked for.
func TestStreamChunks(t *testing.T) {
	t.Parallel()
	events := []string{
		`{"id":"1","model":"up","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`,
		`{"usage":{"prompt_tokens":7,"completion_tokens":2},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"model":"up"}`,
		`{"model":"up","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}`,
	}
	tests := []struct {
		name, more string
		want       []string
	}{
		{"not asked for usage", "", []string{
			`{"id":"1","model":"m-a","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"model":"m-a"}`,
		}},
		{"asked for usage", `,"stream":true,"stream_options":{"include_usage":true}`, []string{
			strings.Replace(events[0], "up", "m-a", 1), strings.Replace(events[1], "up", "m-a", 1), strings.Replace(events[2], "up", "m-a", 1),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {events: events}})
			got := g.stream(t, t.Context(), rigRequest(t, tt.more))
			if got.err != nil || strings.Join(got.chunks, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("chunks = %q, %v, want %q", got.chunks, got.err, tt.want)
			}
		})
	}
}

// What an adapter could not carry of the opening events is said in the headers, once.
func TestStreamLossy(t *testing.T) {
	t.Parallel()
	s := &script{events: []string{roleChunk, deltaOf(0, "x"), finishOf(0)}}
	s.request = func(context.Context) (AdapterRequest, error) {
		return AdapterRequest{Path: "/", Lossy: []string{"seed"}}, nil
	}
	s.event = func(_ context.Context, name string, data []byte) (AdapterReply, error) {
		if name != "" {
			return AdapterReply{}, nil
		}
		reply, err := translated(data)
		reply.Lossy = []string{"citations"}
		return reply, err
	}
	g := newRig(t, map[string]*script{"a": s})
	got := g.stream(t, t.Context(), rigRequest(t, ""))
	if strings.Join(got.meta.Lossy, ",") != "seed,citations" {
		t.Errorf("lossy = %q, want seed and citations", got.meta.Lossy)
	}
}
