package postgres

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// systemWork are the methods that see the rows of every account: what loads the snapshots,
// what writes rows of several accounts at once, and what belongs to the installation.
var systemWork = strings.Fields(`
	ListAccounts ListTeams ListUsers ListKeys ListRules ListModels ListProviders ListPrices ListCredentials ListPlugins
	ListPreferences ListAssignments ListLimits AuditedAccounts
	PutModel PutProvider PutPrice
	PostUsage RecountUsage ensure DropUsage SaveSessions AddHandoffs DeleteExpired AppendAudit
	ExchangeLimits TakeLimit SaveLimitLevels LeaveLimits SweepLimits ListLimitLevels ReportLimits ListLimitCounts countLimitReplicas
	ListBudgets AddBudgetAlert ExchangeBudgets ExpireBudgetLeases DeadBudgetLeases SettleBudgetLease DropBudgetWindows
	ListWebhooks AddDeliveries DueDeliveries DropDeliveries
	AddHealthTransitions HealthTransitionsAfter HealthSequence SaveHealth ListHealth AddHealthCells ListHealthCells DropHealth
	ListHealthControls TakeHealthProbe
	RuleSetVersions StartRuleSets ListRollouts
	AddDecisions DeleteDecisionsBefore nextDecisionAccount ListDecisionSettings
	Revision Changes GetSetting PutSetting Pools Clock
	FindLogin DropLogins
	DropIdempotencyKeys
`)

// A method for an account's rows that forgot the wall would work, and nobody would see.
func TestOnlySystemWorkPassesTheWall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("Glob() = %v, %v, want the files of the package", files, err)
	}
	passing := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "store.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				on, ok := call.X.(*ast.Ident)
				if ok && on.Name == "s" && slices.Contains([]string{"read", "write", "transact", "lease", "begin", "beginBy", "pool", "queries"}, call.Sel.Name) {
					passing[fn.Name.Name] = true
				}
				return true
			})
		}
	}
	for name := range passing {
		if name == "again" || name == "acquire" { // they empty the pool, and take a connection
			continue
		}
		if !slices.Contains(systemWork, name) {
			t.Errorf("%s reads or writes as the owner, who sees every account: use readOf, writeOf or transactOf with the account, or name it in systemWork", name)
		}
	}
	for _, name := range systemWork {
		if !passing[name] {
			t.Errorf("%s is named in systemWork, and is no such method", name)
		}
	}
}
