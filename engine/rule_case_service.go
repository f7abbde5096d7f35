package engine

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ListRuleCases returns the account's cases, by id. Errors: CodeNotFound, CodeForbidden.
func (s *RuleSetService) ListRuleCases(ctx context.Context, p Principal, accountID string) ([]RuleCase, error) {
	if err := mayKeep(p, accountID); err != nil {
		return nil, err
	}
	return s.cfg.Store.ListRuleCases(ctx, accountID)
}

// GetRuleCase returns one case. Errors: CodeNotFound, CodeForbidden.
func (s *RuleSetService) GetRuleCase(ctx context.Context, p Principal, accountID, id string) (RuleCase, error) {
	if err := mayKeep(p, accountID); err != nil {
		return RuleCase{}, err
	}
	c, err := s.cfg.Store.GetRuleCase(ctx, accountID, id)
	if errors.Is(err, ErrNotFound) {
		return RuleCase{}, noSuchCase(id)
	}
	return c, err
}

func noSuchCase(id string) *Error {
	return Errorf(CodeNotFound, "There is no case '%s'. GET /api/v1/rules/cases lists them.", clipText(id, 64))
}

// PutRuleCase keeps a case, in place of the one with its id if there is one. It need not pass.
// Errors: those of CheckRuleCase, CodeConflict when there are too many, CodeForbidden.
func (s *RuleSetService) PutRuleCase(ctx context.Context, p Principal, c RuleCase) (RuleCase, error) {
	if err := mayKeep(p, c.AccountID); err != nil {
		return RuleCase{}, err
	}
	if err := CheckRuleCase(c); err != nil {
		return RuleCase{}, err
	}
	c.UpdatedAt = s.cfg.Now().UTC().Truncate(time.Millisecond)
	c.CreatedAt = c.UpdatedAt
	audited := Audited(ctx, c.UpdatedAt, c.AccountID, "rule_case.put", "rule_case/"+c.ID, recordedCase{c.Name, c.Want.Source, c.Want.Model, c.Want.Code})
	if err := s.cfg.Store.PutRuleCase(audited, c); errors.Is(err, ErrConflict) {
		return RuleCase{}, Errorf(CodeConflict, "An account keeps at most %d cases. Delete one first.", MaxRuleCases)
	} else if err != nil {
		return RuleCase{}, err
	}
	return s.cfg.Store.GetRuleCase(ctx, c.AccountID, c.ID)
}

// recordedCase leaves out the request: the audit log holds no prompts.
type recordedCase struct {
	Name  string `json:"name,omitempty"`
	Rule  string `json:"rule,omitempty"`
	Model string `json:"model,omitempty"`
	Code  Code   `json:"code,omitempty"`
}

// DeleteRuleCase deletes a case. Errors: CodeNotFound, CodeForbidden.
func (s *RuleSetService) DeleteRuleCase(ctx context.Context, p Principal, accountID, id string) error {
	if err := mayKeep(p, accountID); err != nil {
		return err
	}
	err := s.cfg.Store.DeleteRuleCase(Audited(ctx, s.cfg.Now(), accountID, "rule_case.delete", "rule_case/"+id, nil), accountID, id)
	if errors.Is(err, ErrNotFound) {
		return noSuchCase(id)
	}
	return err
}

// CaseRun is which cases are run on which rules.
type CaseRun struct {
	AccountID string
	Rules     *[]Rule    // in place of the account's; nil: those in force
	Cases     []RuleCase // nil: the stored ones
}

// RunRuleCases runs cases. Rules that cannot be saved are refused; it keeps nothing.
// Errors: those of PublishRules but for the cases' own, and of CheckRuleCase.
func (s *RuleSetService) RunRuleCases(ctx context.Context, p Principal, run CaseRun) ([]CaseResult, error) {
	if err := mayKeep(p, run.AccountID); err != nil {
		return nil, err
	}
	if len(run.Cases) > MaxRuleCases {
		return nil, invalidMember("cases", "At most %d cases are run at once.", MaxRuleCases)
	}
	for i := range run.Cases {
		c := &run.Cases[i]
		if c.AccountID = run.AccountID; c.ID == "" {
			c.ID = slug(c.Name)
		}
		if err := CheckRuleCase(*c); err != nil {
			return nil, inMember("cases["+itoa(int64(i))+"]", "Case", c.ID, err)
		}
	}
	var with Explainer
	if run.Rules != nil {
		if len(*run.Rules) > MaxPublishedRules {
			return nil, invalidMember("rules", "A version has at most %d rules.", MaxPublishedRules)
		}
		now, err := s.head(ctx, run.AccountID)
		if err != nil {
			return nil, err
		}
		set := RuleSet{AccountID: run.AccountID, Rules: *run.Rules, CreatedAt: s.cfg.Now()}
		for i := range set.Rules {
			if r := &set.Rules[i]; r.ID == "" {
				r.ID = slug(r.Name)
			}
		}
		if err := s.resolve(ctx, p, now, &set, false); err != nil {
			return nil, err
		}
		draft, err := s.draft(run.AccountID, set.Rules)
		if err != nil {
			return nil, err
		}
		with = draft
	}
	return s.runCases(ctx, run.AccountID, with, run.Cases)
}

// caseTime bounds the cases of one run, all together.
const caseTime = 10 * time.Second

// errCaseTime is the cause of a context that ends by caseTime, and not with its caller's.
var errCaseTime = errors.New("not run within " + itoa(int64(caseTime/time.Second)) + " s")

// runCases runs the stored cases, or those; what does not run within caseTime has failed. with decides; nil: the rules in force.
func (s *RuleSetService) runCases(ctx context.Context, accountID string, with Explainer, cases []RuleCase) ([]CaseResult, error) {
	if cases == nil {
		var err error
		if cases, err = s.cfg.Store.ListRuleCases(ctx, accountID); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, caseTime, errCaseTime)
	defer cancel()
	var providers []string
	for _, p := range s.cfg.Catalogue().Providers(accountID) {
		providers = append(providers, p.ID)
	}
	return RunCases(ctx, accountID, cases, s.cfg.Now(), providers, func(ctx context.Context, r *Request, w WhatIf) (Explanation, error) {
		w.Explainer = with
		return s.cfg.Explain(ctx, r, w)
	})
}

// failed are those of the results that did.
func failed(results []CaseResult) []CaseResult {
	return slices.DeleteFunc(slices.Clone(results), func(r CaseResult) bool { return r.Passed })
}
