package sqlite

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// ListDecisionSettings implements engine.DecisionSettingStore.
func (s *Store) ListDecisionSettings(ctx context.Context) (settings []engine.DecisionSettings, err error) {
	err = s.read(ctx, "list settings of decisions", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListDecisionSettings(ctx)
		if err == nil {
			settings, err = row.ParseAll(rows, parseDecisionSettings)
		}
		return err
	})
	return settings, err
}

// PutDecisionSettings implements engine.DecisionSettingStore.
func (s *Store) PutDecisionSettings(ctx context.Context, settings engine.DecisionSettings) error {
	if err := row.CheckDecisionSettings(settings); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaDecisions, settings.AccountID, ""), "put settings of decisions", func(ctx context.Context, q *query.Queries) error {
		return q.PutDecisionSettings(ctx, query.PutDecisionSettingsParams{
			AccountID: settings.AccountID, Share: int64(settings.Share), KeepText: settings.Text, Days: int64(settings.Days),
			UpdatedBy: settings.UpdatedBy, UpdatedAt: millis(settings.UpdatedAt),
		})
	})
}

// DeleteDecisionSettings implements engine.DecisionSettingStore.
func (s *Store) DeleteDecisionSettings(ctx context.Context, accountID string) error {
	if !row.IsKey(accountID) {
		return nil // there is none
	}
	return s.write(ctx, row.Changed(engine.AreaDecisions, accountID, ""), "delete settings of decisions", func(ctx context.Context, q *query.Queries) error {
		return q.DeleteDecisionSettings(ctx, accountID)
	})
}

func parseDecisionSettings(n query.DecisionSetting) (engine.DecisionSettings, error) {
	return engine.DecisionSettings{
		AccountID: n.AccountID, Share: int(n.Share), Text: n.KeepText, Days: int(n.Days), UpdatedBy: n.UpdatedBy, UpdatedAt: instant(n.UpdatedAt),
	}, nil
}
