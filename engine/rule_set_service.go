package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// RuleDrafter knows rules that are not in force.
type RuleDrafter interface {
	// DraftRules decides with these rules in place of those of the account ("": the global ones),
	// and with the live ones of all others. A rule that does not compile is left out.
	DraftRules(accountID string, rules []Rule) Explainer
	// RuleFindings tells what looks wrong with such rules although they compile, in their order.
	RuleFindings(accountID string, rules []Rule) []RuleFinding
}

// RuleFinding is what looks wrong with a rule that can be saved.
type RuleFinding struct {
	RuleID  string // "": of no rule alone
	Kind    string // a word for programs, as "unreachable"; FindingCase for a case that fails
	Message string // safe to show
}

// FindingCase is the kind of a finding that says that a stored case fails.
const FindingCase = "case_failed"

// RuleSetServiceConfig is what a RuleSetService is made of; all of it is required.
type RuleSetServiceConfig struct {
	Store interface {
		RuleSetStore
		RuleCaseStore
	}
	Rules     *RuleService
	Drafter   RuleDrafter
	Catalogue func() *Catalogue
	// Explain is Pipeline.Explain.
	Explain func(context.Context, *Request, WhatIf) (Explanation, error)
	Reload  func(context.Context) error
	Now     func() time.Time
}

// RuleSetService is the management of rules as a whole: their versions, what is published, and
// the cases that guard it. Safe for concurrent use.
type RuleSetService struct{ cfg RuleSetServiceConfig }

// NewRuleSetService returns a service.
func NewRuleSetService(cfg RuleSetServiceConfig) *RuleSetService { return &RuleSetService{cfg: cfg} }

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

// FailedCases is why rules were not published: cases of theirs fail. It is an *Error with
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
	e := Errorf(CodeConflict, "These rules fail %d of their own cases (%s). Nothing was published; 'override' does it nevertheless, and is audited.", len(failing), b.String())
	e.Status = 422
	return &FailedCases{Results: failing, err: e}
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
	results, err := s.runCases(ctx, set.AccountID, s.cfg.Drafter.DraftRules(set.AccountID, set.Rules), nil)
	if err != nil {
		return Published{}, err
	}
	failing := failed(results)
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
	out := Published{Set: stored, Warnings: s.cfg.Drafter.RuleFindings(set.AccountID, stored.Rules), Failing: failing}
	return out, s.cfg.Reload(ctx)
}

// resolve gives the rules of a set what only the server sets, and checks those that change.
func (s *RuleSetService) resolve(ctx context.Context, p Principal, now RuleSet, set *RuleSet, unchecked bool) error {
	old := byID(now.Rules)
	seen := make(map[string]bool, len(set.Rules))
	for i := range set.Rules {
		r := &set.Rules[i]
		if r.OnFailure == "" {
			r.OnFailure = FailureSkip
		}
		if seen[r.ID] {
			return invalidMember(fmt.Sprintf("rules[%d].id", i), "There are two rules '%s'.", clipText(r.ID, 64))
		}
		seen[r.ID] = true
		is, exists := old[r.ID]
		r.AccountID, r.System, r.UpdatedAt = set.AccountID, is.System, set.CreatedAt
		if exists && (set.Restores == 0 || r.System) {
			r.CreatedAt = is.CreatedAt
		}
		if !exists && set.Restores == 0 {
			r.CreatedAt = set.CreatedAt
		}
		if exists && !r.UpdatedAt.After(is.UpdatedAt) {
			r.UpdatedAt = is.UpdatedAt.Add(time.Millisecond)
		}
		if unchecked || exists && len(changedMembers(is, *r)) == 0 {
			continue
		}
		if !exists && pathWords[r.ID] {
			return inMember(fmt.Sprintf("rules[%d]", i), "Rule", r.ID, isPathWord(r.ID))
		}
		if err := s.cfg.Rules.CheckRule(ctx, p, *r); err != nil {
			return inMember(fmt.Sprintf("rules[%d]", i), "Rule", r.ID, err)
		}
	}
	for _, r := range now.Rules {
		if r.System && !seen[r.ID] {
			return Errorf(CodeConflict, "'%s' is a system rule and cannot be left out. Disable it instead.", r.ID)
		}
	}
	slices.SortFunc(set.Rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// pathWords are no ids of new rules: under /api/v1/rules they mean something else.
var pathWords = map[string]bool{"versions": true, "cases": true, "graph": true, "publish": true, "check": true, "backtest": true}

func isPathWord(id string) error {
	return invalidMember("id", "'%s' names something else under /api/v1/rules; choose another id.", id)
}

// inMember says in which rule of a list the error is.
func inMember(member, noun, id string, err error) error {
	var source *SourceError
	if errors.As(err, &source) {
		return &Error{
			Code: CodeInvalid, Param: member + ".when", Err: err,
			Message: fmt.Sprintf("Rule '%s' does not compile: %s.\n%s", clipText(id, 64), source.Error(), source.Snippet),
		}
	}
	var e *Error
	if errors.As(err, &e) {
		copied := *e
		copied.Param = member
		if e.Param != "" {
			copied.Param += "." + e.Param
		}
		copied.Message = fmt.Sprintf("%s '%s': %s", noun, clipText(id, 64), e.Message)
		return &copied
	}
	return err
}

// WarnRule tells what looks wrong once the rule is saved: what the rules of its account are then
// found to be, and which of their cases fail.
func (s *RuleSetService) WarnRule(ctx context.Context, r Rule) ([]RuleFinding, error) {
	set, err := s.head(ctx, r.AccountID)
	if err != nil {
		return nil, err
	}
	rules := set.Rules
	at := -1
	for i := range rules {
		if rules[i].ID == r.ID {
			at = i
		}
	}
	if at < 0 {
		rules = append(rules, r)
	} else {
		rules[at] = r
	}
	findings := s.cfg.Drafter.RuleFindings(r.AccountID, rules)
	results, err := s.runCases(ctx, r.AccountID, s.cfg.Drafter.DraftRules(r.AccountID, rules), nil)
	if err != nil {
		return nil, err
	}
	for _, f := range failed(results) {
		findings = append(findings, RuleFinding{Kind: FindingCase, Message: "The case '" + f.ID + "' fails: " + f.Message})
	}
	return findings, nil
}
