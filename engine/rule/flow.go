package rule

import (
	"regexp"
	"slices"
	"strings"
)

// flow is an expression as a graph of tests: each asks one question of the request
// and names the test that follows a yes and a no. It covers what nearly all rules are
// made of (and, or, not, ?: over mentions, flags, comparisons of a variable with
// literals) and answers those in nanoseconds and without allocating, where expr's
// virtual machine boxes every value. Whatever it does not cover is the machine's;
// where both can run, a test holds them to the same answers.
//
// No test of a flow can fail. See RATIONALE.md, "Why two ways to run a rule?".
type flow struct {
	tests    []test
	operands []operand
	start    int16
}

// Ends of a flow, instead of the index of a test.
const (
	endYes int16 = -1
	endNo  int16 = -2
)

// test is one question. It is kept small: a table of 1,000 rules is read whole when
// none matches.
type test struct {
	ask     ask
	field   uint8 // index in flags, numbers, floats or texts; noField: metadata
	yes, no int16
	arg     int // the number compared with, or an index: mentions call, operand
}

const noField = 255

// operand is what a test compares with when that is more than a whole number.
type operand struct {
	key    string // of metadata, when field is noField
	words  []string
	wholes []int
	real   float64
	re     *regexp.Regexp
}

type ask uint8

const (
	askMentions ask = iota
	askFlag
	askLess // number < arg
	askMore
	askSame
	askAmongNumbers
	askFloatLess // float < real
	askFloatMore
	askFloatSame
	askKey   // key in request.metadata
	askEqual // from here on about texts: text == words[0]
	askAmong // text in words
	askContains
	askPrefix
	askSuffix
	askPattern
)

// linked is the flows of all rules of a list, one behind the other: memory that a
// decision reads from the front to the end.
type linked struct {
	tests    []test // yes and no count from the rule's first test
	operands []operand
	masks    []mask
}

// add appends a flow and returns where it begins. masks are those of its mentions calls.
func (l *linked) add(f *flow, masks [][]mask) int {
	base := len(l.tests)
	operands := len(l.operands)
	l.operands = append(l.operands, f.operands...)
	for _, t := range f.tests {
		switch {
		case t.ask == askMentions:
			group := masks[t.arg]
			t.arg, t.field = len(l.masks), uint8(len(group)) // at most maxPhrases
			l.masks = append(l.masks, group...)
		case t.ask > askSame:
			t.arg += operands
		}
		l.tests = append(l.tests, t)
	}
	return base
}

// run answers the flow whose tests begin at base and that starts at start.
func (l *linked) run(s *scratch, base int, start int16) bool {
	env := &s.env
	for i := start; ; {
		if i < 0 {
			return i == endYes
		}
		t := &l.tests[base+int(i)]
		var answer bool
		switch t.ask {
		case askMentions:
			answer = s.mentioned(l.masks[t.arg : t.arg+int(t.field)])
		case askFlag:
			answer = flags[t.field].get(env)
		case askLess:
			answer = numbers[t.field].get(env) < t.arg
		case askMore:
			answer = numbers[t.field].get(env) > t.arg
		case askSame:
			answer = numbers[t.field].get(env) == t.arg
		default:
			answer = l.operands[t.arg].asks(t, env)
		}
		if answer {
			i = t.yes
		} else {
			i = t.no
		}
	}
}

func (o *operand) asks(t *test, env *Env) bool {
	switch t.ask {
	case askAmongNumbers:
		return slices.Contains(o.wholes, numbers[t.field].get(env))
	case askFloatLess:
		return floats[t.field].get(env) < o.real
	case askFloatMore:
		return floats[t.field].get(env) > o.real
	case askFloatSame:
		return floats[t.field].get(env) == o.real
	case askKey:
		_, ok := env.Request.Metadata[o.key]
		return ok
	}
	var text string
	if t.field == noField {
		text = env.Request.Metadata[o.key]
	} else {
		text = texts[t.field].get(env)
	}
	switch t.ask {
	case askEqual:
		return text == o.words[0]
	case askAmong:
		return slices.Contains(o.words, text)
	case askContains:
		return strings.Contains(text, o.words[0])
	case askPrefix:
		return strings.HasPrefix(text, o.words[0])
	case askSuffix:
		return strings.HasSuffix(text, o.words[0])
	}
	return o.re.MatchString(text)
}
