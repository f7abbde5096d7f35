package postgres

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everyAccount are the queries that are meant for rows of more than one account, and why. A
// database whose tables are distributed by account answers all others from one node.
var everyAccount = func() map[string]string {
	names := map[string]string{}
	for why, list := range map[string]string{
		"loads a snapshot, at the start and when something changed": `
			ListAccounts ListAssignments ListBudgets ListCredentials ListDecisionSettings ListHealthCells ListHealthControls ListHealthStates
			ListKeys ListLimits ListLimitBuckets ListModels ListPlugins ListPreferences ListPrices ListProviders ListRollouts ListRules ListTeams
			ListUsers ListWebhooks ListLastRuleSets ListUnversionedAccounts ListAuditedAccounts ListChanges`,
		"walks over the accounts, for a job of the night": `NextUsageAccount NextRollupAccount NextDecisionAccount`,
		"removes what is over, in a job that one process does or with every hundredth write of configuration": `
			DeleteDecisions DeleteExpiredNotes DeleteExpiredSessions DeleteIdleLimitBuckets DeleteOldHandoffs DropBudgetAlerts DropBudgetLeases
			DropBudgetWindows DropChanges DropDeliveries DropHealthCells DropHealthStates DropHealthTransitions DropIdempotencyKeys DropLogins DropRollups`,
		"is about what one replica holds, when it ends or has died": `ExpireBudgetLeases ExpireLimitLeases ListDeadBudgetLeases`,
		"is a feed that every replica follows":                      `ListHealthTransitionsAfter`,
		"takes work of all accounts in turn, in the background":     `DueDeliveries`,
		"is a list that a super admin may ask for over all accounts": `
			PageAccounts PageKeys PageTeams PageUsers ListLimitCounts Report`,
		"is asked before a global row is deleted":         `CountModelsOfProvider`,
		"finds a login by its digest, before its account": `FindLogin`,
	} {
		for name := range strings.FieldsSeq(list) {
			names[name] = why
		}
	}
	return names
}()

// uniqueOverAccounts are the unique indexes without the account: what they find has no account
// before it is found. Distributed by account, their tables would have to be reference tables.
var uniqueOverAccounts = []string{"keys_digest", "logins_digest"}

var (
	sqlComment  = regexp.MustCompile(`--[^\n]*`)
	sqlcArg     = regexp.MustCompile(`sqlc\.n?arg\('?(\w+)'?\)`)
	tableRef    = regexp.MustCompile(`(?:\bfrom|\bjoin|\bupdate|\binto|\busing)\s+(\w+)`)
	unions      = regexp.MustCompile(`\bunion(?:\s+all)?\b`)
	insertInto  = regexp.MustCompile(`insert\s+into\s+(\w+)(?:\s+as\s+\w+)?\s*\(\s*account_id\b`)
	insertAny   = regexp.MustCompile(`insert\s+into\s+(\w+)`)
	insertPart  = regexp.MustCompile(`(?s)insert\s+into.*`)
	isAccount   = regexp.MustCompile(`\baccount_id\s*=\s*(?:@\w+|'')`)
	sameAccount = regexp.MustCompile(`\b\w+\.account_id\s*=\s*\w+\.account_id`)
)

// blocks are the parts of a statement that have a where of their own: what is between two
// parentheses, without what is between those within, which are blocks themselves.
func blocks(text string) (list []string) {
	type block struct{ strings.Builder }
	open := []*block{{}}
	for _, r := range text {
		switch r {
		case '(':
			open[len(open)-1].WriteString("()")
			open = append(open, &block{})
		case ')':
			list = append(list, open[len(open)-1].String())
			open = open[:len(open)-1]
		default:
			open[len(open)-1].WriteRune(r)
		}
	}
	return append(list, open[0].String())
}

// unbound is the first table of the statement of which rows of several accounts are meant, "" for none.
func unbound(text string, tables []string) string {
	text = sqlcArg.ReplaceAllString(sqlComment.ReplaceAllString(strings.ToLower(text), ""), "@$1")
	if m := insertAny.FindStringSubmatch(text); m != nil {
		if slices.Contains(tables, m[1]) && !insertInto.MatchString(text) {
			return m[1]
		}
		text = insertPart.ReplaceAllString(text, "") // the key of a conflict begins with the account
	}
	for _, b := range blocks(text) {
		for _, part := range unions.Split(b, -1) {
			var named []string
			for _, m := range tableRef.FindAllStringSubmatch(part, -1) {
				if slices.Contains(tables, m[1]) {
					named = append(named, m[1])
				}
			}
			if len(named) == 0 {
				continue
			}
			// Tables are tied to each other, and one of them to the account, or to a row around the block.
			if ties := len(sameAccount.FindAllString(part, -1)); ties < len(named)-1 || ties < len(named) && !isAccount.MatchString(part) {
				return named[0]
			}
		}
	}
	return ""
}

