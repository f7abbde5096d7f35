package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/engine"
)

// explainDoc is a decision told whole, as far as the table shows it.
type explainDoc struct {
	Source     string          `json:"source"`
	Reason     string          `json:"reason,omitempty"`
	Rules      []stepDoc       `json:"rules"`
	Candidates []candidateDoc  `json:"candidates"`
	Error      *explainProblem `json:"error,omitempty"`
}

type stepDoc struct {
	Rule     string `json:"rule"`
	Name     string `json:"name,omitempty"`
	Priority int    `json:"priority"`
	Outcome  string `json:"outcome"`
	Clause   string `json:"clause,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

type candidateDoc struct {
	Model    string `json:"model"`
	Provider string `json:"provider,omitempty"`
	Skipped  string `json:"skipped,omitempty"` // why it may not be asked
	Detail   string `json:"detail,omitempty"`
	CostUSD  string `json:"cost_usd,omitempty"` // estimated
	Default  bool   `json:"default,omitempty"`  // it is the default handler's
}

type explainProblem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func explanationDoc(e engine.Explanation) explainDoc {
	out := explainDoc{Source: e.Source, Reason: e.Reason, Rules: []stepDoc{}, Candidates: []candidateDoc{}}
	for _, s := range e.Rules {
		out.Rules = append(out.Rules, stepDoc{s.RuleID, s.Name, s.Priority, string(s.Outcome), s.Clause, s.Detail})
	}
	for _, c := range e.Candidates {
		d := candidateDoc{Model: c.Model, Provider: c.Provider, Default: c.OfDefault}
		if c.Skip != nil {
			d.Skipped, d.Detail = string(c.Skip.Reason), c.Skip.Detail
		}
		if c.Priced {
			d.CostUSD = engine.FormatUSD(c.EstimatedCost)
		}
		out.Candidates = append(out.Candidates, d)
	}
	if e.Err != nil {
		out.Error = &explainProblem{string(e.Err.Code), e.Err.Message}
	}
	return out
}

func (d explainDoc) write(w io.Writer) {
	t := table{head: []string{"PRIORITY", "RULE", "OUTCOME", "WHY"}, right: []bool{true}}
	for _, s := range d.Rules {
		why := s.Clause
		if s.Detail != "" {
			why = strings.TrimSpace(why + " " + s.Detail)
		}
		t.add(nil, fmt.Sprint(s.Priority), s.Rule, strings.ReplaceAll(s.Outcome, "_", " "), strings.Join(strings.Fields(why), " "))
	}
	t.write(w)
	fmt.Fprintf(w, "\ndecided by %s", d.Source)
	if d.Reason != "" {
		fmt.Fprintf(w, " (%s)", d.Reason)
	}
	fmt.Fprint(w, "\n\n")
	m := table{head: []string{"MODEL", "PROVIDER", "ABOUT", "STATE"}}
	for _, c := range d.Candidates {
		state := "may be asked"
		if c.Skipped != "" {
			state = strings.TrimSpace(strings.ReplaceAll(c.Skipped, "_", " ") + " " + c.Detail)
		}
		cost := ""
		if c.CostUSD != "" {
			cost = "$" + c.CostUSD
		}
		m.add(nil, c.Model, c.Provider, cost, state)
	}
	m.write(w)
	if d.Error != nil {
		fmt.Fprintf(w, "\nanswered with %s: %s\n", d.Error.Code, d.Error.Message)
	}
}

// toldDoc is what a server tells of a decision, as far as the table shows it.
type toldDoc struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	Rules  []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Priority int    `json:"priority"`
		Outcome  string `json:"outcome"`
		Clause   string `json:"clause"`
		Detail   string `json:"detail"`
	} `json:"rules"`
	Candidates []struct {
		Model            string `json:"model"`
		Provider         string `json:"provider"`
		EstimatedNanoUSD *int64 `json:"estimated_nano_usd"`
		OfDefault        bool   `json:"of_default"`
		Skip             struct {
			Reason string `json:"reason"`
			Detail string `json:"detail"`
		} `json:"skip"`
	} `json:"candidates"`
	ErrorCode    string `json:"error_code"`
	ErrorMessage string `json:"error_message"`
}

func (t toldDoc) doc() explainDoc {
	out := explainDoc{Source: t.Rule, Reason: t.Reason}
	for _, s := range t.Rules {
		out.Rules = append(out.Rules, stepDoc{s.ID, s.Name, s.Priority, s.Outcome, s.Clause, s.Detail})
	}
	for _, c := range t.Candidates {
		d := candidateDoc{Model: c.Model, Provider: c.Provider, Skipped: c.Skip.Reason, Detail: c.Skip.Detail, Default: c.OfDefault}
		if c.EstimatedNanoUSD != nil {
			d.CostUSD = engine.FormatUSD(*c.EstimatedNanoUSD)
		}
		out.Candidates = append(out.Candidates, d)
	}
	if t.ErrorCode != "" {
		out.Error = &explainProblem{t.ErrorCode, t.ErrorMessage}
	}
	return out
}

func newRulesExplain(c *client) *cobra.Command {
	var request, id string
	var out form
	var files []string
	var ownOnly bool
	cmd := &cobra.Command{
		Use: "explain", Short: "Tell why a request goes where it goes, calling nobody", Args: cobra.NoArgs,
		Long: `Tell every rule's part in a decision. --request is the body of a chat completion, --id one that the
server has recorded. With --rules (which may be an empty file) it is decided in this process, by the
rules of those files and the shipped ones; else by the running server.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (request == "") == (id == "") {
				return errors.New("name either --request FILE or --id REQUEST_ID")
			}
			var text json.RawMessage
			if request != "" {
				b, err := readInput(cmd, request)
				if err != nil {
					return err
				}
				text = b
			}
			if cmd.Flags().Changed("rules") || ownOnly {
				if id != "" {
					return errors.New("a recorded request is the server's: leave out --rules")
				}
				return explainLocally(cmd, files, ownOnly, text, out)
			}
			body := map[string]any{}
			if id != "" {
				body["request_id"] = id
			} else {
				body["request"] = text
			}
			var answer json.RawMessage
			if err := c.ask(cmd, http.MethodPost, "/api/v1/route/explain", body, &answer); err != nil {
				return err
			}
			var told toldDoc
			if err := json.Unmarshal(answer, &told); err != nil {
				return fmt.Errorf("read the answer: %w", err)
			}
			return out.show(cmd.OutOrStdout(), answer, told.doc().write)
		},
	}
	cmd.Flags().StringVar(&request, "request", "", "file with the body of a request (- is standard input)")
	cmd.Flags().StringVar(&id, "id", "", "x-request-id of a recorded request")
	cmd.Flags().StringArrayVar(&files, "rules", nil, "file of rules, YAML or JSON; may be given several times")
	cmd.Flags().BoolVar(&ownOnly, "own-only", false, "decide in this process without the shipped rules")
	formFlag(cmd, &out)
	return cmd
}

func explainLocally(cmd *cobra.Command, files []string, ownOnly bool, body []byte, out form) error {
	docs, err := readRules(files)
	if err != nil {
		return err
	}
	own, err := ownRules(docs)
	if err != nil {
		return err
	}
	b, err := newBench(own, ownOnly)
	if err != nil {
		return err
	}
	for _, text := range b.unknowns() {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", text)
	}
	c := engine.RuleCase{ID: "request", Request: body}
	r, what, err := c.Arrange(localAccount, time.Now(), nil)
	if err != nil {
		return explained(err)
	}
	defer r.Doc.Release()
	e, err := b.pipeline.Explain(cmd.Context(), r, what)
	if err != nil {
		return err
	}
	doc := explanationDoc(e)
	return out.showValue(cmd.OutOrStdout(), doc, doc.write)
}
