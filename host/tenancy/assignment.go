package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

const (
	maxTaskType  = 64 // characters
	maxFallbacks = 16
	// MaxAssignments is how many an account may have, and as many are global: every process
	// holds all of them, compiled, in memory.
	MaxAssignments = 2_000
	// maxOfLevel is up to how many of them somebody below an administrator may make at one
	// level, so that nobody takes the room of the others.
	maxOfLevel = 100
)

// Assignments is the management of task assignments, with the rights of Preferences; for
// itself a user or team lead changes only those that nobody else wrote last. Safe for concurrent use.
type Assignments struct{ *settings }

// ListAssignments returns those of the account and global ones that the principal may see:
// of its own levels, and of whom it manages, for an administrator also of deleted teams and
// users, in the store's order.
// Errors: CodeNotFound for another account.
func (s *Assignments) ListAssignments(ctx context.Context, p engine.Principal, account string) ([]engine.Assignment, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := d.account(p, account); err != nil {
		return nil, err
	}
	rows, err := s.Store.ListAssignments(ctx)
	if err != nil {
		return nil, fmt.Errorf("list assignments: %w", err)
	}
	return slices.DeleteFunc(rows, func(a engine.Assignment) bool {
		return a.AccountID != "" && a.AccountID != account || d.readable(p, a.Tenant) != nil && !d.leftBehind(p, a.Tenant)
	}), nil
}

// GetAssignment returns one. Errors: CodeNotFound, also for one that the principal may not see.
func (s *Assignments) GetAssignment(ctx context.Context, p engine.Principal, account, id string) (engine.Assignment, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return engine.Assignment{}, err
	}
	return s.get(ctx, d, p, account, id)
}

func (s *Assignments) get(ctx context.Context, d *directory, p engine.Principal, account, id string) (engine.Assignment, error) {
	if account != "" && !sees(p, account) {
		return engine.Assignment{}, notFound("assignment", id)
	}
	a, err := s.Store.GetAssignment(ctx, account, id)
	if errors.Is(err, engine.ErrNotFound) || err == nil && d.readable(p, a.Tenant) != nil && !d.leftBehind(p, a.Tenant) {
		return engine.Assignment{}, notFound("assignment", id)
	}
	return a, err
}

// CreateAssignment checks, stores and puts in force a new one. An empty id is made of the
// task type. Errors: CodeNotFound for a tenant that the principal may not see, CodeForbidden
// (naming a level that locked the task type), *engine.SourceError for a condition that does
// not compile, CodeInvalid with the member at fault, CodeConflict when the id is taken.
func (s *Assignments) CreateAssignment(ctx context.Context, p engine.Principal, row engine.Assignment) (engine.Assignment, error) {
	var err error
	if row.ID, err = newID(row.ID, row.TaskType); err != nil {
		return row, err
	}
	err = s.change(ctx, func(d *directory, now time.Time) error {
		if err := d.writable(p, row.Tenant); err != nil {
			return err
		}
		row.UpdatedBy, row.CreatedAt, row.UpdatedAt = writer(p), now, now
		if err := s.check(ctx, d, p, &engine.Assignment{}, &row, now); err != nil {
			return err
		}
		return taken(s.Store.CreateAssignment(audited(ctx, now, "create", row), row), "assignment", row.ID)
	})
	return row, err
}

// ChangeAssignment applies edit, maybe more than once, to the row as it is stored; what it
// does to the key, the tenant, times and author is undone. was and the errors are those of
// ChangePreferences.
func (s *Assignments) ChangeAssignment(ctx context.Context, p engine.Principal, account, id string, was time.Time, edit func(*engine.Assignment)) (row engine.Assignment, err error) {
	err = s.alter(ctx, p, account, id, was, func(d *directory, old engine.Assignment, now time.Time) error {
		if err := d.writable(p, old.Tenant); err != nil {
			return err
		}
		row = old
		edit(&row)
		row.Tenant, row.ID, row.CreatedAt = old.Tenant, old.ID, old.CreatedAt
		row.UpdatedBy, row.UpdatedAt = writer(p), stamp(now, old.UpdatedAt)
		if err := s.check(ctx, d, p, &old, &row, now); err != nil {
			return err
		}
		return s.Store.UpdateAssignment(audited(ctx, now, "update", row), row, seen(was, old.UpdatedAt))
	})
	return row, err
}

// DeleteAssignment deletes one. Errors: those of ChangeAssignment.
func (s *Assignments) DeleteAssignment(ctx context.Context, p engine.Principal, account, id string, was time.Time) error {
	return s.alter(ctx, p, account, id, was, func(_ *directory, old engine.Assignment, now time.Time) error {
		if !was.IsZero() && !was.Equal(old.UpdatedAt) {
			return engine.ErrConflict
		}
		return s.Store.DeleteAssignment(engine.Audited(ctx, now, old.AccountID, "assignment.delete", "assignment/"+id, nil), account, id)
	})
}

func (s *Assignments) alter(ctx context.Context, p engine.Principal, account, id string, was time.Time, write func(d *directory, old engine.Assignment, now time.Time) error) error {
	err := s.change(ctx, func(d *directory, now time.Time) error {
		return again(was, func() error {
			old, err := s.get(ctx, d, p, account, id)
			if err != nil {
				return err
			}
			if err := d.writable(p, old.Tenant); err != nil && !d.leftBehind(p, old.Tenant) {
				return err
			}
			if self(p, old.Tenant) && old.UpdatedBy != writer(p) {
				return forbidden("", "This assignment was made for you by "+old.UpdatedBy+". Ask there, or an administrator, for a change.")
			}
			return write(d, old, now)
		})
	})
	return overtaken(err, "assignment", id)
}

