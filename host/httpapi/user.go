package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// user is a person or a service of an account as the API shows it.
type user struct {
	ID          string      `json:"id"`
	AccountID   string      `json:"account_id"`
	TeamID      string      `json:"team_id,omitempty"`
	Name        string      `json:"name"`
	Role        engine.Role `json:"role" enum:"super_admin,account_admin,team_lead,user"`
	Suspended   bool        `json:"suspended" doc:"Its keys open nothing."`
	CreatedAt   time.Time   `json:"created_at"`
	UpdatedAt   time.Time   `json:"updated_at"`
	SuspendedAt *time.Time  `json:"suspended_at,omitempty"`
	DeletedAt   *time.Time  `json:"deleted_at,omitempty"`
}

type (
	// UserFilter narrows a list of users.
	UserFilter struct {
		AccountID string      `query:"account_id" maxLength:"128" doc:"Left out: every account that the caller sees. Another one than its own only for a super admin."`
		TeamID    string      `query:"team_id" maxLength:"128"`
		UserID    string      `query:"user_id" maxLength:"128"`
		Role      engine.Role `query:"role" enum:"super_admin,account_admin,team_lead,user"`
		Search    string      `query:"search" maxLength:"128" doc:"A part of the id or the name, in any letter case."`
		Inactive  bool        `query:"inactive" doc:"true: deleted ones too."`
	}
	userList struct {
		Body struct {
			Data []user `json:"data" doc:"By account, then id."`
			Next string `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
	newUser struct {
		ID        string      `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the name when left out."`
		AccountID string      `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		TeamID    string      `json:"team_id,omitempty" maxLength:"128" doc:"Left out: none, from a team lead its own."`
		Name      string      `json:"name" minLength:"1" maxLength:"128"`
		Role      engine.Role `json:"role,omitempty" enum:"super_admin,account_admin,team_lead,user" doc:"At most the caller's own; a team lead gives user alone. Default user."`
	}
	userPatch struct {
		Name      *string      `json:"name,omitempty" minLength:"1" maxLength:"128"`
		TeamID    *string      `json:"team_id,omitempty" maxLength:"128" doc:"Empty: none. For administrators."`
		Role      *engine.Role `json:"role,omitempty" enum:"super_admin,account_admin,team_lead,user" doc:"At most the caller's own. For administrators."`
		Suspended *bool        `json:"suspended,omitempty" doc:"For administrators, and team leads of plain users in their team."`
	}
	userOutput struct {
		ETag string `header:"ETag"`
		Body user
	}
	createdUser struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     user
	}
)

func shownUser(u engine.User) user {
	return user{
		ID: u.ID, AccountID: u.AccountID, TeamID: u.TeamID, Name: u.Name, Role: u.Role, Suspended: !u.SuspendedAt.IsZero(),
		CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(), SuspendedAt: optional(u.SuspendedAt), DeletedAt: optional(u.DeletedAt),
	}
}

func (s *Server) registerUsers() {
	tag := []string{"users"}
	operation(s, huma.Operation{OperationID: "list-users", Method: http.MethodGet, Path: "/api/v1/users", Summary: "List the users that the caller manages", Tags: tag}, s.listUsers)
	operation(s, huma.Operation{OperationID: "create-user", Method: http.MethodPost, Path: "/api/v1/users", Summary: "Create a user", Tags: tag, DefaultStatus: http.StatusCreated}, s.createUser)
	operation(s, huma.Operation{OperationID: "get-user", Method: http.MethodGet, Path: "/api/v1/users/{id}", Summary: "Get a user", Tags: tag}, s.getUser)
	operation(s, huma.Operation{OperationID: "patch-user", Method: http.MethodPatch, Path: "/api/v1/users/{id}", Summary: "Rename, move, promote or suspend a user", Description: "Administrators change everything, up to their own role; a team lead name and suspension of plain users in its team; everybody its own name. Nobody can lock the last administrator out.", Tags: tag}, s.patchUser)
	operation(s, huma.Operation{OperationID: "delete-user", Method: http.MethodDelete, Path: "/api/v1/users/{id}", Summary: "Delete a user for good", Description: "Its keys open nothing any more; its usage is kept.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteUser)
}

func (s *Server) listUsers(ctx context.Context, in *struct {
	PageQuery
	UserFilter
}) (*userList, error) {
	p := principalOf(ctx)
	scope := scopeOfList("users", p, in.UserFilter)
	page, err := s.page(scope, in.PageQuery)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Users.ListUsers(ctx, p, engine.TenantFilter{
		AccountID: in.AccountID, TeamID: in.TeamID, UserID: in.UserID, Role: in.Role, Search: in.Search, Inactive: in.Inactive,
	}, page)
	if err != nil {
		return nil, err
	}
	out := &userList{}
	out.Body.Data, out.Body.Next = shownAll(rows, shownUser), s.cursors.next(scope, next)
	return out, nil
}

func (s *Server) createUser(ctx context.Context, in *struct{ Body newUser }) (*createdUser, error) {
	u, err := s.cfg.Users.CreateUser(ctx, principalOf(ctx), engine.User{
		AccountID: ownUnless(ctx, in.Body.AccountID), ID: in.Body.ID, TeamID: in.Body.TeamID, Name: in.Body.Name, Role: in.Body.Role,
	})
	if err != nil {
		return nil, err
	}
	return &createdUser{"/api/v1/users/" + u.ID, etagOf(u.UpdatedAt), shownUser(u)}, nil
}

func (s *Server) getUser(ctx context.Context, in *TenantKey) (*userOutput, error) {
	u, err := s.cfg.Users.GetUser(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID)
	if err != nil {
		return nil, err
	}
	return &userOutput{etagOf(u.UpdatedAt), shownUser(u)}, nil
}

// userVersion is which version of the user a change is meant for.
func (s *Server) userVersion(ctx context.Context, k TenantKey, m RuleMatch) (time.Time, error) {
	old, err := s.cfg.Users.GetUser(ctx, principalOf(ctx), ownUnless(ctx, k.AccountID), k.ID)
	if err != nil {
		return time.Time{}, err
	}
	return changes(m, "user", row{old.AccountID, old.ID, old.UpdatedAt})
}

func (s *Server) patchUser(ctx context.Context, in *struct {
	TenantKey
	RuleMatch
	Body userPatch
}) (*userOutput, error) {
	was, err := s.userVersion(ctx, in.TenantKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	u, err := s.cfg.Users.ChangeUser(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID, was, func(u *engine.User) {
		overlay(&u.Name, in.Body.Name)
		overlay(&u.TeamID, in.Body.TeamID)
		overlay(&u.Role, in.Body.Role)
		s.suspend(&u.SuspendedAt, in.Body.Suspended)
	})
	if err != nil {
		return nil, err
	}
	return &userOutput{etagOf(u.UpdatedAt), shownUser(u)}, nil
}

func (s *Server) deleteUser(ctx context.Context, in *struct {
	TenantKey
	RuleMatch
}) (*nothing, error) {
	was, err := s.userVersion(ctx, in.TenantKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Users.DeleteUser(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID, was)
}
