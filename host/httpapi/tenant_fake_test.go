package httpapi

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// noTenants is services of accounts, teams and users that have none. What the real ones do
// is tested with them: see tenant_test.go.
type noTenants struct{}

var errNoTenant = engine.Errorf(engine.CodeNotFound, "There is no such row.")

func (noTenants) ListAccounts(context.Context, engine.Principal, engine.TenantFilter, engine.Page) ([]engine.Account, string, error) {
	return nil, "", nil
}

func (noTenants) GetAccount(context.Context, engine.Principal, string) (engine.Account, error) {
	return engine.Account{}, errNoTenant
}

func (noTenants) CreateAccount(context.Context, engine.Principal, engine.Account) (engine.Account, error) {
	return engine.Account{}, errNoTenant
}

func (noTenants) ChangeAccount(context.Context, engine.Principal, string, time.Time, func(*engine.Account)) (engine.Account, error) {
	return engine.Account{}, errNoTenant
}

func (noTenants) DeleteAccount(context.Context, engine.Principal, string, time.Time) error {
	return errNoTenant
}

func (noTenants) ListTeams(context.Context, engine.Principal, engine.TenantFilter, engine.Page) ([]engine.Team, string, error) {
	return nil, "", nil
}

func (noTenants) GetTeam(context.Context, engine.Principal, string, string) (engine.Team, error) {
	return engine.Team{}, errNoTenant
}

func (noTenants) CreateTeam(context.Context, engine.Principal, engine.Team) (engine.Team, error) {
	return engine.Team{}, errNoTenant
}

func (noTenants) ChangeTeam(context.Context, engine.Principal, string, string, time.Time, func(*engine.Team)) (engine.Team, error) {
	return engine.Team{}, errNoTenant
}

func (noTenants) DeleteTeam(context.Context, engine.Principal, string, string, time.Time) error {
	return errNoTenant
}

func (noTenants) ListUsers(context.Context, engine.Principal, engine.TenantFilter, engine.Page) ([]engine.User, string, error) {
	return nil, "", nil
}

func (noTenants) GetUser(context.Context, engine.Principal, string, string) (engine.User, error) {
	return engine.User{}, errNoTenant
}

func (noTenants) CreateUser(context.Context, engine.Principal, engine.User) (engine.User, error) {
	return engine.User{}, errNoTenant
}

func (noTenants) ChangeUser(context.Context, engine.Principal, string, string, time.Time, func(*engine.User)) (engine.User, error) {
	return engine.User{}, errNoTenant
}

func (noTenants) DeleteUser(context.Context, engine.Principal, string, string, time.Time) error {
	return errNoTenant
}
