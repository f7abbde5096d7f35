package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
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
	return s.write(ctx, row.Changed(engine.AreaPolicies, p.AccountID, ""), "put preferences", func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdatePreferences(ctx, query.UpdatePreferencesParams{
			DefaultModel: n.DefaultModel, Model: n.Model, AllowedModels: n.AllowedModels, BlockedModels: n.BlockedModels,
			MaxTokensPerDay: n.MaxTokensPerDay, MaxCostPerDay: n.MaxCostPerDay, PreferVision: n.PreferVision,
			PreferSpeed: n.PreferSpeed, PreferCost: n.PreferCost, CustomRulesOnly: n.CustomRulesOnly, StoreText: n.StoreText,
			Locked: n.Locked, Reason: n.Reason, UpdatedBy: n.UpdatedBy, UpdatedAt: n.UpdatedAt,
			AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID, IsOverride: n.IsOverride, Was: millisOrNil(was),
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
	return s.write(ctx, row.Changed(engine.AreaPolicies, t.AccountID, ""), "delete preferences", func(ctx context.Context, q *query.Queries) error {
		return found(q.DeletePreferences(ctx, query.DeletePreferencesParams{
			AccountID: t.AccountID, TeamID: t.TeamID, UserID: t.UserID, IsOverride: override,
		}))
	})
}

func preferencesRow(p engine.Preferences) query.Preference {
	return query.Preference{
		AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, IsOverride: p.Override, DefaultModel: p.DefaultModel,
		Model: p.Model, AllowedModels: textOrNil(row.OptionalList(p.AllowedModels)), BlockedModels: textOrNil(row.OptionalList(p.BlockedModels)),
		MaxTokensPerDay: p.MaxTokensPerDay, MaxCostPerDay: p.MaxCostPerDay, PreferVision: p.PreferVision,
		PreferSpeed: p.PreferSpeed, PreferCost: p.PreferCost, CustomRulesOnly: p.CustomRulesOnly, StoreText: p.StoreText,
		Locked: string(row.List(p.Locked)), Reason: p.Reason, UpdatedBy: p.UpdatedBy,
		CreatedAt: millis(p.CreatedAt), UpdatedAt: millis(p.UpdatedAt),
	}
}

func parsePreferences(n query.Preference) (p engine.Preferences, err error) {
	p = engine.Preferences{
		Tenant:   engine.Tenant{AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID},
		Override: n.IsOverride, DefaultModel: n.DefaultModel, Model: n.Model,
		MaxTokensPerDay: n.MaxTokensPerDay, MaxCostPerDay: n.MaxCostPerDay, PreferVision: n.PreferVision,
		PreferSpeed: n.PreferSpeed, PreferCost: n.PreferCost, CustomRulesOnly: n.CustomRulesOnly, StoreText: n.StoreText,
		Reason: n.Reason, UpdatedBy: n.UpdatedBy, CreatedAt: instant(n.CreatedAt), UpdatedAt: instant(n.UpdatedAt),
	}
	if p.AllowedModels, err = row.ParseOptionalList(bytesOrNil(n.AllowedModels)); err != nil {
		return p, err
	}
	if p.BlockedModels, err = row.ParseOptionalList(bytesOrNil(n.BlockedModels)); err != nil {
		return p, err
	}
	p.Locked, err = row.ParseList[string]([]byte(n.Locked))
	return p, err
}

// textOrNil is JSON as a column holds it; nil is null.
func textOrNil(b []byte) *string {
	if b == nil {
		return nil
	}
	text := string(b)
	return &text
}

// bytesOrNil is the inverse of textOrNil.
func bytesOrNil(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}
