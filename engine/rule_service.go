package engine

import (
	"context"
	"errors"
	"strings"
	"time"
)

// RuleService is the management of routing rules: who may do what, what makes a
// rule valid, and that a write is in force here before it returns.
// Safe for concurrent use.
type RuleService struct {
	store     RuleStore
	checker   RuleChecker
	catalogue func() *Catalogue
	reload    func(context.Context) error
	now       func() time.Time
	guard     *RuleSetService // whose cases hold the rules; nil: none do
}

// NewRuleService returns a service over the store. reload puts the stored rules
// in force in this process. No cases hold its writes before NewRuleSetService was given it.
func NewRuleService(store RuleStore, checker RuleChecker, catalogue func() *Catalogue, reload func(context.Context) error, now func() time.Time) *RuleService {
	return &RuleService{store: store, checker: checker, catalogue: catalogue, reload: reload, now: now}
}

// mayWrite reports whether the principal manages rules of that account ("" = global).
func mayWrite(p Principal, accountID string) bool {
	return p.Role == RoleSuperAdmin || (p.Role == RoleAccountAdmin && accountID != "" && accountID == p.AccountID)
}

// mayRead reports whether the principal sees rows of that account.
func mayRead(p Principal, accountID string) bool {
	return p.Role == RoleSuperAdmin || accountID == "" || accountID == p.AccountID
}

// ListRules returns the rules that the principal sees, in the store's order.
func (s *RuleService) ListRules(ctx context.Context, p Principal) ([]Rule, error) {
	if p.Role == RoleSuperAdmin {
		return s.store.ListRules(ctx)
	}
	// An account's list must not cost what the rules of all accounts cost.
	visible, err := s.store.ListAccountRules(ctx, "")
	if err != nil || p.AccountID == "" {
		return visible, err
	}
	own, err := s.store.ListAccountRules(ctx, p.AccountID)
	if err != nil {
		return nil, err
	}
	return append(visible, own...), nil
}

// GetRule returns one rule. Errors: CodeNotFound, also for another account's.
func (s *RuleService) GetRule(ctx context.Context, p Principal, accountID, id string) (Rule, error) {
	if !mayRead(p, accountID) {
		return Rule{}, noSuchRule(id)
	}
	r, err := s.store.GetRule(ctx, accountID, id)
	if errors.Is(err, ErrNotFound) {
		return Rule{}, noSuchRule(id)
	}
	return r, err
}

func noSuchRule(id string) *Error {
	return Errorf(CodeNotFound, "There is no rule '%s'. GET /api/v1/rules lists them.", clipText(id, 64))
}

// CheckRule reports whether the rule could be saved. Errors: *SourceError for an
// expression that does not compile, *Error with CodeInvalid or CodeForbidden otherwise.
func (s *RuleService) CheckRule(_ context.Context, p Principal, r Rule) error {
	if !mayWrite(p, r.AccountID) {
		return forbiddenRule(r.AccountID)
	}
	if err := s.checker.CheckRule(r); err != nil {
		return err
	}
	c := s.catalogue()
	for i, id := range append([]string{r.Target}, r.Fallbacks...) {
		if _, ok := c.Model(r.AccountID, id); ok {
			continue
		}
		e := Errorf(CodeInvalid, "There is no model '%s'. Nearest: %s.", clipText(id, 64), strings.Join(c.Nearest(r.AccountID, id, 3), ", "))
		e.Param = "target"
		if i > 0 {
			e.Param = "fallbacks[" + itoa(int64(i-1)) + "]"
		}
		return e
	}
	return nil
}

func forbiddenRule(accountID string) *Error {
	if accountID == "" {
		return Errorf(CodeForbidden, "Only a super admin may manage global rules.")
	}
	return Errorf(CodeForbidden, "This key may not manage rules of that account.")
}

