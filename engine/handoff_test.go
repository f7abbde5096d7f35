package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// madeSessions are sessions as a test made them; it remembers what it is told.
type madeSessions struct {
	session Session
	notes   []Note

	mu    sync.Mutex
	begun []SessionKey
	read  int // of notes
	turns []Turn
}

func (m *madeSessions) Begin(_ context.Context, k SessionKey, _ time.Time) Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = append(m.begun, k)
	return m.session
}

func (m *madeSessions) Notes(context.Context, SessionKey, time.Time) []Note {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read++
	return m.notes
}

func (m *madeSessions) Served(t Turn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turns = append(m.turns, t)
}

const inSession = `,"metadata":{"session_id":"s-1","agent_id":"planner"}`

// at is a session whose last turn that model served for that agent.
func at(model, agent string) *madeSessions {
	m := &madeSessions{}
	if model != "" {
		m.session = Session{SessionKey: SessionKey{"acme", "u", "s-1"}, Turns: 3, Model: model, Agent: agent}
	}
	return m
}

// noting has each script remember what it is sent.
func noting(g *rig) func(provider string) []string {
	var mu sync.Mutex
	sent := map[string][]string{}
	for id, s := range g.scripts {
		s.onOpen = func(a AdapterAttempt) {
			mu.Lock()
			defer mu.Unlock()
			sent[id] = append(sent[id], string(a.Request.Raw()))
		}
	}
	return func(provider string) []string {
		mu.Lock()
		defer mu.Unlock()
		return sent[provider]
	}
}

