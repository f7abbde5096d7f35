package engine

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// recordedAt has what a column of milliseconds loses.
var recordedAt = time.Date(2026, 11, 23, 9, 0, 0, 123_456_789, time.UTC)

// fullRecord has every member set.
func fullRecord() DecisionRecord {
	skip := Skip{What: "o1", Reason: SkipDown, Detail: "probe failed"}
	rules := RuleSetRef{Global: 3, Account: 12}
	return DecisionRecord{
		Detail: DecisionWithText,
		Inputs: DecisionInputs{
			RequestID: "req-1", At: recordedAt,
			Principal: Principal{AccountID: "acme", TeamID: "red", UserID: "ann", KeyID: "key-1", KeyName: "ann's", Role: RoleUser, Scopes: ScopeInference | ScopeRead},
			Operation: "chat", Wire: APIMessages, Stream: true, Model: "auto",
			Hints: Hints{SessionID: "s-1", TaskType: "summary", AgentID: "planner", TimeSensitive: true, Strict: true},
			Features: Features{
				Model: "gpt-4o", Chars: 5, Tokens: 2, Messages: 3, Images: 1, HasImage: true, HasAudio: true, HasTools: true, HasCode: true,
				Command: "/fast", TaskType: "other", TimeSensitive: true, Stream: true, Needs: []Capability{CapVision, CapTools},
			},
			Prefer: Prefer{Vision: true, Speed: true, Cost: true}, OwnOnly: true,
			Budget: BudgetLeft{Bounded: true, NanoUSD: 1_500_000_000, Fraction: 0.3, PreferCheaper: true},
			Session: Session{
				SessionKey: SessionKey{AccountID: "acme", UserID: "ann", ID: "s-1"}, Turns: 4, Model: "gpt-4o", Agent: "coder",
				CreatedAt: recordedAt.Add(-time.Hour).Truncate(time.Millisecond), UpdatedAt: recordedAt.Add(-time.Minute).Truncate(time.Millisecond),
				ExpiresAt: recordedAt.Add(NoteLifetime).Truncate(time.Millisecond),
			},
			States: []RecordedState{
				{"gpt-4o", ModelState{Health: "healthy", LatencyMS: 412, CostNanoUSD: 2_500_000, RemainingRequests: NoLimit, RemainingTokens: 0}},
				{"o1", ModelState{Health: "down", RemainingRequests: -3, RemainingTokens: 90_000}},
			},
			Found: []uint32{7, 1 << 31}, Searched: true,
			Text: "hello", Metadata: []byte(`{"a":"b"}`), Body: []byte(`{"model":"auto","messages":[{"role":"user","content":"hello"}]}`),
		},
		Rules: rules, Variant: "rollout-1",
		Decision: Decision{
			Source: "my-rule", Models: []string{"gpt-4o", "own-model"}, Only: true, Reason: "because", Tags: []Pair{{"team", "red"}},
			Params: []Pair{{"max_tokens", "100"}}, Skipped: []Skip{skip}, Fuel: 123_456,
			Plugins: []PluginCall{
				{RuleID: "guard", Plugin: "guard@1.0.0", Digest: "00ff12ab34cd56ef", Outcome: RuleAbstained, Fuel: 456, TookNS: 1_200},
				{RuleID: "my-rule", Plugin: "sticky@2.1.0", Digest: "ffffffffffffffff", Outcome: RuleMatched, Fuel: 123_000, TookNS: 31_000},
			}, Found: []uint32{7, 1 << 31}, Searched: true,
			Rules: rules, Variant: "rollout-1", Continue: true, Assignment: &Assignment{ID: "a-1", Allowed: []string{"gpt-4o"}},
		},
		Considered: []RecordedState{{"own-model", ModelState{Health: "degraded", LatencyMS: 9, CostNanoUSD: 1, RemainingRequests: 4, RemainingTokens: NoLimit}}},
		Targets:    []string{"gpt-4o", "own-model"}, Skips: []Skip{skip, {What: "gpt-4o", Reason: SkipFailed, Detail: "own-model"}},
		Served: "own-model", Provider: "openai", Attempts: 2, Code: CodeUpstreamTruncated, CostNanoUSD: 5_000_000, PremiumUse: 33,
		Tokens: Tokens{Prompt: 100, Cached: 50, CacheWrite: 3, CacheWrite1h: 2, Completion: 40, Reasoning: 10}, DecideUS: 42, LatencyMS: 1_234,
	}
}

