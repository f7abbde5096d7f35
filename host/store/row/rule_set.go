package row

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// How much of an account's history of rules is kept: the newest versions, and those that are
// younger than the age. See ../RATIONALE.md, "How are versions of rules kept?".
const (
	KeptRuleSets   = 1000
	KeptRuleSetAge = 90 * 24 * time.Hour
)

// CheckRuleSet says why a version of rules cannot be published: an *engine.Error with
// CodeInvalid, or nil.
func CheckRuleSet(s engine.RuleSet) error {
	var c check
	c.account(s.AccountID)
	if s.Version < 1 {
		c.refuse("version", "is below 1")
	}
	if len(s.Note) > engine.MaxRuleSetNote {
		c.refuse("note", "is longer than 512 bytes")
	}
	c.text("note", s.Note)
	c.text("by", s.By)
	c.count("restores", s.Restores)
	c.time("created_at", s.CreatedAt)
	seen := map[string]bool{}
	for i, r := range s.Rules {
		member := fmt.Sprintf("rules[%d]", i)
		switch err := CheckRule(r).(type) {
		case nil:
		case *engine.Error:
			return &engine.Error{Code: err.Code, Param: member + "." + err.Param, Message: member + "." + err.Message}
		default:
			return err
		}
		switch {
		case r.AccountID != s.AccountID:
			c.refuse(member+".account_id", "is another account")
		case seen[r.ID]:
			c.refuse(member+".id", "is that of another rule of the set")
		}
		seen[r.ID] = true
	}
	return c.result()
}

// storedRule is a rule as a version of rules keeps it. Members are only ever added.
type storedRule struct {
	ID               string               `json:"id"`
	Name             string               `json:"name,omitempty"`
	Description      string               `json:"description,omitempty"`
	Priority         int                  `json:"priority"`
	When             string               `json:"when,omitempty"`
	Plugin           string               `json:"plugin,omitempty"`
	Config           *string              `json:"config,omitempty"` // its bytes: spaces and the order of members are kept
	Target           string               `json:"target,omitempty"`
	Fallbacks        []string             `json:"fallbacks,omitempty"`
	Only             bool                 `json:"only,omitempty"`
	OnFailure        engine.FailurePolicy `json:"on_failure,omitempty"`
	ContinueAfterCut bool                 `json:"continue_after_cut,omitempty"`
	Enabled          bool                 `json:"enabled,omitempty"`
	System           bool                 `json:"system,omitempty"`
	TeamID           string               `json:"team_id,omitempty"`
	CreatedAt        time.Time            `json:"created_at"`
	UpdatedAt        time.Time            `json:"updated_at"`
}

// RuleBody is the rule as a version of rules keeps it.
func RuleBody(r engine.Rule) string {
	s := storedRule{
		ID: r.ID, Name: r.Name, Description: r.Description, Priority: r.Priority, When: r.When, Plugin: r.Plugin, Target: r.Target,
		Fallbacks: r.Fallbacks, Only: r.Only, OnFailure: r.OnFailure, ContinueAfterCut: r.ContinueAfterCut, Enabled: r.Enabled,
		System: r.System, TeamID: r.TeamID, CreatedAt: Time(r.CreatedAt), UpdatedAt: Time(r.UpdatedAt),
	}
	if len(r.Config) > 0 {
		config := string(r.Config)
		s.Config = &config
	}
	return string(encode(s))
}

// ParseRuleBodies reads what RuleBody wrote, and gives the rules the order of ListRules.
func ParseRuleBodies(accountID string, bodies []string) ([]engine.Rule, error) {
	rules := make([]engine.Rule, len(bodies))
	for i, body := range bodies {
		var s storedRule
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return nil, fmt.Errorf("read rule of a version: %w", err)
		}
		rules[i] = engine.Rule{
			AccountID: accountID, ID: s.ID, Name: s.Name, Description: s.Description, Priority: s.Priority, When: s.When, Plugin: s.Plugin,
			Target: s.Target, Fallbacks: s.Fallbacks, Only: s.Only, OnFailure: s.OnFailure, ContinueAfterCut: s.ContinueAfterCut,
			Enabled: s.Enabled, System: s.System, TeamID: s.TeamID, CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
		}
		if s.Config != nil {
			rules[i].Config = []byte(*s.Config)
		}
	}
	slices.SortFunc(rules, func(a, b engine.Rule) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return rules, nil
}

