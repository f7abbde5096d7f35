package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// LimitService manages rate limits. Errors of its methods: *engine.Error. edit and was are
// as in ModelService.
type LimitService interface {
	// ListLimits returns those of an account and the global ones that the principal sees.
	ListLimits(ctx context.Context, p engine.Principal, accountID string) ([]engine.Limit, error)
	GetLimit(ctx context.Context, p engine.Principal, accountID, id string) (engine.Limit, error)
	CreateLimit(ctx context.Context, p engine.Principal, l engine.Limit) (engine.Limit, error)
	ChangeLimit(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Limit)) (engine.Limit, error)
	DeleteLimit(ctx context.Context, p engine.Principal, accountID, id string, was time.Time) error
	ResetLimit(ctx context.Context, p engine.Principal, accountID, id string) (engine.Limit, error)
	// GetStanding returns whose limits they are, and what is left of each.
	GetStanding(ctx context.Context, p engine.Principal, accountID, userID, keyID, model string) (engine.Principal, []engine.LimitStanding, error)
	GetStats(ctx context.Context, p engine.Principal, accountID string) (engine.LimitStats, error)
}

// rateLimit is a limit as the API shows it. What only the server sets is read-only: it may be
// sent back as it came and is ignored.
type rateLimit struct {
	ID        string           `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the name when left out."`
	Name      string           `json:"name,omitempty" maxLength:"128"`
	AccountID string           `json:"account_id,omitempty" maxLength:"128" doc:"Whose limit it is. Left out: the caller's own account; of a super admin's, which may be about everybody's requests, no account."`
	Kind      engine.LimitKind `json:"kind" enum:"requests,tokens,concurrency" doc:"What it counts: requests, tokens of prompt and completion together, or requests in flight."`
	Amount    int64            `json:"amount" minimum:"0" maximum:"1000000000000" doc:"How much there is in each window, or at one moment. 0 admits nothing."`
	Window    string           `json:"window,omitempty" enum:"second,minute,hour,day" doc:"Required but for concurrency, which has none."`
	Burst     int64            `json:"burst,omitempty" minimum:"0" maximum:"1000000000000" doc:"The most that may be used at one moment, after a pause. Left out: the amount."`
	Scope     limitScope       `json:"scope,omitempty" required:"false" doc:"Which requests it is about: those that have every value that is set."`
	Per       []string         `json:"per,omitempty" maxItems:"6" enum:"account,team,user,key,provider,model" doc:"Each value of these has the whole amount for itself, as every user on every model. Left out: all requests of the scope share it."`
	Override  bool             `json:"override,omitempty" doc:"It takes the place of the limits of the same owner, kind, window and dimensions instead of holding beside them."`
	Enabled   *bool            `json:"enabled,omitempty" doc:"Default true."`

	LeastRole engine.Role `json:"least_role,omitempty" readOnly:"true" doc:"The least role that may change it."`
	Resets    int64       `json:"resets,omitempty" readOnly:"true" doc:"How often it was reset."`
	CreatedAt *time.Time  `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time  `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

type limitScope struct {
	AccountID string `json:"account_id,omitempty" maxLength:"128" doc:"For a limit that is not of one account."`
	TeamID    string `json:"team_id,omitempty" maxLength:"128"`
	UserID    string `json:"user_id,omitempty" maxLength:"128"`
	KeyID     string `json:"key_id,omitempty" maxLength:"128"`
	Provider  string `json:"provider,omitempty" maxLength:"128"`
	Model     string `json:"model,omitempty" maxLength:"256" doc:"Catalogue id."`
}

// limitPatch is what PATCH may change; what is left out stays.
type limitPatch struct {
	Name     *string           `json:"name,omitempty" maxLength:"128"`
	Kind     *engine.LimitKind `json:"kind,omitempty" enum:"requests,tokens,concurrency"`
	Amount   *int64            `json:"amount,omitempty" minimum:"0" maximum:"1000000000000"`
	Window   *string           `json:"window,omitempty" enum:"second,minute,hour,day"`
	Burst    *int64            `json:"burst,omitempty" minimum:"0" maximum:"1000000000000"`
	Scope    *limitScope       `json:"scope,omitempty"`
	Per      *[]string         `json:"per,omitempty" maxItems:"6" enum:"account,team,user,key,provider,model"`
	Override *bool             `json:"override,omitempty"`
	Enabled  *bool             `json:"enabled,omitempty"`
}

type (
	// LimitKey is the limit that a path means.
	LimitKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Which account's. Left out: the caller's own before a global one, for a super admin the other way round."`
	}
	limitFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	}
	limitOutput struct {
		ETag string `header:"ETag"`
		Body rateLimit
	}
	createdLimit struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     rateLimit
	}
	limitList struct {
		Body struct {
			Data []rateLimit `json:"data" doc:"Global ones first, then by age."`
		}
	}
)

