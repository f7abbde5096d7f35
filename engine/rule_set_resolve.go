package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// resolve gives the rules of a set what only the server sets, and checks those that change.
func (s *RuleSetService) resolve(ctx context.Context, p Principal, now RuleSet, set *RuleSet, unchecked bool) error {
	old := byID(now.Rules)
	seen := make(map[string]bool, len(set.Rules))
	for i := range set.Rules {
		r := &set.Rules[i]
		if r.OnFailure == "" {
			r.OnFailure = FailureSkip
		}
		if seen[r.ID] {
			return invalidMember(fmt.Sprintf("rules[%d].id", i), "There are two rules '%s'.", clipText(r.ID, 64))
		}
		seen[r.ID] = true
		is, exists := old[r.ID]
		r.AccountID, r.System, r.UpdatedAt = set.AccountID, is.System, set.CreatedAt
		if exists && (set.Restores == 0 || r.System) {
			r.CreatedAt = is.CreatedAt
		}
		if !exists && set.Restores == 0 {
			r.CreatedAt = set.CreatedAt
		}
		if exists && !r.UpdatedAt.After(is.UpdatedAt) {
			r.UpdatedAt = is.UpdatedAt.Add(time.Millisecond)
		}
		if unchecked || exists && len(changedMembers(is, *r)) == 0 {
			continue
		}
		if !exists && pathWords[r.ID] {
			return inMember(fmt.Sprintf("rules[%d]", i), "Rule", r.ID, isPathWord(r.ID))
		}
		if err := s.cfg.Rules.CheckRule(ctx, p, *r); err != nil {
			return inMember(fmt.Sprintf("rules[%d]", i), "Rule", r.ID, err)
		}
	}
	for _, r := range now.Rules {
		if r.System && !seen[r.ID] {
			return Errorf(CodeConflict, "'%s' is a system rule and cannot be left out. Disable it instead.", r.ID)
		}
	}
	slices.SortFunc(set.Rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// pathWords are no ids of new rules: under /api/v1/rules they mean something else.
var pathWords = map[string]bool{"versions": true, "cases": true, "graph": true, "publish": true, "check": true, "backtest": true}

func isPathWord(id string) error {
	return invalidMember("id", "'%s' names something else under /api/v1/rules; choose another id.", id)
}

// inMember says in which rule of a list the error is.
func inMember(member, noun, id string, err error) error {
	var source *SourceError
	if errors.As(err, &source) {
		return &Error{
			Code: CodeInvalid, Param: member + ".when", Err: err,
			Message: fmt.Sprintf("Rule '%s' does not compile: %s.\n%s", clipText(id, 64), source.Error(), source.Snippet),
		}
	}
	var e *Error
	if errors.As(err, &e) {
		copied := *e
		copied.Param = member
		if e.Param != "" {
			copied.Param += "." + e.Param
		}
		copied.Message = fmt.Sprintf("%s '%s': %s", noun, clipText(id, 64), e.Message)
		return &copied
	}
	return err
}
