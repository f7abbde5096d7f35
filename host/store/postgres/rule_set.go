package postgres

import (
	"context"
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.RuleSetStore = (*Store)(nil)

// ListRuleSets implements engine.RuleSetStore.
func (s *Store) ListRuleSets(ctx context.Context, accountID string, before int64, limit int) (sets []engine.RuleSet, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	err = s.readOf(ctx, accountID, "list versions of rules", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListRuleSets(ctx, query.ListRuleSetsParams{AccountID: accountID, Before: before, Size: row.AuditLimit(limit)})
		if err == nil {
			sets, err = row.ParseAll(rows, parseRuleSet)
		}
		return err
	})
	return sets, err
}

// GetRuleSet implements engine.RuleSetStore.
func (s *Store) GetRuleSet(ctx context.Context, accountID string, version int64) (set engine.RuleSet, err error) {
	if !row.IsKey(accountID) {
		return engine.RuleSet{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get a version of rules", func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetRuleSet(ctx, query.GetRuleSetParams{AccountID: accountID, Version: version})
		if err != nil {
			return err
		}
		bodies, err := q.ListRuleSetRules(ctx, query.ListRuleSetRulesParams{AccountID: accountID, Version: version})
		if err != nil {
			return err
		}
		if int64(len(bodies)) != n.RuleCount {
			return engine.ErrNotFound // it was dropped between the two
		}
		if set, err = parseRuleSet(n); err == nil {
			set.Rules, err = row.ParseRuleBodies(accountID, bodies)
		}
		return err
	})
	return set, err
}

// RuleSetVersions implements engine.RuleSetStore.
func (s *Store) RuleSetVersions(ctx context.Context) (versions map[string]int64, err error) {
	err = s.read(ctx, "list the newest versions of rules", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListLastRuleSets(ctx)
		versions = make(map[string]int64, len(rows))
		for _, r := range rows {
			versions[r.AccountID] = r.Version
		}
		return err
	})
	return versions, err
}

// RuleSetVersion implements engine.RuleSetStore.
func (s *Store) RuleSetVersion(ctx context.Context, accountID string) (version int64, err error) {
	if !row.IsKey(accountID) {
		return 0, nil
	}
	err = s.readOf(ctx, accountID, "get the newest version of rules", func(ctx context.Context, q *query.Queries) error {
		version, err = q.GetLastRuleSet(ctx, accountID)
		return err
	})
	return version, err
}

// PublishRuleSet implements engine.RuleSetStore.
func (s *Store) PublishRuleSet(ctx context.Context, set engine.RuleSet, was int64) error {
	if err := row.CheckRuleSet(set); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaRules, set.AccountID, ""), "publish rules", func(ctx context.Context, q *query.Queries) error {
		last, err := q.GetLastRuleSet(ctx, set.AccountID)
		if err != nil {
			return err
		}
		if last != was || set.Version != was+1 {
			return engine.ErrConflict
		}
		rules, err := accountRules(ctx, q, set.AccountID)
		if err != nil {
			return err
		}
		todo, err := row.PublicationOf(rules, set)
		if err != nil {
			return err
		}
		for _, r := range todo.Delete {
			if _, err := q.DeleteRule(ctx, query.DeleteRuleParams{AccountID: r.AccountID, ID: r.ID}); err != nil {
				return err
			}
		}
		for _, r := range todo.Create {
			if err := q.CreateRule(ctx, query.CreateRuleParams(ruleRow(r))); err != nil {
				return err
			}
		}
		for _, r := range todo.Update {
			if _, err := q.UpdateRule(ctx, updateRule(r, time.Time{})); err != nil {
				return err
			}
		}
		return addRuleSet(ctx, q, set)
	})
}

// StartRuleSets implements engine.RuleSetStore.
func (s *Store) StartRuleSets(ctx context.Context, at time.Time) error {
	return s.transact(ctx, "begin the versions of rules", func(ctx context.Context, q *query.Queries) error {
		if _, err := q.LockRevision(ctx); err != nil {
			return err
		}
		accounts, err := q.ListUnversionedAccounts(ctx)
		for i := 0; i < len(accounts) && err == nil; i++ {
			err = addRuleSet(ctx, q, engine.RuleSet{AccountID: accounts[i], CreatedAt: at})
		}
		return err
	})
}

// versioned is a change of one rule of an account, which makes a version.
func (s *Store) versioned(ctx context.Context, accountID, doing string, at time.Time, change func(context.Context, *query.Queries) error) error {
	if e := engine.AuditOf(ctx); e != nil {
		at = e.At
	}
	return s.writeOf(ctx, row.Changed(engine.AreaRules, accountID, ""), doing, func(ctx context.Context, q *query.Queries) error {
		if err := change(ctx, q); err != nil {
			return err
		}
		return addRuleSet(ctx, q, engine.RuleSet{AccountID: accountID, Note: row.RuleSetNote(doing), CreatedAt: at})
	})
}

// addRuleSet makes the rules of the account, as they are by now, its next version. Writers of
// configuration come one after the other: nobody else takes that number.
func addRuleSet(ctx context.Context, q *query.Queries, set engine.RuleSet) error {
	rules, err := accountRules(ctx, q, set.AccountID)
	if err != nil {
		return err
	}
	last, err := q.GetLastRuleSet(ctx, set.AccountID)
	if err != nil {
		return err
	}
	open, err := q.ListOpenRuleSetRules(ctx, set.AccountID)
	if err != nil {
		return err
	}
	before := make(map[string]string, len(open))
	for _, o := range open {
		before[o.ID] = o.Body
	}
	version := last + 1
	change := row.ChangeOfRules(before, rules)
	for _, id := range change.Ended {
		if err := q.EndRuleSetRule(ctx, query.EndRuleSetRuleParams{Until: &version, AccountID: set.AccountID, ID: id}); err != nil {
			return err
		}
	}
	for _, b := range change.Begun {
		if err := q.AddRuleSetRule(ctx, query.AddRuleSetRuleParams{AccountID: set.AccountID, ID: b.ID, Since: version, Body: b.Body}); err != nil {
			return err
		}
	}
	err = q.AddRuleSet(ctx, query.AddRuleSetParams{
		AccountID: set.AccountID, Version: version, Digest: engine.DigestRules(rules), RuleCount: int64(len(rules)), Note: set.Note,
		MadeBy: row.RuleSetBy(engine.ActorOf(ctx)), Restores: set.Restores, CreatedAt: row.Time(set.CreatedAt),
	})
	if err != nil || version <= row.KeptRuleSets {
		return err
	}
	dropped, err := q.DropRuleSets(ctx, query.DropRuleSetsParams{
		AccountID: set.AccountID, Upto: version - row.KeptRuleSets, Before: row.Time(set.CreatedAt.Add(-row.KeptRuleSetAge)),
	})
	if err != nil || dropped == 0 {
		return err
	}
	return q.DropRuleSetRules(ctx, set.AccountID)
}

func accountRules(ctx context.Context, q *query.Queries, accountID string) ([]engine.Rule, error) {
	rows, err := q.ListAccountRules(ctx, accountID)
	if err != nil {
		return nil, err
	}
	return row.ParseAll(rows, parseRule)
}

func parseRuleSet(n query.RuleSet) (engine.RuleSet, error) {
	return engine.RuleSet{
		AccountID: n.AccountID, Version: n.Version, Digest: n.Digest, Count: int(n.RuleCount), Note: n.Note, By: n.MadeBy,
		Restores: n.Restores, CreatedAt: n.CreatedAt.UTC(),
	}, nil
}
