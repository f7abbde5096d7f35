package document

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMentions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, phrase string
		want               bool
	}{
		{"the word alone", "refactor", "refactor", true},
		{"in the middle", "please refactor this", "refactor", true},
		{"at the end", "please refactor", "refactor", true},
		{"before punctuation", "(refactor!)", "refactor", true},
		{"any case", "ReFaCTor", "rEfactOR", true},
		{"no stemming", "refactoring", "refactor", false},
		{"inside a word", "unrefactored", "refactor", false},
		{"underscore touches", "refactor_all", "refactor", false},
		{"digit touches", "refactor2", "refactor", false},
		{"digit before touches", "2fast", "fast", false},
		{"other digits touch", "fast٣", "fast", false},
		{"mark touches", "cafe\u0301", "cafe", false},
		{"hyphen does not touch", "re-refactor-ed", "refactor", true},
		{"apostrophe does not touch", "Anna's", "anna", true},
		{"not the first occurrence", "faster fast", "fast", true},
		{"overlapping beginnings", "a a a b", "a a b", true},
		{"phrase", "a unit test here", "unit test", true},
		{"phrase over white space of every sort", "unit \t\r\n\u00a0\u3000test", "unit test", true},
		{"phrase with wide blank", "unit test", " unit \n test ", true},
		{"phrase without the blank", "unittest", "unit test", false},
		{"phrase with punctuation between", "unit, test", "unit test", false},
		{"phrase cut", "unit", "unit test", false},
		{"phrase cut after the blank", "unit ", "unit test", false},
		{"phrase not ended", "unit tests", "unit test", false},
		{"command", "try /fast now", "/fast", true},
		{"command at the beginning", "/fast", "/fast", true},
		{"command glued to a word", "x/fast", "/fast", false},
		{"command after punctuation", "a//fast", "/fast", true},
		{"symbols behind", "in C++ and C", "c++", true},
		{"symbols behind a glued word", "c++x", "c++", false},
		{"symbols and more symbols", "c+++", "c++", true},
		{"only symbols", "a ?! b", "?!", true},
		{"only symbols, touched", "a?!", "?!", false},
		{"dotted", "use .net please", ".NET", true},
		{"empty phrase", "text", "", false},
		{"blank phrase", "a b", " ", false},
		{"empty text", "", "a", false},
		{"Kelvin sign in the text", "300 \u212Ag", "kg", true},
		{"Kelvin sign in the phrase", "5 kg", "\u212AG", true},
		{"long s", "Con\u017Fen\u017Fus", "consensus", true},
		{"Greek final sigma", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", true},
		{"Cyrillic", "СРОЧНО: помоги", "срочно", true},
		{"sharp s is not ss", "STRASSE", "straße", false},
		{"capital sharp s", "STRAẞE", "straße", true},
		{"dotless i is not i", "ılk", "ilk", false},
		{"accents count", "resume", "résumé", false},
		{"accented capitals", "RÉSUMÉ", "résumé", true},
		{"CJK whole run", "请 比较", "比较", true},
		{"CJK inside a run", "请比较一下", "比较", false},
		{"emoji", "ship it 🚀 now", "🚀", true},
		{"emoji beside a word", "ship🚀", "ship", true},
		{"invalid UTF-8 around", "\xfffast\xff", "fast", true},
		{"NUL around", "\x00fast\x00", "fast", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Mentions(tt.text, tt.phrase); got != tt.want {
				t.Errorf("Mentions(%q, %q) = %v, want %v", tt.text, tt.phrase, got, tt.want)
			}
			hits := []uint64{math.MaxUint64}
			NewWords([]string{tt.phrase}).Scan(tt.text, hits)
			if got := hits[0] == 1; got != tt.want || hits[0] > 1 {
				t.Errorf("Words{%q}.Scan(%q) = %b, want %v", tt.phrase, tt.text, hits[0], tt.want)
			}
			// Far into a longer text, so that both halves of a block are met.
			for pad := range 130 {
				text := strings.Repeat(". ", pad) + tt.text
				if got := Mentions(text, tt.phrase); got != tt.want {
					t.Fatalf("Mentions(%d blanks + %q, %q) = %v, want %v", pad, tt.text, tt.phrase, got, tt.want)
				}
				NewWords([]string{"zz", tt.phrase}).Scan(text, hits)
				if got := hits[0]&2 != 0; got != tt.want {
					t.Fatalf("Words{%q}.Scan(%d blanks + %q) = %v, want %v", tt.phrase, pad, tt.text, got, tt.want)
				}
			}
		})
	}
}