// stored is the record's row as a store gives it back.
func stored(r *DecisionRecord) DecisionRow {
	row := EncodeDecision(nil, r)
	if r.Detail == DecisionWithText {
		row.Data = DeflateWritten(row.Data, AppendWritten(nil, &r.Inputs))
	}
	row.At = row.At.Truncate(time.Millisecond)
	return row
}

func TestDecisionIsReadAsItWasRecorded(t *testing.T) {
	t.Parallel()
	plain := fullRecord()
	plain.Detail = DecisionRecorded
	plain.Inputs.Text, plain.Inputs.Metadata, plain.Inputs.Body = "", nil, nil
	apart := plain
	apart.Decision.Skipped = []Skip{{What: "another", Reason: SkipRuleFailed}}
	bare := plain
	bare.Inputs.Metadata = []byte("{}")
	for name, want := range map[string]DecisionRecord{
		"every member":         fullRecord(),
		"without text":         plain,
		"skips of its own":     apart,
		"without metadata":     bare,
		"a skip on the way":    {Detail: DecisionRecorded, Inputs: DecisionInputs{At: recordedAt}, Skips: []Skip{{What: "o1", Reason: SkipDown}}},
		"nothing but the time": {Detail: DecisionRecorded, Inputs: DecisionInputs{At: recordedAt}},
		"states that are none": {Detail: DecisionRecorded, Inputs: DecisionInputs{At: recordedAt, States: []RecordedState{}}},
	} {
		row := stored(&want)
		got, err := row.Decode()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Decode() = %+v, %v\nwant %+v", name, got, err, want)
		}
	}
}

// Each member of a record is either stored or known not to be.
func TestDecisionForgetsNoMember(t *testing.T) {
	t.Parallel()
	full := fullRecord()
	for _, of := range []any{full, full.Inputs, full.Decision, full.Inputs.Hints, full.Inputs.Features, full.Inputs.Principal, full.Tokens, full.Inputs.States[0], full.Decision.Plugins[0]} {
		v := reflect.ValueOf(of)
		for i := range v.NumField() {
			name := v.Type().String() + "." + v.Type().Field(i).Name
			if v.Field(i).IsZero() && name != "engine.Features.Text" && name != "engine.Features.said" && name != "engine.Features.Metadata" {
				t.Errorf("%s is not set in fullRecord: no test would see it lost", name)
			}
		}
	}
}

func TestDecisionListsAreBounded(t *testing.T) {
	t.Parallel()
	r := DecisionRecord{Detail: DecisionRecorded, Inputs: DecisionInputs{At: recordedAt, Model: strings.Repeat("é", 1000)}}
	for i := range 1000 {
		r.Skips = append(r.Skips, Skip{What: fmt.Sprint("model-", i), Reason: SkipDown, Detail: strings.Repeat("x", 2000)})
		r.Decision.Models = append(r.Decision.Models, fmt.Sprint("model-", i))
		r.Inputs.States = append(r.Inputs.States, RecordedState{Model: fmt.Sprint("model-", i)})
		r.Inputs.Found = append(r.Inputs.Found, uint32(i))
	}
	r.Decision.Skipped = r.Skips
	row := stored(&r)
	got, err := row.Decode()
	if err != nil || len(got.Skips) != maxRecordedList || len(got.Inputs.States) != MaxRecordedStates || len(got.Inputs.Model) != maxRecordedWords || len(row.Data) > 128<<10 {
		t.Errorf("Decode() of %d bytes = %d skips, %d states, %d bytes of model, %v", len(row.Data), len(got.Skips), len(got.Inputs.States), len(got.Inputs.Model), err)
	}
}

func TestDecisionOfNoRecord(t *testing.T) {
	t.Parallel()
	r := fullRecord()
	row := stored(&r)
	whole := row.Data
	for n := range whole {
		row.Data = whole[:n]
		if _, err := row.Decode(); err == nil {
			t.Errorf("Decode() of the first %d of %d bytes = nil, want an error", n, len(whole))
		}
	}
	row.Data = append(bytes.Clone(whole), 0)
	if _, err := row.Decode(); err == nil {
		t.Error("Decode() of one byte too many = nil, want an error")
	}
	row.Data = append([]byte{decisionVersion + 1}, whole[1:]...)
	if _, err := row.Decode(); err != errDecisionVersion {
		t.Errorf("Decode() of a later version = %v, want %v", err, errDecisionVersion)
	}
	bomb := fullRecord()
	row = EncodeDecision(nil, &bomb)
	row.Data = DeflateWritten(row.Data, make([]byte, 1<<20))
	if _, err := row.Decode(); err != errDecisionData || len(row.Data) > MaxDecisionData {
		t.Errorf("Decode() of %d bytes that become 1 MiB = %v, want %v", len(row.Data), err, errDecisionData)
	}
}

