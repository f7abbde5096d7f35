package graph

import (
	"strings"
	"unicode/utf8"
)

// Sizes of the ladder, in pixels.
const (
	margin       = 24
	ruleWidth    = 480
	modelWidth   = 230
	columnGap    = 72
	rungGap      = 28
	padding      = 14
	headHeight   = 34 // of a rule: number, chip, name
	lineHeight   = 19
	modelHeight  = 42
	modelGap     = 20
	requestWidth = 150
	requestSize  = 36
	joinWidth    = 34 // of "and" and "or" before a clause

	nameSize = 14
	textSize = 12
	codeSize = 12.5
	// codeAdvance is the width of a character of the usual monospaced faces at codeSize, rounded up.
	codeAdvance = 7.7

	maxLines = 8 // of one condition
)

// textWidth is about how wide the widest of the usual proportional faces (DejaVu Sans) sets the text.
func textWidth(text string, size float64, bold bool) float64 {
	ems := 0.0
	for _, r := range text {
		switch {
		case r >= 0x1100: // about where characters are as wide as they are high
			ems += 1.05
		case strings.ContainsRune("iljtfrI.,:;'|!()[] ·-", r):
			ems += 0.39
		case strings.ContainsRune("mwMW@%", r):
			ems += 0.98
		case r >= 'A' && r <= 'Z':
			ems += 0.75
		default:
			ems += 0.63
		}
	}
	if bold {
		ems *= 1.13
	}
	return ems * size
}

// fit cuts a text so that it is no wider.
func fit(text string, size, width float64, bold bool) string {
	if textWidth(text, size, bold) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && textWidth(string(runes)+"…", size, bold) > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// columns is how many places of a monospaced face the text takes.
func columns(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}

// wrap breaks a text into lines of at most so many columns, after a blank or a comma if it can.
func wrap(text string, width int) (lines []string) {
	for columns(text) > width {
		end, used, good := 0, 0, 0
		for i, r := range text {
			size := columns(string(r))
			if used+size > width {
				break
			}
			used += size
			end = i + utf8.RuneLen(r)
			if r == ' ' || r == ',' && used > width/2 {
				good = end
			}
		}
		if good > 0 && columns(text[:good]) > width/3 {
			end = good
		}
		lines = append(lines, strings.TrimSpace(text[:end]))
		text = strings.TrimLeft(text[end:], " ")
	}
	if text != "" || lines == nil {
		lines = append(lines, text)
	}
	return lines
}
