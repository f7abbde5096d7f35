// Package graph lays out rules as a ladder: one under the other in the order in which they are
// tried, each with its condition, the model it leads to and that one's fallbacks, and the default
// handler at the bottom. The dashboard, the API and the command line draw the same ladder.
//
// It decides nothing and knows of no request. Read this file first, then layout.go; svg.go and
// mermaid.go draw.
package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// Graph is a ladder with coordinates, in pixels from the top left corner.
type Graph struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Nodes  []Node `json:"nodes" doc:"The request, then each rule with its target and fallbacks, then the default handler with its own."`
	Edges  []Edge `json:"edges"`
	// Legend are the bands and families that occur, in their order.
	Legend Legend `json:"legend"`
}

// Kind is what a node stands for.
type Kind string

// Kinds of nodes.
const (
	KindRequest  Kind = "request"
	KindRule     Kind = "rule"
	KindTarget   Kind = "target"
	KindFallback Kind = "fallback"
	KindDefault  Kind = "default"
)

// State says whether a rule is tried.
type State string

// States of rules.
const (
	StateActive   State = "active"
	StateDisabled State = "disabled"
	StateShadowed State = "shadowed" // an account's rule has its id
	StateLeftOut  State = "left_out" // the account uses its own rules only
)

// Node is a box of the ladder. Members that its kind has not are empty.
type Node struct {
	ID    string `json:"id" doc:"Unique in the graph."`
	Kind  Kind   `json:"kind" enum:"request,rule,target,fallback,default"`
	X     int    `json:"x"`
	Y     int    `json:"y"`
	W     int    `json:"w"`
	H     int    `json:"h"`
	Label string `json:"label" doc:"The node as a sentence, for who cannot see it."`

	Order    int      `json:"order,omitempty" doc:"Of a rule that is tried: its place, from 1."`
	Rule     string   `json:"rule,omitempty" doc:"Id of a rule."`
	Account  string   `json:"account_id,omitempty" doc:"Whose rule it is; left out: global."`
	Team     string   `json:"team_id,omitempty"`
	Name     string   `json:"name,omitempty"`
	Priority *int     `json:"priority,omitempty"`
	Band     string   `json:"band,omitempty"`
	State    State    `json:"state,omitempty" enum:"active,disabled,shadowed,left_out"`
	System   bool     `json:"system,omitempty"`
	Plugin   string   `json:"plugin,omitempty"`
	Version  string   `json:"version,omitempty" doc:"Of the plugin, as far as it is known."`
	Join     string   `json:"join,omitempty" doc:"How the clauses belong together: and, or."`
	Clauses  []string `json:"clauses,omitempty" doc:"The parts of the condition, as written."`
	Lines    []Line   `json:"lines,omitempty" doc:"The condition as it is broken into lines."`
	Only     bool     `json:"only,omitempty" doc:"The default handler's models do not come after."`

	Model    string `json:"model,omitempty"`
	Display  string `json:"display,omitempty" doc:"The model's name for people."`
	Family   string `json:"family,omitempty"`
	Monogram string `json:"monogram,omitempty"`
	Unknown  bool   `json:"unknown,omitempty" doc:"There is no such model."`
}

// Line is a line of a condition.
type Line struct {
	Join string `json:"join,omitempty" doc:"What it begins with: and, or; empty where a clause goes on."`
	Text string `json:"text"`
}

// EdgeKind is what a line stands for.
type EdgeKind string

// Kinds of edges.
const (
	EdgeNext     EdgeKind = "next"     // it did not match
	EdgeMatch    EdgeKind = "match"    // it did
	EdgeFallback EdgeKind = "fallback" // the one before failed or may not be asked
)

// Edge is a line from one node to another.
type Edge struct {
	From   string   `json:"from"`
	To     string   `json:"to"`
	Kind   EdgeKind `json:"kind" enum:"next,match,fallback"`
	Off    bool     `json:"off,omitempty" doc:"Of a rule that is not tried."`
	Points []Point  `json:"points" doc:"From the one to the other; every part is level or upright."`
}

// Point is a place.
type Point struct {
	X int `json:"x"`
	Y int `json:"y"`
}

// Legend is what the colours of a graph mean.
type Legend struct {
	Bands    []string `json:"bands"`
	Families []string `json:"families"`
}

// Input is what a ladder is made of.
type Input struct {
	AccountID string // whose requests are decided; "": only the global rules count
	OwnOnly   bool   // the account uses its own rules only
	Rules     []engine.Rule
	// Models finds a model for the account. Nil: none is known, and none is said to be unknown.
	Models func(id string) (engine.Model, bool)
	// PluginVersion is the version that a rule's plugin has when it names none. Nil, "": not known.
	PluginVersion func(r engine.Rule) string
	Default       []string // the default handler's models, best first
}

// rung is a rule with what the account makes of it.
type rung struct {
	engine.Rule
	state State
}

// ladder returns the rules that the account's requests are tried against, in that order. Those
// that are not tried keep their place.
func ladder(in Input) []rung {
	own := map[string]bool{}
	for _, r := range in.Rules {
		if r.AccountID != "" && r.AccountID == in.AccountID {
			own[r.ID] = true
		}
	}
	var rungs []rung
	for _, r := range in.Rules {
		if r.AccountID != "" && r.AccountID != in.AccountID {
			continue
		}
		state := StateActive
		switch {
		case r.AccountID == "" && own[r.ID]:
			state = StateShadowed
		case r.AccountID == "" && in.OwnOnly:
			state = StateLeftOut
		case !r.Enabled:
			state = StateDisabled
		}
		rungs = append(rungs, rung{r, state})
	}
	global := func(r rung) int {
		if r.AccountID == "" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(rungs, func(a, b rung) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(global(a), global(b)), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return rungs
}

// sentence is the label of a rule.
func (n Node) sentence(of int, target, fallbacks string) string {
	var b strings.Builder
	if n.Order > 0 {
		fmt.Fprintf(&b, "Rule %d of %d", n.Order, of)
	} else {
		b.WriteString("Rule that is " + strings.ReplaceAll(string(n.State), "_", " "))
	}
	fmt.Fprintf(&b, ", priority %d, %s: %s, ", *n.Priority, n.Band, n.Name)
	if n.Plugin != "" {
		b.WriteString("decided by plugin " + n.Plugin)
		if n.Version != "" {
			b.WriteString(" " + n.Version)
		}
	} else {
		b.WriteString("when " + strings.Join(n.Clauses, " "+n.Join+" "))
	}
	b.WriteString(", routes to " + target)
	if fallbacks != "" {
		b.WriteString(", then " + fallbacks)
	}
	return b.String() + "."
}
