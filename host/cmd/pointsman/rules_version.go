package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// versionDoc is a version of rules as the API has it.
type versionDoc struct {
	Version   int64     `json:"version"`
	Count     int       `json:"count"`
	Note      string    `json:"note"`
	By        string    `json:"by"`
	Restores  int64     `json:"restores"`
	CreatedAt time.Time `json:"created_at"`
	Rules     []ruleDoc `json:"rules"`
}

type publishedDoc struct {
	Version  versionDoc
	Warnings []struct{ Kind, Rule, Message string }
	Failing  []testResult
}

func newRulesHistory(c *client) *cobra.Command {
	var account string
	var limit int
	var out form
	cmd := &cobra.Command{
		Use: "history", Short: "List the versions of rules: when, who and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if account != "" {
				query.Set("account_id", account)
			}
			var list struct{ Data []versionDoc }
			text, err := c.call(cmd, http.MethodGet, "/api/v1/rules/versions?"+query.Encode(), &list)
			if err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), text, func() *table { return versionTable(list.Data) })
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, 1 to 200")
	formFlag(cmd, &out)
	return cmd
}

func versionTable(versions []versionDoc) *table {
	t := &table{head: []string{"VERSION", "MADE", "BY", "RULES", "NOTE"}, right: []bool{true, false, false, true}}
	for _, v := range versions {
		by := v.By
		if by == "" {
			by = "pointsman"
		}
		t.add(nil, strconv.FormatInt(v.Version, 10), v.CreatedAt.Local().Format(time.DateTime), by, strconv.Itoa(v.Count), v.Note)
	}
	return t
}

// diffDoc is what differs between two versions of rules.
type diffDoc struct {
	From, To int64
	Data     []struct {
		Rule, Change string
		Members      []struct {
			Member   string
			From, To json.RawMessage
		}
	}
}

func (d diffDoc) write(w io.Writer) {
	fmt.Fprintf(w, "version %d to version %d\n", d.From, d.To)
	if len(d.Data) == 0 {
		fmt.Fprintln(w, "no rule differs")
	}
	for _, r := range d.Data {
		fmt.Fprintf(w, "%s %s\n", map[string]string{"added": "+", "removed": "-", "changed": "~"}[r.Change], r.Rule)
		for _, m := range r.Members {
			if m.From != nil {
				fmt.Fprintf(w, "    - %s: %s\n", m.Member, m.From)
			}
			if m.To != nil {
				fmt.Fprintf(w, "    + %s: %s\n", m.Member, m.To)
			}
		}
	}
}

func newRulesDiff(c *client) *cobra.Command {
	var account string
	var out form
	cmd := &cobra.Command{
		Use: "diff VERSION [TO]", Short: "Show what a version changed, or what makes another of it", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := url.Values{}
			if len(args) > 1 {
				query.Set("to", args[1])
			}
			if account != "" {
				query.Set("account_id", account)
			}
			path := "/api/v1/rules/versions/" + url.PathEscape(args[0]) + "/diff?" + query.Encode()
			var diff diffDoc
			text, err := c.call(cmd, http.MethodGet, path, &diff)
			if err != nil {
				return err
			}
			return out.show(cmd.OutOrStdout(), text, diff.write)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	formFlag(cmd, &out)
	return cmd
}

// ruleHead is the newest version of an account's rules, 0 when there is none.
func (c *client) ruleHead(cmd *cobra.Command, account string) (int64, error) {
	var list struct{ Data []versionDoc }
	query := url.Values{"limit": {"1"}}
	if account != "" {
		query.Set("account_id", account)
	}
	if err := c.ask(cmd, http.MethodGet, "/api/v1/rules/versions?"+query.Encode(), nil, &list); err != nil || len(list.Data) == 0 {
		return 0, err
	}
	return list.Data[0].Version, nil
}

func newRulesPublish(c *client) *cobra.Command {
	var account, note string
	var was int64
	var override bool
	cmd := &cobra.Command{
		Use:   "publish FILE...",
		Short: "Replace all rules of the account by those of files, at once",
		Long: `Replace all rules of the account by those of the files: what is not in them is deleted. The rules must
pass their stored cases. --was says which version the files were made from: the server refuses when
somebody else has changed the rules since. Without it they replace whatever is in force now.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := readRules(args)
			if err != nil {
				return err
			}
			for i := range docs { // what only the server sets
				docs[i].Band, docs[i].System, docs[i].CreatedAt, docs[i].UpdatedAt = "", false, nil, nil
			}
			if !cmd.Flags().Changed("was") {
				if was, err = c.ruleHead(cmd, account); err != nil {
					return err
				}
			}
			body := map[string]any{"rules": orEmpty(docs), "note": note, "was": was, "override": override}
			if account != "" {
				body["account_id"] = account
			}
			var done publishedDoc
			if err := c.ask(cmd, http.MethodPost, "/api/v1/rules/publish", body, &done); err != nil {
				return err
			}
			return printPublished(cmd, done)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	cmd.Flags().StringVar(&note, "note", "", "why, for the history")
	cmd.Flags().Int64Var(&was, "was", 0, "the version that is replaced; default the newest")
	cmd.Flags().BoolVar(&override, "override", false, "also when stored cases fail; it is audited")
	return cmd
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func newRulesRestore(c *client) *cobra.Command {
	var account, note string
	var override bool
	cmd := &cobra.Command{
		Use: "restore VERSION", Short: "Bring a version of the rules back, as a new one", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var done publishedDoc
			body := map[string]any{"note": note, "override": override}
			path := "/api/v1/rules/versions/" + url.PathEscape(args[0]) + "/restore" + accountQuery(account)
			if err := c.ask(cmd, http.MethodPost, path, body, &done); err != nil {
				return err
			}
			return printPublished(cmd, done)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	cmd.Flags().StringVar(&note, "note", "", "why, for the history")
	cmd.Flags().BoolVar(&override, "override", false, "also when stored cases fail or rules are no longer valid; it is audited")
	return cmd
}

func printPublished(cmd *cobra.Command, done publishedDoc) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "version %d is in force, with %d rules\n", done.Version.Version, done.Version.Count)
	for _, w := range done.Warnings {
		fmt.Fprintf(out, "warning: %s\n", strings.TrimPrefix(w.Rule+": "+w.Message, ": "))
	}
	for _, f := range done.Failing {
		fmt.Fprintf(out, "overridden: case %s: %s\n", f.ID, f.Message)
	}
	return nil
}
