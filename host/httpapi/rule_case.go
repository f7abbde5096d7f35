package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// ruleWant is what a case expects.
type ruleWant struct {
	Rule  string `json:"rule,omitempty" maxLength:"128" doc:"A rule's id, or default, pinned, assignment or override."`
	Model string `json:"model,omitempty" maxLength:"256" doc:"The first target, as if every model were well."`
	Code  string `json:"code,omitempty" maxLength:"64" doc:"Of the error that refuses the request, as rule_rejected."`
}

func shownWant(w engine.RuleWant) ruleWant { return ruleWant{w.Source, w.Model, string(w.Code)} }

// ruleCase is a stored example of what rules are to decide.
type ruleCase struct {
	ID        string          `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug"`
	Name      string          `json:"name,omitempty" maxLength:"128"`
	Request   json.RawMessage `json:"request" doc:"The body of a chat completion; at most 64 KiB."`
	Given     json.RawMessage `json:"given,omitempty" doc:"What holds beside the body: user, team, role, key, session, session_model, task, agent, at, down, budget_left, budget_fraction. Without at it is now."`
	Want      ruleWant        `json:"want"`
	AccountID string          `json:"account_id,omitempty" readOnly:"true"`
	CreatedAt *time.Time      `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time      `json:"updated_at,omitempty" readOnly:"true"`
}

func shownCase(c engine.RuleCase) ruleCase {
	created, updated := c.CreatedAt.UTC(), c.UpdatedAt.UTC()
	return ruleCase{
		ID: c.ID, Name: c.Name, Request: c.Request, Given: c.Given, Want: shownWant(c.Want), AccountID: c.AccountID,
		CreatedAt: &created, UpdatedAt: &updated,
	}
}

func (c ruleCase) stored(account string) engine.RuleCase {
	return engine.RuleCase{
		AccountID: account, ID: c.ID, Name: c.Name, Request: c.Request, Given: config(c.Given),
		Want: engine.RuleWant{Source: c.Want.Rule, Model: c.Want.Model, Code: engine.Code(c.Want.Code)},
	}
}

// caseResult is what came of a case.
type caseResult struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Passed  bool     `json:"passed"`
	Want    ruleWant `json:"want"`
	Got     ruleWant `json:"got"`
	Reason  string   `json:"reason,omitempty" doc:"Of the decision."`
	Message string   `json:"message,omitempty" doc:"What differs, or why the case cannot be run."`
}

func shownResults(results []engine.CaseResult) []caseResult {
	var out []caseResult
	for _, r := range results {
		out = append(out, caseResult{r.ID, r.Name, r.Passed, shownWant(r.Want), shownWant(r.Got), r.Reason, r.Message})
	}
	return out
}

type (
	// RuleCaseKey is the case that a path means. Exported because huma skips embedded
	// structs that are not.
	RuleCaseKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Of whose rules. Left out: the caller's own account's, for a super admin the global ones."`
	}
	caseList struct {
		Body struct {
			Data []ruleCase `json:"data" doc:"By id."`
		}
	}
	caseOutput struct{ Body ruleCase }
	caseRun    struct {
		AccountID string      `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own account, for a super admin the global rules."`
		Rules     *[]rule     `json:"rules,omitempty" maxItems:"2000" doc:"Run with these as all rules of the account. Left out: with those in force."`
		Cases     *[]ruleCase `json:"cases,omitempty" maxItems:"200" doc:"Run these. Left out: the stored ones."`
	}
	caseRunOutput struct {
		Body struct {
			Passed  int          `json:"passed"`
			Failed  int          `json:"failed"`
			Results []caseResult `json:"results" doc:"In the order of the cases."`
		}
	}
)

