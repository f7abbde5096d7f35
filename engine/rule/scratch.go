package rule

import (
	"errors"
	"strings"
	"sync"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"github.com/pointsman/pointsman/engine"
)

// vmMemory is how many elements expr's machine may make in one run: written lists
// only, since nothing else that makes any is allowed.
const vmMemory = 10_000

// scratch is the memory of one Decide, reused.
type scratch struct {
	request *engine.Request
	list    *list
	env     Env
	filled  need
	work    int
	longest int // of the variables but text; -1: not computed

	hits    []uint64
	scanned bool

	dry  bool     // counts towards nothing
	kept kept     // of a request that is made again
	sure []uint64 // of a phrase that is not in hits: it was looked for then

	guest engine.RuleGuest // that was asked last
	spent int64            // nanoseconds that it took, when dry or recorded
	note  string           // why a plugin's answer of then counts

	machine vm.VM
	called  []bool     // memory of env.Hits
	models  []ModelEnv // memory of env.Models

	call   engine.RuleCall
	answer engine.RuleAnswer
}

var scratches = sync.Pool{New: func() any {
	return &scratch{machine: vm.VM{MemoryBudget: vmMemory}}
}}

func newScratch(r *engine.Request, l *list) *scratch {
	s := scratches.Get().(*scratch)
	s.request, s.list = r, l
	s.filled, s.work, s.longest, s.scanned, s.dry = 0, 0, -1, false, false
	s.env.fill(r)
	if r.Recorded != nil {
		s.dry = true
		s.kept.fill(r)
	}
	return s
}

// release gives the scratch back without anything of the request in it.
func (s *scratch) release() {
	s.request, s.list, s.guest = nil, nil, nil
	s.kept = kept{}
	s.env = Env{}
	clear(s.models[:cap(s.models)])
	s.machine.Stack = emptied(s.machine.Stack)
	s.machine.Variables = emptied(s.machine.Variables)
	s.call = engine.RuleCall{}
	a := &s.answer
	*a = engine.RuleAnswer{Targets: emptied(a.Targets), Tags: emptied(a.Tags), Params: emptied(a.Params), Logs: emptied(a.Logs)}
	scratches.Put(s)
}

func emptied[T any](s []T) []T {
	clear(s[:cap(s)])
	return s[:0]
}

// fill sets the variables that the program needs beside those of every request.
func (s *scratch) fill(wanted need) {
	missing := wanted & needFilled &^ s.filled
	if missing == 0 {
		return
	}
	s.filled |= missing
	s.longest = -1
	if missing&needModels != 0 {
		s.env.fillModels(s.request, s.models[:0])
		s.models = s.env.Models
	}
	if missing&needMetadata != 0 {
		s.env.fillMetadata(s.request.Features.Metadata)
	}
}

// mentioned reports whether one of the masked phrases is in the text. The first
// question of a request is answered by one pass over all of its text.
func (s *scratch) mentioned(masks []mask) bool {
	if !s.scanned {
		s.scan()
	}
	for _, m := range masks {
		if s.hits[m.word]&m.bits != 0 {
			return true
		}
	}
	return false
}

// scan finds all phrases of the list in the text.
func (s *scratch) scan() {
	n := (len(s.list.phrases) + 63) / 64
	if cap(s.hits) < n {
		s.hits = make([]uint64, n)
	}
	s.hits = s.hits[:n]
	s.scanned = true
	if s.kept.again && !s.kept.whole {
		s.remember()
		return
	}
	s.list.words.Scan(s.request.Features.Text, s.hits)
}

// nameLength is the length of the longest variable but text.
func (s *scratch) nameLength() int {
	if s.longest >= 0 {
		return s.longest
	}
	e := &s.env
	n := 0
	for i := range texts {
		if texts[i].name != "request.text" {
			n = max(n, len(texts[i].get(e)))
		}
	}
	for key, value := range e.Request.Metadata {
		n = max(n, len(key), len(value))
	}
	for i := range e.Models {
		m := &e.Models[i]
		n = max(n, len(m.ID), len(m.Family), len(m.Tier), len(m.Provider))
	}
	s.longest = n
	return n
}

// evaluate runs the entry's expression. An error is one of the sentinels of
// arithmetic.go and this file: it holds nothing of the request.
func (s *scratch) evaluate(e *entry, budget int) (matched bool, err error) {
	p := e.program
	s.fill(p.needs)
	name := 0
	if p.cost.perName > 0 {
		name = s.nameLength()
	}
	work := s.work + p.cost.of(len(s.env.Request.Text), name)
	if work > budget {
		return false, errWork // what later rules need may still be there
	}
	s.work = work
	if p.flow != nil {
		return s.list.flows.run(s, e.base, p.flow.start), nil
	}
	return s.run(e)
}

// Failures of an expression, safe to show.
var (
	errWork    = errors.New("the rules of this request take too much work")
	errIndex   = errors.New("no such element")
	errMemory  = errors.New("list too large")
	errFailed  = errors.New("the expression failed")
	errNotBool = errors.New("the result is not true or false")
)

// run is evaluate on expr's virtual machine.
func (s *scratch) run(e *entry) (matched bool, err error) {
	defer func() {
		// The machine recovers from what an expression can cause; this is for its own faults.
		if recover() != nil {
			s.machine = vm.VM{MemoryBudget: vmMemory}
			matched, err = false, errFailed
		}
	}()
	s.called = s.called[:0]
	for _, masks := range e.masks {
		s.called = append(s.called, s.mentioned(masks))
	}
	s.env.Hits = s.called
	result, err := s.machine.Run(e.program.machine, &s.env)
	if err != nil {
		return false, runError(err)
	}
	matched, ok := result.(bool)
	if !ok {
		return false, errNotBool
	}
	return matched, nil
}

// runError sorts the machine's error into ours: its text may quote the request.
func runError(err error) error {
	for _, known := range []error{errDivision, errOverflow} {
		if errors.Is(err, known) {
			return known
		}
	}
	var e *file.Error
	if !errors.As(err, &e) {
		return errFailed
	}
	switch {
	case strings.Contains(e.Message, "out of range"):
		return errIndex
	case strings.Contains(e.Message, "memory budget"):
		return errMemory
	case strings.Contains(e.Message, "divide by zero"):
		return errDivision
	}
	return errFailed
}
