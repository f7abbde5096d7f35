package rule

import "github.com/pointsman/pointsman/engine"

// examination looks for the clause of an expression that made it come out as it did.
type examination struct {
	parts   *clauses
	scratch *scratch
	open    string // the first leaf that could not be answered
}

// newExamination takes memory for looking at the request; the caller releases scratch.
func newExamination(r *engine.Request, parts *clauses) *examination {
	return &examination{parts: parts, scratch: newScratch(r, parts.list)}
}

// examine answers a clause as the whole expression does: from the left, and no further than
// needed. Errors: those of a leaf; errUnkept where an unknown one might have failed.
func (x *examination) examine(c *clause) (truth, error) {
	switch c.kind {
	case leafClause:
		return x.leaf(c)
	case notClause:
		answer, err := x.examine(&c.parts[0])
		switch answer {
		case yes:
			answer = no
		case no:
			answer = yes
		}
		return answer, err
	}
	stop, all := no, yes // of and
	if c.kind == orClause {
		stop, all = yes, no
	}
	for i := range c.parts {
		answer, err := x.examine(&c.parts[i])
		if err != nil || answer == stop {
			return answer, err
		}
		if answer == unknown {
			all = unknown
		}
	}
	return all, nil
}

func (x *examination) leaf(c *clause) (truth, error) {
	s, e := x.scratch, x.parts.leaves[c.leaf]
	s.work = 0 // the expression as a whole was paid for
	if !s.kept.again {
		matched, err := s.evaluate(e, unbounded)
		return truthOf(matched), err
	}
	matched, err := s.again(e, unbounded)
	if err == errUnkept {
		if x.open == "" {
			x.open = c.text
		}
		if e.program.flow != nil {
			return unknown, nil // which cannot fail
		}
	}
	return truthOf(matched), err
}

// unbounded is more than any expression may cost.
const unbounded = 1 << 60

// reason returns the clause that made c come out so: of what did not hold, the innermost part
// of an "and" that did not; of what held, the part of an "or" that did.
func (x *examination) reason(c *clause, answer truth) string {
	for {
		var wanted clauseKind = andClause
		if answer == yes {
			wanted = orClause
		}
		if c.kind != wanted {
			return c.text
		}
		next := c
		for i := range c.parts {
			got, err := x.examine(&c.parts[i])
			if err != nil {
				return c.text
			}
			if got == answer {
				next = &c.parts[i]
				break
			}
		}
		if next == c {
			return c.text
		}
		c = next
	}
}

// clauseOf explains how the expression came out; the whole of it where nothing better is known.
func (p *program) clauseOf(r *engine.Request, outcome engine.RuleOutcome) string {
	parts := p.parts()
	if parts == nil {
		return p.source
	}
	x := newExamination(r, parts)
	defer x.scratch.release()
	switch outcome {
	case engine.RuleMatched:
		return x.reason(&parts.root, yes)
	case engine.RuleNoMatch:
		return x.reason(&parts.root, no)
	case engine.RuleUndecided:
		_, _ = x.examine(&parts.root)
		return x.open
	}
	return ""
}