func (s *Server) registerRuleCases() {
	tag := []string{"rules"}
	operation(s, huma.Operation{OperationID: "list-rule-cases", Method: http.MethodGet, Path: "/api/v1/rules/cases", Summary: "List the cases that rules must pass to be changed", Tags: tag}, s.listRuleCases)
	operation(s, huma.Operation{OperationID: "run-rule-cases", Method: http.MethodPost, Path: "/api/v1/rules/cases/run", Summary: "Run cases, on the rules in force or on others", Description: "Nothing is kept and no provider is called.", Tags: tag, MaxBodyBytes: rulesBodyLimit}, s.runRuleCases)
	operation(s, huma.Operation{OperationID: "get-rule-case", Method: http.MethodGet, Path: "/api/v1/rules/cases/{id}", Summary: "Get a case", Tags: tag}, s.getRuleCase)
	operation(s, huma.Operation{OperationID: "put-rule-case", Method: http.MethodPut, Path: "/api/v1/rules/cases/{id}", Summary: "Create or replace a case", Description: "It need not pass: rules are held to it when they are next changed.", Tags: tag}, s.putRuleCase)
	operation(s, huma.Operation{OperationID: "delete-rule-case", Method: http.MethodDelete, Path: "/api/v1/rules/cases/{id}", Summary: "Delete a case", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteRuleCase)
}

func (s *Server) listRuleCases(ctx context.Context, in *RuleHome) (*caseList, error) {
	p := principalOf(ctx)
	cases, err := s.cfg.RuleSets.ListRuleCases(ctx, p, homeOf(p, in.AccountID))
	if err != nil {
		return nil, err
	}
	out := &caseList{}
	out.Body.Data = make([]ruleCase, 0, len(cases))
	for _, c := range cases {
		out.Body.Data = append(out.Body.Data, shownCase(c))
	}
	return out, nil
}

func (s *Server) getRuleCase(ctx context.Context, in *RuleCaseKey) (*caseOutput, error) {
	p := principalOf(ctx)
	c, err := s.cfg.RuleSets.GetRuleCase(ctx, p, homeOf(p, in.AccountID), in.ID)
	if err != nil {
		return nil, err
	}
	return &caseOutput{shownCase(c)}, nil
}

func (s *Server) putRuleCase(ctx context.Context, in *struct {
	RuleCaseKey
	Body ruleCase
}) (*caseOutput, error) {
	p := principalOf(ctx)
	if in.Body.ID != "" && in.Body.ID != in.ID {
		return nil, invalid("id", "'id' is '"+in.ID+"' in the path.")
	}
	in.Body.ID = in.ID
	c, err := s.cfg.RuleSets.PutRuleCase(ctx, p, in.Body.stored(homeOf(p, in.AccountID)))
	if err != nil {
		return nil, err
	}
	return &caseOutput{shownCase(c)}, nil
}

func (s *Server) deleteRuleCase(ctx context.Context, in *RuleCaseKey) (*nothing, error) {
	p := principalOf(ctx)
	return nil, s.cfg.RuleSets.DeleteRuleCase(ctx, p, homeOf(p, in.AccountID), in.ID)
}

func (s *Server) runRuleCases(ctx context.Context, in *struct{ Body caseRun }) (*caseRunOutput, error) {
	p := principalOf(ctx)
	run := engine.CaseRun{AccountID: homeOf(p, in.Body.AccountID)}
	if in.Body.Rules != nil {
		rules, err := storedRules(*in.Body.Rules, run.AccountID)
		if err != nil {
			return nil, err
		}
		run.Rules = &rules
	}
	if in.Body.Cases != nil {
		run.Cases = make([]engine.RuleCase, len(*in.Body.Cases))
		for i, c := range *in.Body.Cases {
			if c.ID == "" {
				c.ID = "case-" + strconv.Itoa(i+1)
			}
			run.Cases[i] = c.stored(run.AccountID)
		}
	}
	results, err := s.cfg.RuleSets.RunRuleCases(ctx, p, run)
	if err != nil {
		return nil, err
	}
	out := &caseRunOutput{}
	out.Body.Results = shownResults(results)
	for _, r := range results {
		if r.Passed {
			out.Body.Passed++
		} else {
			out.Body.Failed++
		}
	}
	if out.Body.Results == nil {
		out.Body.Results = []caseResult{}
	}
	return out, nil
}

// noRuleSets is the service of a server that was given none.
type noRuleSets struct{}

var errNoRuleSets = engine.Errorf(engine.CodeNotFound, "Rules have no versions here.")

func (noRuleSets) ListRuleSets(context.Context, engine.Principal, string, int64, int) ([]engine.RuleSet, error) {
	return nil, errNoRuleSets
}
func (noRuleSets) GetRuleSet(context.Context, engine.Principal, string, int64) (engine.RuleSet, error) {
	return engine.RuleSet{}, errNoRuleSets
}
func (noRuleSets) DiffRuleSets(context.Context, engine.Principal, string, int64, int64) ([]engine.RuleChange, error) {
	return nil, errNoRuleSets
}
func (noRuleSets) PublishRules(context.Context, engine.Principal, engine.Publication) (engine.Published, error) {
	return engine.Published{}, errNoRuleSets
}
func (noRuleSets) RestoreRules(context.Context, engine.Principal, engine.Restoration) (engine.Published, error) {
	return engine.Published{}, errNoRuleSets
}
func (noRuleSets) WarnRule(context.Context, engine.Rule) ([]engine.RuleFinding, error) {
	return nil, nil
}
func (noRuleSets) ListRuleCases(context.Context, engine.Principal, string) ([]engine.RuleCase, error) {
	return nil, errNoRuleSets
}
func (noRuleSets) GetRuleCase(context.Context, engine.Principal, string, string) (engine.RuleCase, error) {
	return engine.RuleCase{}, errNoRuleSets
}
func (noRuleSets) PutRuleCase(context.Context, engine.Principal, engine.RuleCase) (engine.RuleCase, error) {
	return engine.RuleCase{}, errNoRuleSets
}
func (noRuleSets) DeleteRuleCase(context.Context, engine.Principal, string, string) error {
	return errNoRuleSets
}
func (noRuleSets) RunRuleCases(context.Context, engine.Principal, engine.CaseRun) ([]engine.CaseResult, error) {
	return nil, errNoRuleSets
}
