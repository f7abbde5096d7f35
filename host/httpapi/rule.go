package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// rule is a routing rule as the API shows it. What only the server sets is read-only:
// it may be sent back as it came and is ignored.
type rule struct {
	ID               string          `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the name when left out."`
	Name             string          `json:"name" minLength:"1" maxLength:"128"`
	Description      string          `json:"description,omitempty" maxLength:"2000"`
	Priority         *int            `json:"priority,omitempty" minimum:"0" maximum:"10000" doc:"Higher comes first. Default 50."`
	When             string          `json:"when,omitempty" doc:"An expr expression of kind boolean. Either this or plugin."`
	Plugin           string          `json:"plugin,omitempty" maxLength:"128" doc:"A rule plugin: name (its active version) or name@version."`
	Config           json.RawMessage `json:"config,omitempty" doc:"JSON for the plugin, as its manifest's schema wants it."`
	Target           string          `json:"target,omitempty" maxLength:"256" doc:"Model id."`
	Fallbacks        []string        `json:"fallbacks,omitempty" maxItems:"16" doc:"Model ids, tried in order."`
	Only             bool            `json:"only,omitempty" doc:"The default handler's models are not appended."`
	OnFailure        string          `json:"on_failure,omitempty" enum:"skip,refuse" doc:"When the rule itself breaks. Default skip."`
	ContinueAfterCut bool            `json:"continue_after_cut,omitempty"`
	Enabled          *bool           `json:"enabled,omitempty" doc:"Default true."`
	AccountID        string          `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own account, for a super admin all accounts."`
	TeamID           string          `json:"team_id,omitempty" maxLength:"128"`

	System    bool       `json:"system,omitempty" readOnly:"true" doc:"Shipped with Pointsman: may be disabled or shadowed, not deleted."`
	Band      string     `json:"band,omitempty" readOnly:"true" doc:"critical, high, medium or low, by priority."`
	CreatedAt *time.Time `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`

	Warnings []ruleWarning `json:"warnings,omitempty" readOnly:"true" doc:"In the answer to a write: what looks wrong with the rule nevertheless."`
	Failing  []caseResult  `json:"failing,omitempty" readOnly:"true" doc:"In the answer to a write with override: the stored cases that fail."`
}

type (
	// RuleKey is the rule that a path means. Exported because huma skips embedded
	// structs that are not.
	RuleKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" doc:"Which account's rule. Left out: the caller's own before a global one, for a super admin the other way round."`
	}
	// RuleMatch is the condition of a change, of other rows too.
	RuleMatch struct {
		IfMatch string `header:"If-Match" doc:"The ETag that the row must still have."`
	}
	// RuleOverride is how a write of a rule passes the cases that guard it.
	RuleOverride struct {
		Override bool `query:"override" doc:"Also when stored cases of these rules fail. It is audited with their names."`
	}
	ruleOutput struct {
		ETag string `header:"ETag"`
		Body rule
	}
	createdRule struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     rule
	}
	ruleList struct {
		Body struct {
			Data []rule `json:"data" doc:"By account, then priority falling."`
		}
	}
	validRule struct {
		Body struct {
			Valid    bool          `json:"valid"`
			Warnings []ruleWarning `json:"warnings" doc:"What would look wrong with it, or fail."`
		}
	}
	nothing struct{}
)

func shownRule(r engine.Rule) rule {
	created, updated := r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return rule{
		ID: r.ID, Name: r.Name, Description: r.Description, Priority: &r.Priority, When: r.When,
		Plugin: r.Plugin, Config: r.Config, Target: r.Target, Fallbacks: r.Fallbacks, Only: r.Only,
		OnFailure: string(r.OnFailure), ContinueAfterCut: r.ContinueAfterCut, Enabled: &r.Enabled,
		AccountID: r.AccountID, TeamID: r.TeamID, System: r.System, Band: r.Band(),
		CreatedAt: &created, UpdatedAt: &updated,
	}
}