// CreateRule checks, stores and puts in force a new rule. An empty id is made from the name.
// Errors: those of CheckRule, CodeConflict when the id is taken, *FailedCases.
func (s *RuleService) CreateRule(ctx context.Context, p Principal, w RuleWrite) (WrittenRule, error) {
	r := w.Rule
	if r.ID == "" {
		r.ID = slug(r.Name)
	}
	if r.OnFailure == "" {
		r.OnFailure = FailureSkip
	}
	r.System = false
	now := s.now().UTC().Truncate(time.Millisecond)
	r.CreatedAt, r.UpdatedAt = now, now
	if err := s.CheckRule(ctx, p, r); err != nil {
		return WrittenRule{}, err
	}
	if pathWords[r.ID] {
		return WrittenRule{}, isPathWord(r.ID)
	}
	detail := recordRule(r)
	failing, err := s.commit(ctx, ruleEdit{
		account: r.AccountID, id: r.ID, action: "rule.create", note: "create rule " + r.ID, at: now, detail: &detail, override: w.Override,
		store: func(ctx context.Context) error { return s.store.CreateRule(ctx, r) }, apply: creating(r),
	})
	if errors.Is(err, ErrConflict) {
		return WrittenRule{}, Errorf(CodeConflict, "A rule '%s' exists already. Change it with PUT, or choose another id.", r.ID)
	} else if err != nil {
		return WrittenRule{}, err
	}
	return WrittenRule{r, failing}, s.reload(ctx)
}

// UpdateRule replaces a rule.
// Errors: those of CheckRule, CodeNotFound, CodeConflict when it changed meanwhile, *FailedCases.
func (s *RuleService) UpdateRule(ctx context.Context, p Principal, w RuleWrite) (WrittenRule, error) {
	r := w.Rule
	old, err := s.GetRule(ctx, p, r.AccountID, r.ID)
	if err != nil {
		return WrittenRule{}, err
	}
	r.System, r.CreatedAt = old.System, old.CreatedAt
	if r.OnFailure == "" {
		r.OnFailure = FailureSkip
	}
	r.UpdatedAt = s.now().UTC().Truncate(time.Millisecond)
	if !r.UpdatedAt.After(old.UpdatedAt) {
		// Two writes in one millisecond must still differ, or the second caller's check would pass.
		r.UpdatedAt = old.UpdatedAt.Add(time.Millisecond)
	}
	if err := s.CheckRule(ctx, p, r); err != nil {
		return WrittenRule{}, err
	}
	detail := recordRule(r)
	failing, err := s.commit(ctx, ruleEdit{
		account: r.AccountID, id: r.ID, action: ruleChange(old, r), note: "update rule " + r.ID, at: s.now(), detail: &detail, override: w.Override,
		store: func(ctx context.Context) error { return s.store.UpdateRule(ctx, r, w.Was) }, apply: updating(&r, w.Was),
	})
	switch {
	case errors.Is(err, ErrConflict):
		return WrittenRule{}, Errorf(CodeConflict, "The rule '%s' was changed meanwhile. Read it again.", r.ID)
	case errors.Is(err, ErrNotFound):
		return WrittenRule{}, noSuchRule(r.ID)
	case err != nil:
		return WrittenRule{}, err
	}
	return WrittenRule{r, failing}, s.reload(ctx)
}

// DeleteRule deletes a rule.
// Errors: CodeConflict for a system rule, CodeNotFound, CodeForbidden, *FailedCases.
func (s *RuleService) DeleteRule(ctx context.Context, p Principal, w RuleWrite) error {
	accountID, id := w.Rule.AccountID, w.Rule.ID
	old, err := s.GetRule(ctx, p, accountID, id)
	if err != nil {
		return err
	}
	if !mayWrite(p, accountID) {
		return forbiddenRule(accountID)
	}
	if old.System {
		return Errorf(CodeConflict, "'%s' is a system rule and cannot be deleted. Disable it, or shadow it with an account rule of the same id.", id)
	}
	_, err = s.commit(ctx, ruleEdit{
		account: accountID, id: id, action: "rule.delete", note: "delete rule " + id, at: s.now(), override: w.Override,
		store: func(ctx context.Context) error { return s.store.DeleteRule(ctx, accountID, id) }, apply: deleting(id),
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return noSuchRule(id)
	case errors.Is(err, ErrConflict):
		return Errorf(CodeConflict, "The rule '%s' cannot be deleted.", id)
	case err != nil:
		return err
	}
	return s.reload(ctx)
}

// slug makes an id of a name: lower-case letters, digits and single hyphens.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 64 {
			break
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
