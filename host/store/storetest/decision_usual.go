package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// UsualDecisions returns n rows as the system rules make them: five kinds of decisions, some of
// them in sessions, some with what was passed over, some by rules that look at every model.
func UsualDecisions(n int) []engine.DecisionRow {
	kinds := []struct {
		source string
		models []string
		found  int
	}{
		{"default", nil, 0}, {"complex-reasoning", []string{"claude-opus-4.5", "gpt-5.2"}, 2}, {"quick-code-edits", []string{"claude-haiku-4.5"}, 1},
		{"screenshot-analysis", []string{"claude-opus-4.5", "gemini-2.5-pro"}, 1}, {"pinned", []string{"our-own-model"}, 0},
	}
	id := func() string { return uuid.Must(uuid.NewV7()).String() }
	keys, sessions := []string{id(), id(), id()}, []string{id(), id(), id(), id()}
	rows := make([]engine.DecisionRow, n)
	for i := range rows {
		kind := kinds[i%len(kinds)]
		r := engine.DecisionRecord{
			Detail: engine.DecisionRecorded,
			Inputs: engine.DecisionInputs{
				RequestID: id(), At: at(0).Add(time.Duration(i) * 7_654_321),
				Principal: engine.Principal{
					AccountID: "acme", TeamID: "platform", UserID: fmt.Sprintf("user-%d@example.com", i%50), KeyID: keys[i%3], KeyName: "laptop", Role: engine.RoleUser,
					Scopes: engine.ScopeInference,
				},
				Operation: "chat", Wire: engine.APIChat, Stream: i%2 == 0, Model: "auto", Searched: true, Metadata: []byte("{}"),
				Features: engine.Features{Model: "auto", Chars: 40 * (i % 900), Tokens: int64(12 * (i % 9_000)), Messages: i % 30, Stream: i%2 == 0},
				Prefer:   engine.Prefer{Vision: true}, Budget: engine.BudgetLeft{Bounded: i%2 == 0, NanoUSD: int64(i) * 987_654, Fraction: 0.4},
			},
			Rules:    engine.RuleSetRef{Global: 3, Account: 17},
			Decision: engine.Decision{Source: kind.source, Models: kind.models},
			Targets:  append(kind.models[:len(kind.models):len(kind.models)], "gpt-4o", "gpt-5-mini"),
			Served:   "gpt-4o", Provider: "openai", Attempts: 1, CostNanoUSD: int64(i) * 71_234,
			Tokens: engine.Tokens{Prompt: int64(13 * (i % 9_000)), Completion: int64(7 * (i % 900))}, DecideUS: 30, LatencyMS: int64(400 + i%5_000),
		}
		for k := range kind.found {
			r.Inputs.Found = append(r.Inputs.Found, uint32(k)<<30|12_345)
		}
		if i%3 == 0 {
			r.Inputs.Hints.SessionID = sessions[i%4]
			r.Inputs.Session = engine.Session{Turns: int64(i%40 + 1), Model: "gpt-4o", Agent: "laptop", CreatedAt: at(0), UpdatedAt: at(0), ExpiresAt: at(0).Add(engine.NoteLifetime)}
		}
		if i%4 == 0 {
			for _, m := range []string{"gpt-4.1", "gpt-4o", "gpt-5-mini", "gpt-5", "claude-opus-4.5", "claude-sonnet-4", "gemini-2.5-pro", "gemini-3-flash-preview"} {
				r.Inputs.States = append(r.Inputs.States, engine.RecordedState{Model: m, ModelState: engine.ModelState{
					Health: "healthy", LatencyMS: 900, CostNanoUSD: 1_234_567, RemainingRequests: engine.NoLimit, RemainingTokens: 90_000,
				}})
			}
		}
		if i%6 == 0 {
			r.Skips = []engine.Skip{{What: "claude-opus-4.5", Reason: engine.SkipNoCredential, Detail: "provider anthropic"}, {What: "o1", Reason: engine.SkipCapability, Detail: "audio"}}
		}
		rows[i] = engine.EncodeDecision(nil, &r)
	}
	return rows
}
