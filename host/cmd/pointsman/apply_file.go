package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// resourceFile is what a file of apply may hold. A section that is there, though empty, says that
// there are no others: it is what --prune goes by.
type resourceFile struct {
	Rules   []ruleDoc   `yaml:"rules,omitempty"`
	Limits  []limitDoc  `yaml:"limits,omitempty"`
	Budgets []budgetDoc `yaml:"budgets,omitempty"`
	Keys    []keyFile   `yaml:"keys,omitempty"`
}

// limitDoc is a rate limit as files write it; the members are the API's.
type limitDoc struct {
	ID        string         `json:"id,omitempty" yaml:"id,omitempty"`
	AccountID string         `json:"account_id,omitempty" yaml:"account_id,omitempty"`
	Name      string         `json:"name,omitempty" yaml:"name,omitempty"`
	Kind      string         `json:"kind" yaml:"kind"`
	Amount    int64          `json:"amount" yaml:"amount"`
	Window    string         `json:"window,omitempty" yaml:"window,omitempty"`
	Burst     int64          `json:"burst,omitempty" yaml:"burst,omitempty"`
	Scope     *limitScopeDoc `json:"scope,omitempty" yaml:"scope,omitempty"`
	Per       []string       `json:"per,omitempty" yaml:"per,omitempty"`
	Override  bool           `json:"override,omitempty" yaml:"override,omitempty"`
	Enabled   *bool          `json:"enabled,omitempty" yaml:"enabled,omitempty"`
}

type limitScopeDoc struct {
	AccountID string `json:"account_id,omitempty" yaml:"account_id,omitempty"`
	TeamID    string `json:"team_id,omitempty" yaml:"team_id,omitempty"`
	UserID    string `json:"user_id,omitempty" yaml:"user_id,omitempty"`
	KeyID     string `json:"key_id,omitempty" yaml:"key_id,omitempty"`
	Provider  string `json:"provider,omitempty" yaml:"provider,omitempty"`
	Model     string `json:"model,omitempty" yaml:"model,omitempty"`
}

