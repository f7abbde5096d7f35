package rule

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A table takes over the lists of those whose rules are as they were, and of nobody else.
func TestTableTakesOver(t *testing.T) {
	rules := func(accounts ...string) (all []engine.Rule) {
		for _, account := range accounts {
			for i := range 3 {
				all = append(all, engine.Rule{
					AccountID: account, ID: fmt.Sprint("r", i), When: fmt.Sprintf("mentions('%s%d')", account, i), Target: "gpt-4o", Enabled: true, Priority: i,
				})
			}
		}
		return all
	}
	before := newTable(rules("", "acme", "globex"), map[string]int64{"": 1, "acme": 1}, nil)
	before.ready()
	for _, test := range []struct {
		name   string
		change func(all []engine.Rule) []engine.Rule
		want   map[string]bool // account → its list is the one of before
	}{
		{"nothing", func(all []engine.Rule) []engine.Rule { return all }, map[string]bool{"": true, "acme": true, "globex": true}},
		{"a rule of one account", func(all []engine.Rule) []engine.Rule { all[3].When = "true"; return all }, map[string]bool{"": true, "globex": true}},
		{"a global rule", func(all []engine.Rule) []engine.Rule { all[0].Enabled = false; return all }, map[string]bool{}},
		{"one rule less", func(all []engine.Rule) []engine.Rule { return all[:len(all)-1] }, map[string]bool{"": true, "acme": true}},
		{"an account more", func(all []engine.Rule) []engine.Rule { return append(all, rules("umbrella")...) }, map[string]bool{"": true, "acme": true, "globex": true}},
		{"no global rules", func(all []engine.Rule) []engine.Rule { return all[3:] }, map[string]bool{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			changed := test.change(rules("", "acme", "globex"))
			again := newTable(changed, map[string]int64{"": 2}, before)
			fresh := newTable(changed, map[string]int64{"": 2}, nil)
			for _, account := range []string{"", "acme", "globex", "umbrella", "nobody"} {
				got, want := again.of(account), fresh.of(account)
				if got.all() == before.of(account).all() != test.want[account] && account != "nobody" && account != "umbrella" {
					t.Errorf("the list of %q was taken over = %v, want %v", account, !test.want[account], test.want[account])
				}
				if ids(got.all()) != ids(want.all()) || ids(got.own()) != ids(want.own()) || got.versions != want.versions {
					t.Errorf("lists of %q = %s, %s, %v, want %s, %s, %v", account, ids(got.all()), ids(got.own()), got.versions, ids(want.all()), ids(want.own()), want.versions)
				}
				if fmt.Sprint(again.seen(account, false)) != fmt.Sprint(fresh.seen(account, false)) {
					t.Errorf("rules seen by %q = %v, want %v", account, again.seen(account, false), fresh.seen(account, false))
				}
			}
		})
	}
}

func ids(l *list) (s string) {
	for i := range l.entries {
		s += l.entries[i].account + "/" + l.entries[i].id + " "
	}
	return s
}

// Every member of a rule counts.
func TestSameRule(t *testing.T) {
	kind := reflect.TypeFor[engine.Rule]()
	for i := range kind.NumField() {
		var a, b engine.Rule
		switch v := reflect.ValueOf(&b).Elem().Field(i); v.Interface().(type) {
		case string, engine.FailurePolicy:
			v.SetString("other")
		case int:
			v.SetInt(1)
		case bool:
			v.SetBool(true)
		case []byte:
			v.SetBytes([]byte("{}"))
		case []string:
			v.Set(reflect.ValueOf([]string{"x"}))
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
		default:
			t.Fatalf("%s: a type that this test does not know", kind.Field(i).Name)
		}
		if sameRule(&a, &b) || !sameRule(&b, &b) {
			t.Errorf("sameRule does not look at %s", kind.Field(i).Name)
		}
	}
}
