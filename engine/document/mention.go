package document

import (
	"math"
	"strings"
	"unicode/utf8"
)

// Mentions reports whether phrase occurs in text as a whole: a letter, mark, digit
// or '_' touches it on neither side. Case is ignored (Unicode simple case folding); a
// blank in phrase matches any run of white space, blanks around phrase are
// ignored, nothing is stemmed. An empty phrase occurs nowhere.
// For many phrases use Words, which gives the same answers in one pass.
func Mentions(text, phrase string) bool {
	budget := math.MaxInt
	return mentions(text, phrase, &budget)
}

// mentions is Mentions that spends of budget one for each character that it compares, and
// one for every passedBytes that it only passes by. When the budget goes below 0 it gives
// up and reports false. What it spends depends on text and phrase alone.
func mentions(text, phrase string, budget *int) bool {
	phrase = strings.TrimSpace(phrase)
	if phrase == "" {
		return false
	}
	l := loadLetters()
	n, ok := l.needleOf(phrase)
	if !ok {
		return l.mentionsByWord(text, phrase, budget)
	}
	b := bytesOf(text)
	p := n.next(b, 0)
	for ; p < len(b) && *budget >= 0; p = n.next(b, p+1) {
		*budget--
		at := p - n.offset
		if at >= 0 && l.matchesAt(text[at:], phrase[n.run:], budget) && l.matchesBefore(text[:at], phrase[:n.run], budget) {
			*budget -= p / passedBytes
			return *budget >= 0
		}
	}
	*budget -= p / passedBytes
	return false
}

// passedBytes is how many bytes the search for a needle passes for one of budget. No text
// has more than so many bytes to a character, so that no search costs more than one that
// looks at each character.
const passedBytes = utf8.UTFMax

// mentionsByWord is mentions for a phrase that has no needle: it looks at every word of the text.
func (l *letters) mentionsByWord(text, phrase string, budget *int) bool {
	first, _, _ := l.next(phrase, 0)
	afterWord := false
	for i := 0; i < len(text) && *budget >= 0; {
		*budget--
		c, class, size := l.next(text, i)
		if !afterWord && c == first && l.matchesAt(text[i:], phrase, budget) {
			return true
		}
		afterWord = class == wordRune
		i += size
		if afterWord {
			// Nothing begins inside a word: on to its end.
			start := i
			for i < len(text) && text[i] < utf8.RuneSelf && l.ascii[text[i]] == wordRune {
				i++
			}
			*budget -= i - start
		}
	}
	return false
}

// matchesAt reports whether text begins with the trimmed phrase and goes on with no word character.
func (l *letters) matchesAt(text, phrase string, budget *int) bool {
	i := 0
	for j := 0; j < len(phrase); {
		if i == len(text) || *budget < 0 {
			return false
		}
		want, class, size := l.next(phrase, j)
		if class == spaceRune {
			start := i
			if i = l.skipSpace(text, i); i == start {
				return false
			}
			*budget -= i - start
			j = l.skipSpace(phrase, j)
			continue
		}
		*budget--
		c, _, width := l.next(text, i)
		if c != want {
			return false
		}
		i, j = i+width, j+size
	}
	if i == len(text) {
		return true
	}
	_, class, _ := l.next(text, i)
	return class != wordRune
}

// matchesBefore reports whether text ends with phrase, before which there is no word
// character. phrase may be empty, and may end with white space.
func (l *letters) matchesBefore(text, phrase string, budget *int) bool {
	for len(phrase) > 0 {
		if len(text) == 0 || *budget < 0 {
			return false
		}
		want, class, size := l.last(phrase)
		if class == spaceRune {
			rest := l.trimSpace(text)
			if len(rest) == len(text) {
				return false
			}
			*budget -= len(text) - len(rest)
			text, phrase = rest, l.trimSpace(phrase)
			continue
		}
		*budget--
		c, _, width := l.last(text)
		if c != want {
			return false
		}
		text, phrase = text[:len(text)-width], phrase[:len(phrase)-size]
	}
	if len(text) == 0 {
		return true
	}
	_, class, _ := l.last(text)
	return class != wordRune
}
