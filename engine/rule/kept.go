package rule

import (
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

// kept is what is still known of a request that is made again from its record. The zero
// value is of a request that is here, of which everything is known.
type kept struct {
	again bool
	lost  need // of what is only kept sometimes
	whole bool // mentions are answered by looking at the text
	known func(phrase string) bool
	skips []engine.Skip
	// plugins are the calls of then.
	plugins []engine.PluginCall
}

// least is what a clipped text has at least: it is cut before a code point.
const least = engine.MaxRuleText - utf8.UTFMax + 1

func (k *kept) fill(r *engine.Request) {
	c, text := r.Recorded, r.Features.Text
	*k = kept{again: true, known: c.Known, skips: c.Skipped, plugins: c.Plugins}
	k.whole = r.Features.Chars == 0 || c.Whole && (len(text) < least || utf8.RuneCountInString(text) >= r.Features.Chars)
	if r.Features.Chars > 0 && !c.Whole {
		k.lost |= needText
	}
	if !c.Metadata {
		k.lost |= needMetadata
	}
	if !c.Models {
		k.lost |= needModels
	}
}

// skip is what became of the rule then, when it failed or was suspended; nil: neither, or it
// is to be tried again.
func (k *kept) skip(id string) *engine.Skip {
	for i := range k.skips {
		if s := &k.skips[i]; s.What == id && (s.Reason == engine.SkipRuleFailed || s.Reason == engine.SkipRuleSuspended) {
			return s
		}
	}
	return nil
}

// unkept is what a plugin may not look at.
func (s *scratch) unkept() engine.Unkept {
	if !s.kept.again {
		return engine.Unkept{}
	}
	return engine.Unkept{
		Request: !s.request.Recorded.Body, Text: !s.kept.whole,
		Metadata: s.kept.lost&needMetadata != 0, Models: s.kept.lost&needModels != 0,
	}
}

// truth is an answer that may be unknown, since what was asked about was not kept.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// remember is scan for a text that was not kept: of each phrase it is known whether it
// was found then.
func (s *scratch) remember() {
	clear(s.hits)
	for i, hash := range s.list.hashes {
		if _, found := slices.BinarySearch(s.request.Recorded.Found, hash); found {
			s.hits[i/64] |= 1 << (i % 64)
		}
	}
	if cap(s.sure) < len(s.hits) {
		s.sure = make([]uint64, len(s.hits))
	}
	s.sure = s.sure[:len(s.hits)]
	clear(s.sure)
}

// recalls is mentioned for a request that is made again.
func (s *scratch) recalls(masks []mask) truth {
	if s.mentioned(masks) {
		return yes
	}
	if s.kept.whole {
		return no
	}
	for _, m := range masks {
		for open := m.bits &^ s.sure[m.word]; open != 0; open &= open - 1 {
			i := m.word*64 + bits.TrailingZeros64(open)
			if s.kept.known == nil || !s.kept.known(s.list.phrases[i]) {
				return unknown
			}
			s.sure[m.word] |= open & -open
		}
	}
	return no
}

// maxForks bounds how many unknown answers of a flow are followed both ways.
const maxForks = 64

// textField is request.text among the texts.
var textField = uint8(indexOf(texts, "request.text"))

// recall is run for a request that is made again: a test that cannot be answered does not
// matter where both answers lead to the same end.
func (l *linked) recall(s *scratch, base int, start int16, forks *int) truth {
	for i := start; ; {
		if i < 0 {
			return truthOf(i == endYes)
		}
		t := &l.tests[base+int(i)]
		switch l.answer(s, t) {
		case yes:
			i = t.yes
		case no:
			i = t.no
		default:
			if *forks--; *forks < 0 {
				return unknown
			}
			either := l.recall(s, base, t.yes, forks)
			if either == unknown || l.recall(s, base, t.no, forks) != either {
				return unknown
			}
			return either
		}
	}
}

func (l *linked) answer(s *scratch, t *test) truth {
	switch t.ask {
	case askMentions:
		return s.recalls(l.masks[t.arg : t.arg+int(t.field)])
	case askFlag:
		return truthOf(flags[t.field].get(&s.env))
	case askLess:
		return truthOf(numbers[t.field].get(&s.env) < t.arg)
	case askMore:
		return truthOf(numbers[t.field].get(&s.env) > t.arg)
	case askSame:
		return truthOf(numbers[t.field].get(&s.env) == t.arg)
	case askKey:
		if s.kept.lost&needMetadata != 0 {
			return unknown
		}
	case askAmongNumbers, askFloatLess, askFloatMore, askFloatSame:
	default:
		if t.field == noField && s.kept.lost&needMetadata != 0 || t.field == textField && s.kept.lost&needText != 0 {
			return unknown
		}
	}
	return truthOf(l.operands[t.arg].asks(t, &s.env))
}
