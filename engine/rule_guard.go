package engine

import (
	"context"
	"errors"
	"slices"
	"time"
)

// RuleWrite is a write of one rule.
type RuleWrite struct {
	Rule     Rule      // of a deletion AccountID and ID
	Was      time.Time // the UpdatedAt that the caller saw; zero: whatever is stored
	Override bool      // also when cases fail
}

// WrittenRule is what became of a write.
type WrittenRule struct {
	Rule
	Failing []CaseResult // the cases that were overridden
}

// ruleEdit is a write that has been checked: the same change for the store and for the rules
// that cases are run on.
type ruleEdit struct {
	account, id  string
	action, note string // in the audit log and in the history
	at           time.Time
	detail       *recordedRule // nil: the rule is deleted
	override     bool
	store        func(context.Context) error
	apply        func([]Rule) ([]Rule, error) // its errors are those of store
}

// guardTries is how often a write starts anew because other rules changed while its cases ran.
const guardTries = 5

// commit makes the edit, unless cases of the account's rules would fail. Where there are cases,
// it is made only to the very rules that passed them; where there are none, it is stored at once.
// See RATIONALE.md, "What guards a rule set?".
// Errors: *FailedCases, ErrNotFound and ErrConflict of the edit, CodeConflict when others are always faster.
func (s *RuleService) commit(ctx context.Context, e ruleEdit) ([]CaseResult, error) {
	var cases []RuleCase
	if s.guard != nil {
		var err error
		if cases, err = s.guard.cfg.Store.ListRuleCases(ctx, e.account); err != nil {
			return nil, err
		}
	}
	if len(cases) == 0 {
		return nil, e.store(e.audited(ctx, nil))
	}
	for range guardTries {
		now, err := s.guard.head(ctx, e.account)
		if err != nil {
			return nil, err
		}
		rules, err := e.apply(slices.Clone(now.Rules))
		if err != nil {
			return nil, err
		}
		failing, err := s.guard.failing(ctx, e.account, rules, cases)
		if err != nil {
			return nil, err
		}
		if len(failing) > 0 && !e.override {
			return nil, newFailedCases(failing)
		}
		set := RuleSet{AccountID: e.account, Version: now.Version + 1, Rules: rules, Note: e.note, CreatedAt: e.at}
		if err := s.guard.cfg.Store.PublishRuleSet(e.audited(ctx, failing), set, now.Version); !errors.Is(err, ErrConflict) {
			return failing, err
		}
	}
	return nil, Errorf(CodeConflict, "The rules beside '%s' are being changed by others. Try again.", clipText(e.id, 64))
}

// audited is the context for the edit's write.
func (e *ruleEdit) audited(ctx context.Context, failing []CaseResult) context.Context {
	var detail any
	switch {
	case len(failing) > 0:
		detail = recordedOverride{e.detail, idsOf(failing)}
	case e.detail != nil:
		detail = e.detail
	}
	return Audited(ctx, e.at, e.account, e.action, "rule/"+e.id, detail)
}

// recordedOverride is a write that was made although cases fail, as the audit log has it.
type recordedOverride struct {
	*recordedRule
	Override []string `json:"override"` // the cases
}

func idsOf(results []CaseResult) []string {
	ids := make([]string, len(results))
	for i, r := range results {
		ids[i] = r.ID
	}
	return ids
}

// failing runs cases on rules, as if these were all of the account, and returns those that fail.
func (s *RuleSetService) failing(ctx context.Context, accountID string, rules []Rule, cases []RuleCase) ([]CaseResult, error) {
	draft, err := s.draft(accountID, rules)
	if err != nil {
		return nil, err
	}
	results, err := s.runCases(ctx, accountID, draft, cases)
	return failed(results), err
}

// creating adds the rule.
func creating(r Rule) func([]Rule) ([]Rule, error) {
	return func(rules []Rule) ([]Rule, error) {
		if ruleAt(rules, r.ID) >= 0 {
			return nil, ErrConflict
		}
		return append(rules, r), nil
	}
}

// updating replaces the rule, and tells in it when it was last changed.
func updating(r *Rule, was time.Time) func([]Rule) ([]Rule, error) {
	return func(rules []Rule) ([]Rule, error) {
		i := ruleAt(rules, r.ID)
		if i < 0 {
			return nil, ErrNotFound
		}
		is := &rules[i]
		switch {
		case !was.IsZero() && !is.UpdatedAt.Equal(was):
			return nil, ErrConflict
		case len(changedMembers(*is, *r)) == 0:
			r.UpdatedAt = is.UpdatedAt // the store keeps that of a rule that stays as it was
		case !r.UpdatedAt.After(is.UpdatedAt):
			r.UpdatedAt = is.UpdatedAt.Add(time.Millisecond)
		}
		r.System, r.CreatedAt = is.System, is.CreatedAt
		rules[i] = *r
		return rules, nil
	}
}

// deleting removes the rule.
func deleting(id string) func([]Rule) ([]Rule, error) {
	return func(rules []Rule) ([]Rule, error) {
		i := ruleAt(rules, id)
		switch {
		case i < 0:
			return nil, ErrNotFound
		case rules[i].System:
			return nil, ErrConflict
		}
		return slices.Delete(rules, i, i+1), nil
	}
}

func ruleAt(rules []Rule, id string) int {
	return slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
}
