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

// mentions is Mentions that spends one of budget for each character it looks at.
// When the budget goes below 0 it gives up and reports false.
func mentions(text, phrase string, budget *int) bool {
	l := loadLetters()
	phrase = strings.TrimSpace(phrase)
	if phrase == "" {
		return false
	}
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
