package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// BudgetService manages budgets. Errors of its methods: *engine.Error. edit and was are as
// in ModelService.
type BudgetService interface {
	ListBudgets(ctx context.Context, p engine.Principal, accountID string) ([]engine.Budget, error)
	GetBudget(ctx context.Context, p engine.Principal, accountID, id string) (engine.Budget, error)
	CreateBudget(ctx context.Context, p engine.Principal, b engine.Budget) (engine.Budget, error)
	ChangeBudget(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Budget)) (engine.Budget, error)
	DeleteBudget(ctx context.Context, p engine.Principal, accountID, id string, was time.Time) error
	// BudgetStates returns what has become of budgets, in their order.
	BudgetStates(ctx context.Context, budgets []engine.Budget) ([]engine.BudgetState, error)
	// ListAlerts returns the newest thresholds that were reached, newest first.
	ListAlerts(ctx context.Context, p engine.Principal, accountID string, limit int) ([]engine.BudgetAlert, error)
}

// spending is a budget as the API shows it. What only the server sets is read-only: it may be
// sent back as it came and is ignored.
type spending struct {
	ID         string              `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the name when left out."`
	AccountID  string              `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	Name       string              `json:"name,omitempty" maxLength:"128"`
	TeamID     string              `json:"team_id,omitempty" maxLength:"128" doc:"What it is about: requests that match every one of the four that is set; without any, all of the account."`
	UserID     string              `json:"user_id,omitempty" maxLength:"128"`
	KeyID      string              `json:"key_id,omitempty" maxLength:"128"`
	ModelID    string              `json:"model_id,omitempty" maxLength:"256"`
	Period     engine.BudgetPeriod `json:"period" enum:"day,week,month,rolling_24h,rolling_30d" doc:"Days, weeks (from Monday) and months are those of UTC."`
	Amount     string              `json:"amount" maxLength:"20" example:"25.00" doc:"In US dollars."`
	Hard       bool                `json:"hard,omitempty" doc:"true: what would go beyond it is refused with 429 budget_exceeded before it begins. Else it only tells."`
	Thresholds []threshold         `json:"thresholds,omitempty" maxItems:"16"`
	Enabled    *bool               `json:"enabled,omitempty" doc:"Default true."`

	State     *spendingState `json:"state,omitempty" readOnly:"true" doc:"What has become of it in the window that is now."`
	UpdatedBy string         `json:"updated_by,omitempty" readOnly:"true" doc:"As account/user."`
	CreatedAt *time.Time     `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time     `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

// threshold is what happens when a part of a budget is used, once in each window.
type threshold struct {
	Percent   int      `json:"percent" minimum:"1" maximum:"1000"`
	Projected bool     `json:"projected,omitempty" doc:"Of what the window's spending comes to at its end at this rate."`
	Actions   []string `json:"actions" minItems:"1" maxItems:"4" enum:"event,webhook,prefer_cheaper,stop"`
}

// spendingState is in US dollars.
type spendingState struct {
	Spent         string    `json:"spent"`
	Held          string    `json:"held" doc:"For requests under way, and by replicas for those to come."`
	Left          string    `json:"left"`
	Projected     string    `json:"projected" doc:"What the window's spending comes to at its end at this rate."`
	From          time.Time `json:"from"`
	ResetsAt      time.Time `json:"resets_at" doc:"Of a rolling window: when some of it next ceases to count."`
	Stopped       bool      `json:"stopped,omitempty" doc:"A threshold refuses requests until then."`
	PreferCheaper bool      `json:"prefer_cheaper,omitempty" doc:"A threshold prefers cheaper models until then."`
}

// spendingPatch is what PATCH may change; what is left out stays.
type spendingPatch struct {
	Name       *string              `json:"name,omitempty" minLength:"1" maxLength:"128"`
	TeamID     *string              `json:"team_id,omitempty" maxLength:"128"`
	UserID     *string              `json:"user_id,omitempty" maxLength:"128"`
	KeyID      *string              `json:"key_id,omitempty" maxLength:"128"`
	ModelID    *string              `json:"model_id,omitempty" maxLength:"256"`
	Period     *engine.BudgetPeriod `json:"period,omitempty" enum:"day,week,month,rolling_24h,rolling_30d"`
	Amount     *string              `json:"amount,omitempty" maxLength:"20" doc:"In US dollars."`
	Hard       *bool                `json:"hard,omitempty"`
	Thresholds *[]threshold         `json:"thresholds,omitempty" maxItems:"16"`
	Enabled    *bool                `json:"enabled,omitempty"`
}

type (
	// BudgetKey is the budget that a path means.
	BudgetKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	}
	spendingFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		TeamID    string `query:"team_id" maxLength:"128"`
		UserID    string `query:"user_id" maxLength:"128"`
		KeyID     string `query:"key_id" maxLength:"128"`
		ModelID   string `query:"model_id" maxLength:"256"`
	}
	spendingOutput struct {
		ETag string `header:"ETag"`
		Body spending
	}
	createdSpending struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     spending
	}
	spendingList struct {
		Body struct {
			Data []spending `json:"data" doc:"By id."`
		}
	}
)

// into overwrites everything but the key.
func (b spending) into(nano int64) func(*engine.Budget) {
	return func(to *engine.Budget) {
		to.Name, to.TeamID, to.UserID, to.KeyID, to.ModelID = b.Name, b.TeamID, b.UserID, b.KeyID, b.ModelID
		to.Period, to.NanoUSD, to.Hard, to.Thresholds, to.Enabled = b.Period, nano, b.Hard, thresholdsOf(b.Thresholds), true
		overlay(&to.Enabled, b.Enabled)
	}
}

func (s *Server) registerBudgets() {
	if s.cfg.Budgets == nil {
		s.cfg.Budgets = noBudgets{}
	}
	tag := []string{"budgets"}
	operation(s, huma.Operation{OperationID: "list-budgets", Method: http.MethodGet, Path: "/api/v1/budgets", Summary: "List the budgets that the key sees, with what is left of them", Tags: tag}, s.listBudgets)
	operation(s, huma.Operation{OperationID: "create-budget", Method: http.MethodPost, Path: "/api/v1/budgets", Summary: "Create a budget; it is in force when this returns", Tags: tag, DefaultStatus: http.StatusCreated}, s.createBudget)
	operation(s, huma.Operation{OperationID: "get-budget", Method: http.MethodGet, Path: "/api/v1/budgets/{id}", Summary: "Get a budget, with what is left of it", Tags: tag}, s.getBudget)
	operation(s, huma.Operation{OperationID: "replace-budget", Method: http.MethodPut, Path: "/api/v1/budgets/{id}", Summary: "Replace a budget", Tags: tag}, s.replaceBudget)
	operation(s, huma.Operation{OperationID: "patch-budget", Method: http.MethodPatch, Path: "/api/v1/budgets/{id}", Summary: "Change members of a budget", Tags: tag}, s.patchBudget)
	operation(s, huma.Operation{OperationID: "delete-budget", Method: http.MethodDelete, Path: "/api/v1/budgets/{id}", Summary: "Delete a budget", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteBudget)
	operation(s, huma.Operation{OperationID: "list-alerts", Method: http.MethodGet, Path: "/api/v1/alerts", Summary: "List the budgets' thresholds that were reached", Tags: tag}, s.listAlerts)
}

// showBudgets puts rows and what has become of them together.
func (s *Server) showBudgets(ctx context.Context, rows ...engine.Budget) ([]spending, error) {
	states, err := s.cfg.Budgets.BudgetStates(ctx, rows)
	if err != nil {
		return nil, err
	}
	shown := make([]spending, len(rows))
	for i, b := range rows {
		shown[i] = shownSpending(b, states[i])
	}
	return shown, nil
}

func (s *Server) showBudget(ctx context.Context, b engine.Budget) (*spendingOutput, error) {
	shown, err := s.showBudgets(ctx, b)
	if err != nil {
		return nil, err
	}
	return &spendingOutput{etagOf(b.UpdatedAt), shown[0]}, nil
}

func (s *Server) listBudgets(ctx context.Context, in *spendingFilter) (*spendingList, error) {
	all, err := s.cfg.Budgets.ListBudgets(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID))
	if err != nil {
		return nil, err
	}
	var rows []engine.Budget
	for _, b := range all {
		if (in.TeamID == "" || in.TeamID == b.TeamID) && (in.UserID == "" || in.UserID == b.UserID) &&
			(in.KeyID == "" || in.KeyID == b.KeyID) && (in.ModelID == "" || in.ModelID == b.ModelID) {
			rows = append(rows, b)
		}
	}
	out := &spendingList{}
	out.Body.Data, err = s.showBudgets(ctx, rows...)
	return out, err
}

func (s *Server) createBudget(ctx context.Context, in *struct{ Body spending }) (*createdSpending, error) {
	nano, err := dollars("amount", &in.Body.Amount)
	if err != nil {
		return nil, err
	}
	row := engine.Budget{AccountID: ownUnless(ctx, in.Body.AccountID), ID: in.Body.ID}
	in.Body.into(*nano)(&row)
	b, err := s.cfg.Budgets.CreateBudget(ctx, principalOf(ctx), row)
	if err != nil {
		return nil, err
	}
	out, err := s.showBudget(ctx, b)
	if err != nil {
		return nil, err
	}
	return &createdSpending{"/api/v1/budgets/" + b.ID, out.ETag, out.Body}, nil
}

func (s *Server) findBudget(ctx context.Context, k BudgetKey) (engine.Budget, error) {
	return s.cfg.Budgets.GetBudget(ctx, principalOf(ctx), ownUnless(ctx, k.AccountID), k.ID)
}

func (s *Server) getBudget(ctx context.Context, in *BudgetKey) (*spendingOutput, error) {
	b, err := s.findBudget(ctx, *in)
	if err != nil {
		return nil, err
	}
	return s.showBudget(ctx, b)
}

func (s *Server) saveBudget(ctx context.Context, old engine.Budget, was time.Time, edit func(*engine.Budget)) (*spendingOutput, error) {
	b, err := s.cfg.Budgets.ChangeBudget(ctx, principalOf(ctx), old.AccountID, old.ID, was, edit)
	if err != nil {
		return nil, err
	}
	return s.showBudget(ctx, b)
}

func (s *Server) replaceBudget(ctx context.Context, in *struct {
	BudgetKey
	RuleMatch
	Body spending
}) (*spendingOutput, error) {
	if in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	nano, err := dollars("amount", &in.Body.Amount)
	if err != nil {
		return nil, err
	}
	old, err := s.findBudget(ctx, in.BudgetKey)
	if err != nil {
		return nil, err
	}
	was, err := replaces(in.RuleMatch, "budget", row{old.AccountID, old.ID, old.UpdatedAt}, row{in.Body.AccountID, in.Body.ID, timeOf(in.Body.UpdatedAt)})
	if err != nil {
		return nil, err
	}
	return s.saveBudget(ctx, old, was, in.Body.into(*nano))
}

func (s *Server) patchBudget(ctx context.Context, in *struct {
	BudgetKey
	RuleMatch
	Body spendingPatch
}) (*spendingOutput, error) {
	b := &in.Body
	nano, err := dollars("amount", b.Amount)
	if err != nil {
		return nil, err
	}
	old, err := s.findBudget(ctx, in.BudgetKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "budget", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return s.saveBudget(ctx, old, was, func(to *engine.Budget) {
		overlay(&to.Name, b.Name)
		overlay(&to.TeamID, b.TeamID)
		overlay(&to.UserID, b.UserID)
		overlay(&to.KeyID, b.KeyID)
		overlay(&to.ModelID, b.ModelID)
		overlay(&to.Period, b.Period)
		overlay(&to.NanoUSD, nano)
		overlay(&to.Hard, b.Hard)
		overlay(&to.Enabled, b.Enabled)
		if b.Thresholds != nil {
			to.Thresholds = thresholdsOf(*b.Thresholds)
		}
	})
}

func (s *Server) deleteBudget(ctx context.Context, in *struct {
	BudgetKey
	RuleMatch
}) (*nothing, error) {
	old, err := s.findBudget(ctx, in.BudgetKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "budget", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Budgets.DeleteBudget(ctx, principalOf(ctx), old.AccountID, old.ID, was)
}
