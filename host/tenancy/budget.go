package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// BudgetStore keeps budgets and their alerts. Both drivers' engine.Store is one.
type BudgetStore interface {
	engine.BudgetStore
	engine.BudgetAlertStore
}

// BudgetConfig is what the management of budgets is made of. All of it is required.
type BudgetConfig struct {
	Keys  *Keys // whose tenants they are for
	Store BudgetStore
	// States says what has become of budgets, in their order.
	States    func(ctx context.Context, budgets []engine.Budget) ([]engine.BudgetState, error)
	Catalogue func() *engine.Catalogue
	// Reload puts the stored budgets in force in this process.
	Reload func(context.Context) error
	Now    func() time.Time
}

// Budgets is the management of budgets. An account's admin manages those of the account, a
// team lead those of its team and of its users that nobody above it made; everybody sees
// those that bound them. Safe for concurrent use.
type Budgets struct {
	*settings
	store  BudgetStore
	states func(context.Context, []engine.Budget) ([]engine.BudgetState, error)
}

// NewBudgets returns the management of budgets.
func NewBudgets(cfg BudgetConfig) *Budgets {
	return &Budgets{
		&settings{SettingConfig{Keys: cfg.Keys, Catalogue: cfg.Catalogue, Reload: cfg.Reload, Now: cfg.Now}, make(chan struct{}, 1)},
		cfg.Store, cfg.States,
	}
}

// ListBudgets returns those of the account that the principal sees, by id.
// Errors: CodeNotFound for another account.
func (s *Budgets) ListBudgets(ctx context.Context, p engine.Principal, account string) ([]engine.Budget, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := d.account(p, account); err != nil {
		return nil, err
	}
	rows, err := s.store.ListBudgets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	return slices.DeleteFunc(rows, func(b engine.Budget) bool { return b.AccountID != account || !d.seesBudget(p, b) }), nil
}

// GetBudget returns one. Errors: CodeNotFound, also for one that the principal may not see.
func (s *Budgets) GetBudget(ctx context.Context, p engine.Principal, account, id string) (engine.Budget, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return engine.Budget{}, err
	}
	return s.find(ctx, d, p, account, id)
}

func (s *Budgets) find(ctx context.Context, d *directory, p engine.Principal, account, id string) (engine.Budget, error) {
	if !sees(p, account) {
		return engine.Budget{}, notFound("budget", id)
	}
	b, err := s.store.GetBudget(ctx, account, id)
	if errors.Is(err, engine.ErrNotFound) || err == nil && !d.seesBudget(p, b) {
		return engine.Budget{}, notFound("budget", id)
	}
	return b, err
}

// BudgetStates returns what has become of budgets, in their order.
func (s *Budgets) BudgetStates(ctx context.Context, budgets []engine.Budget) ([]engine.BudgetState, error) {
	return s.states(ctx, budgets)
}

// ListAlerts returns the account's newest alerts of budgets that the principal sees, at most limit.
func (s *Budgets) ListAlerts(ctx context.Context, p engine.Principal, account string, limit int) ([]engine.BudgetAlert, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := d.account(p, account); err != nil {
		return nil, err
	}
	rows, err := s.store.ListBudgetAlerts(ctx, account, 1000)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(a engine.BudgetAlert) bool {
		return !d.seesBudget(p, engine.Budget{AccountID: a.AccountID, TeamID: a.TeamID, UserID: a.UserID, KeyID: a.KeyID})
	})
	return rows[:min(len(rows), limit)], nil
}

// CreateBudget checks, stores and puts in force a new one; an empty id is made of the name.
// What was spent in its window already counts. Errors: CodeNotFound for a tenant that the
// principal may not see, CodeForbidden, CodeInvalid with the member at fault, CodeConflict
// when the id is taken.
func (s *Budgets) CreateBudget(ctx context.Context, p engine.Principal, row engine.Budget) (engine.Budget, error) {
	var err error
	if row.ID, err = newID(row.ID, row.Name); err != nil {
		return row, err
	}
	err = s.change(ctx, func(d *directory, now time.Time) error {
		if _, err := d.account(p, row.AccountID); err != nil {
			return err
		}
		row.LeastRole = engine.RoleTeamLead
		if p.Role.Rank() > engine.RoleTeamLead.Rank() {
			row.LeastRole = engine.RoleAccountAdmin
		}
		row.UpdatedBy, row.CreatedAt, row.UpdatedAt = writer(p), now, now
		if err := s.checkBudget(ctx, d, p, nil, &row); err != nil {
			return err
		}
		return taken(s.store.CreateBudget(auditedBudget(ctx, now, "create", row), row), "budget", row.ID)
	})
	return row, err
}