// What versions wrote must stay readable, so that a list that changes needs another version.
func TestDecisionWordsAreThoseOfTheirVersion(t *testing.T) {
	t.Parallel()
	if decisionVersion != 2 || len(decisionWords) != 90 || decisionWords[89] != "rejected" || decisionWords[86] != "/automate" || decisionWords[30] != "gpt-4.1" || decisionWords[46] != "pinned" {
		t.Errorf("decisionWords of version %d are %d: a list that changes needs another version", decisionVersion, len(decisionWords))
	}
	for i, word := range decisionWords {
		if got, ok := wordNumber(word); !ok || got != i {
			t.Errorf("wordNumber(%q) = %d, %v, want %d", word, got, ok, i)
		}
	}
	if i, ok := wordNumber("gpt-4"); ok {
		t.Errorf("wordNumber(gpt-4) = %d, want none", i)
	}
}

// version1 is fullRecord without what people wrote, as version 1 stored it.
const version1 = "Af///wPV8BsUYW5uJ3MNAwFRBRxzdW1tYXJ5HHBsYW5uZXIdFG90aGVyCgQGAtECAklNgLzBlgs/0zMzMzMzMwgdFGNvZGVy/7m3A7+pB4CQ5MAEAh09uAbAlrECAAIIbzFFAAAFov4KAgAAAAeAAAAABhgCHSRvd24tbW9kZWwcYmVjYXVzZQEQdGVhbQxyZWQBvQIMMTAwgIkPDGEtMQEdAh0aAhZFMHByb2JlIGZhaWxlZB2pAhoBBELIAWQGBFAUVKQT"

func TestDecisionOfVersion1IsRead(t *testing.T) {
	t.Parallel()
	data, err := base64.StdEncoding.DecodeString(version1)
	if err != nil {
		t.Fatal(err)
	}
	want := fullRecord()
	want.Detail, want.Considered, want.Decision.Plugins = DecisionRecorded, nil, nil
	want.Inputs.Text, want.Inputs.Metadata, want.Inputs.Body = "", nil, nil
	row := stored(&want)
	row.Data = data
	got, err := row.Decode()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Decode() of version 1 = %+v, %v\nwant %+v", got, err, want)
	}
	data = bytes.Clone(data)
	data[4] |= 1 << 5 // a flag of version 2
	row.Data = data
	if _, err := row.Decode(); err == nil {
		t.Error("Decode() of version 1 with a flag of version 2 = nil, want an error")
	}
}

func FuzzDecodeDecision(f *testing.F) {
	r := fullRecord()
	f.Add(stored(&r).Data)
	r.Detail, r.Inputs.States = DecisionRecorded, nil
	f.Add(stored(&r).Data)
	f.Add([]byte{decisionVersion, 0})
	f.Add([]byte{decisionVersion1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		row := DecisionRow{AccountID: "a", RequestID: "r", At: recordedAt.Truncate(time.Millisecond), Data: data}
		first, err := row.Decode()
		if err != nil {
			return
		}
		again := stored(&first)
		second, err := again.Decode()
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("Decode(%x) = %+v\nagain = %+v, %v", data, first, second, err)
		}
	})
}

