package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// RuleSetService manages rules as a whole. Errors of its methods: *engine.Error; of the two that
// publish also *engine.FailedCases.
type RuleSetService interface {
	ListRuleSets(ctx context.Context, p engine.Principal, accountID string, before int64, limit int) ([]engine.RuleSet, error)
	GetRuleSet(ctx context.Context, p engine.Principal, accountID string, version int64) (engine.RuleSet, error)
	DiffRuleSets(ctx context.Context, p engine.Principal, accountID string, from, to int64) ([]engine.RuleChange, error)
	PublishRules(ctx context.Context, p engine.Principal, in engine.Publication) (engine.Published, error)
	RestoreRules(ctx context.Context, p engine.Principal, in engine.Restoration) (engine.Published, error)
	// WarnRule tells what would look wrong with that rule in force.
	WarnRule(ctx context.Context, r engine.Rule) ([]engine.RuleFinding, error)

	ListRuleCases(ctx context.Context, p engine.Principal, accountID string) ([]engine.RuleCase, error)
	GetRuleCase(ctx context.Context, p engine.Principal, accountID, id string) (engine.RuleCase, error)
	PutRuleCase(ctx context.Context, p engine.Principal, c engine.RuleCase) (engine.RuleCase, error)
	DeleteRuleCase(ctx context.Context, p engine.Principal, accountID, id string) error
	RunRuleCases(ctx context.Context, p engine.Principal, run engine.CaseRun) ([]engine.CaseResult, error)
}

// Bounds of what is sent with many rules.
const rulesBodyLimit = 4 << 20

// ruleWarning is something that looks wrong with rules that are valid.
type ruleWarning struct {
	Kind    string `json:"kind" doc:"A word to branch on, as unreachable; case_failed: a stored case of these rules fails."`
	Rule    string `json:"rule,omitempty" doc:"The rule that it is about."`
	Message string `json:"message"`
}

func shownWarnings(findings []engine.RuleFinding) []ruleWarning {
	out := make([]ruleWarning, len(findings))
	for i, f := range findings {
		out[i] = ruleWarning{Kind: f.Kind, Rule: f.RuleID, Message: f.Message}
	}
	return out
}

// ruleVersion is a version of an account's rules.
type ruleVersion struct {
	Version   int64     `json:"version"`
	AccountID string    `json:"account_id,omitempty" doc:"Whose rules they are; left out for the global ones."`
	Digest    string    `json:"digest" doc:"SHA-256; equal rules have equal digests."`
	Count     int       `json:"count" doc:"How many rules it has."`
	Note      string    `json:"note,omitempty"`
	By        string    `json:"by,omitempty" doc:"account/user of who made it; left out: Pointsman itself."`
	Restores  int64     `json:"restores,omitempty" doc:"The version that it brought back."`
	CreatedAt time.Time `json:"created_at"`
	Rules     []rule    `json:"rules,omitempty" doc:"Not in lists."`
}

func shownRuleVersion(s engine.RuleSet) ruleVersion {
	v := ruleVersion{
		Version: s.Version, AccountID: s.AccountID, Digest: s.Digest, Count: s.Count, Note: s.Note, By: s.By, Restores: s.Restores,
		CreatedAt: s.CreatedAt.UTC(),
	}
	for _, r := range s.Rules {
		v.Rules = append(v.Rules, shownRule(r))
	}
	return v
}