// TestMentionsByRegexp compares with Go's own case folding and classes.
func TestMentionsByRegexp(t *testing.T) {
	t.Parallel()
	texts := []string{prose(3000), strings.ToUpper(prose(3000)), "Größe, Straße; ÉTÉ été\u3000naïve CO₂ x_y x-y ١٢٣"}
	phrases := []string{"the", "THE GATEWAY", "most of", "%", "1 %", "(", "us,", "été", "naïve co₂", "y", "١٢٣", "run(ctx", "ctx, cfg", "größe", "go", "gat"}
	for _, text := range texts {
		for _, phrase := range phrases {
			pattern := regexp.MustCompile(`\s+`).ReplaceAllString(regexp.QuoteMeta(phrase), `[\s\p{Zs}\x{85}\x{2028}\x{2029}]+`)
			want := false
			for _, m := range regexp.MustCompile(`(?i)`+pattern).FindAllStringIndex(text, -1) {
				before, _ := utf8.DecodeLastRuneInString(text[:m[0]])
				next, _ := utf8.DecodeRuneInString(text[m[1]:])
				want = want || !(m[0] > 0 && wordByUnicode(before)) && !(m[1] < len(text) && wordByUnicode(next))
			}
			if got := Mentions(text, phrase); got != want {
				t.Errorf("Mentions(%.20q…, %q) = %v, want %v", text, phrase, got, want)
			}
		}
	}
}

func wordByUnicode(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '_'
}

func TestLetters(t *testing.T) {
	t.Parallel()
	l := loadLetters()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := otherRune
		if wordByUnicode(r) {
			want = wordRune
		} else if unicode.IsSpace(r) {
			want = spaceRune
		}
		if got := l.class(r); got != want {
			t.Fatalf("class(%U) = %d, want %d", r, got, want)
		}
		if got, want := l.fold(r), foldOf(r); got != want {
			t.Fatalf("fold(%U) = %U, want %U", r, got, want)
		}
		// The automaton takes a phrase's class for the text's.
		if f := l.fold(r); l.class(f) != l.class(r) {
			t.Fatalf("class(fold(%U)) = %d, want %d", r, l.class(f), l.class(r))
		}
	}
}

func TestMentionsBudget(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a ", 10_000)
	phrase := strings.Repeat("a ", 5_000) + "b"
	budget := 100_000
	if mentions(text, phrase, &budget) || budget >= 0 {
		t.Errorf("mentions = found or %d left, want the budget spent", budget)
	}
	if budget < -10_000 {
		t.Errorf("budget = %d, want not far below 0", budget)
	}
}

