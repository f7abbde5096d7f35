package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// noBudgets is a server without budgets.
type noBudgets struct{}

var errNoBudgets = failed(http.StatusNotFound, string(engine.CodeNotFound), "There are no budgets on this server.")

func (noBudgets) ListBudgets(context.Context, engine.Principal, string) ([]engine.Budget, error) {
	return nil, nil
}

func (noBudgets) GetBudget(context.Context, engine.Principal, string, string) (engine.Budget, error) {
	return engine.Budget{}, errNoBudgets
}

func (noBudgets) CreateBudget(context.Context, engine.Principal, engine.Budget) (engine.Budget, error) {
	return engine.Budget{}, errNoBudgets
}

func (noBudgets) ChangeBudget(context.Context, engine.Principal, string, string, time.Time, func(*engine.Budget)) (engine.Budget, error) {
	return engine.Budget{}, errNoBudgets
}

func (noBudgets) DeleteBudget(context.Context, engine.Principal, string, string, time.Time) error {
	return errNoBudgets
}

func (noBudgets) BudgetStates(context.Context, []engine.Budget) ([]engine.BudgetState, error) {
	return nil, nil
}

func (noBudgets) ListAlerts(context.Context, engine.Principal, string, int) ([]engine.BudgetAlert, error) {
	return nil, nil
}
