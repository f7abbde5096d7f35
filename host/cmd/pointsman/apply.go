package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/spf13/cobra"
)

// What becomes of a resource.
const (
	actionCreate    = "create"
	actionUpdate    = "update"
	actionUnchanged = "unchanged"
	actionDelete    = "delete"
)

// step is one resource's part of a plan.
type step struct {
	Action    string   `json:"action"`
	Kind      string   `json:"kind"`
	AccountID string   `json:"account_id,omitempty"`
	ID        string   `json:"id"`
	Changes   []string `json:"changes,omitempty"`
	Secret    string   `json:"secret,omitempty"` // a new key's, shown once

	kind      string
	want, was *resource
}

func newApply() *cobra.Command {
	c := &client{}
	var path, account string
	var dryRun, prune, everywhere bool
	var out form
	cmd := &cobra.Command{
		Use: "apply -f DIR", Short: "Make rules, limits, budgets and keys on a server what files say", Args: cobra.NoArgs,
		Long: `Make rules, limits, budgets and keys on a server what files say: every .yaml, .yml and .json file of
a folder, each with any of these sections. Members are the API's; "pointsman export DIR" writes them.

    rules:
      - {id: typos, name: Typos, priority: 60, when: mentions('typo'), target: gpt-5-mini}
    limits:
      - {id: per-user, kind: requests, amount: 60, window: minute, per: [user]}
    budgets:
      - {id: month, period: month, amount: "250.00", hard: true}
    keys:
      - {name: ci, scopes: [inference]}     # account_id and user_id: default the caller's own

Rules are compiled before anything is changed, with --dry-run too. A second run changes nothing. Rows
are told apart by account and id, keys by account, user and name; a new key's text is printed once. What
files do not have stays, unless --prune: then it is deleted, of the sections that the files have, in the
accounts (and of keys, of the users) that their rows are of. --account ACME or --all-accounts prunes the
whole of these instead. System rules, the key that is used and the ones it is rotated to are never deleted.`,
		Example: "  pointsman apply -f deploy/ --dry-run\n  pointsman apply -f deploy/ --prune",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return errors.New("name the folder, or the file, of what is wanted: pointsman apply -f DIR")
			}
			who, err := c.whoami(cmd)
			if err != nil {
				return err
			}
			want, sections, err := readResources(path, who, account)
			if err != nil {
				return err
			}
			var within reach
			if prune {
				if within, err = reachOf(want, who, account, everywhere); err != nil {
					return err
				}
			}
			have, err := c.serverResources(cmd, who, account)
			if err != nil {
				return err
			}
			steps, err := plan(want, have)
			if err != nil {
				return err
			}
			if err := c.checkSteps(cmd, steps); err != nil {
				return err
			}
			if prune {
				steps = append(steps, pruned(want, have, sections, who, within)...)
			}
			done := len(steps)
			var failure error
			if !dryRun {
				done, failure = c.carryOut(cmd, steps)
			}
			if err := printSteps(cmd, out, steps[:done], dryRun); err != nil {
				return err
			}
			return failure
		},
	}
	clientFlags(cmd, c)
	cmd.Flags().StringVarP(&path, "file", "f", "", "folder, or file, of what is wanted")
	cmd.Flags().StringVar(&account, "account", "", "only that account's; what names none is its")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what the files' sections do not have")
	cmd.Flags().BoolVar(&everywhere, "all-accounts", false, "with --prune: delete in every account that the key may change")
	cmd.MarkFlagsMutuallyExclusive("account", "all-accounts")
	formFlag(cmd, &out)
	return cmd
}

// plan compares what is wanted with what is there.
func plan(want, have []resource) ([]*step, error) {
	there := map[[4]string]*resource{}
	for i := range have {
		if !have[i].shadowed {
			there[have[i].key()] = &have[i]
		}
	}
	var steps []*step
	for i := range want {
		w := &want[i]
		s := &step{Action: actionUnchanged, Kind: w.kind, AccountID: w.account, ID: w.title(), kind: w.kind, want: w, was: there[w.key()]}
		steps = append(steps, s)
		switch {
		case s.was == nil && w.system:
			return nil, fmt.Errorf("%s: there is no system rule %s on this server: take it out of the file", w.source, w.id)
		case s.was == nil:
			s.Action = actionCreate
		default:
			if s.Changes = differences(s.was.members, w); len(s.Changes) > 0 {
				s.Action = actionUpdate
			}
		}
	}
	return steps, nil
}

// differences are the members that would change.
func differences(was map[string]any, w *resource) (list []string) {
	names := maps.Clone(was)
	maps.Copy(names, w.members)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if w.kind == kindKeys && name == "scopes" && w.members[name] == nil {
			continue // left out: as they are
		}
		if !reflect.DeepEqual(was[name], w.members[name]) {
			list = append(list, fmt.Sprintf("%s: %s → %s", name, shownMember(was[name]), shownMember(w.members[name])))
		}
	}
	return list
}

func shownMember(v any) string {
	if v == nil {
		return "(default)"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return clip(string(text), 80)
}

// checkSteps compiles the rules that would be written, so that one which is wrong is told before
// anything is done, and with --dry-run too. A plugin's rule is left to the server.
func (c *client) checkSteps(cmd *cobra.Command, steps []*step) error {
	for _, s := range steps {
		if s.kind != kindRules || s.Action == actionUnchanged || s.want == nil {
			continue
		}
		if plugin, _ := s.want.members["plugin"].(string); plugin != "" {
			continue
		}
		if err := c.ask(cmd, http.MethodPost, "/api/v1/rules/check", s.want.body, nil); err != nil {
			return fmt.Errorf("%s: %s rules %s: %w\nNothing is done", s.want.source, s.Action, s.ID, err)
		}
	}
	return nil
}

// carryOut does one step after the other and ends at the first that fails; done is how many were
// carried out.
func (c *client) carryOut(cmd *cobra.Command, steps []*step) (done int, err error) {
	for i, s := range steps {
		if s.Secret, err = c.change(cmd, s); err != nil {
			source := ""
			if s.want != nil {
				source = s.want.source + ": "
			}
			return i, fmt.Errorf("%s%s %s %s: %w\nWhat is printed above is done; the same command goes on from here", source, s.Action, s.Kind, s.ID, err)
		}
	}
	return len(steps), nil
}

func printSteps(cmd *cobra.Command, out form, steps []*step, dryRun bool) error {
	counts := map[string]int{}
	for _, s := range steps {
		counts[s.Action]++
	}
	if steps == nil {
		steps = []*step{}
	}
	err := out.writeValue(cmd.OutOrStdout(), map[string]any{"dry_run": dryRun, "data": steps}, func() *table {
		t := &table{head: []string{"ACTION", "KIND", "ACCOUNT", "ID"}}
		for _, s := range steps {
			notes := s.Changes
			if s.Secret != "" {
				notes = []string{s.Secret + "  (shown only now)"}
			}
			t.add(notes, s.Action, s.Kind, orEveryone(s.AccountID), s.ID)
		}
		return t
	})
	if err == nil && out == formTable {
		text := "%d created, %d updated, %d unchanged, %d deleted\n"
		if dryRun {
			text = "%d to create, %d to update, %d unchanged, %d to delete\n"
		}
		fmt.Fprintf(cmd.OutOrStdout(), text, counts[actionCreate], counts[actionUpdate], counts[actionUnchanged], counts[actionDelete])
	}
	return err
}
