package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListRules implements engine.RuleStore.
func (s *Store) ListRules(ctx context.Context) (rules []engine.Rule, err error) {
	err = s.read(ctx, "list rules", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListRules(ctx)
		if err == nil {
			rules, err = row.ParseAll(rows, parseRule)
		}
		return err
	})
	return rules, err
}

// ListAccountRules implements engine.RuleStore.
func (s *Store) ListAccountRules(ctx context.Context, accountID string) (rules []engine.Rule, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "list rules of an account", func(ctx context.Context, q *query.Queries) error {
		rules, err = accountRules(ctx, q, accountID)
		return err
	})
	return rules, err
}

// GetRule implements engine.RuleStore.
func (s *Store) GetRule(ctx context.Context, accountID, id string) (rule engine.Rule, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Rule{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get rule "+id, func(ctx context.Context, q *query.Queries) error {
		r, err := q.GetRule(ctx, query.GetRuleParams{AccountID: accountID, ID: id})
		if err == nil {
			rule, err = parseRule(r)
		}
		return err
	})
	return rule, err
}

// CreateRule implements engine.RuleStore.
func (s *Store) CreateRule(ctx context.Context, r engine.Rule) error {
	if err := row.CheckRule(r); err != nil {
		return err
	}
	return s.versioned(ctx, r.AccountID, "create rule "+r.ID, r.UpdatedAt, func(ctx context.Context, q *query.Queries) error {
		return q.CreateRule(ctx, query.CreateRuleParams(ruleRow(r)))
	})
}

// UpdateRule implements engine.RuleStore.
func (s *Store) UpdateRule(ctx context.Context, r engine.Rule, was time.Time) error {
	if err := row.CheckRule(r); err != nil {
		return err
	}
	return s.versioned(ctx, r.AccountID, "update rule "+r.ID, r.UpdatedAt, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateRule(ctx, updateRule(r, was))
		return refusal(ctx, q, changed, err, r.AccountID, r.ID)
	})
}

// DeleteRule implements engine.RuleStore.
func (s *Store) DeleteRule(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.versioned(ctx, accountID, "delete rule "+id, time.Now(), func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteRule(ctx, query.DeleteRuleParams{AccountID: accountID, ID: id})
		return refusal(ctx, q, deleted, err, accountID, id)
	})
}

// refusal says why a statement changed no rule: there is none, or it is not one
// that may be changed so.
func refusal(ctx context.Context, q *query.Queries, changed int64, err error, accountID, id string) error {
	if err != nil || changed > 0 {
		return err
	}
	found, err := q.HasRule(ctx, query.HasRuleParams{AccountID: accountID, ID: id})
	switch {
	case err != nil:
		return err
	case found == 0:
		return engine.ErrNotFound
	}
	return engine.ErrConflict
}

func updateRule(r engine.Rule, was time.Time) query.UpdateRuleParams {
	n := ruleRow(r)
	return query.UpdateRuleParams{
		Name: n.Name, Description: n.Description, Priority: n.Priority, Expression: n.Expression, Plugin: n.Plugin,
		Config: n.Config, Target: n.Target, Fallbacks: n.Fallbacks, OnlyListed: n.OnlyListed, OnFailure: n.OnFailure,
		ContinueAfterCut: n.ContinueAfterCut, Enabled: n.Enabled, TeamID: n.TeamID, UpdatedAt: n.UpdatedAt,
		AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
	}
}

func ruleRow(r engine.Rule) query.Rule {
	n := query.Rule{
		AccountID: r.AccountID, ID: r.ID, Name: r.Name, Description: r.Description, Priority: int64(r.Priority),
		Expression: r.When, Plugin: r.Plugin, Target: r.Target, Fallbacks: row.List(r.Fallbacks), OnlyListed: r.Only,
		OnFailure: string(r.OnFailure), ContinueAfterCut: r.ContinueAfterCut, Enabled: r.Enabled, IsSystem: r.System,
		TeamID: r.TeamID, CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt),
	}
	if len(r.Config) > 0 {
		config := string(r.Config)
		n.Config = &config
	}
	return n
}

func parseRule(n query.Rule) (engine.Rule, error) {
	fallbacks, err := row.ParseList[string](n.Fallbacks)
	r := engine.Rule{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, Description: n.Description, Priority: int(n.Priority),
		When: n.Expression, Plugin: n.Plugin, Target: n.Target, Fallbacks: fallbacks, Only: n.OnlyListed,
		OnFailure: engine.FailurePolicy(n.OnFailure), ContinueAfterCut: n.ContinueAfterCut, Enabled: n.Enabled,
		System: n.IsSystem, TeamID: n.TeamID, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if n.Config != nil {
		r.Config = []byte(*n.Config)
	}
	return r, err
}
