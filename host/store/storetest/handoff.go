package storetest

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var handoffTests = []test{
	{"keeps every member", handoffRoundTrip},
	{"lists newest first, so many", handoffOrder},
	{"is its account's, user's and session's own", handoffOwn},
	{"cleans text, and refuses what no handoff may be", handoffOdd},
}

func fullHandoff() engine.Handoff {
	return engine.Handoff{
		SessionKey: sessionKey("acme", "bo", "chat 1/é"), ID: "h1", RequestID: "req_1", FromAgent: "planner", ToAgent: "coder",
		FromModel: "gpt-4o", ToModel: "o3", Reason: engine.HandoffFailover, Detail: "upstream_timeout", Summary: "so far\n…",
		Notes: 3, CreatedAt: at(1),
	}
}

func plainHandoff(k engine.SessionKey, id string) engine.Handoff {
	return engine.Handoff{SessionKey: k, ID: id, Reason: engine.HandoffRouting, CreatedAt: at(0)}
}

func wantHandoffs(t *testing.T, s engine.Store, k engine.SessionKey, want ...engine.Handoff) {
	t.Helper()
	got, err := s.ListHandoffs(t.Context(), k, 100)
	must(t, "ListHandoffs()", err)
	wantEqual(t, "ListHandoffs()", got, want)
}

func handoffRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullHandoff()
	fine.CreatedAt = finest(1)
	must(t, "AddHandoffs() of none", s.AddHandoffs(t.Context(), nil))
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), []engine.Handoff{fine}))
	changed := fine
	changed.Summary = "changed"
	must(t, "AddHandoffs() again", s.AddHandoffs(t.Context(), []engine.Handoff{changed}))
	wantHandoffs(t, s, fine.SessionKey, fullHandoff())
	for i, reason := range []engine.HandoffReason{engine.HandoffRouting, engine.HandoffFailover, engine.HandoffAgent} {
		h := plainHandoff(sessionKey("a", "u", "reasons"), string(rune('a'+i)))
		h.Reason = reason
		must(t, "AddHandoffs("+string(reason)+")", s.AddHandoffs(t.Context(), []engine.Handoff{h}))
	}
}

func handoffOrder(t *testing.T, d Database) {
	s := open(t, d)
	k := sessionKey("a", "u", "s")
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), []engine.Handoff{plainHandoff(k, "2"), plainHandoff(k, "3"), plainHandoff(k, "1")}))
	wantHandoffs(t, s, k, plainHandoff(k, "3"), plainHandoff(k, "2"), plainHandoff(k, "1"))
	got, err := s.ListHandoffs(t.Context(), k, 2)
	must(t, "ListHandoffs()", err)
	wantEqual(t, "ListHandoffs() of two", got, []engine.Handoff{plainHandoff(k, "3"), plainHandoff(k, "2")})
	for _, limit := range []int{-1, 0, 1001} {
		_, err := s.ListHandoffs(t.Context(), k, limit)
		wantInvalid(t, "ListHandoffs()", err, "limit")
	}
}

func handoffOwn(t *testing.T, d Database) {
	s := open(t, d)
	var handoffs []engine.Handoff
	for _, k := range owners {
		h := plainHandoff(k, "h")
		h.Summary = k.AccountID + k.UserID + k.ID
		handoffs = append(handoffs, h)
	}
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), handoffs))
	for i, k := range owners {
		wantHandoffs(t, s, k, handoffs[i])
	}
	for _, none := range []engine.SessionKey{sessionKey("b", "v", "s"), sessionKey("", "u", "s"), sessionKey("a", "", "s"), sessionKey("a", "u", "\x00")} {
		wantHandoffs(t, s, none)
	}
}

func handoffOdd(t *testing.T, d Database) {
	s := open(t, d)
	k := sessionKey("a", "u", "s")
	odd := fullHandoff()
	odd.SessionKey, odd.RequestID, odd.FromAgent, odd.Summary, odd.Detail = k, "\x00", "\xff", "a\x00b", "\xed\xa0\x80"
	must(t, "AddHandoffs()", s.AddHandoffs(t.Context(), []engine.Handoff{odd}))
	odd.RequestID, odd.FromAgent, odd.Summary, odd.Detail = "\uFFFD", "\uFFFD", "a\uFFFDb", "\uFFFD"
	wantHandoffs(t, s, k, odd)
	for _, c := range []struct {
		param  string
		change func(*engine.Handoff)
	}{
		{"account_id", func(h *engine.Handoff) { h.AccountID = "" }},
		{"user_id", func(h *engine.Handoff) { h.UserID = "\xff" }},
		{"session_id", func(h *engine.Handoff) { h.SessionKey.ID = "" }},
		{"id", func(h *engine.Handoff) { h.ID = "" }},
		{"reason", func(h *engine.Handoff) { h.Reason = "whim" }},
		{"notes", func(h *engine.Handoff) { h.Notes = -1 }},
	} {
		h := plainHandoff(k, "i")
		c.change(&h)
		wantInvalid(t, "AddHandoffs()", s.AddHandoffs(t.Context(), []engine.Handoff{plainHandoff(k, "g"), h}), c.param)
	}
	wantHandoffs(t, s, k, odd)
}
