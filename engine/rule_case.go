package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// RuleGiven is what holds in a case beside the body of its request. What is left out is as for
// a user of the account who says nothing more: no session, no budget, everything well, now.
type RuleGiven struct {
	User         string     `json:"user,omitempty" yaml:"user,omitempty"`
	Team         string     `json:"team,omitempty" yaml:"team,omitempty"`
	Role         Role       `json:"role,omitempty" yaml:"role,omitempty"` // default user
	Key          string     `json:"key,omitempty" yaml:"key,omitempty"`   // its name
	Session      string     `json:"session,omitempty" yaml:"session,omitempty"`
	SessionModel string     `json:"session_model,omitempty" yaml:"session_model,omitempty"` // who served its last turn
	Task         string     `json:"task,omitempty" yaml:"task,omitempty"`
	Agent        string     `json:"agent,omitempty" yaml:"agent,omitempty"`
	At           *time.Time `json:"at,omitempty" yaml:"at,omitempty"`
	Down         []string   `json:"down,omitempty" yaml:"down,omitempty"`               // models or providers
	BudgetLeft   string     `json:"budget_left,omitempty" yaml:"budget_left,omitempty"` // dollars
	// BudgetFraction is how much of the budget that is, 0–1.
	BudgetFraction float64 `json:"budget_fraction,omitempty" yaml:"budget_fraction,omitempty"`
}

// ParseRuleGiven reads RuleCase.Given strictly. Errors: *Error with CodeInvalid.
func ParseRuleGiven(b []byte) (g RuleGiven, err error) {
	if len(b) == 0 {
		return g, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&g); err != nil {
		return g, invalidMember("given", "'given' cannot be read: %s.", clipText(err.Error(), 200))
	}
	if _, err := d.Token(); err != io.EOF {
		return g, invalidMember("given", "'given' must be one JSON object.")
	}
	return g, g.check()
}

func (g *RuleGiven) check() error {
	switch {
	case g.Role != "" && g.Role.Rank() < 0:
		return invalidMember("given.role", "'given.role' must be user, team_lead, account_admin or super_admin.")
	case g.BudgetFraction < 0 || g.BudgetFraction > 1:
		return invalidMember("given.budget_fraction", "'given.budget_fraction' must be 0 to 1.")
	case g.BudgetFraction > 0 && g.BudgetLeft == "":
		return invalidMember("given.budget_left", "'given.budget_fraction' needs 'given.budget_left' beside it.")
	case len(g.Down) > 64:
		return invalidMember("given.down", "'given.down' has at most 64 ids.")
	case g.At != nil && (g.At.Year() < 2000 || g.At.Year() > 9999):
		return invalidMember("given.at", "'given.at' must be in the years 2000 to 9999.")
	}
	if g.BudgetLeft != "" {
		if _, err := ParseUSD(g.BudgetLeft); err != nil {
			return invalidMember("given.budget_left", "'given.budget_left': %s.", err.Error())
		}
	}
	return nil
}

// Arrange makes the case's request and what it is decided on. The request is as it came in when
// the case does not say when. providers are all that the account has: those that the case does
// not take down are taken to be well. The caller releases Doc of the request.
// Errors: *Error with CodeInvalid or CodeInvalidJSON.
func (c *RuleCase) Arrange(accountID string, now time.Time, providers []string) (*Request, WhatIf, error) {
	g, err := ParseRuleGiven(c.Given)
	if err != nil {
		return nil, WhatIf{}, err
	}
	doc, err := ParseChat(bytes.Clone(c.Request))
	if err != nil {
		return nil, WhatIf{}, err
	}
	role := g.Role
	if role == "" {
		role = RoleUser
	}
	if g.At != nil {
		now = *g.At
	}
	r, err := NewRequest(doc, Arrival{
		ID: "case " + c.ID, Received: now.UTC(), Session: g.Session, Task: g.Task, Agent: g.Agent,
		Principal: Principal{AccountID: accountID, TeamID: g.Team, UserID: g.User, KeyName: g.Key, Role: role, Scopes: ScopeInference},
	})
	if err != nil {
		doc.Release()
		return nil, WhatIf{}, err
	}
	w := WhatIf{Down: g.Down, Up: providers, BudgetLeft: &BudgetLeft{Fraction: 1}, SessionModel: &g.SessionModel}
	if g.BudgetLeft != "" {
		nano, _ := ParseUSD(g.BudgetLeft) // checked
		w.BudgetLeft = &BudgetLeft{Bounded: true, NanoUSD: nano, Fraction: g.BudgetFraction}
	}
	return r, w, nil
}

