package rule

import (
	"errors"

	"github.com/pointsman/pointsman/engine"
)

// errUnkept is the outcome of a rule that asks for what was not kept. It wraps engine.ErrUndecided.
var errUnkept = errors.New("undecided")

// undecided is the answer for a request that is made again from a record that lacks what the
// rule asks for.
func undecided(e *entry) *engine.Error {
	return &engine.Error{
		Code: engine.CodeInvalid, Err: engine.ErrUndecided,
		Message: "The routing rule '" + e.id + "' asks for something of this request that was not kept.",
	}
}

// again is evaluate for a request that is made again. Errors: errUnkept, and those of evaluate.
func (s *scratch) again(e *entry, budget int) (matched bool, err error) {
	p := e.program
	s.fill(p.needs)
	length, name := len(s.env.Request.Text), 0
	if s.kept.lost&needText != 0 {
		length = min(s.request.Features.Chars*4, engine.MaxRuleText) // at most, in UTF-8
	}
	if p.cost.perName > 0 {
		name = s.nameLength()
		if s.kept.lost&s.filled != 0 {
			name = max(name, maxName) // of what was not kept
		}
	}
	work := s.work + p.cost.of(length, name)
	if work > budget {
		if s.kept.lost != 0 {
			return false, errUnkept // perhaps it took less then
		}
		return false, errWork
	}
	s.work = work
	var answer truth
	switch {
	case p.flow != nil:
		forks := maxForks
		answer = s.list.flows.recall(s, e.base, p.flow.start, &forks)
	case p.needs&s.kept.lost == 0 && s.recallsAll(e.masks):
		return s.run(e)
	default:
		answer = s.recallParts(p)
	}
	if answer == unknown {
		return false, errUnkept
	}
	return answer == yes, nil
}

// recallsAll reports whether the answer to each mentions call is known.
func (s *scratch) recallsAll(calls [][]mask) bool {
	for _, masks := range calls {
		if s.recalls(masks) == unknown {
			return false
		}
	}
	return true
}

// recallParts answers an expression by its clauses, as some of them may do without what was not kept.
func (s *scratch) recallParts(p *program) truth {
	parts := p.parts()
	if parts == nil || parts.root.kind == leafClause {
		return unknown
	}
	x := newExamination(s.request, parts)
	defer x.scratch.release()
	answer, err := x.examine(&parts.root)
	if err != nil {
		return unknown // expr's optimizer may have found that the part that failed does not matter
	}
	return answer
}