// stored is the rule as the engine keeps it; account is where it lives.
func (r rule) stored(account string) engine.Rule {
	out := engine.Rule{
		AccountID: account, ID: r.ID, Name: r.Name, Description: r.Description, Priority: engine.DefaultPriority,
		When: r.When, Plugin: r.Plugin, Config: config(r.Config), Target: r.Target, Fallbacks: r.Fallbacks,
		Only: r.Only, OnFailure: engine.FailurePolicy(r.OnFailure), ContinueAfterCut: r.ContinueAfterCut,
		Enabled: true, TeamID: r.TeamID,
	}
	if r.Priority != nil {
		out.Priority = *r.Priority
	}
	if r.Enabled != nil {
		out.Enabled = *r.Enabled
	}
	return out
}

// config treats null as left out.
func config(raw json.RawMessage) []byte {
	if strings.TrimSpace(string(raw)) == "null" {
		return nil
	}
	return raw
}

// homeOf is the account that a rule without account_id belongs to.
func homeOf(p engine.Principal, account string) string {
	if account == "" && p.Role != engine.RoleSuperAdmin {
		return p.AccountID
	}
	return account
}

// findRule reads the rule that a path names.
func (s *Server) findRule(ctx context.Context, k RuleKey) (engine.Rule, error) {
	p := principalOf(ctx)
	if k.AccountID != "" {
		return s.cfg.Rules.GetRule(ctx, p, k.AccountID, k.ID)
	}
	first, second := p.AccountID, ""
	if p.Role == engine.RoleSuperAdmin {
		first, second = second, first
	}
	r, err := s.cfg.Rules.GetRule(ctx, p, first, k.ID)
	if err != nil && failureOf(err).status == http.StatusNotFound {
		return s.cfg.Rules.GetRule(ctx, p, second, k.ID)
	}
	return r, err
}

// heldToCases is what the writes of single rules have in common.
const heldToCases = "422 with the cases when stored cases of these rules fail then."

