package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestLog(t *testing.T) {
	t.Parallel()
	s := start(t, Config{LogSize: 3})
	for i := range 10 {
		wires[0].ask(t, s, fmt.Sprintf("request %d", i), false)
	}
	rows := s.Log()
	if len(rows) != 3 {
		t.Fatalf("the log has %d rows, want 3", len(rows))
	}
	row := rows[2]
	want := Served{At: fixedNow, ID: row.ID, Provider: "openai", Model: "gpt-4o", Path: "/openai/v1/chat/completions",
		Credential: Digest(key), Headers: row.Headers, BodyBytes: row.BodyBytes, Status: 200, Chunks: 1, TextBytes: row.TextBytes,
		Prompt: tokens(len("Be brief.request 9")), Completion: tokens(row.TextBytes), Outcome: OutcomeOK}
	if fmt.Sprint(row) != fmt.Sprint(want) {
		t.Errorf("row = %+v, want %+v", row, want)
	}
	if body, _ := json.Marshal(chatBody("gpt-4o", "request 9", false)); row.BodyBytes != len(body) {
		t.Errorf("body bytes = %d, want %d", row.BodyBytes, len(body))
	}
	if !slices.Contains(row.Headers, "authorization") || !slices.IsSorted(row.Headers) {
		t.Errorf("headers = %v, want the names, sorted", row.Headers)
	}
	if all, _ := json.Marshal(rows); strings.Contains(string(all), key) {
		t.Errorf("the log holds the key: %s", all)
	}
	if rows, err := s.Wait(deadline(t), 10); err != nil || len(rows) != 3 {
		t.Errorf("Wait(10) = %d rows, %v, want 3", len(rows), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Wait(ctx, 11); err != context.Canceled {
		t.Errorf("Wait(11) = %v, want %v", err, context.Canceled)
	}
	s.ClearLog()
	if rows := s.Log(); len(rows) != 0 {
		t.Errorf("after ClearLog the log has %d rows", len(rows))
	}
	s.KeepBodies()
	wires[0].ask(t, s, "a kept request", false)
	if rows := s.Log(); len(rows) != 1 || !strings.Contains(string(rows[0].Body), "a kept request") {
		t.Errorf("after KeepBodies the log has %+v, want the body", rows)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	call := func(method, path, body string) replied {
		return do(t, context.Background(), s, method, "/_simulator"+path, body, "")
	}
	for _, bad := range []string{"", "x", `{"status":"x"}`, `{"unknown":1}`, `[{"status":500},{"no":1}]`} {
		if r := call(http.MethodPost, "/faults", bad); r.status != 400 {
			t.Errorf("POST faults %q = %d, want 400", bad, r.status)
		}
	}
	if left := s.Scripted(); len(left) != 0 {
		t.Errorf("bad scripts left %+v", left)
	}
	for _, good := range []string{`{"provider":"openai","status":500}`, ` [{"status":501},{"status":502,"count":2}]`} {
		if r := call(http.MethodPost, "/faults", good); r.status != 204 {
			t.Errorf("POST faults %q = %d %s, want 204", good, r.status, r.body)
		}
	}
	if r := call(http.MethodGet, "/faults", ""); !strings.HasPrefix(r.body, `{"data":[{"provider":"openai","status":500},`) {
		t.Errorf("GET faults = %s", r.body)
	}
	for _, want := range []int{500, 501, 502} {
		if r := wires[0].ask(t, s, "hi", false); r.status != want {
			t.Errorf("a scripted request = %d, want %d", r.status, want)
		}
	}
	if r := call(http.MethodDelete, "/faults", ""); r.status != 204 || len(s.Scripted()) != 0 {
		t.Errorf("DELETE faults = %d, %d left", r.status, len(s.Scripted()))
	}
	var log struct{ Data []Served }
	if err := json.Unmarshal([]byte(call(http.MethodGet, "/log", "").body), &log); err != nil || len(log.Data) != 3 || log.Data[2].Status != 502 {
		t.Errorf("GET log = %+v, %v, want 3 rows", log.Data, err)
	}
	ended := make(chan replied, 1)
	go func() { ended <- wires[0].ask(t, s, "[[simulate stall=headers]]", false) }()
	waitForStall(t, s)
	for r := (replied{}); r.status != 200; {
		if got := call(http.MethodPost, "/release", ""); got.status != 204 {
			t.Fatalf("POST release = %d, want 204", got.status)
		}
		select {
		case r = <-ended:
		default:
		}
	}
	if r := call(http.MethodDelete, "/log", ""); r.status != 204 || len(s.Log()) != 0 {
		t.Errorf("DELETE log = %d, %d rows left", r.status, len(s.Log()))
	}
}

// Many clients at once: the log has each request once, and scripted faults hit as
// many as they say.
func TestHammer(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	s.Script(Fault{Provider: "anthropic", Count: 20, Status: 529}, Fault{Provider: "google", Count: 10, Cut: 1})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 20 {
				w := wires[(worker+i)%len(wires)]
				w.ask(t, s, fmt.Sprintf("%d-%d", worker, i), i%2 == 0)
				s.Scripted()
				s.Log()
				s.Release()
			}
		})
	}
	wg.Wait()
	rows, err := s.Wait(deadline(t), 160)
	if err != nil || len(rows) != 160 {
		t.Fatalf("the log has %d rows, %v, want 160", len(rows), err)
	}
	outcomes, ids := map[string]int{}, map[string]bool{}
	for _, row := range rows {
		outcomes[row.Outcome]++
		if row.ID != "" && ids[row.ID] {
			t.Errorf("the id %s was given twice", row.ID)
		}
		ids[row.ID] = true
	}
	if outcomes[OutcomeRefused] != 20 || outcomes[OutcomeCut] != 10 || outcomes[OutcomeOK] != 130 {
		t.Errorf("outcomes = %v, want 20 refused, 10 cut, 130 ok", outcomes)
	}
}