// check says what is wrong with a new or changed row.
func (s *Assignments) check(ctx context.Context, d *directory, p engine.Principal, old, row *engine.Assignment, now time.Time) error {
	switch {
	case strings.TrimSpace(row.TaskType) == "" || utf8.RuneCountInString(row.TaskType) > maxTaskType || !printable(row.TaskType):
		return invalid("task_type", "'task_type' is what requests call the task, in 1 to 64 characters.")
	case row.Priority < 0 || row.Priority > engine.MaxPriority:
		return invalid("priority", "'priority' is 0 to 10,000.")
	case len(row.Fallbacks) > maxFallbacks:
		return invalid("fallbacks", "An assignment has up to 16 fallbacks.")
	case !row.ExpiresAt.IsZero() && !row.ExpiresAt.Equal(old.ExpiresAt) && !row.ExpiresAt.After(now):
		return invalid("expires_at", "'expires_at' must be in the future.")
	}
	row.ExpiresAt = row.ExpiresAt.UTC().Truncate(time.Millisecond)
	if row.When != old.When {
		if err := s.Conditions.CheckCondition(row.When); err != nil {
			return err
		}
	}
	if err := s.checkModels(old, row); err != nil {
		return err
	}
	all, err := s.Store.ListAssignments(ctx)
	if err != nil {
		return fmt.Errorf("list assignments: %w", err)
	}
	return s.checkOthers(d, p, all, old, row, now)
}

func (s *Assignments) checkModels(old, row *engine.Assignment) error {
	if row.Model != old.Model {
		if err := s.checkModel(row.AccountID, "model", row.Model, true); err != nil {
			return err
		}
	}
	if !slices.Equal(row.Fallbacks, old.Fallbacks) {
		for i, id := range row.Fallbacks {
			if err := s.checkModel(row.AccountID, fmt.Sprintf("fallbacks[%d]", i), id, true); err != nil {
				return err
			}
		}
	}
	if !slices.Equal(row.Allowed, old.Allowed) {
		if err := s.checkList(row.AccountID, engine.MemberAllowedModels, row.Allowed); err != nil {
			return err
		}
	}
	if len(row.Allowed) == 0 {
		return nil
	}
	for i, id := range append([]string{row.Model}, row.Fallbacks...) {
		if slices.Contains(row.Allowed, id) {
			continue
		}
		param := "model"
		if i > 0 {
			param = fmt.Sprintf("fallbacks[%d]", i-1)
		}
		return invalid(param, "'"+param+"' is not among 'allowed_models'.")
	}
	return nil
}

// checkOthers refuses a task type that a level above locked, to those who may not write that
// level, and a row too many.
func (s *Assignments) checkOthers(d *directory, p engine.Principal, all []engine.Assignment, old, row *engine.Assignment, now time.Time) error {
	above := d.above(row.Tenant)
	account, level, task := 0, 0, 0
	for _, a := range all {
		locks := a.Locked && a.Enabled && (a.ExpiresAt.IsZero() || now.Before(a.ExpiresAt)) && a.TaskType == row.TaskType
		if locks && slices.Contains(above, a.Tenant) && !d.writes(p, a.Tenant) {
			return forbidden("task_type", fmt.Sprintf("Assignments of '%s' are locked by the level %s.", row.TaskType, a.Level()))
		}
		if a.AccountID != row.AccountID || a.ID == row.ID {
			continue
		}
		account++
		if a.Tenant == row.Tenant {
			level++
			if a.TaskType == row.TaskType {
				task++
			}
		}
	}
	switch {
	case old.ID == "" && account >= MaxAssignments:
		return engine.Errorf(engine.CodeConflict, "An account may have %d assignments. Delete one first.", MaxAssignments)
	case old.ID == "" && level >= maxOfLevel && p.Role.Rank() < engine.RoleAccountAdmin.Rank():
		return engine.Errorf(engine.CodeConflict, "This level has %d assignments, and only an administrator may make more. Delete one first.", level)
	case (old.ID == "" || old.TaskType != row.TaskType) && task >= engine.MaxAssignments:
		return engine.Errorf(engine.CodeConflict, "One level may have %d assignments of a task type. Delete one first.", engine.MaxAssignments)
	}
	return nil
}

// recordedAssignment is a row as the audit log has it.
type recordedAssignment struct {
	TeamID    string     `json:"team_id,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
	TaskType  string     `json:"task_type"`
	Model     string     `json:"model"`
	Fallbacks []string   `json:"fallbacks,omitempty"`
	Allowed   []string   `json:"allowed_models,omitempty"`
	Priority  int        `json:"priority"`
	When      string     `json:"when,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Locked    bool       `json:"locked,omitempty"`
	Enabled   bool       `json:"enabled"`
}

func audited(ctx context.Context, now time.Time, verb string, a engine.Assignment) context.Context {
	return engine.Audited(ctx, now, a.AccountID, "assignment."+verb, "assignment/"+a.ID, recordedAssignment{
		a.TeamID, a.UserID, a.TaskType, a.Model, a.Fallbacks, a.Allowed, a.Priority, a.When, at(a.ExpiresAt), a.Locked, a.Enabled,
	})
}
