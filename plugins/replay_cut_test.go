package plugins_test

import (
	"bytes"
	"encoding/json"
	"testing"
)

// checkCuts ends a stream after every byte of it. Whatever the cut: the adapter does
// not break, its chunks are a beginning of the whole stream's, and it finishes no
// answer that the provider has not finished.
//
// Between two event boundaries the host's input is the same for every cut, so the
// adapter runs once for each boundary; what a reader hands on that gives the torn
// rest as an event is tried at every byte.
func checkCuts(t *testing.T, r runner, s *suite, rec *recording) {
	t.Helper()
	whole := r.play(t, s, rec, rec.events(t, rec.body)...)
	f := newFramer(t, rec.framing)
	var events []event
	sure := checkCut(t, r, s, rec, events, whole)
	for i, c := range rec.body {
		e, ok := f.next(c)
		if ok {
			events = append(events, e)
			sure = checkCut(t, r, s, rec, events, whole)
		}
		if torn := f.torn(); torn != "" && (r.tearEvery == 1 || i%r.tearEvery == 0) {
			checkTorn(t, r, s, rec, events, event{data: torn}, sure)
		}
		if t.Failed() {
			t.Fatalf("%s, cut after byte %d of %d", rec.folder, i+1, len(rec.body))
		}
	}
	if got, want := len(events), len(rec.events(t, rec.body)); got != want {
		t.Errorf("%s has %d events byte by byte, %d at once", rec.folder, got, want)
	}
}

// checkCut ends the stream after these events. It returns how many chunks they give.
func checkCut(t *testing.T, r runner, s *suite, rec *recording, events []event, whole reply) int {
	t.Helper()
	before := r.play(t, s, rec, events...)
	after := r.play(t, s, rec, with(events, eof)...)
	if after.err != nil {
		t.Errorf("%d events and the end: %v", len(events), after.err)
		return 0
	}
	if len(before.chunks) > len(whole.chunks) {
		t.Errorf("%d events give %d chunks, the whole stream %d", len(events), len(before.chunks), len(whole.chunks))
		return 0
	}
	for i, c := range before.chunks {
		if !bytes.Equal(c, whole.chunks[i]) {
			t.Errorf("chunk %d after %d events = %s, want %s", i, len(events), c, whole.chunks[i])
		}
	}
	if finishes(t, after.chunks) && !s.ended(t, rec, events) {
		t.Errorf("%d events and the end finish an answer that the provider did not: %s", len(events), after.chunks[len(after.chunks)-1])
	}
	return len(before.chunks)
}

// checkTorn adds a torn event. The first sure chunks are those of the events before.
func checkTorn(t *testing.T, r runner, s *suite, rec *recording, events []event, torn event, sure int) {
	t.Helper()
	got := r.play(t, s, rec, with(events, torn, eof)...)
	if got.err != nil {
		t.Errorf("%d events and the torn %q: %v", len(events), torn.data, got.err)
		return
	}
	if len(got.chunks) < sure {
		t.Errorf("%d events and the torn %q give %d chunks, the events alone %d", len(events), torn.data, len(got.chunks), sure)
		return
	}
	all := with(events, torn)
	if len(got.chunks) > sure && finishes(t, got.chunks[sure:]) && !s.ended(t, rec, all) {
		t.Errorf("%d events and the torn %q finish an answer that the provider did not", len(events), torn.data)
	}
}

// with returns the events and more, in a slice of its own.
func with(events []event, more ...event) []event {
	return append(events[:len(events):len(events)], more...)
}

// finishes reports whether any chunk has a finish_reason.
func finishes(t testing.TB, chunks [][]byte) bool {
	t.Helper()
	for _, c := range chunks {
		var chunk struct {
			Choices []struct {
				Finish *string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal(c, &chunk); err != nil {
			t.Fatalf("not a chunk: %v in %s", err, c)
		}
		for _, choice := range chunk.Choices {
			if choice.Finish != nil {
				return true
			}
		}
	}
	return false
}
