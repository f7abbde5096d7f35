package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Publication is what is to become all rules of an account.
type Publication struct {
	AccountID string // "": the global rules
	Rules     []Rule // in any order; an empty id is made from the name
	Note      string
	Was       int64 // the version that it replaces; 0: there is none
	Override  bool  // also when cases fail
}

// Restoration brings an older version back.
type Restoration struct {
	AccountID string
	Version   int64  // which one
	Note      string // "": says which version it is
	Was       *int64 // as in Publication; nil: whatever is in force
	Override  bool   // also when cases fail, or rules of it could not be saved any more
}

// Published is what became of a publication.
type Published struct {
	Set      RuleSet // with its rules
	Warnings []RuleFinding
	Failing  []CaseResult // the cases that were overridden
}

// FailedCases is why rules were not changed: cases of theirs would fail. It is an *Error with
// CodeConflict too, with status 422.
type FailedCases struct {
	Results []CaseResult // those that failed
	err     *Error
}

// Error says how many and which.
func (e *FailedCases) Error() string { return e.err.Error() }

// Unwrap returns the *Error.
func (e *FailedCases) Unwrap() error { return e.err }

func newFailedCases(failing []CaseResult) *FailedCases {
	const shown = 5
	var b strings.Builder
	for i, r := range failing[:min(len(failing), shown)] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(r.ID + ": " + r.Message)
	}
	if len(failing) > shown {
		fmt.Fprintf(&b, "; and %d more", len(failing)-shown)
	}
	e := Errorf(CodeConflict, "These rules fail %d of their own cases (%s). Nothing was changed; 'override' does it nevertheless, and is audited.", len(failing), b.String())
	e.Status = 422
	return &FailedCases{Results: failing, err: e}
}

// PublishRules makes the rules of the publication all that the account has, and puts them in
// force. Errors: those of RuleService.CheckRule with the member as "rules[2].when"; CodeConflict when
// Was is not what is in force, or a system rule is left out; *FailedCases.
func (s *RuleSetService) PublishRules(ctx context.Context, p Principal, in Publication) (Published, error) {
	if !mayWrite(p, in.AccountID) {
		return Published{}, forbiddenRule(in.AccountID)
	}
	if len(in.Rules) > MaxPublishedRules {
		return Published{}, invalidMember("rules", "A version has at most %d rules.", MaxPublishedRules)
	}
	now, err := s.head(ctx, in.AccountID)
	if err != nil {
		return Published{}, err
	}
	if now.Version != in.Was {
		return Published{}, overtaken(now.Version, in.Was)
	}
	for i := range in.Rules {
		if r := &in.Rules[i]; r.ID == "" {
			r.ID = slug(r.Name)
		}
	}
	return s.publish(ctx, p, now, RuleSet{AccountID: in.AccountID, Rules: in.Rules, Note: in.Note}, in.Override, "rules.publish")
}

func overtaken(now, was int64) *Error {
	return Errorf(CodeConflict, "These rules are at version %d by now, not at %d. Read them again.", now, was)
}

// RestoreRules makes the rules of an older version those in force, as a new version. System
// rules that it does not have yet stay as they are.
// Errors: those of PublishRules, CodeNotFound.
func (s *RuleSetService) RestoreRules(ctx context.Context, p Principal, in Restoration) (Published, error) {
	if err := mayKeep(p, in.AccountID); err != nil {
		return Published{}, err
	}
	old, err := s.GetRuleSet(ctx, p, in.AccountID, in.Version)
	if err != nil {
		return Published{}, err
	}
	now, err := s.head(ctx, in.AccountID)
	if err != nil {
		return Published{}, err
	}
	if in.Was != nil && now.Version != *in.Was {
		return Published{}, overtaken(now.Version, *in.Was)
	}
	set := RuleSet{AccountID: in.AccountID, Rules: old.Rules, Note: in.Note, Restores: in.Version}
	if set.Note == "" {
		set.Note = fmt.Sprintf("version %d again", in.Version)
	}
	had := byID(old.Rules)
	for _, r := range now.Rules {
		if _, ok := had[r.ID]; r.System && !ok {
			set.Rules = append(set.Rules, r)
		}
	}
	return s.publish(ctx, p, now, set, in.Override, "rules.restore")
}

func byID(rules []Rule) map[string]Rule {
	m := make(map[string]Rule, len(rules))
	for _, r := range rules {
		m[r.ID] = r
	}
	return m
}

// publish checks the set against what is in force, runs its cases and stores it.
func (s *RuleSetService) publish(ctx context.Context, p Principal, now, set RuleSet, override bool, action string) (Published, error) {
	if len(set.Note) > MaxRuleSetNote {
		return Published{}, invalidMember("note", "A note is at most %d bytes.", MaxRuleSetNote)
	}
	at := s.cfg.Now().UTC().Truncate(time.Millisecond)
	set.Version, set.CreatedAt = now.Version+1, at
	if err := s.resolve(ctx, p, now, &set, override && set.Restores > 0); err != nil {
		return Published{}, err
	}
	failing, err := s.failing(ctx, set.AccountID, set.Rules, nil)
	if err != nil {
		return Published{}, err
	}
	if len(failing) > 0 && !override {
		return Published{}, newFailedCases(failing)
	}
	ctx = Audited(ctx, at, set.AccountID, action, fmt.Sprintf("rules/%d", set.Version), recordRuleSet(now, set, failing))
	switch err := s.cfg.Store.PublishRuleSet(ctx, set, now.Version); {
	case errors.Is(err, ErrConflict):
		return Published{}, Errorf(CodeConflict, "These rules were changed meanwhile. Read them again.")
	case err != nil:
		return Published{}, err
	}
	stored, err := s.cfg.Store.GetRuleSet(ctx, set.AccountID, set.Version)
	if err != nil {
		return Published{}, err
	}
	out := Published{Set: stored, Warnings: s.cfg.Findings(set.AccountID, stored.Rules), Failing: failing}
	return out, s.cfg.Reload(ctx)
}
