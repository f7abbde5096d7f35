package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var tamperTests = []test{
	{"a change to any column of the audit log is found", tamperColumns},
	{"entries that are gone, moved or added are found", tamperEntries},
	{"a chain that was cut goes on with its gap", tamperGoesOn},
}

// tampered is a chain of five entries of account a, and one of b.
func tampered(t *testing.T, s engine.Store) {
	t.Helper()
	for i := range 5 {
		ctx := engine.Audited(t.Context(), at(int64(i)), "a", "rule.create", fmt.Sprint("rule/", i), i)
		must(t, "CreateRule()", s.CreateRule(ctx, plainRule("a", fmt.Sprint(i))))
	}
	must(t, "AppendAudit()", s.AppendAudit(audited(t, "b", "act", "o")))
	wantChain(t, s, "a", 5)
}

// wantBreak asks for a chain that is broken at an entry.
func wantBreak(t *testing.T, doing string, s engine.Store, seq int64) {
	t.Helper()
	holds, err := engine.CheckAudit(t.Context(), s, "a")
	var broken *engine.AuditBreak
	if !errors.As(err, &broken) || broken.AccountID != "a" || broken.Seq != seq {
		t.Errorf("%s: CheckAudit() = %v, want it broken at entry %d", doing, err, seq)
		return
	}
	if holds > seq {
		t.Errorf("%s: CheckAudit() = %d entries that hold, but is broken at %d", doing, holds, seq)
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("entry %d ", seq)) {
		t.Errorf("%s: CheckAudit() = %q, which does not name entry %d", doing, err, seq)
	}
}

// tamperColumns has a statement for every column of the table; the drivers' column names
// and literals are the same but for bytes, which another entry's hash stands for.
func tamperColumns(t *testing.T, d Database) {
	s := open(t, d)
	tampered(t, s)
	other := "(select hash from audit where account_id = 'b')"
	for _, c := range []struct {
		column, value string
		seq           int64
	}{
		{"account_id", "'c'", 3},
		{"seq", "seq + 100", 3},
		{"at", "(select at from audit where account_id = 'a' and seq = 1)", 3},
		{"actor_account", "'x'", 3},
		{"actor_user", "'x'", 3},
		{"actor_key", "'x'", 3},
		{"actor_role", "'user'", 3},
		{"request_id", "'x'", 3},
		{"action", "'rule.update'", 3},
		{"object", "'rule/x'", 3},
		{"reason", "'x'", 3},
		{"detail", "'3'", 3},
		{"detail", "'2 '", 3},
		{"detail", "null", 3},
		{"previous", other, 3},
		{"hash", other, 3},
	} {
		d.Exec(t, "create table kept as select * from audit")
		d.Exec(t, fmt.Sprintf("update audit set %s = %s where account_id = 'a' and seq = 3", c.column, c.value))
		wantBreak(t, "another "+c.column, s, c.seq)
		d.Exec(t, "delete from audit")
		d.Exec(t, "insert into audit select * from kept")
		d.Exec(t, "drop table kept")
		wantChain(t, s, "a", 5)
	}
}

func tamperEntries(t *testing.T, d Database) {
	s := open(t, d)
	tampered(t, s)
	swap := func(one, two int) []string {
		return []string{
			fmt.Sprintf("update audit set seq = 99 where account_id = 'a' and seq = %d", one),
			fmt.Sprintf("update audit set seq = %d where account_id = 'a' and seq = %d", one, two),
			fmt.Sprintf("update audit set seq = %d where account_id = 'a' and seq = 99", two),
		}
	}
	columns := "at, actor_account, actor_user, actor_key, actor_role, request_id, action, object, reason, detail, previous, hash"
	for _, c := range []struct {
		name       string
		statements []string
		seq        int64
	}{
		{"the first is gone", []string{"delete from audit where account_id = 'a' and seq = 1"}, 1},
		{"a middle one is gone", []string{"delete from audit where account_id = 'a' and seq = 3"}, 3},
		{"a middle one is gone and the rest moved up", []string{
			"delete from audit where account_id = 'a' and seq = 3",
			"update audit set seq = 3 where account_id = 'a' and seq = 4", "update audit set seq = 4 where account_id = 'a' and seq = 5",
		}, 3},
		{"the last is gone", []string{"delete from audit where account_id = 'a' and seq = 5"}, 5},
		{"the last two are gone", []string{"delete from audit where account_id = 'a' and seq > 3"}, 4},
		{"all are gone", []string{"delete from audit where account_id = 'a'"}, 1},
		{"two changed places", swap(2, 3), 2},
		{"first and last changed places", swap(1, 5), 1},
		{"one was added at the end", []string{
			"insert into audit (account_id, seq, " + columns + ") select 'a', 6, " + columns + " from audit where account_id = 'b'",
		}, 6},
		{"another account's stands in", []string{
			"delete from audit where account_id = 'a' and seq = 1", "update audit set account_id = 'a' where account_id = 'b'",
		}, 1},
		{"the head is gone", []string{"delete from audit_heads where account_id = 'a'"}, 5},
		{"the head is another", []string{"update audit_heads set hash = (select hash from audit where account_id = 'b') where account_id = 'a'"}, 5},
	} {
		for _, table := range []string{"audit", "audit_heads"} {
			d.Exec(t, "create table kept_"+table+" as select * from "+table)
		}
		for _, statement := range c.statements {
			d.Exec(t, statement)
		}
		wantBreak(t, c.name, s, c.seq)
		for _, table := range []string{"audit", "audit_heads"} {
			d.Exec(t, "delete from "+table)
			d.Exec(t, "insert into "+table+" select * from kept_"+table)
			d.Exec(t, "drop table kept_"+table)
		}
		wantChain(t, s, "a", 5)
	}
}

// tamperGoesOn: whatever is done to the log, configuration can still be written, and no
// later entry hides the gap.
func tamperGoesOn(t *testing.T, d Database) {
	s := open(t, d)
	tampered(t, s)
	for i, c := range []struct {
		name, statement string
		seq             int64
	}{
		{"the head is gone", "delete from audit_heads where account_id = 'a'", 0},
		{"the head is an old one", "update audit_heads set seq = 2, hash = (select hash from audit where account_id = 'a' and seq = 2) where account_id = 'a'", 0},
		{"the last is gone", "delete from audit where account_id = 'a' and seq = 7", 7},
		{"all are gone", "delete from audit where account_id = 'a'", 1},
	} {
		d.Exec(t, c.statement)
		id := fmt.Sprint("later-", i)
		must(t, c.name+": CreateRule()", s.CreateRule(audited(t, "a", "rule.create", id), plainRule("a", id)))
		if c.seq == 0 {
			wantChain(t, s, "a", int64(6+i))
			continue
		}
		wantBreak(t, c.name, s, c.seq)
	}
}