func TestUnboundFindsTheQueryOfEveryAccount(t *testing.T) {
	t.Parallel()
	tables := []string{"rules", "users"}
	for _, c := range []struct{ name, text, want string }{
		{"by account", "select id from rules where account_id = @account_id and id = @id", ""},
		{"by the global account", "select id from rules where account_id = '' and id = @id", ""},
		{"with another syntax for parameters", "select id from rules where rules.account_id = sqlc.arg(account_id)", ""},
		{"without a where", "select id from rules order by account_id", "rules"},
		{"by something else", "update rules set name = @name where id = @id", "rules"},
		{"a range of accounts", "select id from rules where account_id > @after", "rules"},
		{"an account or none", "select id from rules where (@account_id = '' or account_id = @account_id)", "rules"},
		{"only in a comment", "select id from rules -- account_id = @account_id", "rules"},
		{"a join by account", "select 1 from rules r join users u on u.account_id = r.account_id where r.account_id = @account_id", ""},
		{"a join of every account", "select 1 from rules r join users u on u.account_id = r.account_id", "rules"},
		{"of the row around it", "select 1 from rules r where r.account_id = @account_id and exists (select 1 from users u where u.account_id = r.account_id)", ""},
		{"a join past accounts", "select 1 from rules r join users u on u.id = r.id where r.account_id = @account_id", "rules"},
		{"a subquery without", "select 1 from rules where account_id = @account_id and id in (select id from users)", "users"},
		{"a union of which one has it", "select id from rules where account_id = @account_id union all select id from users", "users"},
		{"another's result", "with one as (select id from rules where account_id = @account_id) select id from one", ""},
		{"an insert", "insert into rules (account_id, id) values (@account_id, @id) on conflict (account_id, id) do update set id = excluded.id", ""},
		{"an insert without", "insert into rules (id) values (@id)", "rules"},
		{"no table", "select make_day(@day::date)", ""},
	} {
		if got := unbound(c.text, tables); got != c.want {
			t.Errorf("%s: unbound(%q) = %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

// Postgres outgrown means that its tables are spread over several by account: then a query that
// names its account goes to one of them, and any other to all.
func TestEveryHotQueryNamesItsAccount(t *testing.T) {
	t.Parallel()
	tables := distributable(t)
	files, err := filepath.Glob("query/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("Glob() = %d files, %v, want all of them", len(files), err)
	}
	seen, spread := 0, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range strings.Split("\n"+string(text), "\n-- name: ")[1:] {
			name, body, _ := strings.Cut(q, " ")
			_, body, _ = strings.Cut(body, "\n")
			seen++
			table := unbound(body, tables)
			if why, meant := everyAccount[name]; table != "" && !meant {
				t.Errorf("%s: %s is about rows of %s whatever their account: name account_id in its where, or say in everyAccount why", file, name, table)
			} else if table == "" && meant {
				t.Errorf("%s: %s names its account, and everyAccount says that it %s", file, name, why)
			}
			spread[name] = true
		}
	}
	if seen < 200 {
		t.Errorf("%d queries were looked at, want all of them", seen)
	}
	for name := range everyAccount {
		if !spread[name] {
			t.Errorf("everyAccount has %s, which is no query", name)
		}
	}
}

// distributable returns the tables, each with the account first in its keys.
func distributable(t *testing.T) (tables []string) {
	t.Helper()
	var (
		table   = regexp.MustCompile(`(?m)^create table (\w+) \(\n((?s:.*?))\n\)`)
		primary = regexp.MustCompile(`(?m)^\s+primary key \(account_id\b`)
		column  = regexp.MustCompile(`(?m)^\s+account_id\s+text collate "C" not null`)
		foreign = regexp.MustCompile(`(?m)foreign key \((\w+)|references (\w+) \((\w+)`)
		unique  = regexp.MustCompile(`(?m)^\s*create unique index (\w+) on \w+ \((\w+)`)
	)
	files, err := filepath.Glob("../../../migrations/postgres/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("Glob() = %d files, %v, want the migrations", len(files), err)
	}
	var over []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := sqlComment.ReplaceAllString(string(data), "")
		for _, m := range table.FindAllStringSubmatch(text, -1) {
			tables = append(tables, m[1])
			if !column.MatchString(m[2]) || !primary.MatchString(m[2]) {
				t.Errorf("%s: %s is not distributable: account_id comes first in each primary key", file, m[1])
			}
			for _, f := range foreign.FindAllStringSubmatch(m[2], -1) {
				if first := f[1] + f[3]; first != "account_id" {
					t.Errorf("%s: %s refers to rows by %s, which may be another account's", file, m[1], first)
				}
			}
		}
		if got, want := strings.Count(text, "\ncreate table "), len(table.FindAllString(text, -1)); got != want {
			t.Errorf("%s: %d tables were read of %d", file, want, got)
		}
		for _, m := range unique.FindAllStringSubmatch(text, -1) {
			if m[2] != "account_id" {
				over = append(over, m[1])
			}
		}
	}
	slices.Sort(over)
	if !slices.Equal(over, uniqueOverAccounts) {
		t.Errorf("unique over all accounts are %q, want %q", over, uniqueOverAccounts)
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}
