package engine

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// RuleChangeKind is what became of a rule between two versions.
type RuleChangeKind string

// Kinds of changes.
const (
	RuleAdded   RuleChangeKind = "added"
	RuleRemoved RuleChangeKind = "removed"
	RuleChanged RuleChangeKind = "changed"
)

// RuleChange is a rule that differs between two versions.
type RuleChange struct {
	ID      string
	Kind    RuleChangeKind
	Name    string         // as it is now, or was last
	Members []MemberChange // by name; of a rule that was added or removed, all that it has
}

// MemberChange is a member of a rule that differs, named as in the API. Old or New is nil where
// the rule lacks it.
type MemberChange struct {
	Name     string
	Old, New json.RawMessage
}

// DiffRules returns what makes one list of rules of the other, by id. Times are not compared.
func DiffRules(from, to []Rule) []RuleChange {
	old := byID(from)
	changes := []RuleChange{}
	for _, r := range to {
		was, had := old[r.ID]
		delete(old, r.ID)
		switch members := changedMembers(was, r); {
		case !had:
			changes = append(changes, RuleChange{r.ID, RuleAdded, r.Name, members})
		case len(members) > 0:
			changes = append(changes, RuleChange{r.ID, RuleChanged, r.Name, members})
		}
	}
	for _, r := range from {
		if _, left := old[r.ID]; left {
			changes = append(changes, RuleChange{r.ID, RuleRemoved, r.Name, changedMembers(r, Rule{})})
		}
	}
	slices.SortFunc(changes, func(a, b RuleChange) int { return strings.Compare(a.ID, b.ID) })
	return changes
}

// changedMembers compares two rules. A rule without an id has no members.
func changedMembers(from, to Rule) []MemberChange {
	old, now := ruleMembers(from), ruleMembers(to)
	var changes []MemberChange
	for name, is := range now {
		if was := old[name]; !bytes.Equal(was, is) {
			changes = append(changes, MemberChange{name, was, is})
		}
	}
	for name, was := range old {
		if _, ok := now[name]; !ok {
			changes = append(changes, MemberChange{name, was, nil})
		}
	}
	slices.SortFunc(changes, func(a, b MemberChange) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

func ruleMembers(r Rule) (members map[string]json.RawMessage) {
	if r.ID == "" {
		return nil
	}
	if r.OnFailure == "" {
		r.OnFailure = FailureSkip
	}
	// Plain data of ours; a config that is no JSON was never stored.
	text, _ := json.Marshal(recordRule(r))
	_ = json.Unmarshal(text, &members)
	return members
}

type recordedRuleSet struct {
	Was      int64    `json:"was"`
	Note     string   `json:"note,omitempty"`
	Restores int64    `json:"restores,omitempty"`
	Digest   string   `json:"digest"`
	Added    []string `json:"added,omitempty"`
	Changed  []string `json:"changed,omitempty"`
	Removed  []string `json:"removed,omitempty"`
	Override []string `json:"override,omitempty"` // cases that fail
}

// recordRuleSet is a publication as the audit log has it.
func recordRuleSet(now, set RuleSet, failing []CaseResult) recordedRuleSet {
	out := recordedRuleSet{Was: now.Version, Note: set.Note, Restores: set.Restores, Digest: DigestRules(set.Rules)}
	for _, c := range DiffRules(now.Rules, set.Rules) {
		switch c.Kind {
		case RuleAdded:
			out.Added = append(out.Added, c.ID)
		case RuleChanged:
			out.Changed = append(out.Changed, c.ID)
		case RuleRemoved:
			out.Removed = append(out.Removed, c.ID)
		}
	}
	if len(failing) > 0 {
		out.Override = idsOf(failing)
	}
	return out
}
