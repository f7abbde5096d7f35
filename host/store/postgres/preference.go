package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListPreferences implements engine.PreferenceStore.
func (s *Store) ListPreferences(ctx context.Context) (preferences []engine.Preferences, err error) {
	err = s.read(ctx, "list preferences", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListPreferences(ctx)
		if err == nil {
			preferences, err = row.ParseAll(rows, parsePreferences)
		}
		return err
	})
	return preferences, err
}

// PutPreferences implements engine.PreferenceStore. Writes queue at the revision, so no
// other one comes between the two statements.
func (s *Store) PutPreferences(ctx context.Context, p engine.Preferences, was time.Time) error {
	if err := row.CheckPreferences(p); err != nil {
		return err
	}
	n := preferencesRow(p)
	return s.writeOf(ctx, row.Changed(engine.AreaPolicies, p.AccountID, ""), "put preferences", func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdatePreferences(ctx, query.UpdatePreferencesParams{
			DefaultModel: n.DefaultModel, Model: n.Model, AllowedModels: n.AllowedModels, BlockedModels: n.BlockedModels,
			MaxTokensPerDay: n.MaxTokensPerDay, MaxCostPerDay: n.MaxCostPerDay, PreferVision: n.PreferVision,
			PreferSpeed: n.PreferSpeed, PreferCost: n.PreferCost, CustomRulesOnly: n.CustomRulesOnly, StoreText: n.StoreText,
			Locked: n.Locked, Reason: n.Reason, UpdatedBy: n.UpdatedBy, UpdatedAt: n.UpdatedAt,
			AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID, IsOverride: n.IsOverride, Was: row.TimeOrNil(was),
		})
		switch {
		case err != nil || changed > 0:
			return err
		case !was.IsZero():
			return engine.ErrConflict
		}
		return q.CreatePreferences(ctx, query.CreatePreferencesParams(n))
	})
}

// DeletePreferences implements engine.PreferenceStore.
func (s *Store) DeletePreferences(ctx context.Context, t engine.Tenant, override bool) error {
	if !row.IsTenant(t) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaPolicies, t.AccountID, ""), "delete preferences", func(ctx context.Context, q *query.Queries) error {
		return found(q.DeletePreferences(ctx, query.DeletePreferencesParams{
			AccountID: t.AccountID, TeamID: t.TeamID, UserID: t.UserID, IsOverride: override,
		}))
	})
}

func preferencesRow(p engine.Preferences) query.Preference {
	return query.Preference{
		AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, IsOverride: p.Override, DefaultModel: p.DefaultModel,
		Model: p.Model, AllowedModels: row.OptionalList(p.AllowedModels), BlockedModels: row.OptionalList(p.BlockedModels),
		MaxTokensPerDay: p.MaxTokensPerDay, MaxCostPerDay: p.MaxCostPerDay, PreferVision: p.PreferVision,
		PreferSpeed: p.PreferSpeed, PreferCost: p.PreferCost, CustomRulesOnly: p.CustomRulesOnly, StoreText: p.StoreText,
		Locked: row.List(p.Locked), Reason: p.Reason, UpdatedBy: p.UpdatedBy,
		CreatedAt: row.Time(p.CreatedAt), UpdatedAt: row.Time(p.UpdatedAt),
	}
}

func parsePreferences(n query.Preference) (p engine.Preferences, err error) {
	p = engine.Preferences{
		Tenant:   engine.Tenant{AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID},
		Override: n.IsOverride, DefaultModel: n.DefaultModel, Model: n.Model,
		MaxTokensPerDay: n.MaxTokensPerDay, MaxCostPerDay: n.MaxCostPerDay, PreferVision: n.PreferVision,
		PreferSpeed: n.PreferSpeed, PreferCost: n.PreferCost, CustomRulesOnly: n.CustomRulesOnly, StoreText: n.StoreText,
		Reason: n.Reason, UpdatedBy: n.UpdatedBy, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if p.AllowedModels, err = row.ParseOptionalList(n.AllowedModels); err != nil {
		return p, err
	}
	if p.BlockedModels, err = row.ParseOptionalList(n.BlockedModels); err != nil {
		return p, err
	}
	p.Locked, err = row.ParseList[string](n.Locked)
	return p, err
}
