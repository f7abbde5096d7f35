package engine

import (
	"context"
	"errors"
	"time"
)

// RuleSetServiceConfig is what a RuleSetService is made of; all of it is required.
type RuleSetServiceConfig struct {
	Store interface {
		RuleSetStore
		RuleCaseStore
	}
	Rules   *RuleService
	Drafter Drafter
	// Findings tells what looks wrong with such rules of an account although they compile, in their order.
	Findings  func(accountID string, rules []Rule) []RuleFinding
	Catalogue func() *Catalogue
	// Explain is Pipeline.Explain.
	Explain func(context.Context, *Request, WhatIf) (Explanation, error)
	Reload  func(context.Context) error
	Now     func() time.Time
}

// RuleSetService is the management of rules as a whole: their versions, what is published, and
// the cases that guard it. Safe for concurrent use.
type RuleSetService struct{ cfg RuleSetServiceConfig }

// NewRuleSetService returns a service. From then on its cases hold the writes of cfg.Rules too.
func NewRuleSetService(cfg RuleSetServiceConfig) *RuleSetService {
	s := &RuleSetService{cfg: cfg}
	cfg.Rules.guard = s
	return s
}

// ListRuleSets returns versions as RuleSetStore does. Errors: CodeNotFound for another account.
func (s *RuleSetService) ListRuleSets(ctx context.Context, p Principal, accountID string, before int64, limit int) ([]RuleSet, error) {
	if err := mayKeep(p, accountID); err != nil {
		return nil, err
	}
	return s.cfg.Store.ListRuleSets(ctx, accountID, before, limit)
}

// mayKeep reports why the principal may not see or change versions and cases of that account.
func mayKeep(p Principal, accountID string) error {
	switch {
	case mayWrite(p, accountID):
		return nil
	case !mayRead(p, accountID):
		return Errorf(CodeNotFound, "There is no such account.")
	}
	return forbiddenRule(accountID)
}

// GetRuleSet returns one version with its rules. Errors: CodeNotFound.
func (s *RuleSetService) GetRuleSet(ctx context.Context, p Principal, accountID string, version int64) (RuleSet, error) {
	if err := mayKeep(p, accountID); err != nil {
		return RuleSet{}, err
	}
	set, err := s.cfg.Store.GetRuleSet(ctx, accountID, version)
	if errors.Is(err, ErrNotFound) {
		return RuleSet{}, Errorf(CodeNotFound, "There is no version %d of these rules. GET /api/v1/rules/versions lists them.", version)
	}
	return set, err
}

// head returns the rules in force; the zero version when there never were any.
func (s *RuleSetService) head(ctx context.Context, accountID string) (RuleSet, error) {
	list, err := s.cfg.Store.ListRuleSets(ctx, accountID, 0, 1)
	if err != nil || len(list) == 0 {
		return RuleSet{AccountID: accountID}, err
	}
	return s.cfg.Store.GetRuleSet(ctx, accountID, list[0].Version)
}

// DiffRuleSets returns what makes version to of version from; a version of 0 has no rules.
// Errors: CodeNotFound.
func (s *RuleSetService) DiffRuleSets(ctx context.Context, p Principal, accountID string, from, to int64) ([]RuleChange, error) {
	sets := [2]RuleSet{}
	for i, version := range [...]int64{from, to} {
		if version == 0 {
			continue
		}
		var err error
		if sets[i], err = s.GetRuleSet(ctx, p, accountID, version); err != nil {
			return nil, err
		}
	}
	return DiffRules(sets[0].Rules, sets[1].Rules), mayKeep(p, accountID)
}

// draft decides with these rules in place of those of the account, as they would be in force.
func (s *RuleSetService) draft(accountID string, rules []Rule) (DraftRules, error) {
	return s.cfg.Drafter.Draft(accountID, RuleDraft{Rules: rules, LeaveOut: true})
}