// usualRecord is one as the system rules make it.
func usualRecord(i int) DecisionRecord {
	id := func() string { return uuid.Must(uuid.NewV7()).String() }
	rule := []struct {
		source string
		models []string
		found  int
	}{
		{"default", nil, 0}, {"complex-reasoning", []string{"claude-opus-4.5", "gpt-5.2"}, 2}, {"quick-code-edits", []string{"claude-haiku-4.5"}, 1},
		{"screenshot-analysis", []string{"claude-opus-4.5", "gemini-2.5-pro"}, 1}, {"pinned", []string{"my-own-model"}, 0},
	}[i%5]
	r := DecisionRecord{
		Detail: DecisionRecorded,
		Inputs: DecisionInputs{
			RequestID: id(), At: recordedAt.Add(time.Duration(i) * 1_234_567),
			Principal: Principal{AccountID: "acme", TeamID: "platform", UserID: "ann@example.com", KeyID: id(), KeyName: "laptop", Role: RoleUser, Scopes: ScopeInference},
			Operation: "chat", Wire: APIChat, Stream: i%2 == 0, Model: "auto", Searched: true,
			Features: Features{Model: "auto", Chars: 40 * i, Tokens: int64(12 * i), Messages: i % 30, Stream: i%2 == 0},
			Prefer:   Prefer{Vision: true},
		},
		Rules:    RuleSetRef{Global: 1},
		Decision: Decision{Source: rule.source, Models: rule.models, Searched: true, Rules: RuleSetRef{Global: 1}},
		Targets:  append(rule.models[:len(rule.models):len(rule.models)], "gpt-4o", "gpt-5-mini"),
		Served:   "gpt-4o", Provider: "openai", Attempts: 1, CostNanoUSD: int64(i) * 71_234, Tokens: Tokens{Prompt: int64(13 * i), Completion: int64(7 * i)},
		DecideUS: 30, LatencyMS: int64(400 + i),
	}
	for n := range rule.found {
		r.Inputs.Found = append(r.Inputs.Found, uint32(n)<<30|12345)
	}
	if i%3 == 0 {
		r.Inputs.Hints.SessionID = id()
		r.Inputs.Session = Session{Turns: int64(i), Model: "gpt-4o", Agent: "laptop", CreatedAt: recordedAt, UpdatedAt: recordedAt, ExpiresAt: recordedAt.Add(NoteLifetime)}
	}
	if i%4 == 0 { // a rule or plugin that looks at every model
		for _, m := range []string{"gpt-4.1", "gpt-4o", "gpt-5-mini", "gpt-5", "claude-opus-4.5", "claude-sonnet-4", "gemini-2.5-pro", "gemini-3-flash-preview"} {
			r.Inputs.States = append(r.Inputs.States, RecordedState{m, ModelState{Health: "healthy", LatencyMS: 900, CostNanoUSD: 1_234_567, RemainingRequests: NoLimit, RemainingTokens: 90_000}})
		}
	}
	for _, m := range []string{"gpt-4o", "claude-opus-4.5", "gpt-5-mini"}[:1+i%3] {
		if r.Inputs.States == nil { // what the envelope looks at
			r.Considered = append(r.Considered, RecordedState{m, ModelState{Health: "healthy", LatencyMS: 900, CostNanoUSD: 1_234_567, RemainingRequests: 40, RemainingTokens: 90_000}})
		}
	}
	if i%5 == 2 { // rules with plugins
		r.Decision.Plugins = []PluginCall{
			{RuleID: "language-budget", Plugin: "go-language-budget@1.0.0", Digest: "00ff12ab34cd56ef", Outcome: RuleAbstained, Fuel: 4_567, TookNS: 3_210},
			{RuleID: "quick-code-edits", Plugin: "topic-router@1.12.3", Digest: "ff0012ab34cd56ef", Outcome: RuleMatched, Fuel: 14_567, TookNS: 13_210},
		}
	}
	if i%6 == 0 {
		r.Skips = []Skip{{"claude-opus-4.5", SkipNoCredential, "provider anthropic"}, {"gemini-2.5-pro", SkipCapability, "audio"}}
	}
	return r
}

func TestDecisionIsSmall(t *testing.T) {
	t.Parallel()
	bytes, most := 0, 0
	const records = 600
	for i := range records {
		r := usualRecord(i)
		row := stored(&r)
		bytes, most = bytes+len(row.Data), max(most, len(row.Data))
	}
	t.Logf("%d bytes on average, %d at most", bytes/records, most)
	if bytes/records > 200 {
		t.Errorf("Data takes %d bytes on average, want at most 200 beside the columns", bytes/records)
	}
}

func TestEncodeDecisionAllocatesNothing(t *testing.T) {
	r := usualRecord(12)
	buffer := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { EncodeDecision(buffer, &r) }); n != 0 {
		t.Errorf("EncodeDecision allocates %v times, want 0", n)
	}
}

func BenchmarkEncodeDecision(b *testing.B) {
	r := usualRecord(12)
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		EncodeDecision(buffer, &r)
	}
}

func BenchmarkDecodeDecision(b *testing.B) {
	r := usualRecord(12)
	row := stored(&r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := row.Decode(); err != nil {
			b.Fatal(err)
		}
	}
}