// TestMentionsSpends: what a search spends is the same on every machine. A guest that ran
// out of work would decide otherwise elsewhere, and when its decision is made again.
func TestMentionsSpends(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, phrase string
		want               int
	}{
		{"nothing like it: a quarter of a byte", strings.Repeat("word ", 800), "jazz", 1000},
		{"the same, over what is not ASCII", strings.Repeat("比较两个版本", 100), "срочно", 450},
		{"found: as far as it is", strings.Repeat("word ", 800) + "jazz" + strings.Repeat(" jazz", 800), "jazz", 1000 + 1 + 4},
		{"candidates: a character and what follows", strings.Repeat("jazzy ", 100), "jazz", 100*(1+4) + 150},
		{"candidates of the second byte's case", strings.Repeat("jAzZ_ ", 100), "jazz", 100*(1+4) + 150},
		{"before the needle too", strings.Repeat("very very jazz ", 10), "so very jazz", 10*(1+4+1+4+1+1) + 37},
		{"no needle: each byte", strings.Repeat("word ", 800), "sk", 4000},
		{"empty phrase", "word", " ", 0},
	}
	for _, tt := range tests {
		budget := 1_000_000
		mentions(tt.text, tt.phrase, &budget)
		if got := 1_000_000 - budget; got != tt.want {
			t.Errorf("%s: mentions spends %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestNeedleOpensEveryCase: a needle would be missed if a bit were compared that differs in
// another case of the character.
func TestNeedleOpensEveryCase(t *testing.T) {
	t.Parallel()
	l := loadLetters()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r < 0xE000 {
			continue
		}
		text := string(r)
		open, size := l.openBits(text, 0)
		if size == 0 {
			continue
		}
		if size != len(text) {
			t.Fatalf("openBits(%U) = %d bytes, want %d", r, size, len(text))
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			same := string(other)
			for i := range size {
				if len(same) != size || text[i]|open[i] != same[i]|open[i] {
					t.Fatalf("openBits(%U) = %x, want every case of it, %U too", r, open, other)
				}
			}
		}
	}
}

func TestWordsManyPhrases(t *testing.T) {
	t.Parallel()
	var phrases []string
	for i := range 3000 {
		phrases = append(phrases, fmt.Sprintf("w%d", i), fmt.Sprintf("w%d x", i), "")
	}
	phrases = append(phrases, "w7", "W7", " w7 ")
	w := NewWords(phrases)
	hits := make([]uint64, (len(phrases)+63)/64)
	text := "w0 w7 x, w2999 W1234  x w3000 w12345"
	for range 2 { // hits are cleared
		w.Scan(text, hits)
		for i, p := range phrases {
			if got, want := hits[i/64]>>(i%64)&1 != 0, Mentions(text, p); got != want {
				t.Errorf("Scan: phrase %d %q = %v, want %v", i, p, got, want)
			}
		}
	}
	w.Scan(text, hits[:1]) // too short: the rest is left out
	if hits[0]&1 == 0 {
		t.Errorf("Scan with short hits: phrase 0 = false, want true")
	}
	w.Scan(text, nil)
	var none *Words
	hits[0] = 1
	none.Scan(text, hits)
	if hits[0] != 0 {
		t.Errorf("Scan of a nil Words leaves %b", hits[0])
	}
	new(Words).Scan(text, hits)
	NewWords(nil).Scan(text, hits)
}

// TestWordsIsLinear makes the text and the phrases of the worst case; a scan that began
// anew at each word would look at 10^10 characters.
func TestWordsIsLinear(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a ", 1<<20)
	var phrases []string
	for n := 10; n < 8000; n *= 2 {
		phrases = append(phrases, strings.Repeat("a ", n)+"b", strings.Repeat("a ", n))
	}
	w := NewWords(phrases)
	hits := make([]uint64, 1)
	w.Scan(text, hits)
	for i := range phrases {
		if got, want := hits[0]>>i&1 != 0, i%2 == 1; got != want {
			t.Errorf("Scan: phrase %d = %v, want %v", i, got, want)
		}
	}
}

// mentionedByWord is Mentions without a needle.
func mentionedByWord(text, phrase string) bool {
	budget := math.MaxInt
	phrase = strings.TrimSpace(phrase)
	return phrase != "" && loadLetters().mentionsByWord(text, phrase, &budget)
}

// FuzzWords: the automaton, the search for a needle and the look at each word find the
// same. Phrases are lines.
func FuzzWords(f *testing.F) {
	f.Add("please refactor the unit  test in C++", "refactor\nunit test\nc++\n/fast\nthe\ntest in")
	f.Add("a a a b a", "a a b\na b\na a\nb a\na\nb\na a a b a")
	f.Add("STRAẞE \u212A ſ Σς", "straße\nk\nS\nσσ\nΣ\u03c2")
	f.Add("x\xff y\x80z ?! .net", "x\n\xff\ny\n?!\n.net\nz ?!")
	f.Add("ab abc abcd\u3000abc d", "abc d\nabc\nab\nbc\nd")
	f.Add("日本 語 日本語 été Été", "日本\n日本語\nété\n語 日本語")
	f.Add("__ _a a_ 1a a1 é1 1é", "a\n_a\n1\né\n1é")
	f.Add(strings.Repeat("the query ", 9)+"ſtac\u212A  trace QUERY\u2003stack\u00a0trace", "stack trace\nquery stack\nk\ns\nquery  \u212A\nthe qu\xe2")
	f.Add(strings.Repeat("word, ", 30)+"/fast c", "word\nword,\nword, word\n, word\n/fast c\nc")
	f.Fuzz(func(t *testing.T, text, lines string) {
		phrases := strings.Split(lines, "\n")
		if len(phrases) > 100 {
			phrases = phrases[:100]
		}
		w := NewWords(phrases)
		hits := []uint64{math.MaxUint64, math.MaxUint64}
		w.Scan(text, hits)
		for i, p := range phrases {
			want := mentionedByWord(text, p)
			if got := hits[i/64]>>(i%64)&1 != 0; got != want {
				t.Fatalf("Words(%q).Scan(%q): %q = %v, want %v", phrases, text, p, got, want)
			}
			if got := Mentions(text, p); got != want {
				t.Fatalf("Mentions(%q, %q) = %v, want %v", text, p, got, want)
			}
		}
	})
}

// TestWordsOnSmallAlphabet tries every phrase of up to three symbols against random texts over the same few.
func TestWordsOnSmallAlphabet(t *testing.T) {
	t.Parallel()
	symbols := []string{"a", "B", " ", "+", "é", "\u212A"}
	phrases := []string{""}
	for range 3 {
		for _, p := range slices.Clone(phrases) {
			for _, s := range symbols {
				phrases = append(phrases, p+s)
			}
		}
	}
	slices.Sort(phrases)
	phrases = slices.Compact(phrases)
	w := NewWords(phrases)
	hits := make([]uint64, (len(phrases)+63)/64)
	random := NewRandom("words", 0, "")
	for range 400 {
		var text strings.Builder
		for range uint64(random.Next())%90 + 1 {
			text.WriteString(symbols[uint64(random.Next())%uint64(len(symbols))])
		}
		w.Scan(text.String(), hits)
		for i, p := range phrases {
			want := mentionedByWord(text.String(), p)
			if got := hits[i/64]>>(i%64)&1 != 0; got != want {
				t.Fatalf("Scan(%q): %q = %v, want %v", text.String(), p, got, want)
			}
			if got := Mentions(text.String(), p); got != want {
				t.Fatalf("Mentions(%q, %q) = %v, want %v", text.String(), p, got, want)
			}
		}
	}
}