// What a turn does to its session: who serves it, who gets the notes, what is written down.
func TestTurnOfASession(t *testing.T) {
	t.Parallel()
	fails := func() *script { return &script{status: 503} }
	a, b := func() *script { return works("from a") }, func() *script { return works("from b") }
	tests := []struct {
		name       string
		sessions   *madeSessions
		a, b       *script
		wantModel  string
		wantNotes  string // the providers that got the notes
		wantReason HandoffReason
		wantDetail string
		wantKinds  []NoteType // of the gateway's notes
	}{
		{name: "the first turn", sessions: at("", ""), a: a(), b: b(), wantModel: "m-a"},
		{name: "the first turn fails over", sessions: at("", ""), a: fails(), b: b(), wantModel: "m-b"},
		{name: "the session's own model", sessions: at("m-a", "planner"), a: a(), b: b(), wantModel: "m-a"},
		{name: "another model by the rules", sessions: at("m-z", "planner"), a: a(), b: b(), wantModel: "m-a", wantNotes: "a",
			wantReason: HandoffRouting, wantDetail: "in-order", wantKinds: []NoteType{NoteHandoff}},
		{name: "failover from the session's model", sessions: at("m-a", "planner"), a: fails(), b: b(), wantModel: "m-b", wantNotes: "b",
			wantReason: HandoffFailover, wantDetail: "m-a failed (a 503 overloaded)", wantKinds: []NoteType{NoteHandoff, NoteError}},
		{name: "failover from another one", sessions: at("m-z", "planner"), a: fails(), b: b(), wantModel: "m-b", wantNotes: "ab",
			wantReason: HandoffFailover, wantDetail: "m-a failed (a 503 overloaded)", wantKinds: []NoteType{NoteHandoff, NoteError}},
		{name: "failover back to the session's own", sessions: at("m-b", "planner"), a: fails(), b: b(), wantModel: "m-b", wantNotes: "a"},
		{name: "another agent", sessions: at("m-a", "critic"), a: a(), b: b(), wantModel: "m-a", wantNotes: "a",
			wantReason: HandoffAgent, wantDetail: "in-order", wantKinds: []NoteType{NoteHandoff}},
		{name: "another agent and model", sessions: at("m-b", "critic"), a: a(), b: b(), wantModel: "m-a", wantNotes: "a",
			wantReason: HandoffRouting, wantDetail: "in-order", wantKinds: []NoteType{NoteHandoff}},
		{name: "nobody serves", sessions: at("m-z", "planner"), a: fails(), b: fails(), wantNotes: "ab"},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				t.Parallel()
				one, two, sessions := *tt.a, *tt.b, &madeSessions{session: tt.sessions.session}
				sessions.notes = []Note{{ID: "n1", Type: NoteContext, Text: "the customer is called Ada", Agent: "critic", CreatedAt: rigTime}}
				g := newRig(t, map[string]*script{"a": &one, "b": &two})
				g.cfg.Sessions = sessions
				sent := noting(g)
				text, meta, err := g.run(t, t.Context(), rigRequest(t, inSession), stream)
				g.closed(t)
				if meta.Model != tt.wantModel || (err == nil) != (tt.wantModel != "") {
					t.Fatalf("served by %q, %v, want %q", meta.Model, err, tt.wantModel)
				}
				for _, id := range []string{"a", "b"} {
					got := strings.Contains(strings.Join(sent(id), " "), "the customer is called Ada")
					if want := strings.Contains(tt.wantNotes, id); got != want {
						t.Errorf("%s got the notes: %v, want %v (%s)", id, got, want, sent(id))
					}
				}
				if strings.Contains(text+meta.Decision, "Ada") || strings.Contains(text, "session_notes") {
					t.Errorf("the caller sees the notes: %q, %q", text, meta.Decision)
				}
				if wantRead := min(len(tt.wantNotes), 1); sessions.read != wantRead {
					t.Errorf("the notes were read %d times, want %d", sessions.read, wantRead)
				}
				key := SessionKey{"acme", "u", "s-1"}
				if !slices.Equal(sessions.begun, []SessionKey{key}) {
					t.Errorf("begun = %v, want %v once", sessions.begun, key)
				}
				if tt.wantModel == "" {
					if len(sessions.turns) != 0 {
						t.Errorf("turns = %+v, want none: nobody answered", sessions.turns)
					}
					return
				}
				if len(sessions.turns) != 1 {
					t.Fatalf("turns = %+v, want one", sessions.turns)
				}
				turn := sessions.turns[0]
				if turn.SessionKey != key || turn.Model != tt.wantModel || turn.Agent != "planner" || turn.Again || !turn.At.Equal(rigTime) {
					t.Errorf("turn = %+v, want one of %v by %s", turn, key, tt.wantModel)
				}
				if tt.wantReason == "" {
					if turn.Handoff != nil || turn.Notes != nil {
						t.Errorf("handoff = %+v with %+v, want none", turn.Handoff, turn.Notes)
					}
					return
				}
				h := turn.Handoff
				if h == nil {
					t.Fatalf("no handoff, want one by %s", tt.wantReason)
				}
				if h.Reason != tt.wantReason || h.Detail != tt.wantDetail || h.FromModel != tt.sessions.session.Model || h.ToModel != tt.wantModel ||
					h.FromAgent != tt.sessions.session.Agent || h.ToAgent != "planner" || h.SessionKey != key || h.RequestID != "req-1" || h.Notes != 1 ||
					!h.CreatedAt.Equal(rigTime) || h.ID == "" {
					t.Errorf("handoff = %+v, want %s to %s with 1 note: %s", h, tt.wantReason, tt.wantModel, tt.wantDetail)
				}
				var kinds []NoteType
				for _, n := range turn.Notes {
					kinds = append(kinds, n.Type)
					if n.SessionKey != key || n.ID == "" || n.Text == "" || n.Agent != "" || !n.ExpiresAt.Equal(rigTime.Add(NoteLifetime)) {
						t.Errorf("note = %+v, want one of the session's for 7 days", n)
					}
				}
				if !slices.Equal(kinds, tt.wantKinds) {
					t.Errorf("notes = %v, want %v", kinds, tt.wantKinds)
				}
			})
		}
	}
}

