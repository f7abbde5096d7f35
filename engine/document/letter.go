package document

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// Classes of a character, as word matching sees it.
const (
	otherRune uint8 = iota
	wordRune        // letter, mark, decimal digit or '_'
	spaceRune       // Unicode White_Space
)

const (
	pageSize  = 256
	pageCount = (unicode.MaxRune + 1) / pageSize
)

// letters says of every character its class and its simple case folding. Equal pages
// are kept once: about 100 KiB together.
type letters struct {
	ascii      [utf8.RuneSelf]uint8
	classPage  [pageCount]uint16
	classes    [][pageSize]uint8
	foldPage   [pageCount]uint16 // 0: nothing on the page folds
	folds      [][pageSize]rune
	asciiFolds [utf8.RuneSelf]uint8
}

// loadLetters builds the tables from the unicode package on first use, in about 2 ms.
var loadLetters = sync.OnceValue(func() *letters {
	l := &letters{}
	l.loadClasses()
	l.loadFolds()
	for c := range l.ascii {
		l.ascii[c] = l.class(rune(c))
		l.asciiFolds[c] = uint8(l.fold(rune(c)))
	}
	return l
})

func (l *letters) loadClasses() {
	all := make([]uint8, unicode.MaxRune+1)
	mark := func(class uint8, tables ...*unicode.RangeTable) {
		for _, t := range tables {
			for _, r := range t.R16 {
				for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
					all[c] = class
				}
			}
			for _, r := range t.R32 {
				for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
					all[c] = class
				}
			}
		}
	}
	mark(wordRune, unicode.L, unicode.M, unicode.Nd)
	mark(spaceRune, unicode.White_Space)
	all['_'] = wordRune
	seen := map[[pageSize]uint8]uint16{}
	for i := range l.classPage {
		page := [pageSize]uint8(all[i*pageSize:])
		at, ok := seen[page]
		if !ok {
			at = uint16(len(l.classes))
			seen[page] = at
			l.classes = append(l.classes, page)
		}
		l.classPage[i] = at
	}
}

func (l *letters) loadFolds() {
	l.folds = make([][pageSize]rune, 1)
	for i := range l.folds[0] {
		l.folds[0][i] = -1
	}
	for _, r := range unicode.CaseRanges {
		for c := rune(r.Lo); c <= rune(r.Hi); c++ {
			f := foldOf(c)
			if f == c {
				continue
			}
			page := &l.foldPage[c/pageSize]
			if *page == 0 {
				*page = uint16(len(l.folds))
				l.folds = append(l.folds, l.folds[0])
			}
			l.folds[*page][c%pageSize] = f
		}
	}
}

// foldOf returns the one character that stands for all that are equal to c under
// Unicode simple case folding: the smallest, but an ASCII capital's small letter.
func foldOf(c rune) rune {
	least := c
	for r := unicode.SimpleFold(c); r != c; r = unicode.SimpleFold(r) {
		least = min(least, r)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

func (l *letters) class(c rune) uint8 { return l.classes[l.classPage[c/pageSize]][c%pageSize] }

func (l *letters) fold(c rune) rune {
	if f := l.folds[l.foldPage[c/pageSize]][c%pageSize]; f >= 0 {
		return f
	}
	return c
}

// next returns the folded character at text[i], its class and its length. Each byte
// that is not UTF-8 counts as U+FFFD.
func (l *letters) next(text string, i int) (c rune, class uint8, size int) {
	if b := text[i]; b < utf8.RuneSelf {
		return rune(l.asciiFolds[b]), l.ascii[b], 1
	}
	c, size = utf8.DecodeRuneInString(text[i:])
	return l.fold(c), l.class(c), size
}

// skipSpace returns the offset after the white space at text[i].
func (l *letters) skipSpace(text string, i int) int {
	for i < len(text) {
		_, class, size := l.next(text, i)
		if class != spaceRune {
			break
		}
		i += size
	}
	return i
}

// last is next for the character that text ends with.
func (l *letters) last(text string) (c rune, class uint8, size int) {
	if b := text[len(text)-1]; b < utf8.RuneSelf {
		return rune(l.asciiFolds[b]), l.ascii[b], 1
	}
	c, size = utf8.DecodeLastRuneInString(text)
	return l.fold(c), l.class(c), size
}

// trimSpace returns text without the white space at its end.
func (l *letters) trimSpace(text string) string {
	for len(text) > 0 {
		_, class, size := l.last(text)
		if class != spaceRune {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}
