package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
)

// accountQuery is the query that says whose rules are meant.
func accountQuery(id string) string {
	if id == "" {
		return ""
	}
	return "?account_id=" + url.QueryEscape(id)
}

// testResult is what came of a case, as the API says it.
type testResult struct {
	ID      string  `json:"id"`
	Name    string  `json:"name,omitempty"`
	Passed  bool    `json:"passed"`
	Want    wantDoc `json:"want"`
	Got     wantDoc `json:"got"`
	Reason  string  `json:"reason,omitempty"`
	Message string  `json:"message,omitempty"`
}

func newRulesTest(c *client) *cobra.Command {
	var files []string
	var server, ownOnly bool
	var account string
	var out form
	cmd := &cobra.Command{
		Use:   "test CASES",
		Short: "Run the cases of a YAML file against rules (- is standard input); fails when one differs",
		Long: `Run the cases of a YAML file. Without --server they are decided in this process: by the rules of
--rules, or those that the file names under rules, and the shipped ones. Nothing is called.

    rules: [rules.yaml]
    cases:
      - name: Typos go to the cheap model
        text: fix the typo in this line
        want: {rule: quick-code-edits, model: claude-haiku-4.5}
      - name: At night nobody waits
        request: {messages: [{role: user, content: "a report"}]}
        given: {user: bo, at: 2026-11-23T03:00:00Z, down: [anthropic]}
        want: {model: gpt-5-mini}`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			file, cases, err := readCases(args[0], text)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				files = file.Rules
			}
			docs, err := readRules(files)
			if err != nil {
				return err
			}
			var results []testResult
			if server {
				results, err = c.runCases(cmd, account, docs, file.Cases)
			} else {
				results, err = runLocally(cmd, docs, ownOnly || file.OwnOnly, cases)
			}
			if err != nil {
				return err
			}
			return printResults(cmd, results, out)
		},
	}
	cmd.Flags().StringArrayVar(&files, "rules", nil, "file of rules, YAML or JSON; may be given several times")
	cmd.Flags().BoolVar(&ownOnly, "own-only", false, "without the shipped rules")
	cmd.Flags().BoolVar(&server, "server", false, "let the running server decide, by the rules in force or those of --rules")
	cmd.Flags().StringVar(&account, "account", "", "with --server: whose rules; default the key's own")
	formFlag(cmd, &out)
	return cmd
}

func runLocally(cmd *cobra.Command, docs []ruleDoc, ownOnly bool, cases []engine.RuleCase) ([]testResult, error) {
	own, err := ownRules(docs)
	if err != nil {
		return nil, err
	}
	b, err := newBench(own, ownOnly)
	if err != nil {
		return nil, err
	}
	for _, text := range b.unknowns() {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", text)
	}
	ran, err := b.run(cmd.Context(), cases)
	if err != nil {
		return nil, err
	}
	want := func(w engine.RuleWant) wantDoc { return wantDoc{w.Source, w.Model, string(w.Code)} }
	results := make([]testResult, len(ran))
	for i, r := range ran {
		results[i] = testResult{r.ID, r.Name, r.Passed, want(r.Want), want(r.Got), r.Reason, r.Message}
	}
	return results, nil
}

// runCases lets the server run them.
func (c *client) runCases(cmd *cobra.Command, account string, docs []ruleDoc, cases []caseDoc) ([]testResult, error) {
	body := map[string]any{"cases": cases}
	if account != "" {
		body["account_id"] = account
	}
	if len(docs) > 0 {
		body["rules"] = docs
	}
	var out struct{ Results []testResult }
	return out.Results, c.ask(cmd, http.MethodPost, "/api/v1/rules/cases/run", body, &out)
}

// ask sends JSON and reads the answer's.
func (c *client) ask(cmd *cobra.Command, method, path string, body, into any) error {
	var reader io.Reader
	contentType := ""
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader, contentType = bytes.NewReader(text), "application/json"
	}
	resp, err := c.send(cmd.Context(), method, path, contentType, reader)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || into == nil || len(bytes.TrimSpace(text)) == 0 {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

func printResults(cmd *cobra.Command, results []testResult, out form) error {
	failed := 0
	for _, r := range results {
		if !r.Passed {
			failed++
		}
	}
	passed := len(results) - failed
	err := out.showValue(cmd.OutOrStdout(), map[string]any{"passed": passed, "failed": failed, "results": results}, func(w io.Writer) {
		t := table{head: []string{"", "CASE", "RULE", "MODEL"}}
		for _, r := range results {
			mark, notes := "ok", []string(nil)
			if !r.Passed {
				mark, notes = "FAIL", []string{r.Message}
			}
			t.add(notes, mark, cmp.Or(r.Name, r.ID), r.Got.Rule, cmp.Or(r.Got.Model, r.Got.Code))
		}
		t.write(w)
		fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d cases differ", failed, len(results))
	}
	return err
}
