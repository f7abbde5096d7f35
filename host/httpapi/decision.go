package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// DecisionService shows recorded decisions and says what is recorded. An empty AccountID is the
// caller's own. Errors of its methods: *engine.Error; what the principal may not see is
// CodeNotFound.
type DecisionService interface {
	// Page returns decisions, newest first, after what next of the page before said, and where
	// to go on, "" at the end.
	Page(ctx context.Context, p engine.Principal, f engine.DecisionFilter, after string, limit int) (page []engine.DecisionRecord, next string, err error)
	Get(ctx context.Context, p engine.Principal, accountID, requestID string) (engine.RecordedDecision, error)
	// GetSettings returns what holds, and whether it is set there. A super admin's "" is what
	// holds for accounts without settings.
	GetSettings(ctx context.Context, p engine.Principal, accountID string) (s engine.DecisionSettings, own bool, err error)
	PutSettings(ctx context.Context, p engine.Principal, s engine.DecisionSettings) (engine.DecisionSettings, error)
	// DeleteSettings returns what holds afterwards.
	DeleteSettings(ctx context.Context, p engine.Principal, accountID string) (engine.DecisionSettings, error)
	Stats() engine.DecisionStats
}

// DecisionFilter narrows a list of decisions. Exported because huma skips embedded structs that
// are not.
type DecisionFilter struct {
	AccountID string    `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	TeamID    string    `query:"team_id" maxLength:"128"`
	UserID    string    `query:"user_id" maxLength:"128"`
	KeyID     string    `query:"key_id" maxLength:"128"`
	SessionID string    `query:"session_id" maxLength:"256"`
	Rule      string    `query:"rule" maxLength:"128" doc:"Who decided: a rule's id, or default, pinned, assignment, override."`
	Model     string    `query:"model" maxLength:"128" doc:"That served: a catalogue id."`
	Code      string    `query:"code" maxLength:"64" doc:"Of the error that was answered; ok: those that were served."`
	Variant   string    `query:"variant" maxLength:"128" doc:"Id of the rollout whose draft decided."`
	From      time.Time `query:"from" doc:"Not before."`
	To        time.Time `query:"to" doc:"Before."`
}

type (
	decisionQuery struct {
		DecisionFilter
		PageQuery
	}
	decisionList struct {
		Body struct {
			Data []decision `json:"data" doc:"Newest first."`
			Next string     `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
	decisionPath struct {
		RequestID string `path:"request_id" maxLength:"128"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	}
	decisionOne struct{ Body decisionWhole }

	// Decided is decision under a name that huma does not skip where it is embedded.
	Decided = decision
	// decision is one recorded decision and what came of it.
	decision struct {
		RequestID   string      `json:"request_id"`
		At          time.Time   `json:"at"`
		AccountID   string      `json:"account_id"`
		TeamID      string      `json:"team_id,omitempty"`
		UserID      string      `json:"user_id"`
		KeyID       string      `json:"key_id"`
		SessionID   string      `json:"session_id,omitempty"`
		TaskType    string      `json:"task_type,omitempty"`
		Agent       string      `json:"agent,omitempty"`
		Operation   string      `json:"operation" example:"chat"`
		Wire        engine.API  `json:"wire,omitempty" example:"chat" doc:"What the caller spoke: chat, messages, responses."`
		Stream      bool        `json:"stream"`
		Asked       string      `json:"asked" doc:"The model that the caller named."`
		Rule        string      `json:"rule" doc:"Who decided."`
		Variant     string      `json:"variant,omitempty"`
		Targets     []string    `json:"targets" doc:"Models that could be asked, best first."`
		Model       string      `json:"model,omitempty" doc:"That served; left out: none."`
		Provider    string      `json:"provider,omitempty"`
		Attempts    int         `json:"attempts"`
		Code        engine.Code `json:"code,omitempty" doc:"Of the error that was answered."`
		CostNanoUSD int64       `json:"cost_nano_usd" doc:"Of all attempts."`
		CostUSD     string      `json:"cost_usd"`
		Premium     float64     `json:"premium_requests"`
		Tokens      tokens      `json:"tokens"`
		DecideUS    int64       `json:"decide_us" doc:"That the decision took."`
		LatencyMS   int64       `json:"latency_ms" doc:"Of the request."`
	}
	// decisionWhole is a decision with everything that it was made from.
	decisionWhole struct {
		Decided
		Reason      string          `json:"reason,omitempty" doc:"Of a plugin."`
		Assignment  string          `json:"assignment,omitempty"`
		Only        bool            `json:"only,omitempty" doc:"The default handler's models were not appended."`
		Ranking     []string        `json:"ranking" doc:"Models that the deciding rule named."`
		Tags        []pair          `json:"tags,omitempty" doc:"Of a plugin."`
		Params      []pair          `json:"params,omitempty" doc:"That a plugin proposed."`
		Fuel        int64           `json:"fuel,omitempty" doc:"That plugins spent."`
		RuleSet     ruleSetRef      `json:"rule_set" doc:"Versions of the rules that decided; of a rollout's decision, those that were in force beside its draft."`
		Rollout     *decidedRollout `json:"rollout,omitempty" doc:"Whose draft decided."`
		Plugins     []pluginCall    `json:"plugins,omitempty" doc:"Calls of rules' plugins, in order, as they were then."`
		Rules       []ruleStep      `json:"rules" doc:"Each rule in order with its part in the decision, made again from the record."`
		RulesNote   string          `json:"rules_note,omitempty" doc:"Why 'rules' lacks something."`
		Candidates  []candidate     `json:"candidates" doc:"Every model that was considered: those that could be asked, best first, then those that could not. 'skip' says why not, or what came of asking."`
		Failed      []skip          `json:"failed,omitempty" doc:"Rules and conditions that failed or were suspended."`
		Features    features        `json:"features" doc:"What rules saw of the request."`
		Prefer      prefer          `json:"prefer"`
		OwnRules    bool            `json:"own_rules_only"`
		Strict      bool            `json:"strict"`
		Budget      budgetLeft      `json:"budget" doc:"That was left then."`
		Session     *sessionAsSeen  `json:"session,omitempty" doc:"As the request found it; left out for a first turn."`
		States      []modelState    `json:"states,omitempty" doc:"Of the models that rules looked at."`
		Found       int             `json:"phrases_found" doc:"Phrases of the rules that the text held."`
		UsageRows   []usage         `json:"usage" doc:"The ledger's rows of its attempts."`
		TextKept    bool            `json:"text_kept"`
		Text        string          `json:"text,omitempty" doc:"That rules saw, where the account keeps it."`
		Metadata    json.RawMessage `json:"metadata,omitempty"`
		RequestBody json.RawMessage `json:"body,omitempty" doc:"Canonical."`
	}
)

type (
	// decidedRollout is the rollout whose draft decided.
	decidedRollout struct {
		ID        string `json:"id"`
		AccountID string `json:"account_id,omitempty" doc:"Whose rules it tries; left out: the global ones."`
		Kind      string `json:"kind"`
		Status    string `json:"status" doc:"Of now."`
		Base      int64  `json:"base" doc:"Version of the rules that the draft was made from."`
		Plugin    string `json:"plugin,omitempty" doc:"name@version of the plugin that it tries, where it does not try rules."`
		Note      string `json:"note,omitempty"`
	}
	// pluginCall is one call of a rule's plugin.
	pluginCall struct {
		RuleID  string             `json:"rule"`
		Plugin  string             `json:"plugin" doc:"name@version."`
		Digest  string             `json:"digest" doc:"How the SHA-256 of its module begins."`
		Outcome engine.RuleOutcome `json:"outcome" doc:"matched, abstained, rejected, failed."`
		Fuel    int64              `json:"fuel"`
		TookNS  int64              `json:"took_ns"`
	}
)

const decisionPathOne = "/api/v1/decisions/{request_id}"

func (s *Server) registerDecisions() {
	operation(s, huma.Operation{OperationID: "list-decisions", Method: http.MethodGet, Path: "/api/v1/decisions", Summary: "List recorded decisions", Tags: []string{"decisions"},
		Description: "Of one account, newest first. A user sees its own, a team lead its team's, an account's admins their account's. What is recorded, and for how long, the settings say."}, s.listDecisions)
	operation(s, huma.Operation{OperationID: "get-decision-settings", Method: http.MethodGet, Path: decisionSettingsPath, Summary: "Show what is recorded of decisions", Tags: []string{"decisions"}}, s.getDecisionSettings)
	operation(s, huma.Operation{OperationID: "put-decision-settings", Method: http.MethodPut, Path: decisionSettingsPath, Summary: "Set what is recorded of decisions", Tags: []string{"decisions"},
		Description: "Of an account; a super admin who names none sets what holds for accounts without settings of their own. The preference `store_text: false` of any level above a caller keeps its text out, whatever is set here."}, s.putDecisionSettings)
	operation(s, huma.Operation{OperationID: "delete-decision-settings", Method: http.MethodDelete, Path: decisionSettingsPath, Summary: "Inherit what is recorded of decisions", Tags: []string{"decisions"},
		Description: "Takes an account's settings away, and answers with what holds for it now. A super admin who names no account brings the built-in ones back.", DefaultStatus: http.StatusOK}, s.deleteDecisionSettings)
	operation(s, huma.Operation{OperationID: "get-decision", Method: http.MethodGet, Path: decisionPathOne, Summary: "Show a recorded decision whole", Tags: []string{"decisions"},
		Description: "By the id that the answer's `x-request-id` said: what the rules saw, what each of them made of it, every model with the reason against it, the attempts and what they cost."}, s.getDecision)
}

func (f DecisionFilter) engine() engine.DecisionFilter {
	out := engine.DecisionFilter{
		AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID, SessionID: f.SessionID, Source: f.Rule, Model: f.Model,
		Code: engine.Code(f.Code), Variant: f.Variant, From: f.From, To: f.To,
	}
	if f.Code == "ok" {
		out.Code, out.Answered = "", true
	}
	return out
}

func (s *Server) listDecisions(ctx context.Context, in *decisionQuery) (*decisionList, error) {
	p := principalOf(ctx)
	scope := scopeOfList("decisions", p, in.DecisionFilter)
	after, err := s.cursors.place(scope, in.After)
	if err != nil {
		return nil, err
	}
	page, next, err := s.cfg.Decisions.Page(ctx, p, in.engine(), after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &decisionList{}
	out.Body.Data, out.Body.Next = make([]decision, len(page)), s.cursors.next(scope, next)
	for i := range page {
		out.Body.Data[i] = shownDecision(&page[i])
	}
	return out, nil
}

func (s *Server) getDecision(ctx context.Context, in *decisionPath) (*decisionOne, error) {
	d, err := s.cfg.Decisions.Get(ctx, principalOf(ctx), in.AccountID, in.RequestID)
	if err != nil {
		return nil, err
	}
	return &decisionOne{shownDecisionWhole(&d)}, nil
}

func shownDecision(d *engine.DecisionRecord) decision {
	in, p := &d.Inputs, &d.Inputs.Principal
	return decision{
		RequestID: in.RequestID, At: in.At.UTC(), AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, KeyID: p.KeyID,
		SessionID: in.Hints.SessionID, TaskType: in.Features.TaskType, Agent: in.Hints.AgentID, Operation: in.Operation, Wire: in.Wire, Stream: in.Stream,
		Asked: in.Model, Rule: d.Decision.Source, Variant: d.Variant, Targets: listed(d.Targets), Model: d.Served, Provider: d.Provider, Attempts: d.Attempts,
		Code: d.Code, CostNanoUSD: d.CostNanoUSD, CostUSD: engine.FormatUSD(d.CostNanoUSD), Premium: float64(d.PremiumUse) / 100,
		Tokens: tokens(d.Tokens), DecideUS: d.DecideUS, LatencyMS: d.LatencyMS,
	}
}

// listed is a list that is never null.
func listed(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func shownDecisionWhole(d *engine.RecordedDecision) decisionWhole {
	in, made := &d.Inputs, &d.Decision
	out := decisionWhole{
		Decided: shownDecision(&d.DecisionRecord), Reason: made.Reason, Only: made.Only, Ranking: listed(made.Models), Tags: shownPairs(made.Tags),
		Params: shownPairs(made.Params), Fuel: made.Fuel, RuleSet: ruleSetRef{d.Rules.Global, d.Rules.Account, d.Retold.Digests.Global, d.Retold.Digests.Account},
		Rules: shownSteps(d.Retold.Rules, true), Candidates: shownCandidates(&d.DecisionRecord), Features: *shownFeatures(&in.Features),
		Prefer: prefer{in.Prefer.Vision, in.Prefer.Speed, in.Prefer.Cost}, OwnRules: in.OwnOnly, Strict: in.Hints.Strict, Budget: *shownBudgetLeft(in.Budget),
		Session: shownSessionSeen(&in.Session), Found: len(in.Found), UsageRows: shownAll(d.Usage, shownUsage),
		TextKept: d.Detail == engine.DecisionWithText, Text: in.Text, RequestBody: in.Body,
	}
	if out.TextKept && len(in.Metadata) > 0 {
		out.Metadata = in.Metadata
	}
	if made.Assignment != nil {
		out.Assignment = made.Assignment.ID
	}
	for i := range made.Skipped {
		out.Failed = append(out.Failed, *shownSkip(&made.Skipped[i], true))
	}
	for i := range in.States {
		out.States = append(out.States, *shownModelState(in.States[i].Model, &in.States[i].ModelState))
	}
	for _, c := range made.Plugins {
		out.Plugins = append(out.Plugins, pluginCall(c))
	}
	if r := d.Retold.Rollout; r != nil {
		out.Rollout = &decidedRollout{ID: r.ID, AccountID: r.AccountID, Kind: string(r.Kind), Status: string(r.Status), Base: r.Base, Note: r.Note}
		if r.Draft.Plugin != "" {
			out.Rollout.Plugin = r.Draft.Plugin + "@" + r.Draft.Version
		}
	}
	switch {
	case d.RetoldErr != nil:
		out.RulesNote = failureOf(d.RetoldErr).message
	case d.Retold.Rules == nil:
		out.RulesNote = "The rules of that time cannot be asked again here."
	case len(d.Retold.Rules) > maxShownRules:
		out.RulesNote = "There were more rules."
	}
	return out
}

// shownCandidates are the models of a record: those of the plan, then those that were passed over.
func shownCandidates(d *engine.DecisionRecord) []candidate {
	out := make([]candidate, 0, len(d.Targets)+len(d.Skips))
	at := map[string]int{}
	add := func(model string) *candidate {
		i, ok := at[model]
		if !ok {
			i = len(out)
			at[model] = i
			out = append(out, candidate{Model: model})
		}
		return &out[i]
	}
	for _, model := range d.Targets {
		add(model)
	}
	for i := range d.Skips[min(len(d.Decision.Skipped), len(d.Skips)):] {
		s := &d.Skips[len(d.Decision.Skipped)+i]
		if c := add(s.What); c.Skip == nil {
			c.Skip = &skip{Reason: s.Reason, Detail: s.Detail}
		}
	}
	for _, states := range [...][]engine.RecordedState{d.Inputs.States, d.Considered} {
		for i := range states {
			if at, ok := at[states[i].Model]; ok && out[at].State == nil {
				out[at].State = shownModelState("", &states[i].ModelState)
			}
		}
	}
	if i, ok := at[d.Served]; ok {
		out[i].Provider = d.Provider
	}
	return out
}

// noDecisions is the service of a server that has none.
type noDecisions struct{}

func (noDecisions) Page(context.Context, engine.Principal, engine.DecisionFilter, string, int) ([]engine.DecisionRecord, string, error) {
	return nil, "", nil
}

func (noDecisions) Get(context.Context, engine.Principal, string, string) (d engine.RecordedDecision, err error) {
	return d, engine.Errorf(engine.CodeNotFound, "No decisions are recorded.")
}

func (noDecisions) GetSettings(context.Context, engine.Principal, string) (s engine.DecisionSettings, own bool, err error) {
	return s, false, engine.Errorf(engine.CodeNotFound, "No decisions are recorded.")
}

func (noDecisions) PutSettings(_ context.Context, _ engine.Principal, s engine.DecisionSettings) (engine.DecisionSettings, error) {
	return s, engine.Errorf(engine.CodeNotFound, "No decisions are recorded.")
}

func (noDecisions) DeleteSettings(context.Context, engine.Principal, string) (s engine.DecisionSettings, err error) {
	return s, engine.Errorf(engine.CodeNotFound, "No decisions are recorded.")
}

func (noDecisions) Stats() engine.DecisionStats { return engine.DecisionStats{} }