// ChangeBudget applies edit, maybe more than once, to the row as it is stored; what it does
// to the key, times and author is undone. was is what the caller has seen; zero: anything.
func (s *Budgets) ChangeBudget(ctx context.Context, p engine.Principal, account, id string, was time.Time, edit func(*engine.Budget)) (row engine.Budget, err error) {
	err = s.alterBudget(ctx, p, account, id, was, func(d *directory, old engine.Budget, now time.Time) error {
		row = old
		row.Thresholds = slices.Clone(old.Thresholds)
		edit(&row)
		row.AccountID, row.ID, row.CreatedAt, row.LeastRole = old.AccountID, old.ID, old.CreatedAt, old.LeastRole
		row.UpdatedBy, row.UpdatedAt = writer(p), stamp(now, old.UpdatedAt)
		if err := s.checkBudget(ctx, d, p, &old, &row); err != nil {
			return err
		}
		return s.store.UpdateBudget(auditedBudget(ctx, now, "update", row), row, seen(was, old.UpdatedAt))
	})
	return row, err
}

// DeleteBudget deletes one. Errors: those of ChangeBudget.
func (s *Budgets) DeleteBudget(ctx context.Context, p engine.Principal, account, id string, was time.Time) error {
	return s.alterBudget(ctx, p, account, id, was, func(_ *directory, old engine.Budget, now time.Time) error {
		if !was.IsZero() && !was.Equal(old.UpdatedAt) {
			return engine.ErrConflict
		}
		return s.store.DeleteBudget(auditedBudget(ctx, now, "delete", old), account, id)
	})
}

func (s *Budgets) alterBudget(ctx context.Context, p engine.Principal, account, id string, was time.Time, write func(d *directory, old engine.Budget, now time.Time) error) error {
	err := s.change(ctx, func(d *directory, now time.Time) error {
		return again(was, func() error {
			old, err := s.find(ctx, d, p, account, id)
			if err != nil {
				return err
			}
			if err := d.changesBudget(p, old); err != nil {
				return err
			}
			return write(d, old, now)
		})
	})
	return overtaken(err, "budget", id)
}

// checkBudget says what is wrong with a new or changed row. What the store checks is left to it.
func (s *Budgets) checkBudget(ctx context.Context, d *directory, p engine.Principal, old, row *engine.Budget) error {
	if row.ID == engine.PreferenceBudget {
		return invalid("id", "'preference' is the budget that preferences imply. Choose another id.")
	}
	if row.Name == "" {
		row.Name = row.ID
	}
	if err := checkName(row.Name); err != nil {
		return err
	}
	if old == nil || old.TeamID != row.TeamID || old.UserID != row.UserID || old.KeyID != row.KeyID {
		if err := d.checkScope(p, row); err != nil {
			return err
		}
	}
	if row.ModelID != "" && (old == nil || old.ModelID != row.ModelID) {
		if err := s.checkModel(row.AccountID, "model_id", row.ModelID, false); err != nil {
			return err
		}
	}
	if old != nil {
		return nil
	}
	all, err := s.store.ListBudgets(ctx)
	if err != nil {
		return fmt.Errorf("list budgets: %w", err)
	}
	count := 0
	for _, b := range all {
		if b.AccountID == row.AccountID {
			count++
		}
	}
	if count >= engine.MaxBudgets {
		return engine.Errorf(engine.CodeConflict, "An account may have %d budgets. Delete one first.", engine.MaxBudgets)
	}
	return nil
}

// recordedBudget is a row as the audit log has it.
type recordedBudget struct {
	Name       string              `json:"name"`
	TeamID     string              `json:"team_id,omitempty"`
	UserID     string              `json:"user_id,omitempty"`
	KeyID      string              `json:"key_id,omitempty"`
	ModelID    string              `json:"model_id,omitempty"`
	Period     engine.BudgetPeriod `json:"period"`
	Amount     string              `json:"amount"`
	Hard       bool                `json:"hard"`
	Thresholds []engine.Threshold  `json:"thresholds,omitempty"`
	Enabled    bool                `json:"enabled"`
}

func auditedBudget(ctx context.Context, now time.Time, verb string, b engine.Budget) context.Context {
	return engine.Audited(ctx, now, b.AccountID, "budget."+verb, "budget/"+b.ID, recordedBudget{
		b.Name, b.TeamID, b.UserID, b.KeyID, b.ModelID, b.Period, engine.FormatUSD(b.NanoUSD), b.Hard, b.Thresholds, b.Enabled,
	})
}
