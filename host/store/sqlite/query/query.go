// Package query is the SQLite driver's SQL: the statements are in *.sql, the Go
// beside them is generated from these and from migrations/sqlite by sqlc
// (`make generate`). Nothing in it knows engine types; the driver maps them.
package query

// Texts of statements that the driver runs without database/sql. Their parameters are numbered
// in the order of the members of the generated structs.
const (
	AddUsage        = addUsage
	AddDecision     = addDecision
	AddRollup       = addRollup
	GetRollupLists  = getRollupLists
	SetRollupLists  = setRollupLists
	DropEmptyRollup = dropEmptyRollup
)