// A caller who goes to and fro between models of its own choice is told nothing by the
// gateway alone: the block would only cost it the provider's cache of the conversation.
func TestNotesOfAPin(t *testing.T) {
	t.Parallel()
	own, others := noteOf("1", NoteHandoff, "", "own words"), noteOf("2", NoteContext, "critic", "other words")
	tests := []struct {
		name  string
		model string
		notes []Note
		down  bool
		want  bool
	}{
		{"a pin, the gateway's own", "m-b", []Note{own}, false, false},
		{"a pin, somebody's too", "m-b", []Note{own, others}, false, true},
		{"a pin that fails over", "m-a", []Note{own}, true, true},
		{"the rules, the gateway's own", ModelAuto, []Note{own}, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions, a := at("m-z", "planner"), works("from a")
			sessions.notes = tt.notes
			if tt.down {
				a = &script{status: 503}
			}
			g := newRig(t, map[string]*script{"a": a, "b": works("from b")})
			g.cfg.Sessions = sessions
			sent := noting(g)
			r := rigRequest(t, inSession+`,"models":["m-b"]`)
			r.Model = tt.model
			got, err := g.Complete(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			all := sent(strings.TrimPrefix(got.Meta.Model, "m-"))
			if got := strings.Contains(strings.Join(all, ""), "own words"); got != tt.want || len(sessions.turns) != 1 || sessions.turns[0].Handoff == nil {
				t.Errorf("sent %v, turns %+v, want the notes told %v, and a handoff", all, sessions.turns, tt.want)
			}
		})
	}
}

// What is not part of a conversation, or names none, leaves no trace and asks for nothing.
func TestNoSession(t *testing.T) {
	t.Parallel()
	sessions := at("m-z", "planner")
	g := newRig(t, map[string]*script{"a": works("from a")})
	g.cfg.Sessions = sessions
	if _, _, err := g.run(t, t.Context(), rigRequest(t, `,"user":"s-1"`), false); err != nil {
		t.Fatal(err)
	}
	if len(sessions.begun)+sessions.read+len(sessions.turns) != 0 {
		t.Errorf("sessions were asked: %+v", sessions)
	}
}

// A request without a session allocates no more where sessions are kept track of.
func TestNoSessionAllocates(t *testing.T) {
	g := newRig(t, map[string]*script{"a": works("from a")})
	r := rigRequest(t, "")
	begin := func() {
		if _, err := g.begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	without := testing.AllocsPerRun(100, begin)
	g.cfg.Sessions = at("m-z", "")
	if with := testing.AllocsPerRun(100, begin); with != without {
		t.Errorf("begin allocates %v times with sessions, want %v as without", with, without)
	}
}

// Counting asks for the body that a chat would send, and is no turn.
func TestCountIsNoTurn(t *testing.T) {
	t.Parallel()
	sessions := at("m-z", "planner")
	sessions.notes = []Note{{ID: "n1", Type: NoteContext, Text: "called Ada", CreatedAt: rigTime}}
	g := newRig(t, map[string]*script{"a": {body: `{"input_tokens":5}`}})
	g.cfg.Sessions = sessions
	sent := noting(g)
	r := rigRequest(t, inSession)
	r.Operation = "count_tokens"
	if _, err := g.Complete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sent("a"), ""); !strings.Contains(got, "called Ada") || len(sessions.turns) != 0 {
		t.Errorf("the count was of %s with turns %v, want the notes in it and no turn", got, sessions.turns)
	}
}

// The prompt's estimate has the notes in it, when the provider does not count.
func TestNotesAreCounted(t *testing.T) {
	t.Parallel()
	sessions := at("m-z", "planner")
	sessions.notes = []Note{{ID: "n1", Type: NoteContext, Text: strings.Repeat("long ", 100), CreatedAt: rigTime}}
	g := newRig(t, map[string]*script{"a": {body: answerOf("hi", "")}})
	g.cfg.Sessions = sessions
	if _, _, err := g.run(t, t.Context(), rigRequest(t, inSession), false); err != nil {
		t.Fatal(err)
	}
	block, _ := sessionNotes(sessions.notes, HandoffTokens)
	if got, want := g.ledger.all()[0].Tokens.Prompt, rigPrompt+estimateTokens(int64(len(block))); got != want {
		t.Errorf("prompt = %d tokens, want %d", got, want)
	}
}

