package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListAssignments implements engine.AssignmentStore.
func (s *Store) ListAssignments(ctx context.Context) (assignments []engine.Assignment, err error) {
	err = s.read(ctx, "list assignments", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListAssignments(ctx)
		if err == nil {
			assignments, err = row.ParseAll(rows, parseAssignment)
		}
		return err
	})
	return assignments, err
}

// GetAssignment implements engine.AssignmentStore.
func (s *Store) GetAssignment(ctx context.Context, accountID, id string) (assignment engine.Assignment, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Assignment{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get assignment "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetAssignment(ctx, query.GetAssignmentParams{AccountID: accountID, ID: id})
		if err == nil {
			assignment, err = parseAssignment(n)
		}
		return err
	})
	return assignment, err
}

// CreateAssignment implements engine.AssignmentStore.
func (s *Store) CreateAssignment(ctx context.Context, a engine.Assignment) error {
	if err := row.CheckAssignment(a); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaPolicies, a.AccountID, ""), "create assignment "+a.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateAssignment(ctx, query.CreateAssignmentParams(assignmentRow(a)))
	})
}

// UpdateAssignment implements engine.AssignmentStore.
func (s *Store) UpdateAssignment(ctx context.Context, a engine.Assignment, was time.Time) error {
	if err := row.CheckAssignment(a); err != nil {
		return err
	}
	n := assignmentRow(a)
	return s.writeOf(ctx, row.Changed(engine.AreaPolicies, a.AccountID, ""), "update assignment "+a.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateAssignment(ctx, query.UpdateAssignmentParams{
			TeamID: n.TeamID, UserID: n.UserID, TaskType: n.TaskType, Model: n.Model, Fallbacks: n.Fallbacks, Allowed: n.Allowed,
			Priority: n.Priority, Expression: n.Expression, ExpiresAt: n.ExpiresAt, Locked: n.Locked, Enabled: n.Enabled,
			UpdatedBy: n.UpdatedBy, UpdatedAt: n.UpdatedAt, AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasAssignment(ctx, query.HasAssignmentParams{AccountID: a.AccountID, ID: a.ID}))
	})
}

// DeleteAssignment implements engine.AssignmentStore.
func (s *Store) DeleteAssignment(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaPolicies, accountID, ""), "delete assignment "+id, func(ctx context.Context, q *query.Queries) error {
		return found(q.DeleteAssignment(ctx, query.DeleteAssignmentParams{AccountID: accountID, ID: id}))
	})
}

func assignmentRow(a engine.Assignment) query.Assignment {
	return query.Assignment{
		AccountID: a.AccountID, ID: a.ID, TeamID: a.TeamID, UserID: a.UserID, TaskType: a.TaskType, Model: a.Model,
		Fallbacks: row.List(a.Fallbacks), Allowed: row.List(a.Allowed), Priority: int64(a.Priority),
		Expression: a.When, ExpiresAt: row.TimeOrNil(a.ExpiresAt), Locked: a.Locked, Enabled: a.Enabled, UpdatedBy: a.UpdatedBy,
		CreatedAt: row.Time(a.CreatedAt), UpdatedAt: row.Time(a.UpdatedAt),
	}
}

func parseAssignment(n query.Assignment) (a engine.Assignment, err error) {
	a = engine.Assignment{
		Tenant: engine.Tenant{AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID},
		ID:     n.ID, TaskType: n.TaskType, Model: n.Model, Priority: int(n.Priority), When: n.Expression,
		ExpiresAt: row.TimeOrZero(n.ExpiresAt), Locked: n.Locked, Enabled: n.Enabled, UpdatedBy: n.UpdatedBy,
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if a.Fallbacks, err = row.ParseList[string](n.Fallbacks); err != nil {
		return a, err
	}
	a.Allowed, err = row.ParseList[string](n.Allowed)
	return a, err
}
