// Package storetest is the one suite that every driver of engine.Store passes.
// What it does not ask for, the drivers may do differently; what callers rely on
// belongs in here first.
//
// Read Run, then the file of the noun in question.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Driver makes databases.
type Driver struct {
	// Fresh makes an empty database, which is gone after the test.
	Fresh func(t *testing.T) Database
	// Shared: several stores may have one database open at once. The tests of that
	// are for such drivers only.
	Shared bool
}

// Database is an empty database that one test owns.
type Database struct {
	// Open opens a store on it that polls for changes so often. The test closes it.
	Open func(t *testing.T, pollEvery time.Duration) engine.Store
	// Exec runs a statement behind the stores' backs, as somebody with the database's own
	// tools would.
	Exec func(t *testing.T, statement string)

	shared bool
}

// never is a poll interval that no test lives to see.
const never = time.Hour

// Run runs the suite.
func Run(t *testing.T, driver Driver) {
	groups := []group{
		{"rule", ruleTests},
		{"rule set", ruleSetTests},
		{"rule case", ruleCaseTests},
		{"rollout", rolloutTests},
		{"catalogue", catalogueTests},
		{"credential", credentialTests},
		{"tenant", tenantTests},
		{"key", keyTests},
		{"login", loginTests},
		{"idempotency", idempotencyTests},
		{"hierarchy", hierarchyTests},
		{"page", pageTests},
		{"audit", auditTests},
		{"tamper", tamperTests},
		{"plugin", pluginTests},
		{"preference", preferenceTests},
		{"assignment", assignmentTests},
		{"session", sessionTests},
		{"note", noteTests},
		{"handoff", handoffTests},
		{"usage", usageTests},
		{"report", reportTests},
		{"recount", recountTests},
		{"setting", settingTests},
		{"decision", decisionTests},
		{"limit", limitTests},
		{"limit lease", limitLeaseTests},
		{"budget", budgetTests},
		{"budget lease", budgetLeaseTests},
		{"webhook", webhookTests},
		{"delivery", deliveryTests},
		{"health", healthTests},
		{"health control", healthControlTests},
		{"change", changeTests},
		{"job", jobTests},
		{"odd", oddTests},
		{"hammer", hammerTests},
		{"reopen", reopenTests},
	}
	if driver.Shared {
		groups = append(groups, group{"shared", sharedTests}, group{"shared job", sharedJobTests}, group{"shared delivery", sharedDeliveryTests},
			group{"shared health", sharedHealthTests})
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					d := driver.Fresh(t)
					d.shared = driver.Shared
					test.run(t, d)
				})
			}
		})
	}
}

// group is the tests of one noun.
type group struct {
	name  string
	tests []test
}

// test is one behaviour.
type test struct {
	name string
	run  func(t *testing.T, d Database)
}

// open opens a store that the end of the test closes.
func open(t *testing.T, d Database) engine.Store {
	t.Helper()
	s := d.Open(t, never)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

// at is the n-th millisecond of the suite's time.
func at(n int64) time.Time { return time.UnixMilli(1_795_000_000_123 + n).UTC() }

// finest is at(n) with what a row cannot keep: a zone and nanoseconds.
func finest(n int64) time.Time {
	return at(n).Add(456_789 * time.Nanosecond).In(time.FixedZone("far", 5*3600+1800))
}

func ptr[T any](v T) *T { return &v }

func must(t *testing.T, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want nil", doing, err)
	}
}

func wantErr(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", doing, err, want)
	}
}

// wantInvalid asks for an *engine.Error that names the member at fault, if any is named.
func wantInvalid(t *testing.T, doing string, err error, param string) {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeInvalid || e.Param != param {
		t.Errorf("%s = %v, want %s of %q", doing, err, engine.CodeInvalid, param)
	}
}

func wantEqual[T any](t *testing.T, doing string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %s, want %s", doing, show(got), show(want))
	}
}

// show follows the pointers that %+v does not.
func show(v any) string {
	r := reflect.ValueOf(v)
	switch {
	case !r.IsValid():
		return "nil"
	case r.Type() == reflect.TypeFor[time.Time]():
		return v.(time.Time).Format(time.RFC3339Nano)
	case r.Kind() == reflect.Pointer && !r.IsNil():
		return "&" + show(r.Elem().Interface())
	case r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8:
		return clip(fmt.Sprintf("%q", v))
	case r.Kind() == reflect.Slice && r.Len() > 0:
		text := "["
		for i := range r.Len() {
			text += show(r.Index(i).Interface()) + " "
		}
		return text + "]"
	case r.Kind() == reflect.Struct:
		text := "{"
		for i := range r.NumField() {
			if f := r.Type().Field(i); f.IsExported() && !r.Field(i).IsZero() {
				text += f.Name + ":" + show(r.Field(i).Interface()) + " "
			}
		}
		return text + "}"
	}
	return clip(fmt.Sprintf("%#v", v))
}

func clip(text string) string {
	if len(text) > 200 {
		return fmt.Sprintf("%s… (%d bytes)", text[:200], len(text))
	}
	return text
}

// wantRevision asks by how much the revision has risen since it was was.
func wantRevision(t *testing.T, s engine.Store, was, by int64) {
	t.Helper()
	got, err := s.Revision(context.Background())
	must(t, "Revision()", err)
	if got != was+by {
		t.Errorf("Revision() = %d, want %d", got, was+by)
	}
}

func revision(t *testing.T, s engine.Store) int64 {
	t.Helper()
	r, err := s.Revision(context.Background())
	must(t, "Revision()", err)
	return r
}
