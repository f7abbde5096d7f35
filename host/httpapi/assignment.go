package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// AssignmentService manages task assignments. Errors of its methods: *engine.SourceError for
// a condition that does not compile, *engine.Error otherwise. edit and was are as in ModelService.
type AssignmentService interface {
	// ListAssignments returns those of an account and the global ones that the principal sees.
	ListAssignments(ctx context.Context, p engine.Principal, accountID string) ([]engine.Assignment, error)
	GetAssignment(ctx context.Context, p engine.Principal, accountID, id string) (engine.Assignment, error)
	CreateAssignment(ctx context.Context, p engine.Principal, a engine.Assignment) (engine.Assignment, error)
	ChangeAssignment(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Assignment)) (engine.Assignment, error)
	DeleteAssignment(ctx context.Context, p engine.Principal, accountID, id string, was time.Time) error
}

// assignment says which models a type of task goes to. What only the server sets is
// read-only: it may be sent back as it came and is ignored.
type assignment struct {
	ID            string       `json:"id,omitempty" maxLength:"64" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"a slug" doc:"Unique in its account. Made from the task type when left out."`
	Level         engine.Level `json:"level,omitempty" enum:"global,account,team,user" doc:"Left out: what the ids say, else the caller's highest: account for an admin, team for a lead, user for others."`
	AccountID     string       `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
	TeamID        string       `json:"team_id,omitempty" maxLength:"128"`
	UserID        string       `json:"user_id,omitempty" maxLength:"128"`
	TaskType      string       `json:"task_type" minLength:"1" maxLength:"64" doc:"As requests name it in metadata.task_type or x-pointsman-task."`
	Model         string       `json:"model" minLength:"1" maxLength:"256" doc:"Model id."`
	Fallbacks     []string     `json:"fallbacks,omitempty" maxItems:"16" doc:"Model ids, tried in order; the default handler's follow."`
	AllowedModels []string     `json:"allowed_models,omitempty" maxItems:"200" doc:"The only models that may serve such a task, pinned or not. Left out: any."`
	Priority      *int         `json:"priority,omitempty" minimum:"0" maximum:"10000" doc:"Within a level, higher first. Default 50."`
	When          string       `json:"when,omitempty" doc:"An expr expression of kind boolean, as in rules. Left out: always."`
	ExpiresAt     *time.Time   `json:"expires_at,omitempty" doc:"Left out: never."`
	Locked        bool         `json:"locked,omitempty" doc:"No assignment of a lower level counts for this task type."`
	Enabled       *bool        `json:"enabled,omitempty" doc:"Default true."`

	UpdatedBy string     `json:"updated_by,omitempty" readOnly:"true" doc:"As account/user."`
	CreatedAt *time.Time `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

// assignmentPatch is what PATCH may change; what is left out stays.
type assignmentPatch struct {
	TaskType      *string             `json:"task_type,omitempty" minLength:"1" maxLength:"64"`
	Model         *string             `json:"model,omitempty" minLength:"1" maxLength:"256"`
	Fallbacks     *[]string           `json:"fallbacks,omitempty" maxItems:"16"`
	AllowedModels *[]string           `json:"allowed_models,omitempty" maxItems:"200"`
	Priority      *int                `json:"priority,omitempty" minimum:"0" maximum:"10000"`
	When          *string             `json:"when,omitempty"`
	ExpiresAt     settable[time.Time] `json:"expires_at,omitempty" required:"false" doc:"null: never."`
	Locked        *bool               `json:"locked,omitempty"`
	Enabled       *bool               `json:"enabled,omitempty"`
}

type (
	// AssignmentKey is the assignment that a path means.
	AssignmentKey struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Which account's. Left out: the caller's own before a global one."`
	}
	assignmentFilter struct {
		AccountID string       `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		Level     engine.Level `query:"level" enum:"global,account,team,user"`
		TeamID    string       `query:"team_id" maxLength:"128"`
		UserID    string       `query:"user_id" maxLength:"128"`
		TaskType  string       `query:"task_type" maxLength:"64"`
	}
	assignmentOutput struct {
		ETag string `header:"ETag"`
		Body assignment
	}
	createdAssignment struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     assignment
	}
	assignmentList struct {
		Body struct {
			Data []assignment `json:"data" doc:"Global ones first, then by priority falling."`
		}
	}
)

func shownAssignment(a engine.Assignment) assignment {
	return assignment{
		ID: a.ID, Level: a.Level(), AccountID: a.AccountID, TeamID: a.TeamID, UserID: a.UserID, TaskType: a.TaskType, Model: a.Model,
		Fallbacks: a.Fallbacks, AllowedModels: a.Allowed, Priority: &a.Priority, When: a.When, ExpiresAt: optional(a.ExpiresAt),
		Locked: a.Locked, Enabled: &a.Enabled, UpdatedBy: a.UpdatedBy, CreatedAt: optional(a.CreatedAt), UpdatedAt: optional(a.UpdatedAt),
	}
}

// into overwrites everything but the key and the tenant.
func (a assignment) into(to *engine.Assignment) {
	to.TaskType, to.Model, to.Fallbacks, to.Allowed, to.When, to.Locked = a.TaskType, a.Model, a.Fallbacks, a.AllowedModels, a.When, a.Locked
	to.Priority, to.Enabled, to.ExpiresAt = engine.DefaultPriority, true, timeOf(a.ExpiresAt)
	overlay(&to.Priority, a.Priority)
	overlay(&to.Enabled, a.Enabled)
}

func (s *Server) registerAssignments() {
	tag := []string{"assignments"}
	operation(s, huma.Operation{OperationID: "list-assignments", Method: http.MethodGet, Path: "/api/v1/assignments", Summary: "List the task assignments that the key sees", Tags: tag}, s.listAssignments)
	operation(s, huma.Operation{OperationID: "create-assignment", Method: http.MethodPost, Path: "/api/v1/assignments", Summary: "Create an assignment; it is in force when this returns", Tags: tag, DefaultStatus: http.StatusCreated}, s.createAssignment)
	operation(s, huma.Operation{OperationID: "get-assignment", Method: http.MethodGet, Path: "/api/v1/assignments/{id}", Summary: "Get an assignment", Tags: tag}, s.getAssignment)
	operation(s, huma.Operation{OperationID: "replace-assignment", Method: http.MethodPut, Path: "/api/v1/assignments/{id}", Summary: "Replace an assignment", Tags: tag}, s.replaceAssignment)
	operation(s, huma.Operation{OperationID: "patch-assignment", Method: http.MethodPatch, Path: "/api/v1/assignments/{id}", Summary: "Change members of an assignment", Tags: tag}, s.patchAssignment)
	operation(s, huma.Operation{OperationID: "delete-assignment", Method: http.MethodDelete, Path: "/api/v1/assignments/{id}", Summary: "Delete an assignment", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteAssignment)
}

func (s *Server) listAssignments(ctx context.Context, in *assignmentFilter) (*assignmentList, error) {
	rows, err := s.cfg.Assignments.ListAssignments(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID))
	if err != nil {
		return nil, err
	}
	out := &assignmentList{}
	out.Body.Data = []assignment{}
	for _, a := range rows {
		if (in.Level == "" || in.Level == a.Level()) && (in.TeamID == "" || in.TeamID == a.TeamID) &&
			(in.UserID == "" || in.UserID == a.UserID) && (in.TaskType == "" || in.TaskType == a.TaskType) {
			out.Body.Data = append(out.Body.Data, shownAssignment(a))
		}
	}
	return out, nil
}

func (s *Server) createAssignment(ctx context.Context, in *struct{ Body assignment }) (*createdAssignment, error) {
	t, err := TenantQuery{in.Body.Level, in.Body.AccountID, in.Body.TeamID, in.Body.UserID}.tenant(principalOf(ctx))
	if err != nil {
		return nil, err
	}
	row := engine.Assignment{Tenant: t, ID: in.Body.ID}
	in.Body.into(&row)
	a, err := s.cfg.Assignments.CreateAssignment(ctx, principalOf(ctx), row)
	if err != nil {
		return nil, err
	}
	return &createdAssignment{"/api/v1/assignments/" + a.ID, etagOf(a.UpdatedAt), shownAssignment(a)}, nil
}

// findAssignment reads the assignment that a path names.
func (s *Server) findAssignment(ctx context.Context, k AssignmentKey) (engine.Assignment, error) {
	p := principalOf(ctx)
	a, err := s.cfg.Assignments.GetAssignment(ctx, p, ownUnless(ctx, k.AccountID), k.ID)
	if err != nil && k.AccountID == "" && engine.CodeOf(err) == engine.CodeNotFound {
		if global, err := s.cfg.Assignments.GetAssignment(ctx, p, "", k.ID); err == nil {
			return global, nil
		}
	}
	return a, err
}

func (s *Server) getAssignment(ctx context.Context, in *AssignmentKey) (*assignmentOutput, error) {
	a, err := s.findAssignment(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &assignmentOutput{etagOf(a.UpdatedAt), shownAssignment(a)}, nil
}

func (s *Server) saveAssignment(ctx context.Context, old engine.Assignment, was time.Time, edit func(*engine.Assignment)) (*assignmentOutput, error) {
	a, err := s.cfg.Assignments.ChangeAssignment(ctx, principalOf(ctx), old.AccountID, old.ID, was, edit)
	if err != nil {
		return nil, err
	}
	return &assignmentOutput{etagOf(a.UpdatedAt), shownAssignment(a)}, nil
}

func (s *Server) replaceAssignment(ctx context.Context, in *struct {
	AssignmentKey
	RuleMatch
	Body assignment
}) (*assignmentOutput, error) {
	if in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	old, err := s.findAssignment(ctx, in.AssignmentKey)
	if err != nil {
		return nil, err
	}
	was, err := replaces(in.RuleMatch, "assignment", row{old.AccountID, old.ID, old.UpdatedAt}, row{in.Body.AccountID, in.Body.ID, timeOf(in.Body.UpdatedAt)})
	if err != nil {
		return nil, err
	}
	for _, fixed := range []struct{ member, sent, stored string }{
		{"level", string(in.Body.Level), string(old.Level())}, {"team_id", in.Body.TeamID, old.TeamID}, {"user_id", in.Body.UserID, old.UserID},
	} {
		if fixed.sent != "" && fixed.sent != fixed.stored {
			return nil, invalid(fixed.member, "'"+fixed.member+"' cannot be changed.")
		}
	}
	return s.saveAssignment(ctx, old, was, in.Body.into)
}

func (s *Server) patchAssignment(ctx context.Context, in *struct {
	AssignmentKey
	RuleMatch
	Body assignmentPatch
}) (*assignmentOutput, error) {
	old, err := s.findAssignment(ctx, in.AssignmentKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "assignment", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return s.saveAssignment(ctx, old, was, func(a *engine.Assignment) {
		b := &in.Body
		overlay(&a.TaskType, b.TaskType)
		overlay(&a.Model, b.Model)
		overlay(&a.Fallbacks, b.Fallbacks)
		overlay(&a.Allowed, b.AllowedModels)
		overlay(&a.Priority, b.Priority)
		overlay(&a.When, b.When)
		overlay(&a.Locked, b.Locked)
		overlay(&a.Enabled, b.Enabled)
		if b.ExpiresAt.sent {
			a.ExpiresAt = timeOf(b.ExpiresAt.value)
		}
	})
}

func (s *Server) deleteAssignment(ctx context.Context, in *struct {
	AssignmentKey
	RuleMatch
}) (*nothing, error) {
	old, err := s.findAssignment(ctx, in.AssignmentKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "assignment", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Assignments.DeleteAssignment(ctx, principalOf(ctx), old.AccountID, old.ID, was)
}
