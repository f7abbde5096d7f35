package postgres

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.RuleCaseStore = (*Store)(nil)

// ListRuleCases implements engine.RuleCaseStore.
func (s *Store) ListRuleCases(ctx context.Context, accountID string) (cases []engine.RuleCase, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "list cases of rules", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListRuleCases(ctx, accountID)
		if err == nil {
			cases, err = row.ParseAll(rows, parseRuleCase)
		}
		return err
	})
	return cases, err
}

// GetRuleCase implements engine.RuleCaseStore.
func (s *Store) GetRuleCase(ctx context.Context, accountID, id string) (c engine.RuleCase, err error) {
	if !row.IsKey(accountID, id) {
		return engine.RuleCase{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get case "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetRuleCase(ctx, query.GetRuleCaseParams{AccountID: accountID, ID: id})
		if err == nil {
			c, err = parseRuleCase(n)
		}
		return err
	})
	return c, err
}

// PutRuleCase implements engine.RuleCaseStore.
func (s *Store) PutRuleCase(ctx context.Context, c engine.RuleCase) error {
	if err := row.CheckRuleCase(c); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaOther, c.AccountID, ""), "put case "+c.ID, func(ctx context.Context, q *query.Queries) error {
		others, err := q.CountRuleCases(ctx, query.CountRuleCasesParams{AccountID: c.AccountID, ID: c.ID})
		if err != nil {
			return err
		}
		if others >= engine.MaxRuleCases {
			return engine.ErrConflict
		}
		return q.PutRuleCase(ctx, query.PutRuleCaseParams(ruleCaseRow(c)))
	})
}

// DeleteRuleCase implements engine.RuleCaseStore.
func (s *Store) DeleteRuleCase(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaOther, accountID, ""), "delete case "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteRuleCase(ctx, query.DeleteRuleCaseParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

func ruleCaseRow(c engine.RuleCase) query.RuleCase {
	n := query.RuleCase{
		AccountID: c.AccountID, ID: c.ID, Name: c.Name, Request: string(c.Request), WantSource: c.Want.Source, WantModel: c.Want.Model,
		WantCode: string(c.Want.Code), CreatedAt: row.Time(c.CreatedAt), UpdatedAt: row.Time(c.UpdatedAt),
	}
	if len(c.Given) > 0 {
		given := string(c.Given)
		n.Given = &given
	}
	return n
}

func parseRuleCase(n query.RuleCase) (engine.RuleCase, error) {
	c := engine.RuleCase{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, Request: []byte(n.Request),
		Want:      engine.RuleWant{Source: n.WantSource, Model: n.WantModel, Code: engine.Code(n.WantCode)},
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if n.Given != nil {
		c.Given = []byte(*n.Given)
	}
	return c, nil
}
