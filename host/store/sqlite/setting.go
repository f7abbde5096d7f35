package sqlite

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// GetSetting implements engine.SettingStore.
func (s *Store) GetSetting(ctx context.Context, name string) (value string, err error) {
	if !row.IsKey("", name) {
		return "", engine.ErrNotFound
	}
	err = s.read(ctx, "get setting "+name, func(ctx context.Context, q *query.Queries) error {
		value, err = q.GetSetting(ctx, name)
		return err
	})
	return value, err
}

// PutSetting implements engine.SettingStore.
func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	if err := row.CheckSetting(name, value); err != nil {
		return err
	}
	return s.transact(ctx, "put setting "+name, func(ctx context.Context, q *query.Queries) error {
		return q.PutSetting(ctx, query.PutSettingParams{Name: name, Value: value})
	})
}
