package rule

import (
	"github.com/pointsman/pointsman/engine"
)

// maxConditions is how many compiled conditions are kept for the next load, of 10 to
// 50 µs each.
const maxConditions = 4_096

// conditions are the conditions of one tenant's assignments of one task type. One pass over
// the text finds the words of all of them, and they share the work that a request may cost.
type conditions struct {
	list    *list
	entries []*entry // by index; nil: an empty text, which always holds, or one that never does
	never   []bool
	work    int
}

// Conditions implements engine.ConditionCompiler: the texts are bounded and compiled as
// those of rules are.
func (r *Router) Conditions(sources []string) (engine.Conditions, []error) {
	c := &conditions{entries: make([]*entry, len(sources)), never: make([]bool, len(sources)), work: r.cfg.Work}
	var errs []error
	var compiled []entry
	var places []int
	for i, source := range sources {
		if source == "" {
			continue
		}
		p, err := r.condition(source)
		if err != nil {
			if errs == nil {
				errs = make([]error, len(sources))
			}
			errs[i], c.never[i] = err, true
			continue
		}
		// Priorities keep the order.
		compiled, places = append(compiled, entry{program: p, priority: len(sources) - i}), append(places, i)
	}
	c.list = newList(compiled)
	for n, i := range places {
		c.entries[i] = &c.list.entries[n]
	}
	return c, errs
}

// CheckCondition reports whether the text could be a condition; "" could.
// Errors: *engine.SourceError.
func (r *Router) CheckCondition(source string) error {
	if source == "" {
		return nil
	}
	_, err := r.condition(source)
	return err
}

func (r *Router) condition(source string) (*program, error) {
	if p, ok := r.compiled.Get(source); ok {
		return p, nil
	}
	p, err := compile(source)
	if err == nil {
		r.compiled.Add(source, p)
	}
	return p, err
}

// First implements engine.Conditions.
func (c *conditions) First(r *engine.Request, among []int, s *engine.ConditionSearch) int {
	scratch := newScratch(r, c.list)
	defer scratch.release()
	scratch.work = s.Work
	defer func() { s.Work = scratch.work }()
	for _, i := range among {
		e := c.entries[i]
		if e == nil {
			if c.never[i] {
				continue
			}
			return i
		}
		holds, err := scratch.evaluate(e, c.work)
		if err != nil {
			s.Failed = append(s.Failed, engine.ConditionFailure{Index: i, Detail: detail(err)})
			continue
		}
		if holds {
			return i
		}
	}
	return -1
}
