package plugins_test

import (
	"bytes"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// play feeds events to a session, at the end of the stream too if it ends in a way
// that the host can see, and gathers the replies. It stops at the first failure, as the host does.
func play(s session, events []event, end bool) reply {
	var all reply
	if end {
		events = append(events[:len(events):len(events)], event{name: abi.EventEOF})
	}
	for _, e := range events {
		r := s.event(e.name, e.data)
		all.chunks = append(all.chunks, r.chunks...)
		all.lossy = append(all.lossy, r.lossy...)
		if r.failed || r.err != nil {
			all.failed, all.class, all.afterMS, all.message, all.err = r.failed, r.class, r.afterMS, r.message, r.err
			return all
		}
	}
	return all
}

// checkCuts ends a stream after every byte of it. Whatever the cut: the adapter does
// not break, its chunks are a beginning of the whole stream's, and it finishes no
// answer that the provider has not finished.
//
// Between two event boundaries the host's input is the same for every cut, so the
// adapter runs once for each boundary; what a reader hands on that gives the torn
// rest as an event is tried at every byte.
func checkCuts(t *testing.T, r runner, s *suite, rec *recording) {
	t.Helper()
	whole := play(r.open(t, s, rec), rec.events(t, rec.body), false)
	f := newFramer(t, rec.framing)
	var events []event
	checkCut(t, r, s, rec, events, whole)
	for i, c := range rec.body {
		e, ok := f.next(c)
		if ok {
			events = append(events, e)
			checkCut(t, r, s, rec, events, whole)
		}
		if torn := f.torn(); torn != "" && (r.tearEvery == 1 || i%r.tearEvery == 0) {
			checkTorn(t, r, s, rec, events, event{data: torn})
		}
		if t.Failed() {
			t.Fatalf("%s, cut after byte %d of %d", rec.folder, i+1, len(rec.body))
		}
	}
	if got, want := len(events), len(rec.events(t, rec.body)); got != want {
		t.Errorf("%s has %d events byte by byte, %d at once", rec.folder, got, want)
	}
}

func checkCut(t *testing.T, r runner, s *suite, rec *recording, events []event, whole reply) {
	t.Helper()
	before := play(r.open(t, s, rec), events, false)
	after := play(r.open(t, s, rec), events, true)
	if after.err != nil {
		t.Errorf("%d events and the end: %v", len(events), after.err)
		return
	}
	if len(before.chunks) > len(whole.chunks) {
		t.Errorf("%d events give %d chunks, the whole stream %d", len(events), len(before.chunks), len(whole.chunks))
		return
	}
	for i, c := range before.chunks {
		if !bytes.Equal(c, whole.chunks[i]) {
			t.Errorf("chunk %d after %d events = %s, want %s", i, len(events), c, whole.chunks[i])
		}
	}
	if finishes(t, after.chunks) && !s.ended(t, rec, events) {
		t.Errorf("%d events and the end finish an answer that the provider did not: %s", len(events), after.chunks[len(after.chunks)-1])
	}
}

func checkTorn(t *testing.T, r runner, s *suite, rec *recording, events []event, torn event) {
	t.Helper()
	got := play(r.open(t, s, rec), append(events[:len(events):len(events)], torn), true)
	if got.err != nil {
		t.Errorf("%d events and the torn %q: %v", len(events), torn.data, got.err)
		return
	}
	if finishes(t, got.chunks) && !s.ended(t, rec, events) && !s.ended(t, rec, append(events[:len(events):len(events)], torn)) {
		t.Errorf("%d events and the torn %q finish an answer that the provider did not", len(events), torn.data)
	}
}

// finishes reports whether any chunk has a finish_reason.
func finishes(t testing.TB, chunks [][]byte) bool {
	t.Helper()
	for _, c := range chunks {
		if streamFacts(t, [][]byte{c}).Finish != "" {
			return true
		}
	}
	return false
}
