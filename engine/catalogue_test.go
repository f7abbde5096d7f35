package engine

import (
	"slices"
	"testing"
	"time"
)

func TestCatalogueShadowing(t *testing.T) {
	c := NewCatalogue([]Model{
		{ID: "a", DisplayName: "global a"}, {ID: "b", DisplayName: "global b"},
		{AccountID: "acme", ID: "b", DisplayName: "own b"}, {AccountID: "acme", ID: "c", DisplayName: "own c"},
	}, []Provider{{ID: "x", Name: "global"}, {AccountID: "acme", ID: "x", Name: "own"}}, nil)
	tests := []struct {
		account, id, want string
		wantOK            bool
	}{
		{"acme", "a", "global a", true},
		{"acme", "b", "own b", true},
		{"acme", "c", "own c", true},
		{"other", "b", "global b", true},
		{"other", "c", "", false},
		{"", "b", "global b", true},
	}
	for _, tt := range tests {
		m, ok := c.Model(tt.account, tt.id)
		if ok != tt.wantOK || m.DisplayName != tt.want {
			t.Errorf("Model(%q, %q) = %q, %v, want %q, %v", tt.account, tt.id, m.DisplayName, ok, tt.want, tt.wantOK)
		}
	}
	if p, _ := c.Provider("acme", "x"); p.Name != "own" {
		t.Errorf("Provider(acme, x) = %q, want own", p.Name)
	}
	if got := len(c.Providers("acme")); got != 1 {
		t.Errorf("len(Providers(acme)) = %d, want 1", got)
	}
}

func TestCatalogueNearest(t *testing.T) {
	c := NewCatalogue([]Model{{ID: "gpt-4o"}, {ID: "gpt-5"}, {ID: "claude-opus-4.5"}, {ID: "gemini-2.5-pro"}}, nil, nil)
	tests := []struct{ asked, want string }{
		{"gpt4o", "gpt-4o"}, {"GPT-5", "gpt-5"}, {"claude-opus", "claude-opus-4.5"}, {"gemini-pro", "gemini-2.5-pro"},
	}
	for _, tt := range tests {
		if got := c.Nearest("", tt.asked, 1); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("Nearest(%q) = %v, want [%s]", tt.asked, got, tt.want)
		}
	}
	if got := c.Nearest("", "x", 99); len(got) != 4 {
		t.Errorf("Nearest(x, 99) has %d ids, want all 4", len(got))
	}
}

func TestModelAt(t *testing.T) {
	end := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	m := Model{ID: "m", UpstreamID: "old", API: APIChat, ContextWindow: 10, RetiresAt: end,
		Replacement: &Replacement{UpstreamID: "new", API: APIResponses, ContextWindow: 20}}
	off := m
	off.NoSubstitute = true
	tests := []struct {
		name            string
		m               Model
		at              time.Time
		wantUpstream    string
		wantSubstituted bool
		wantOK          bool
	}{
		{"the day before", m, end.Add(-time.Second), "old", false, true},
		{"from that instant on", m, end, "new", true, true},
		{"substitution off", off, end, "old", false, false},
		{"no replacement named", Model{UpstreamID: "old", RetiresAt: end}, end, "old", false, false},
		{"not announced", Model{UpstreamID: "old"}, end, "old", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, substituted, ok := tt.m.At(tt.at)
			if got.UpstreamID != tt.wantUpstream || substituted != tt.wantSubstituted || ok != tt.wantOK {
				t.Errorf("At(%v) = %s, %v, %v, want %s, %v, %v", tt.at, got.UpstreamID, substituted, ok, tt.wantUpstream, tt.wantSubstituted, tt.wantOK)
			}
		})
	}
}