var limitWindows = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// windowName is the window as the API names it, "" for none.
func windowName(d time.Duration) string {
	for name, window := range limitWindows {
		if window == d {
			return name
		}
	}
	return ""
}

func shownLimit(l engine.Limit) rateLimit {
	s := l.Scope
	out := rateLimit{
		ID: l.ID, Name: l.Name, AccountID: l.AccountID, Kind: l.Kind, Amount: l.Amount, Window: windowName(l.Window), Burst: l.Burst,
		Scope: limitScope{s.AccountID, s.TeamID, s.UserID, s.KeyID, s.ProviderID, s.ModelID}, Per: l.Per.Names(), Override: l.Override,
		Enabled: &l.Enabled, LeastRole: l.LeastRole, Resets: l.Resets, CreatedAt: optional(l.CreatedAt), UpdatedAt: optional(l.UpdatedAt),
	}
	if out.LeastRole == "" {
		out.LeastRole = engine.RoleAccountAdmin
	}
	if l.AccountID == "" {
		out.LeastRole = engine.RoleSuperAdmin
	}
	return out
}

func (s limitScope) stored() engine.LimitScope {
	return engine.LimitScope{AccountID: s.AccountID, TeamID: s.TeamID, UserID: s.UserID, KeyID: s.KeyID, ProviderID: s.Provider, ModelID: s.Model}
}

func dimensions(names []string) (d engine.LimitDimensions) {
	for _, name := range names {
		one, _ := engine.ParseLimitDimension(name)
		d |= one
	}
	return d
}

// into overwrites everything but the key.
func (l rateLimit) into(to *engine.Limit) {
	to.Name, to.Kind, to.Amount, to.Window, to.Burst = l.Name, l.Kind, l.Amount, limitWindows[l.Window], l.Burst
	to.Scope, to.Per, to.Override, to.Enabled = l.Scope.stored(), dimensions(l.Per), l.Override, true
	overlay(&to.Enabled, l.Enabled)
}

func (s *Server) registerLimits() {
	tag := []string{"limits"}
	operation(s, huma.Operation{OperationID: "list-limits", Method: http.MethodGet, Path: "/api/v1/limits", Summary: "List the rate limits that the key sees", Tags: tag}, s.listLimits)
	operation(s, huma.Operation{OperationID: "create-limit", Method: http.MethodPost, Path: "/api/v1/limits", Summary: "Create a rate limit; it is in force when this returns", Tags: tag, DefaultStatus: http.StatusCreated}, s.createLimit)
	operation(s, huma.Operation{OperationID: "effective-limits", Method: http.MethodGet, Path: "/api/v1/limits/effective", Summary: "Show the limits that hold for a caller, and what is left of each", Tags: tag}, s.effectiveLimits)
	operation(s, huma.Operation{OperationID: "limit-stats", Method: http.MethodGet, Path: "/api/v1/limits/stats", Summary: "Show what was used and refused, by limit and scope", Description: "Of all replicas together; age_ms says how old what the others said is. Those that refused most come first.", Tags: tag}, s.limitStats)
	operation(s, huma.Operation{OperationID: "get-limit", Method: http.MethodGet, Path: "/api/v1/limits/{id}", Summary: "Get a rate limit", Tags: tag}, s.getLimit)
	operation(s, huma.Operation{OperationID: "replace-limit", Method: http.MethodPut, Path: "/api/v1/limits/{id}", Summary: "Replace a rate limit", Description: "What was used of it stays used, in proportion.", Tags: tag}, s.replaceLimit)
	operation(s, huma.Operation{OperationID: "patch-limit", Method: http.MethodPatch, Path: "/api/v1/limits/{id}", Summary: "Change members of a rate limit", Tags: tag}, s.patchLimit)
	operation(s, huma.Operation{OperationID: "delete-limit", Method: http.MethodDelete, Path: "/api/v1/limits/{id}", Summary: "Delete a rate limit", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteLimit)
	operation(s, huma.Operation{OperationID: "reset-limit", Method: http.MethodPost, Path: "/api/v1/limits/{id}/reset", Summary: "Give out the whole amount again, on every replica", Tags: tag}, s.resetLimit)
}

func (s *Server) listLimits(ctx context.Context, in *limitFilter) (*limitList, error) {
	rows, err := s.cfg.Limits.ListLimits(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID))
	if err != nil {
		return nil, err
	}
	out := &limitList{}
	out.Body.Data = shownAll(rows, shownLimit)
	return out, nil
}

