package main

import (
	"encoding/json"
	"fmt"
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
	var account, format string
	var limit int
	cmd := &cobra.Command{
		Use: "history", Short: "List the versions of rules: when, who and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if account != "" {
				query.Set("account_id", account)
			}
			path := "/api/v1/rules/versions?" + query.Encode()
			if format == "json" {
				return c.print(cmd, http.MethodGet, path, nil)
			}
			var list struct{ Data []versionDoc }
			if err := c.ask(cmd, http.MethodGet, path, nil, &list); err != nil {
				return err
			}
			t := table{head: []string{"VERSION", "MADE", "BY", "RULES", "NOTE"}, right: []bool{true, false, false, true}}
			for _, v := range list.Data {
				by := v.By
				if by == "" {
					by = "pointsman"
				}
				t.add(nil, strconv.FormatInt(v.Version, 10), v.CreatedAt.Format("2006-01-02 15:04:05"), by, strconv.Itoa(v.Count), v.Note)
			}
			t.write(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, 1 to 200")
	outputFlag(cmd, &format, "table", "table or json")
	return cmd
}

func newRulesDiff(c *client) *cobra.Command {
	var account, format string
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
			if format == "json" {
				return c.print(cmd, http.MethodGet, path, nil)
			}
			var diff struct {
				From, To int64
				Data     []struct {
					Rule, Change string
					Members      []struct {
						Member   string
						From, To json.RawMessage
					}
				}
			}
			if err := c.ask(cmd, http.MethodGet, path, nil, &diff); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "version %d to version %d\n", diff.From, diff.To)
			if len(diff.Data) == 0 {
				fmt.Fprintln(out, "no rule differs")
			}
			for _, r := range diff.Data {
				fmt.Fprintf(out, "%s %s\n", map[string]string{"added": "+", "removed": "-", "changed": "~"}[r.Change], r.Rule)
				for _, m := range r.Members {
					if m.From != nil {
						fmt.Fprintf(out, "    - %s: %s\n", m.Member, m.From)
					}
					if m.To != nil {
						fmt.Fprintf(out, "    + %s: %s\n", m.Member, m.To)
					}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "whose rules; default the key's own, for a super admin the global ones")
	outputFlag(cmd, &format, "text", "text or json")
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