// Whose summary a handoff has, and what is kept where no text may be.
func TestHandoffSummary(t *testing.T) {
	t.Parallel()
	message := func(role, text string) string {
		return `{"role":"` + role + `","content":` + string(document.AppendString(nil, text)) + `}`
	}
	history := message("system", "Be brief.") + "," + message("user", "What is the \x1b[31mtide?") + "," + message("assistant", "The moon's pull.") + "," + message("user", "thanks")
	long := strings.Repeat("é", 600)
	tests := []struct {
		name     string
		messages string
		notes    []Note
		keepNone bool
		want     string
		wantNote bool // the gateway's note has the exchange
	}{
		{name: "the last exchange", messages: history, want: "User: What is the [31mtide?\nAssistant: The moon's pull.", wantNote: true},
		{name: "the newest summary note", messages: history, notes: []Note{{ID: "3", Type: NoteContext, Text: "c"}, {ID: "2", Type: NoteSummary, Text: "new"}, {ID: "1", Type: NoteSummary, Text: "old"}}, want: "new"},
		{name: "a long summary", messages: history, notes: []Note{{ID: "2", Type: NoteSummary, Text: long}}, want: strings.Repeat("é", 499) + "…"},
		{name: "a long exchange", messages: message("user", long) + "," + message("assistant", long) + "," + message("user", "x"), want: "User: " + strings.Repeat("é", 199) + "…\nAssistant: " + strings.Repeat("é", 500-6-200-12-1) + "…", wantNote: true},
		{name: "no answer yet", messages: message("user", "first"), want: "User: first", wantNote: true},
		{name: "a call between", messages: message("user", "weather?") + `,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"rain"},` + message("assistant", "It rains."), want: "User: weather?\nAssistant: It rains.", wantNote: true},
		{name: "reminders are not said", messages: message("user", "<system-reminder>secret</system-reminder>hello") + "," + message("assistant", "yes"), want: "User: hello\nAssistant: yes", wantNote: true},
		{name: "no text is kept", messages: history, notes: []Note{{ID: "2", Type: NoteSummary, Text: "new"}}, keepNone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions := at("m-z", "planner")
			sessions.notes = tt.notes
			g := newRig(t, map[string]*script{"a": works("from a")})
			g.cfg.Sessions = sessions
			model, _ := g.catalogue.Load().Model("", "m-a")
			model.Capabilities = []Capability{CapTools}
			g.catalogue.Store(NewCatalogue([]Model{model}, []Provider{{ID: "a", Adapter: "a", Enabled: true}}, []Price{{ProviderID: "a", UpstreamID: "up-a", Input: 1}}))
			if tt.keepNone {
				no := false
				policies := NewPolicies([]Preferences{{Tenant: Tenant{AccountID: "acme"}, StoreText: &no}}, nil, nil)
				g.cfg.Policies = func() *Policies { return policies }
			}
			doc, err := ParseChat([]byte(`{"model":"auto","messages":[` + tt.messages + `]` + inSession + `}`))
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewRequest(doc, Arrival{ID: "req-1", Principal: Principal{AccountID: "acme", UserID: "u"}, Received: rigTime})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Complete(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			turn := sessions.turns[0]
			if turn.Handoff.Summary != tt.want {
				t.Errorf("summary = %q, want %q", turn.Handoff.Summary, tt.want)
			}
			if got := strings.Contains(turn.Notes[0].Text, "\n"+tt.want); got != tt.wantNote {
				t.Errorf("note = %q, has the exchange: %v, want %v", turn.Notes[0].Text, got, tt.wantNote)
			}
		})
	}
}

// A stream that goes on elsewhere hands its session over, too, but is one turn.
func TestContinuedStreamHandsOver(t *testing.T) {
	t.Parallel()
	for _, sessions := range []*madeSessions{at("m-a", "planner"), at("", "")} {
		a := &script{events: []string{chunkOf("one", "Once upon"), markCut}}
		b := &script{events: []string{chunkOf("two", " a time"), finishOf(0), usageOf(7, 5)}}
		g := continueRig(t, a, b, works("c"), true)
		g.cfg.Sessions = sessions
		got := g.stream(t, t.Context(), rigRequest(t, inSession))
		if got.err != nil || got.text() != "Once upon a time" || len(sessions.turns) != 2 {
			t.Fatalf("stream = %q, %v with turns %+v, want it whole, and two reports", got.text(), got.err, sessions.turns)
		}
		first, second := sessions.turns[0], sessions.turns[1]
		if first.Again || first.Handoff != nil || first.Model != "m-a" {
			t.Errorf("first = %+v, want a's turn", first)
		}
		if !second.Again || second.Model != "m-b" || second.Handoff == nil || second.Handoff.Reason != HandoffFailover || second.Handoff.FromModel != "m-a" {
			t.Errorf("second = %+v, want the same turn, handed to b", second)
		}
	}
}