func (s *Server) createLimit(ctx context.Context, in *struct{ Body rateLimit }) (*createdLimit, error) {
	p := principalOf(ctx)
	row := engine.Limit{AccountID: homeOf(p, in.Body.AccountID), ID: in.Body.ID}
	in.Body.into(&row)
	if row.ID == "" && row.Name == "" {
		return nil, invalid("id", "A limit has an 'id', or a 'name' of which one is made.")
	}
	l, err := s.cfg.Limits.CreateLimit(ctx, p, row)
	if err != nil {
		return nil, err
	}
	return &createdLimit{"/api/v1/limits/" + l.ID, etagOf(l.UpdatedAt), shownLimit(l)}, nil
}

// findLimit reads the limit that a path names.
func (s *Server) findLimit(ctx context.Context, k LimitKey) (engine.Limit, error) {
	p := principalOf(ctx)
	if k.AccountID != "" {
		return s.cfg.Limits.GetLimit(ctx, p, k.AccountID, k.ID)
	}
	first, second := p.AccountID, ""
	if p.Role == engine.RoleSuperAdmin {
		first, second = second, first
	}
	l, err := s.cfg.Limits.GetLimit(ctx, p, first, k.ID)
	if err != nil && engine.CodeOf(err) == engine.CodeNotFound {
		return s.cfg.Limits.GetLimit(ctx, p, second, k.ID)
	}
	return l, err
}

func (s *Server) getLimit(ctx context.Context, in *LimitKey) (*limitOutput, error) {
	l, err := s.findLimit(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &limitOutput{etagOf(l.UpdatedAt), shownLimit(l)}, nil
}

func (s *Server) saveLimit(ctx context.Context, old engine.Limit, was time.Time, edit func(*engine.Limit)) (*limitOutput, error) {
	l, err := s.cfg.Limits.ChangeLimit(ctx, principalOf(ctx), old.AccountID, old.ID, was, edit)
	if err != nil {
		return nil, err
	}
	return &limitOutput{etagOf(l.UpdatedAt), shownLimit(l)}, nil
}

func (s *Server) replaceLimit(ctx context.Context, in *struct {
	LimitKey
	RuleMatch
	Body rateLimit
}) (*limitOutput, error) {
	if in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	old, err := s.findLimit(ctx, in.LimitKey)
	if err != nil {
		return nil, err
	}
	was, err := replaces(in.RuleMatch, "limit", row{old.AccountID, old.ID, old.UpdatedAt}, row{in.Body.AccountID, in.Body.ID, timeOf(in.Body.UpdatedAt)})
	if err != nil {
		return nil, err
	}
	return s.saveLimit(ctx, old, was, in.Body.into)
}

func (s *Server) patchLimit(ctx context.Context, in *struct {
	LimitKey
	RuleMatch
	Body limitPatch
}) (*limitOutput, error) {
	old, err := s.findLimit(ctx, in.LimitKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "limit", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return s.saveLimit(ctx, old, was, func(l *engine.Limit) {
		b := &in.Body
		overlay(&l.Name, b.Name)
		overlay(&l.Kind, b.Kind)
		overlay(&l.Amount, b.Amount)
		overlay(&l.Burst, b.Burst)
		overlay(&l.Override, b.Override)
		overlay(&l.Enabled, b.Enabled)
		if b.Kind != nil && l.Kind == engine.LimitConcurrency {
			l.Window, l.Burst = 0, 0
		}
		if b.Window != nil {
			l.Window = limitWindows[*b.Window]
		}
		if b.Scope != nil {
			l.Scope = b.Scope.stored()
		}
		if b.Per != nil {
			l.Per = dimensions(*b.Per)
		}
	})
}

func (s *Server) deleteLimit(ctx context.Context, in *struct {
	LimitKey
	RuleMatch
}) (*nothing, error) {
	old, err := s.findLimit(ctx, in.LimitKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "limit", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Limits.DeleteLimit(ctx, principalOf(ctx), old.AccountID, old.ID, was)
}

func (s *Server) resetLimit(ctx context.Context, in *LimitKey) (*limitOutput, error) {
	old, err := s.findLimit(ctx, *in)
	if err != nil {
		return nil, err
	}
	l, err := s.cfg.Limits.ResetLimit(ctx, principalOf(ctx), old.AccountID, old.ID)
	if err != nil {
		return nil, err
	}
	return &limitOutput{etagOf(l.UpdatedAt), shownLimit(l)}, nil
}
