package engine

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// MaxAssignments is how many assignments one tenant may have of one task type.
const MaxAssignments = 32

// ConditionCompiler compiles the conditions of assignments as those of rules are.
type ConditionCompiler interface {
	// Conditions compiles a list; an empty text always holds. errs has an error for each
	// text that does not compile, at its index, and is nil when all do: such a condition
	// never holds. Safe for concurrent use.
	Conditions(sources []string) (c Conditions, errs []error)
}

// Conditions is a list of compiled conditions. Safe for concurrent use.
type Conditions interface {
	// First returns the first of those indexes whose condition holds for the request, -1
	// when none does. One that fails does not hold, and is noted in s.
	First(r *Request, among []int, s *ConditionSearch) int
}

// ConditionSearch is one request's way through several Conditions.
type ConditionSearch struct {
	Work   int // spent so far, of what the conditions of a request may cost together
	Failed []ConditionFailure
}

// ConditionFailure is a condition that broke.
type ConditionFailure struct {
	Index  int
	Detail string // safe to show
}

// taskList is one tenant's assignments of one task type, in the order in which they count.
type taskList struct {
	rows       []*Assignment
	conditions Conditions // nil: no row has one that could hold
}

func (t *tenantRows) add(a *Assignment) {
	if t.tasks == nil {
		t.tasks = map[string]*taskList{}
	}
	if t.tasks[a.TaskType] == nil {
		t.tasks[a.TaskType] = &taskList{}
	}
	l := t.tasks[a.TaskType]
	l.rows = append(l.rows, a)
}

// compile orders the lists and compiles their conditions.
func (t *tenantRows) compile(compiler ConditionCompiler) (problems []AssignmentProblem) {
	for _, l := range t.tasks {
		slices.SortFunc(l.rows, func(a, b *Assignment) int {
			return cmp.Or(a.own()-b.own(), cmp.Compare(b.Priority, a.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		if !slices.ContainsFunc(l.rows, func(a *Assignment) bool { return a.When != "" }) {
			continue
		}
		sources := make([]string, len(l.rows))
		for i, a := range l.rows {
			sources[i] = a.When
		}
		var errs []error
		if compiler != nil {
			l.conditions, errs = compiler.Conditions(sources)
		}
		for i, a := range l.rows {
			switch {
			case a.When != "" && compiler == nil:
				problems = append(problems, AssignmentProblem{a.AccountID, a.ID, errors.New("nothing compiles conditions")})
			case errs != nil && errs[i] != nil:
				problems = append(problems, AssignmentProblem{a.AccountID, a.ID, errs[i]})
			}
		}
	}
	return problems
}

// first is the first row that holds for the request.
func (l *taskList) first(r *Request, s *ConditionSearch) (*Assignment, []Skip) {
	var room [MaxAssignments]int
	among := room[:0]
	for i, a := range l.rows {
		if !a.expired(r.Received) && (l.conditions != nil || a.When == "") {
			among = append(among, i)
		}
	}
	if len(among) == 0 {
		return nil, nil
	}
	if l.conditions == nil {
		return l.rows[among[0]], nil
	}
	s.Failed = s.Failed[:0]
	i := l.conditions.First(r, among, s)
	var skips []Skip
	for _, f := range s.Failed {
		skips = append(skips, Skip{What: l.rows[f.Index].ID, Reason: SkipAssignmentFailed, Detail: f.Detail})
	}
	if i < 0 {
		return nil, skips
	}
	return l.rows[i], skips
}

// own is 1 for what a user made for itself, which counts after what was made for it by
// others, and 0 for those.
func (a *Assignment) own() int {
	if a.UserID != "" && a.UpdatedBy == a.AccountID+"/"+a.UserID {
		return 1
	}
	return 0
}

func (a *Assignment) expired(at time.Time) bool {
	return !a.ExpiresAt.IsZero() && !at.Before(a.ExpiresAt)
}

// assigned finds the assignment of the request's task type, nil when there is none: the
// most specific level's, unless a higher one locked its own. The skips are conditions that
// failed on the way.
func (p *Policy) assigned(r *Request) (found *Assignment, skips []Skip) {
	task := r.Features.TaskType
	if p == nil || task == "" {
		return nil, nil
	}
	var s ConditionSearch
	for i := p.lockedTask(task, r.Received); i >= 0; i-- {
		l := p.list(i, task)
		if l == nil {
			continue
		}
		a, failed := l.first(r, &s)
		skips = append(skips, failed...)
		if a != nil {
			return a, skips
		}
	}
	return nil, skips
}

func (p *Policy) list(rank int, task string) *taskList {
	if rows := p.chain[rank]; rows != nil {
		return rows.tasks[task]
	}
	return nil
}

// lockedTask is the rank of the lowest level whose assignments of a task type count.
func (p *Policy) lockedTask(task string, at time.Time) int {
	for i := range p.chain {
		l := p.list(i, task)
		if l != nil && slices.ContainsFunc(l.rows, func(a *Assignment) bool { return a.Locked && !a.expired(at) }) {
			return i
		}
	}
	return ranks - 1
}

// Assignments returns those that count at that instant for each task type, in the order
// in which they are considered. The rows are shared: read only.
func (p *Policy) Assignments(at time.Time) map[string][]*Assignment {
	all := map[string][]*Assignment{}
	if p == nil {
		return all
	}
	for i := range p.chain {
		if p.chain[i] == nil {
			continue
		}
		for task := range p.chain[i].tasks {
			if all[task] != nil {
				continue
			}
			for rank := p.lockedTask(task, at); rank >= 0; rank-- {
				if l := p.list(rank, task); l != nil {
					for _, a := range l.rows {
						if !a.expired(at) {
							all[task] = append(all[task], a)
						}
					}
				}
			}
		}
	}
	return all
}

// allows reports whether the model may serve the task.
func (a *Assignment) allows(model string) bool {
	return a == nil || len(a.Allowed) == 0 || slices.Contains(a.Allowed, model)
}