// budgetDoc is a budget as files write it.
type budgetDoc struct {
	ID         string         `json:"id,omitempty" yaml:"id,omitempty"`
	AccountID  string         `json:"account_id,omitempty" yaml:"account_id,omitempty"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	TeamID     string         `json:"team_id,omitempty" yaml:"team_id,omitempty"`
	UserID     string         `json:"user_id,omitempty" yaml:"user_id,omitempty"`
	KeyID      string         `json:"key_id,omitempty" yaml:"key_id,omitempty"`
	ModelID    string         `json:"model_id,omitempty" yaml:"model_id,omitempty"`
	Period     string         `json:"period" yaml:"period"`
	Amount     string         `json:"amount" yaml:"amount"`
	Hard       bool           `json:"hard,omitempty" yaml:"hard,omitempty"`
	Thresholds []thresholdDoc `json:"thresholds,omitempty" yaml:"thresholds,omitempty"`
	Enabled    *bool          `json:"enabled,omitempty" yaml:"enabled,omitempty"`
}

type thresholdDoc struct {
	Percent   int      `json:"percent" yaml:"percent"`
	Projected bool     `json:"projected,omitempty" yaml:"projected,omitempty"`
	Actions   []string `json:"actions" yaml:"actions"`
}

// keyFile is a key as files write it: never its text. Account, user and name tell it apart.
type keyFile struct {
	AccountID string     `json:"account_id,omitempty" yaml:"account_id,omitempty"`
	UserID    string     `json:"user_id,omitempty" yaml:"user_id,omitempty"`
	Name      string     `json:"name" yaml:"name"`
	Scopes    []string   `json:"scopes,omitempty" yaml:"scopes,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" yaml:"expires_at,omitempty"`
}

// The kinds of resources, in the order in which they are made.
const (
	kindRules   = "rules"
	kindLimits  = "limits"
	kindBudgets = "budgets"
	kindKeys    = "keys"
)

var resourceKinds = []string{kindRules, kindLimits, kindBudgets, kindKeys}

// resource is one row, of a file or of a server.
type resource struct {
	kind, account, user, id string         // id: a key's is its name
	members                 map[string]any // as compared
	body                    any            // as sent, of a file
	system                  bool
	shadowed                bool   // a server's key that has the name of a newer one
	serverID                string // of a server's key
	updatedAt               time.Time
	source                  string // the file
}

// key tells resources apart.
func (r *resource) key() [4]string { return [4]string{r.kind, r.account, r.user, r.id} }

// title is how the resource is shown.
func (r *resource) title() string {
	if r.user != "" {
		return r.user + "/" + r.id
	}
	return r.id
}

// caller is whose key the command has.
type caller struct {
	account, user string
	keyIDs        []string // the key's, and those of the keys that it is rotated to
	super         bool
}

// readResources reads the files at path, a folder's *.yaml, *.yml and *.json or a single one, and
// says which sections they have.
func readResources(path string, who caller, account string) (rows []resource, sections []string, err error) {
	files, err := resourceFiles(path)
	if err != nil {
		return nil, nil, err
	}
	seen := map[[4]string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		var file resourceFile
		if err := readYAML(name, text, &file); err != nil {
			return nil, nil, err
		}
		list, has := file.resources(who, account)
		sections = append(sections, has...)
		for _, r := range list {
			r.source = name
			if r.id == "" {
				return nil, nil, fmt.Errorf("%s: one of the %s has no %s: it is what tells them apart", name, r.kind, map[bool]string{true: "name", false: "id"}[r.kind == kindKeys])
			}
			if other, twice := seen[r.key()]; twice {
				return nil, nil, fmt.Errorf("%s: %s %s is there twice, first in %s", name, r.kind, r.title(), other)
			}
			seen[r.key()] = name
			if r.members, err = comparison(r.kind, r.body); err != nil {
				return nil, nil, fmt.Errorf("%s: %s %s: %w", name, r.kind, r.title(), err)
			}
			rows = append(rows, r)
		}
	}
	if len(sections) == 0 {
		return nil, nil, fmt.Errorf("%s has no rules, limits, budgets or keys", path)
	}
	slices.SortStableFunc(rows, func(a, b resource) int {
		return slices.Index(resourceKinds, a.kind) - slices.Index(resourceKinds, b.kind)
	})
	return rows, sections, nil
}

func resourceFiles(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != path && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)):
			files = append(files, name)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no .yaml, .yml or .json files: `pointsman export %s` writes some", path, path)
	}
	return files, err
}

// resources are a file's rows. What names no account is account's, else the caller's own; a super
// admin's rules and limits are everybody's then.
func (f *resourceFile) resources(who caller, account string) (rows []resource, sections []string) {
	home := func(named string, global bool) string {
		switch {
		case named != "":
			return named
		case account != "":
			return account
		case global && who.super:
			return ""
		}
		return who.account
	}
	for i := range f.Rules {
		d := f.Rules[i]
		d.AccountID = home(d.AccountID, true)
		system := d.System
		d.System, d.Band, d.CreatedAt, d.UpdatedAt = false, "", nil, nil
		rows = append(rows, resource{kind: kindRules, account: d.AccountID, id: d.ID, body: d, system: system})
	}
	for i := range f.Limits {
		d := f.Limits[i]
		d.AccountID = home(d.AccountID, true)
		rows = append(rows, resource{kind: kindLimits, account: d.AccountID, id: d.ID, body: d})
	}
	for i := range f.Budgets {
		d := f.Budgets[i]
		d.AccountID = home(d.AccountID, false)
		rows = append(rows, resource{kind: kindBudgets, account: d.AccountID, id: d.ID, body: d})
	}
	for i := range f.Keys {
		d := f.Keys[i]
		d.AccountID = home(d.AccountID, false)
		if d.UserID == "" {
			d.UserID = who.user
		}
		rows = append(rows, resource{kind: kindKeys, account: d.AccountID, user: d.UserID, id: d.Name, body: d})
	}
	for kind, there := range map[string]bool{kindRules: f.Rules != nil, kindLimits: f.Limits != nil, kindBudgets: f.Budgets != nil, kindKeys: f.Keys != nil} {
		if there {
			sections = append(sections, kind)
		}
	}
	return rows, sections
}

// comparedMembers are those that a kind's rows are compared by: all that a file may set.
var comparedMembers = map[string][]string{
	kindRules:   {"name", "description", "priority", "when", "plugin", "config", "target", "fallbacks", "only", "on_failure", "continue_after_cut", "enabled", "team_id"},
	kindLimits:  {"name", "kind", "amount", "window", "burst", "scope", "per", "override", "enabled"},
	kindBudgets: {"name", "team_id", "user_id", "key_id", "model_id", "period", "amount", "hard", "thresholds", "enabled"},
	kindKeys:    {"scopes", "expires_at"},
}

// comparison is a row in one of the many ways to write it: without what is left out or the default,
// and with sets in order.
func comparison(kind string, row any) (map[string]any, error) {
	text, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	m := map[string]any{}
	for _, name := range comparedMembers[kind] {
		if v := all[name]; v != nil && !reflect.DeepEqual(v, usualValue(kind, name)) && (!isEmpty(v) || usualValue(kind, name) != nil) {
			m[name] = v
		}
	}
	if m["burst"] == all["amount"] {
		delete(m, "burst")
	}
	if kind == kindBudgets && m["name"] == all["id"] { // what the server makes of none
		delete(m, "name")
	}
	if scope, ok := m["scope"].(map[string]any); ok {
		for name, v := range scope {
			if isEmpty(v) {
				delete(scope, name)
			}
		}
	}
	for _, set := range []string{"per", "scopes"} {
		inOrder(m[set])
	}
	if list, ok := m["thresholds"].([]any); ok {
		for _, one := range list {
			if t, ok := one.(map[string]any); ok {
				inOrder(t["actions"])
				if t["projected"] == false {
					delete(t, "projected")
				}
			}
		}
	}
	if kind == kindBudgets {
		amount, _ := all["amount"].(string)
		nano, err := engine.ParseUSD(amount)
		if err != nil {
			return nil, errors.New("amount is US dollars in quotes, as \"25.00\"")
		}
		m["amount"] = engine.FormatUSD(nano)
	}
	if text, ok := m["expires_at"].(string); ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			m["expires_at"] = at.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		}
	}
	return m, nil
}

// usualValue is what a member is when nothing is said of it, nil for nothing.
func usualValue(kind, member string) any {
	switch {
	case member == "enabled":
		return true
	case kind == kindRules && member == "priority":
		return float64(engine.DefaultPriority)
	case kind == kindRules && member == "on_failure":
		return string(engine.FailureSkip)
	}
	return nil
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if !isEmpty(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return v == nil || reflect.ValueOf(v).IsZero()
}

func inOrder(set any) {
	if list, ok := set.([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}
