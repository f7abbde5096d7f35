// Package query is the Postgres driver's SQL: the statements are in *.sql, the Go
// beside them is generated from these and from migrations/postgres by sqlc
// (`make generate`). Nothing in it knows engine types; the driver maps them.
package query
