package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// explainedWhole is what POST /api/v1/route/explain says of the rules and of every candidate.
type explainedWhole struct {
	Asked      string
	Rule       string
	Rules      []struct{ ID, Outcome, Clause string }
	Candidates []struct {
		Model, Provider string
		OfDefault       bool `json:"of_default"`
		Skip            *struct{ Reason, Detail string }
		Usual           int64 `json:"estimated_nano_usd"`
		Most            int64 `json:"estimated_most_nano_usd"`
	}
	Code string `json:"error_code"`
}

// lines are the explanation for a golden file.
func (e *explainedWhole) lines(b *strings.Builder) {
	fmt.Fprintf(b, "  asked %s, decided by %s%s\n", e.Asked, e.Rule, e.Code)
	for _, r := range e.Rules {
		fmt.Fprintf(b, "  rule %-24s %s", r.ID, r.Outcome)
		if r.Clause != "" {
			fmt.Fprintf(b, ": %s", strings.Join(strings.Fields(r.Clause), " "))
		}
		b.WriteByte('\n')
	}
	for _, c := range e.Candidates {
		fmt.Fprintf(b, "  model %s of %s, %d to %d nano-USD", c.Model, c.Provider, c.Usual, c.Most)
		if c.OfDefault {
			b.WriteString(", the default handler's")
		}
		if c.Skip != nil {
			fmt.Fprintf(b, ", not asked: %s %s", c.Skip.Reason, c.Skip.Detail)
		}
		b.WriteByte('\n')
	}
}

// What each record of the routing table is explained by is in a file, which
// `go test ./host -run TestExplanationsAreGolden -update` writes: every rule's part with the clause
// that did or did not hold, every candidate with its reason and its cost. The estimates are those of the seed's prices.
func TestExplanationsAreGolden(t *testing.T) {
	g := sharedGateway(t)
	table := routingTable()
	ids := make([]string, len(table))
	for i, tt := range table {
		ids[i] = g.do(http.MethodPost, "/v1/chat/completions", tt.body).Header.Get("x-request-id")
	}
	var b strings.Builder
	for i, tt := range table {
		g.decision(t, ids[i]) // which waits for the record
		a := g.want(http.StatusOK, http.MethodPost, "/api/v1/route/explain", map[string]any{"request_id": ids[i]})
		var e explainedWhole
		if err := json.Unmarshal(a.Body, &e); err != nil {
			t.Fatal(err)
		}
		if e.Rule != tt.wantRule || len(e.Candidates) == 0 || e.Candidates[0].Model != tt.wantModel {
			t.Errorf("%s: explained by %s with %+v, want %s to %s", tt.name, e.Rule, e.Candidates, tt.wantRule, tt.wantModel)
		}
		b.WriteString(tt.name + "\n")
		e.lines(&b)
	}
	const path = "testdata/explain.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(b.String())) {
		got, old := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
		for i := range got {
			if i >= len(old) || got[i] != old[i] {
				t.Fatalf("%s, line %d: the explanation is\n%s\nwant\n%s\nlook at it after -update", path, i+1, got[i], strings.Join(old[min(i, len(old)):min(i+1, len(old))], ""))
			}
		}
		t.Fatalf("%s has %d lines, want %d", path, len(old), len(got))
	}
}
