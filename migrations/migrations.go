// Package migrations holds what a new database is made of: the schema as goose
// migrations, once per SQL dialect under the same file names, and the seed of the
// catalogue. It only embeds; host/store applies and decodes.
//
// Read postgres/0001_revision.sql first, then RATIONALE.md.
package migrations

import "embed"

// Postgres holds the schema for Postgres 15 and later, as postgres/NNNN_name.sql.
//
//go:embed postgres/*.sql
var Postgres embed.FS

// SQLite holds the same schema for SQLite, as sqlite/NNNN_name.sql: times are
// integer milliseconds since 1970 UTC, flags are 0 or 1, lists are JSON text.
//
//go:embed sqlite/*.sql
var SQLite embed.FS

// Catalogue holds the seed: catalogue/models.json, providers.json, prices.json and
// rules.json. Their form is that of the structs in host/store/seed.go.
//
//go:embed catalogue/*.json
var Catalogue embed.FS
