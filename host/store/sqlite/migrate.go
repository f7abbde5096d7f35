package sqlite

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/host/store/schema"
)

// prepare sees to it that the database has every migration and no unknown one.
// The file is locked, so nobody else migrates.
func (s *Store) prepare(ctx context.Context, noMigrate bool) error {
	behind, err := s.missing(ctx)
	switch {
	case err != nil || behind == 0:
		return err
	case noMigrate:
		return schema.Behind(behind)
	}
	return schema.SQLite().Up(ctx, s.writer, s.log)
}

// missing asks for the version without goose, which would create its table.
func (s *Store) missing(ctx context.Context) (int, error) {
	var tables int
	var version int64
	err := s.writer.QueryRowContext(ctx, `select count(*) from sqlite_master where type = 'table' and name = '`+schema.Table+`'`).Scan(&tables)
	if err == nil && tables > 0 {
		err = s.writer.QueryRowContext(ctx, `select coalesce(max(version_id), 0) from `+schema.Table).Scan(&version)
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	return schema.SQLite().Missing(version)
}