// RuleSetChange is what a new version changes in the kept bodies: those that end before it,
// and those that begin with it.
type RuleSetChange struct {
	Ended []string // ids
	Begun []RuleSetBody
}

// RuleSetBody is the body of a rule.
type RuleSetBody struct{ ID, Body string }

// ChangeOfRules compares the bodies of the version before, by id, with the rules as they are.
func ChangeOfRules(before map[string]string, rules []engine.Rule) (c RuleSetChange) {
	for _, r := range rules {
		body := RuleBody(r)
		old, had := before[r.ID]
		delete(before, r.ID)
		switch {
		case !had:
		case old == body:
			continue
		default:
			c.Ended = append(c.Ended, r.ID)
		}
		c.Begun = append(c.Begun, RuleSetBody{r.ID, body})
	}
	for id := range before {
		c.Ended = append(c.Ended, id)
	}
	slices.Sort(c.Ended)
	return c
}

// RulePublication is what publishing does to each rule of an account.
type RulePublication struct {
	Delete, Create, Update []engine.Rule
}

// PublicationOf compares the rules as they are with those of the set. A rule that is the same
// but for its UpdatedAt stays. Errors: ErrConflict when the set leaves out a system rule.
func PublicationOf(rules []engine.Rule, set engine.RuleSet) (p RulePublication, err error) {
	now := map[string]engine.Rule{}
	for _, r := range rules {
		now[r.ID] = r
	}
	for _, r := range set.Rules {
		old, ok := now[r.ID]
		delete(now, r.ID)
		switch {
		case !ok:
			p.Create = append(p.Create, r)
		case sameRule(old, r):
		case old.System || Time(r.CreatedAt).Equal(old.CreatedAt):
			p.Update = append(p.Update, r)
		default:
			// Another rule that had this id: the order of equal priorities goes by creation.
			p.Delete, p.Create = append(p.Delete, old), append(p.Create, r)
		}
	}
	for _, r := range rules {
		if _, left := now[r.ID]; left {
			if r.System {
				return p, fmt.Errorf("the system rule %s is left out: %w", r.ID, engine.ErrConflict)
			}
			p.Delete = append(p.Delete, r)
		}
	}
	return p, nil
}

func sameRule(old, r engine.Rule) bool {
	r.UpdatedAt, r.System = old.UpdatedAt, old.System
	if old.System {
		r.CreatedAt = old.CreatedAt
	}
	return RuleBody(old) == RuleBody(r)
}

// RuleSetBy is who makes a version, as engine.RuleSet says it.
func RuleSetBy(a engine.Actor) string {
	if a.Principal.AccountID == "" && a.Principal.UserID == "" {
		return ""
	}
	return RequestID(a.Principal.AccountID) + "/" + RequestID(a.Principal.UserID)
}

// RuleSetNote is what a single write says of itself, cut to what is kept.
func RuleSetNote(note string) string { return cut(clean(note), engine.MaxRuleSetNote) }

// CheckRuleCase says why a case cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckRuleCase(c engine.RuleCase) error {
	var k check
	k.account(c.AccountID)
	k.key("id", c.ID)
	k.text("name", c.Name)
	if len(c.Request) == 0 {
		k.refuse("request", "is empty")
	}
	k.json("request", c.Request)
	k.json("given", c.Given)
	k.text("want", c.Want.Source, c.Want.Model, string(c.Want.Code))
	k.time("created_at", c.CreatedAt)
	k.time("updated_at", c.UpdatedAt)
	return k.result()
}
