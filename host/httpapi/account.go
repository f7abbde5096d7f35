package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// account is a tenant as the API shows it.
type account struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Suspended   bool       `json:"suspended" doc:"Its keys open nothing."`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	SuspendedAt *time.Time `json:"suspended_at,omitempty"`
	DeletedAt   *time.Time `json:"deleted_at,omitempty"`
}

type (
	// AccountFilter narrows a list of accounts.
	AccountFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Another one than the caller's own only for a super admin."`
		Search    string `query:"search" maxLength:"128" doc:"A part of the id or the name, in any letter case."`
		Inactive  bool   `query:"inactive" doc:"true: deleted ones too."`
	}
	accountList struct {
		Body struct {
			Data []account `json:"data" doc:"By id."`
			Next string    `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
	newAccount struct {
		ID   string `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Made from the name when left out. It is never used again, also after deletion."`
		Name string `json:"name" minLength:"1" maxLength:"128"`
	}
	accountPatch struct {
		Name      *string `json:"name,omitempty" minLength:"1" maxLength:"128"`
		Suspended *bool   `json:"suspended,omitempty" doc:"Only a super admin may change it."`
	}
	// AccountID is the account that a path means.
	AccountID struct {
		ID string `path:"id" maxLength:"128"`
	}
	accountOutput struct {
		ETag string `header:"ETag"`
		Body account
	}
	createdAccount struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     account
	}
)

func shownAccount(a engine.Account) account {
	return account{
		ID: a.ID, Name: a.Name, Suspended: !a.SuspendedAt.IsZero(), CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC(),
		SuspendedAt: optional(a.SuspendedAt), DeletedAt: optional(a.DeletedAt),
	}
}

// suspend sets or takes away the time since when a row is suspended; nil leaves it.
func (s *Server) suspend(at *time.Time, suspended *bool) {
	switch {
	case suspended == nil:
	case !*suspended:
		*at = time.Time{}
	case at.IsZero():
		*at = s.cfg.Now()
	}
}

func (s *Server) registerAccounts() {
	tag := []string{"accounts"}
	operation(s, huma.Operation{OperationID: "list-accounts", Method: http.MethodGet, Path: "/api/v1/accounts", Summary: "List the accounts that the caller sees", Tags: tag}, s.listAccounts)
	operation(s, huma.Operation{OperationID: "create-account", Method: http.MethodPost, Path: "/api/v1/accounts", Summary: "Create an account", Tags: tag, DefaultStatus: http.StatusCreated}, s.createAccount)
	operation(s, huma.Operation{OperationID: "get-account", Method: http.MethodGet, Path: "/api/v1/accounts/{id}", Summary: "Get an account", Tags: tag}, s.getAccount)
	operation(s, huma.Operation{OperationID: "patch-account", Method: http.MethodPatch, Path: "/api/v1/accounts/{id}", Summary: "Rename or suspend an account", Description: "While an account is suspended its keys are answered 403.", Tags: tag}, s.patchAccount)
	operation(s, huma.Operation{OperationID: "delete-account", Method: http.MethodDelete, Path: "/api/v1/accounts/{id}", Summary: "Delete an account for good", Description: "Its keys open nothing any more; its usage is kept.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteAccount)
}

func (s *Server) listAccounts(ctx context.Context, in *struct {
	PageQuery
	AccountFilter
}) (*accountList, error) {
	p := principalOf(ctx)
	scope := scopeOfList("accounts", p, in.AccountFilter)
	page, err := s.page(scope, in.PageQuery)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Accounts.ListAccounts(ctx, p, engine.TenantFilter{AccountID: in.AccountID, Search: in.Search, Inactive: in.Inactive}, page)
	if err != nil {
		return nil, err
	}
	out := &accountList{}
	out.Body.Data, out.Body.Next = shownAll(rows, shownAccount), s.cursors.next(scope, next)
	return out, nil
}

func (s *Server) createAccount(ctx context.Context, in *struct{ Body newAccount }) (*createdAccount, error) {
	a, err := s.cfg.Accounts.CreateAccount(ctx, principalOf(ctx), engine.Account{ID: in.Body.ID, Name: in.Body.Name})
	if err != nil {
		return nil, err
	}
	return &createdAccount{"/api/v1/accounts/" + a.ID, etagOf(a.UpdatedAt), shownAccount(a)}, nil
}

func (s *Server) getAccount(ctx context.Context, in *AccountID) (*accountOutput, error) {
	a, err := s.cfg.Accounts.GetAccount(ctx, principalOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &accountOutput{etagOf(a.UpdatedAt), shownAccount(a)}, nil
}

// accountVersion is which version of the account a change is meant for.
func (s *Server) accountVersion(ctx context.Context, id string, m RuleMatch) (time.Time, error) {
	old, err := s.cfg.Accounts.GetAccount(ctx, principalOf(ctx), id)
	if err != nil {
		return time.Time{}, err
	}
	return changes(m, "account", row{old.ID, old.ID, old.UpdatedAt})
}

func (s *Server) patchAccount(ctx context.Context, in *struct {
	AccountID
	RuleMatch
	Body accountPatch
}) (*accountOutput, error) {
	was, err := s.accountVersion(ctx, in.ID, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	a, err := s.cfg.Accounts.ChangeAccount(ctx, principalOf(ctx), in.ID, was, func(a *engine.Account) {
		overlay(&a.Name, in.Body.Name)
		s.suspend(&a.SuspendedAt, in.Body.Suspended)
	})
	if err != nil {
		return nil, err
	}
	return &accountOutput{etagOf(a.UpdatedAt), shownAccount(a)}, nil
}

func (s *Server) deleteAccount(ctx context.Context, in *struct {
	AccountID
	RuleMatch
}) (*nothing, error) {
	was, err := s.accountVersion(ctx, in.ID, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Accounts.DeleteAccount(ctx, principalOf(ctx), in.ID, was)
}