// CaseResult is what came of a case.
type CaseResult struct {
	ID, Name string
	Passed   bool
	Want     RuleWant
	Got      RuleWant
	Reason   string // of the decision; may be empty
	Message  string // how Got differs, or why the case cannot be run; "" when it passed
}

// Judge compares an explanation with what the case wants.
//
// A target that only the moment rules out (a limit, a pause, a credential that does not work)
// counts: a case is about rules, and must not fail because of the weather.
func (c *RuleCase) Judge(e Explanation) CaseResult {
	out := CaseResult{ID: c.ID, Name: c.Name, Want: c.Want, Reason: e.Reason}
	out.Got.Source = e.Source
	if e.Err != nil {
		out.Got.Code = e.Err.Code
	}
	for _, candidate := range e.Candidates {
		if s := candidate.Skip; s == nil || s.Reason == SkipLimit || s.Reason == SkipCooldown || s.Reason == SkipNoCredential {
			out.Got.Model = candidate.Model
			break
		}
	}
	if out.Got.Model != "" && c.Want.Code == "" {
		out.Got.Code = ""
	}
	out.Message = c.Want.differs(out.Got)
	out.Passed = out.Message == ""
	return out
}

// differs says the first thing in which got is not what is wanted, "" for none.
func (w RuleWant) differs(got RuleWant) string {
	or := func(text, none string) string {
		if text == "" {
			return none
		}
		return text
	}
	switch {
	case w.Code != "" && got.Code != w.Code:
		return "want code " + string(w.Code) + ", got " + or(string(got.Code), "an answer")
	case w.Source != "" && got.Source != w.Source:
		return "want rule " + w.Source + ", got " + or(got.Source, or(string(got.Code), "none"))
	case w.Model != "" && got.Model != w.Model:
		return "want model " + w.Model + ", got " + or(got.Model, or(string(got.Code), "none"))
	}
	return ""
}

// CheckRuleCase says why a case cannot be kept: an *Error with CodeInvalid or CodeInvalidJSON, or nil.
func CheckRuleCase(c RuleCase) error {
	switch {
	case slug(c.ID) != c.ID || c.ID == "" || len(c.ID) > 64:
		return invalidMember("id", "A case's id is 1 to 64 lower-case letters, digits and single hyphens, as 'refund-in-german'.")
	case len(c.Name) > 128 || !printable(c.Name, 128):
		return invalidMember("name", "A case's name is one line of at most 128 bytes.")
	case len(c.Request) > MaxRuleCaseRequest:
		return invalidMember("request", "A case's request is at most 64 KiB.")
	case len(c.Given) > MaxRuleCaseGiven:
		return invalidMember("given", "What is given in a case is at most 16 KiB.")
	case c.Want == RuleWant{}:
		return invalidMember("want", "A case wants at least one of 'rule', 'model' and 'code'.")
	case len(c.Want.Source) > 128 || len(c.Want.Model) > 256 || len(c.Want.Code) > 64:
		return invalidMember("want", "What a case wants is too long.")
	}
	r, _, err := c.Arrange(c.AccountID, time.Now(), nil)
	if err != nil {
		return err
	}
	r.Doc.Release()
	return nil
}

// RunCases runs cases one after the other. A case that cannot be run has failed, and so have those
// that are left when the time for all of them is over (see errCaseTime): a guard that answered with
// an error instead could not be overridden.
// Errors: those of explain, which is Pipeline.Explain or calls it.
func RunCases(ctx context.Context, accountID string, cases []RuleCase, now time.Time, providers []string, explain func(context.Context, *Request, WhatIf) (Explanation, error)) ([]CaseResult, error) {
	results := make([]CaseResult, len(cases))
	for i := range cases {
		c := &cases[i]
		if errors.Is(context.Cause(ctx), errCaseTime) {
			results[i] = CaseResult{ID: c.ID, Name: c.Name, Want: c.Want, Message: errCaseTime.Error()}
			continue
		}
		r, w, err := c.Arrange(accountID, now, providers)
		if err != nil {
			results[i] = CaseResult{ID: c.ID, Name: c.Name, Want: c.Want, Message: "cannot be run: " + asError(err).Message}
			continue
		}
		e, err := explain(ctx, r, w)
		r.Doc.Release()
		switch {
		case err == nil:
			results[i] = c.Judge(e)
		case errors.Is(context.Cause(ctx), errCaseTime):
			results[i] = CaseResult{ID: c.ID, Name: c.Name, Want: c.Want, Message: errCaseTime.Error()}
		default:
			return nil, err
		}
	}
	return results, nil
}