type (
	// RuleVersionKey is the version that a path means. Exported because huma skips embedded
	// structs that are not.
	RuleVersionKey struct {
		Version   int64  `path:"version" minimum:"1"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose rules. Left out: the caller's own account's, for a super admin the global ones."`
	}
	// RuleHome is whose rules a list is about.
	RuleHome struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose rules. Left out: the caller's own account's, for a super admin the global ones."`
	}
	versionList struct {
		Body struct {
			Data []ruleVersion `json:"data" doc:"Newest first."`
			Next int64         `json:"next,omitempty" doc:"What before must be for the next page; left out after the last."`
		}
	}
	versionOutput struct {
		ETag string `header:"ETag"`
		Body ruleVersion
	}
	memberChange struct {
		Member string          `json:"member" doc:"Of the rule, as in the API."`
		From   json.RawMessage `json:"from,omitempty"`
		To     json.RawMessage `json:"to,omitempty"`
	}
	ruleChange struct {
		Rule    string         `json:"rule"`
		Change  string         `json:"change" enum:"added,removed,changed"`
		Name    string         `json:"name,omitempty"`
		Members []memberChange `json:"members"`
	}
	versionDiff struct {
		Body struct {
			From int64        `json:"from"`
			To   int64        `json:"to"`
			Data []ruleChange `json:"data" doc:"By rule."`
		}
	}
	publication struct {
		AccountID string `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own account, for a super admin all accounts."`
		Rules     []rule `json:"rules" maxItems:"2000" doc:"All rules that the account is to have. What it has and is not here is deleted."`
		Note      string `json:"note,omitempty" maxLength:"512" doc:"Why, for the history."`
		Was       *int64 `json:"was,omitempty" minimum:"0" doc:"The version that this replaces; 0 when there is none yet. Either this or If-Match."`
		Override  bool   `json:"override,omitempty" doc:"Also when stored cases fail. It is audited with their names."`
	}
	restoration struct {
		Note     string `json:"note,omitempty" maxLength:"512"`
		Was      *int64 `json:"was,omitempty" minimum:"0" doc:"The version that this replaces. Left out: whatever is in force."`
		Override bool   `json:"override,omitempty" doc:"Also when stored cases fail or rules are no longer valid. It is audited."`
	}
	publishedOutput struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     publishedRules
	}
)

// publishedRules is what became of a publication.
type publishedRules struct {
	Version  ruleVersion   `json:"version"`
	Warnings []ruleWarning `json:"warnings" doc:"What looks wrong with them nevertheless."`
	Failing  []caseResult  `json:"failing,omitempty" doc:"The stored cases that fail, with override."`
}

func (s *Server) registerRuleVersions() {
	tag := []string{"rules"}
	operation(s, huma.Operation{OperationID: "list-rule-versions", Method: http.MethodGet, Path: "/api/v1/rules/versions", Summary: "List the versions of rules, with who made them and why", Description: "Every change of a rule makes one. Kept are the newest 1,000 and those of the last 90 days.", Tags: tag}, s.listRuleVersions)
	operation(s, huma.Operation{OperationID: "get-rule-version", Method: http.MethodGet, Path: "/api/v1/rules/versions/{version}", Summary: "Get a version with its rules", Tags: tag}, s.getRuleVersion)
	operation(s, huma.Operation{OperationID: "diff-rule-versions", Method: http.MethodGet, Path: "/api/v1/rules/versions/{version}/diff", Summary: "What makes one version of another", Tags: tag}, s.diffRuleVersions)
	operation(s, huma.Operation{OperationID: "publish-rules", Method: http.MethodPost, Path: "/api/v1/rules/publish", Summary: "Replace all rules of an account at once", Description: "In force when this returns. 409 when was or If-Match is not the version in force; 422 with the cases when stored cases fail.", Tags: tag, DefaultStatus: http.StatusCreated, MaxBodyBytes: rulesBodyLimit}, s.publishRules)
	operation(s, huma.Operation{OperationID: "restore-rules", Method: http.MethodPost, Path: "/api/v1/rules/versions/{version}/restore", Summary: "Bring a version back, as a new one", Description: "In force when this returns. System rules that the version does not have stay as they are.", Tags: tag, DefaultStatus: http.StatusCreated}, s.restoreRules)
}

func versionTag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// wasOf is the version that a publication replaces: of the body, else of If-Match; nil: neither says.
func wasOf(was *int64, m RuleMatch) (*int64, error) {
	if was != nil || m.IfMatch == "" || m.IfMatch == "*" {
		return was, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(m.IfMatch), `"v`), `"`), 10, 64)
	if err != nil || versionTag(n) != strings.TrimSpace(m.IfMatch) {
		return nil, failed(http.StatusPreconditionFailed, codePrecondition, `If-Match must be the ETag of a version of these rules, as "v12".`)
	}
	return &n, nil
}

