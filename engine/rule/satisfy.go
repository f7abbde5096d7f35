package rule

import (
	"math"
	"slices"
	"strings"
)

// goal is a formula and what it is to come out as.
type goal struct {
	formula *formula
	want    bool
}

// reply is an atom and its answer.
type reply struct {
	atom *atom
	yes  bool
}

// solver looks for contradictions. steps is what it may still look at; without any, everything
// counts as possible.
type solver struct{ steps int }

// possible reports whether some request might fulfil all goals. False is a proof that none can,
// true proves nothing.
func (s *solver) possible(goals ...goal) bool { return s.solve(goals, nil) }

func (s *solver) solve(goals []goal, given []reply) bool {
	if s.steps--; s.steps < 0 {
		return true
	}
	if len(goals) == 0 {
		return true
	}
	g, rest := goals[len(goals)-1], slices.Clip(goals[:len(goals)-1])
	f := g.formula
	switch f.kind {
	case isTrue, isFalse:
		return (f.kind == isTrue) == g.want && s.solve(rest, given)
	case isNot:
		return s.solve(append(rest, goal{f.parts[0], !g.want}), given)
	case isAtom:
		given = append(slices.Clip(given), reply{f.atom, g.want})
		s.steps -= len(given)
		return consistent(given, f.atom) && s.solve(rest, given)
	}
	if (f.kind == isAnd) == g.want {
		for _, part := range f.parts {
			rest = append(rest, goal{part, g.want})
		}
		return s.solve(rest, given)
	}
	for _, part := range f.parts {
		if s.solve(append(rest, goal{part, g.want}), given) {
			return true
		}
	}
	return false
}

// consistent reports whether the replies that the last atom may contradict leave a way.
func consistent(given []reply, last *atom) bool {
	if last.test.ask == askMentions && !last.opaque {
		return wordsConsistent(given) && numbersConsistent(given, "request.chars")
	}
	key := last.key()
	answer := given[len(given)-1].yes
	for _, l := range given {
		if l.yes != answer && (l.atom.opaque || l.atom.test.ask != askMentions) && l.atom.key() == key && !last.numeric() {
			return false
		}
	}
	switch {
	case last.opaque, last.test.ask == askFlag, last.test.ask == askKey:
		return true
	case last.test.ask <= askAmongNumbers:
		return numbersConsistent(given, last.name)
	case last.test.ask <= askFloatSame:
		return floatsConsistent(given, last.name)
	}
	return textsConsistent(given, last.name)
}

func (a *atom) numeric() bool {
	return !a.opaque && a.test.ask >= askLess && a.test.ask <= askFloatSame
}

// wordsConsistent: some phrase of each call that found one is not among those that were not found.
func wordsConsistent(given []reply) bool {
	missing := map[string]bool{}
	for _, l := range given {
		if !l.yes {
			for _, phrase := range l.atom.phrases {
				missing[phrase] = true
			}
		}
	}
	for _, l := range given {
		if l.yes && len(l.atom.phrases) > 0 && !slices.ContainsFunc(l.atom.phrases, func(p string) bool { return !missing[p] }) {
			return false
		}
	}
	return true
}

// domains are what numbers can be; others can be anything.
var domains = map[string]span{
	"request.chars": {0, math.MaxInt}, "request.tokens": {0, math.MaxInt}, "request.messages": {0, math.MaxInt},
	"session.turn": {0, math.MaxInt}, "time.hour": {0, 23}, "time.weekday": {0, 6},
}

// span is the whole numbers from lo to hi.
type span struct{ lo, hi int }

// numbersConsistent: some number answers all that is asked of the variable.
func numbersConsistent(given []reply, name string) bool {
	domain, ok := domains[name]
	if !ok {
		domain = span{math.MinInt, math.MaxInt}
	}
	left := []span{domain}
	for _, l := range given {
		switch {
		case l.atom.opaque:
		case l.yes && len(l.atom.phrases) > 0 && name == "request.chars":
			left = within(left, []span{{l.atom.runes, math.MaxInt}})
		case l.atom.name == name && l.atom.test.ask >= askLess && l.atom.test.ask <= askAmongNumbers:
			spans := l.atom.spans()
			if !l.yes {
				spans = outside(spans)
			}
			left = within(left, spans)
		}
	}
	return len(left) > 0
}

// spans are the numbers that the atom says yes to, rising.
func (a *atom) spans() []span {
	n := a.test.arg
	switch a.test.ask {
	case askLess:
		if n == math.MinInt {
			return nil
		}
		return []span{{math.MinInt, n - 1}}
	case askMore:
		if n == math.MaxInt {
			return nil
		}
		return []span{{n + 1, math.MaxInt}}
	case askSame:
		return []span{{n, n}}
	}
	var all []span
	for _, n := range slices.Sorted(slices.Values(a.operand.wholes)) {
		all = append(all, span{n, n})
	}
	return all
}

// within is what two rising lists of spans have in common.
func within(a, b []span) (common []span) {
	for _, x := range a {
		for _, y := range b {
			if lo, hi := max(x.lo, y.lo), min(x.hi, y.hi); lo <= hi {
				common = append(common, span{lo, hi})
			}
		}
	}
	return common
}

// outside is all numbers that are not in rising spans.
func outside(spans []span) (rest []span) {
	from := math.MinInt
	for _, s := range spans {
		if s.lo > from {
			rest = append(rest, span{from, s.lo - 1})
		}
		if s.hi == math.MaxInt {
			return rest
		}
		from = max(from, s.hi+1)
	}
	return append(rest, span{from, math.MaxInt})
}

// floatsConsistent: the bounds of the variable leave room.
func floatsConsistent(given []reply, name string) bool {
	lo, hi := math.Inf(-1), math.Inf(1)
	openLo, openHi := false, false
	above := func(v float64, open bool) {
		if v > lo || v == lo && open {
			lo, openLo = v, open
		}
	}
	below := func(v float64, open bool) {
		if v < hi || v == hi && open {
			hi, openHi = v, open
		}
	}
	for _, l := range given {
		if l.atom.opaque || l.atom.name != name || l.atom.test.ask < askFloatLess || l.atom.test.ask > askFloatSame {
			continue
		}
		switch v := l.atom.operand.real; {
		case l.atom.test.ask == askFloatLess && l.yes:
			below(v, true)
		case l.atom.test.ask == askFloatLess:
			above(v, false)
		case l.atom.test.ask == askFloatMore && l.yes:
			above(v, true)
		case l.atom.test.ask == askFloatMore:
			below(v, false)
		case l.yes:
			above(v, false)
			below(v, false)
		}
	}
	return lo < hi || lo == hi && !openLo && !openHi
}

// textsConsistent: where the variable must be one of some texts, one of them answers all that is asked.
func textsConsistent(given []reply, name string) bool {
	var values []string
	finite := false
	about := func(l reply) bool { return !l.atom.opaque && l.atom.name == name && l.atom.test.ask >= askEqual }
	for _, l := range given {
		if about(l) && l.yes && (l.atom.test.ask == askEqual || l.atom.test.ask == askAmong) {
			values, finite = l.atom.operand.words, true
			break
		}
	}
	if !finite {
		return true
	}
	return slices.ContainsFunc(values, func(value string) bool {
		if name == "request.command" && !isCommand(value) {
			return false
		}
		return !slices.ContainsFunc(given, func(l reply) bool { return about(l) && l.atom.accepts(value) != l.yes })
	})
}

// isCommand reports whether request.command can be so.
func isCommand(text string) bool {
	if text == "" {
		return true
	}
	name, ok := strings.CutPrefix(text, "/")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}