func (s *Server) registerRules() {
	tag := []string{"rules"}
	// Before the rules that paths name.
	s.registerRuleVersions()
	s.registerRuleCases()
	s.registerRuleGraph()
	operation(s, huma.Operation{OperationID: "list-rules", Method: http.MethodGet, Path: "/api/v1/rules", Summary: "List the routing rules that the key sees", Tags: tag}, s.listRules)
	operation(s, huma.Operation{OperationID: "create-rule", Method: http.MethodPost, Path: "/api/v1/rules", Summary: "Create a rule; it is in force when this returns", Description: heldToCases, Tags: tag, DefaultStatus: http.StatusCreated}, s.createRule)
	operation(s, huma.Operation{OperationID: "check-rule", Method: http.MethodPost, Path: "/api/v1/rules/check", Summary: "Check a rule without saving it", Description: "Answers as creating it would: 400 with line, column and caret for an expression that does not compile.", Tags: tag}, s.checkRule)
	operation(s, huma.Operation{OperationID: "get-rule", Method: http.MethodGet, Path: "/api/v1/rules/{id}", Summary: "Get a rule", Tags: tag}, s.getRule)
	operation(s, huma.Operation{OperationID: "replace-rule", Method: http.MethodPut, Path: "/api/v1/rules/{id}", Summary: "Replace a rule", Description: heldToCases, Tags: tag}, s.replaceRule)
	operation(s, huma.Operation{OperationID: "patch-rule", Method: http.MethodPatch, Path: "/api/v1/rules/{id}", Summary: "Change members of a rule", Description: heldToCases, Tags: tag}, s.patchRule)
	operation(s, huma.Operation{OperationID: "delete-rule", Method: http.MethodDelete, Path: "/api/v1/rules/{id}", Summary: "Delete a rule that is not a system rule", Description: heldToCases, Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteRule)
	operation(s, huma.Operation{OperationID: "enable-rule", Method: http.MethodPost, Path: "/api/v1/rules/{id}/enable", Summary: "Enable a rule", Description: heldToCases, Tags: tag}, s.switchRule(true))
	operation(s, huma.Operation{OperationID: "disable-rule", Method: http.MethodPost, Path: "/api/v1/rules/{id}/disable", Summary: "Disable a rule, system rules too", Description: heldToCases, Tags: tag}, s.switchRule(false))
}

func (s *Server) listRules(ctx context.Context, _ *nothing) (*ruleList, error) {
	rules, err := s.cfg.Rules.ListRules(ctx, principalOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &ruleList{}
	out.Body.Data = make([]rule, 0, len(rules))
	for _, r := range rules {
		out.Body.Data = append(out.Body.Data, shownRule(r))
	}
	return out, nil
}

func (s *Server) createRule(ctx context.Context, in *struct {
	RuleOverride
	Body rule
}) (*createdRule, error) {
	p := principalOf(ctx)
	made, err := s.cfg.Rules.CreateRule(ctx, p, engine.RuleWrite{Rule: in.Body.stored(homeOf(p, in.Body.AccountID)), Override: in.Override})
	if err != nil {
		return nil, err
	}
	return &createdRule{Location: "/api/v1/rules/" + made.ID, ETag: etag(made.Rule), Body: s.shownWrite(ctx, made)}, nil
}

// shownWrite is a rule that was stored, as the answer to that shows it.
func (s *Server) shownWrite(ctx context.Context, w engine.WrittenRule) rule {
	out := shownRule(w.Rule)
	out.Warnings, out.Failing = s.warned(ctx, w.Rule), shownResults(w.Failing)
	return out
}

func (s *Server) checkRule(ctx context.Context, in *struct{ Body rule }) (*validRule, error) {
	p := principalOf(ctx)
	r := in.Body.stored(homeOf(p, in.Body.AccountID))
	if err := s.cfg.Rules.CheckRule(ctx, p, r); err != nil {
		return nil, err
	}
	out := &validRule{}
	out.Body.Valid, out.Body.Warnings = true, s.warned(ctx, r)
	return out, nil
}

func (s *Server) getRule(ctx context.Context, in *RuleKey) (*ruleOutput, error) {
	r, err := s.findRule(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &ruleOutput{ETag: etag(r), Body: shownRule(r)}, nil
}

func (s *Server) replaceRule(ctx context.Context, in *struct {
	RuleKey
	RuleMatch
	RuleOverride
	Body rule
}) (*ruleOutput, error) {
	if in.Body.AccountID != "" && in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	old, err := s.findRule(ctx, in.RuleKey)
	if err != nil {
		return nil, err
	}
	if in.Body.ID != "" && in.Body.ID != old.ID {
		return nil, invalid("id", "'id' cannot be changed: it is '"+old.ID+"' in the path.")
	}
	if in.Body.AccountID != "" && in.Body.AccountID != old.AccountID {
		return nil, invalid("account_id", "'account_id' cannot be changed.")
	}
	if err := matched(in.RuleMatch, old); err != nil {
		return nil, err
	}
	was := time.Time{}
	switch {
	case in.IfMatch != "" && in.IfMatch != "*":
		was = old.UpdatedAt
	case in.Body.UpdatedAt != nil:
		was = *in.Body.UpdatedAt
	}
	r := in.Body.stored(old.AccountID)
	r.ID = old.ID
	return s.saveRule(ctx, engine.RuleWrite{Rule: r, Was: was, Override: in.Override})
}

func (s *Server) saveRule(ctx context.Context, w engine.RuleWrite) (*ruleOutput, error) {
	saved, err := s.cfg.Rules.UpdateRule(ctx, principalOf(ctx), w)
	if err != nil {
		return nil, err
	}
	return &ruleOutput{ETag: etag(saved.Rule), Body: s.shownWrite(ctx, saved)}, nil
}

func (s *Server) deleteRule(ctx context.Context, in *struct {
	RuleKey
	RuleMatch
	RuleOverride
}) (*nothing, error) {
	r, err := s.findRule(ctx, in.RuleKey)
	if err != nil {
		return nil, err
	}
	if err := matched(in.RuleMatch, r); err != nil {
		return nil, err
	}
	return nil, s.cfg.Rules.DeleteRule(ctx, principalOf(ctx), engine.RuleWrite{Rule: r, Override: in.Override})
}