func (s *Server) listRuleVersions(ctx context.Context, in *struct {
	RuleHome
	Before int64 `query:"before" minimum:"0" doc:"Versions below this one; left out: from the newest."`
	Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*versionList, error) {
	p := principalOf(ctx)
	sets, err := s.cfg.RuleSets.ListRuleSets(ctx, p, homeOf(p, in.AccountID), in.Before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &versionList{}
	if len(sets) > in.Limit {
		sets = sets[:in.Limit]
		out.Body.Next = sets[in.Limit-1].Version
	}
	out.Body.Data = make([]ruleVersion, 0, len(sets))
	for _, set := range sets {
		out.Body.Data = append(out.Body.Data, shownRuleVersion(set))
	}
	return out, nil
}

func (s *Server) getRuleVersion(ctx context.Context, in *RuleVersionKey) (*versionOutput, error) {
	p := principalOf(ctx)
	set, err := s.cfg.RuleSets.GetRuleSet(ctx, p, homeOf(p, in.AccountID), in.Version)
	if err != nil {
		return nil, err
	}
	return &versionOutput{ETag: versionTag(set.Version), Body: shownRuleVersion(set)}, nil
}

func (s *Server) diffRuleVersions(ctx context.Context, in *struct {
	RuleVersionKey
	To int64 `query:"to" minimum:"0" doc:"The other version. Left out or 0: the one before this, so that the answer is what this version changed."`
}) (*versionDiff, error) {
	p := principalOf(ctx)
	from, to := in.Version, in.To
	if to == 0 {
		from, to = in.Version-1, in.Version
	}
	changes, err := s.cfg.RuleSets.DiffRuleSets(ctx, p, homeOf(p, in.AccountID), from, to)
	if err != nil {
		return nil, err
	}
	out := &versionDiff{}
	out.Body.From, out.Body.To, out.Body.Data = from, to, make([]ruleChange, 0, len(changes))
	for _, c := range changes {
		shown := ruleChange{Rule: c.ID, Change: string(c.Kind), Name: c.Name, Members: []memberChange{}}
		for _, m := range c.Members {
			shown.Members = append(shown.Members, memberChange{m.Name, m.Old, m.New})
		}
		out.Body.Data = append(out.Body.Data, shown)
	}
	return out, nil
}

// storedRules are rules of a body as the engine keeps them.
func storedRules(rules []rule, home string) ([]engine.Rule, error) {
	out := make([]engine.Rule, len(rules))
	for i, r := range rules {
		if r.AccountID != "" && r.AccountID != home {
			return nil, invalid("rules["+strconv.Itoa(i)+"].account_id", "The rules of a version belong to one account.")
		}
		out[i] = r.stored(home)
	}
	return out, nil
}

func (s *Server) publishRules(ctx context.Context, in *struct {
	RuleMatch
	Body publication
}) (*publishedOutput, error) {
	p := principalOf(ctx)
	home := homeOf(p, in.Body.AccountID)
	was, err := wasOf(in.Body.Was, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	if was == nil {
		return nil, invalid("was", "Say which version this replaces, with 'was' or If-Match: whoever publishes must not undo what somebody else did meanwhile.")
	}
	rules, err := storedRules(in.Body.Rules, home)
	if err != nil {
		return nil, err
	}
	done, err := s.cfg.RuleSets.PublishRules(ctx, p, engine.Publication{
		AccountID: home, Rules: rules, Note: in.Body.Note, Was: *was, Override: in.Body.Override,
	})
	if err != nil {
		return nil, err
	}
	return shownPublished(done), nil
}

func shownPublished(done engine.Published) *publishedOutput {
	return &publishedOutput{
		Location: "/api/v1/rules/versions/" + strconv.FormatInt(done.Set.Version, 10), ETag: versionTag(done.Set.Version),
		Body: publishedRules{Version: shownRuleVersion(done.Set), Warnings: shownWarnings(done.Warnings), Failing: shownResults(done.Failing)},
	}
}

func (s *Server) restoreRules(ctx context.Context, in *struct {
	RuleVersionKey
	RuleMatch
	Body *restoration
}) (*publishedOutput, error) {
	p := principalOf(ctx)
	body := restoration{}
	if in.Body != nil {
		body = *in.Body
	}
	was, err := wasOf(body.Was, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.cfg.RuleSets.RestoreRules(ctx, p, engine.Restoration{
		AccountID: homeOf(p, in.AccountID), Version: in.Version, Note: body.Note, Was: was, Override: body.Override,
	})
	if err != nil {
		return nil, err
	}
	return shownPublished(done), nil
}

// warned tells what looks wrong with a rule; nothing when that cannot be found out, which must
// not hide that the rule is saved.
func (s *Server) warned(ctx context.Context, r engine.Rule) []ruleWarning {
	findings, err := s.cfg.RuleSets.WarnRule(ctx, r)
	if err != nil {
		s.cfg.Logger.Warn().Str("request_id", requestOf(ctx).id).Str("rule_id", r.ID).Err(err).Msg("rule not examined")
	}
	return shownWarnings(findings)
}
