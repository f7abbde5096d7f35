package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// team is a part of an account as the API shows it.
type team struct {
	ID        string     `json:"id"`
	AccountID string     `json:"account_id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	DeletedAt *time.Time `json:"deleted_at,omitempty"`
}

type (
	// TeamFilter narrows a list of teams.
	TeamFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: every account that the caller sees. Another one than its own only for a super admin."`
		TeamID    string `query:"team_id" maxLength:"128"`
		Search    string `query:"search" maxLength:"128" doc:"A part of the id or the name, in any letter case."`
		Inactive  bool   `query:"inactive" doc:"true: deleted ones too."`
	}
	teamList struct {
		Body struct {
			Data []team `json:"data" doc:"By account, then id."`
			Next string `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
	newTeam struct {
		ID        string `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the name when left out."`
		AccountID string `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		Name      string `json:"name" minLength:"1" maxLength:"128"`
	}
	teamPatch struct {
		Name *string `json:"name,omitempty" minLength:"1" maxLength:"128"`
	}
	// TenantKey is the team, or the user, that a path means.
	TenantKey struct {
		ID        string `path:"id" maxLength:"128"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	}
	teamOutput struct {
		ETag string `header:"ETag"`
		Body team
	}
	createdTeam struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     team
	}
)

func shownTeam(t engine.Team) team {
	return team{ID: t.ID, AccountID: t.AccountID, Name: t.Name, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), DeletedAt: optional(t.DeletedAt)}
}

// ownUnless is the account that a team or user is of: the caller's own when none is named.
func ownUnless(ctx context.Context, account string) string {
	if account == "" {
		return principalOf(ctx).AccountID
	}
	return account
}

func (s *Server) registerTeams() {
	tag := []string{"teams"}
	operation(s, huma.Operation{OperationID: "list-teams", Method: http.MethodGet, Path: "/api/v1/teams", Summary: "List the teams that the caller manages", Tags: tag}, s.listTeams)
	operation(s, huma.Operation{OperationID: "create-team", Method: http.MethodPost, Path: "/api/v1/teams", Summary: "Create a team", Tags: tag, DefaultStatus: http.StatusCreated}, s.createTeam)
	operation(s, huma.Operation{OperationID: "get-team", Method: http.MethodGet, Path: "/api/v1/teams/{id}", Summary: "Get a team", Tags: tag}, s.getTeam)
	operation(s, huma.Operation{OperationID: "patch-team", Method: http.MethodPatch, Path: "/api/v1/teams/{id}", Summary: "Rename a team", Tags: tag}, s.patchTeam)
	operation(s, huma.Operation{OperationID: "delete-team", Method: http.MethodDelete, Path: "/api/v1/teams/{id}", Summary: "Delete a team for good", Description: "Keys of its users open nothing until the users are moved to another team.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteTeam)
}

func (s *Server) listTeams(ctx context.Context, in *struct {
	PageQuery
	TeamFilter
}) (*teamList, error) {
	p := principalOf(ctx)
	scope := scopeOfList("teams", p, in.TeamFilter)
	page, err := s.page(scope, in.PageQuery)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Teams.ListTeams(ctx, p, engine.TenantFilter{AccountID: in.AccountID, TeamID: in.TeamID, Search: in.Search, Inactive: in.Inactive}, page)
	if err != nil {
		return nil, err
	}
	out := &teamList{}
	out.Body.Data, out.Body.Next = shownAll(rows, shownTeam), s.cursors.next(scope, next)
	return out, nil
}

func (s *Server) createTeam(ctx context.Context, in *struct{ Body newTeam }) (*createdTeam, error) {
	t, err := s.cfg.Teams.CreateTeam(ctx, principalOf(ctx), engine.Team{AccountID: ownUnless(ctx, in.Body.AccountID), ID: in.Body.ID, Name: in.Body.Name})
	if err != nil {
		return nil, err
	}
	return &createdTeam{"/api/v1/teams/" + t.ID, etagOf(t.UpdatedAt), shownTeam(t)}, nil
}

func (s *Server) getTeam(ctx context.Context, in *TenantKey) (*teamOutput, error) {
	t, err := s.cfg.Teams.GetTeam(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID)
	if err != nil {
		return nil, err
	}
	return &teamOutput{etagOf(t.UpdatedAt), shownTeam(t)}, nil
}

// teamVersion is which version of the team a change is meant for.
func (s *Server) teamVersion(ctx context.Context, k TenantKey, m RuleMatch) (time.Time, error) {
	old, err := s.cfg.Teams.GetTeam(ctx, principalOf(ctx), ownUnless(ctx, k.AccountID), k.ID)
	if err != nil {
		return time.Time{}, err
	}
	return changes(m, "team", row{old.AccountID, old.ID, old.UpdatedAt})
}

func (s *Server) patchTeam(ctx context.Context, in *struct {
	TenantKey
	RuleMatch
	Body teamPatch
}) (*teamOutput, error) {
	was, err := s.teamVersion(ctx, in.TenantKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Teams.ChangeTeam(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID, was, func(t *engine.Team) { overlay(&t.Name, in.Body.Name) })
	if err != nil {
		return nil, err
	}
	return &teamOutput{etagOf(t.UpdatedAt), shownTeam(t)}, nil
}

func (s *Server) deleteTeam(ctx context.Context, in *struct {
	TenantKey
	RuleMatch
}) (*nothing, error) {
	was, err := s.teamVersion(ctx, in.TenantKey, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Teams.DeleteTeam(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.ID, was)
}
