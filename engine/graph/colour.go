package graph

import (
	"strings"
	"unicode"
)

// colour is a colour on a light and on a dark ground, which are #FFFFFF and #161B22. Each keeps a
// contrast of 3.3:1 there at least, and any two of one list differ also for who sees red and
// green alike. It never stands alone: bands and families are written beside it.
type colour struct {
	name        string
	mark        string // of a family
	light, dark string
}

var bands = []colour{
	{"critical", "", "#9F1239", "#FB7185"},
	{"high", "", "#B45309", "#FBBF24"},
	{"medium", "", "#1D4ED8", "#60A5FA"},
	{"low", "", "#57606A", "#9DA7B3"},
}

var families = []colour{
	{"GPT", "Gp", "#13985B", "#7FECBB"},
	{"Codex", "Cx", "#045C87", "#32D2FD"},
	{"Claude", "Cl", "#723E10", "#FD7407"},
	{"Gemini", "Ge", "#0F4AE3", "#5581DD"},
	{"Raptor", "Ra", "#3A0B79", "#962EF9"},
}

var otherFamily = colour{"", "", "#737D87", "#8F9AA7"}

// Monogram is the two letters of a model's family, which stand for its colour; "–" for none.
func Monogram(family string) string {
	for _, f := range families {
		if f.name == family {
			return f.mark
		}
	}
	runes := []rune(family)
	if len(runes) == 0 || !unicode.IsLetter(runes[0]) {
		return "–"
	}
	runes = runes[:min(2, len(runes))]
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

// class is the CSS class of a name in a list; "other" when it is not there.
func class(prefix, name string, list []colour) string {
	for _, c := range list {
		if c.name == name {
			return prefix + "-" + strings.ToLower(c.name)
		}
	}
	return prefix + "-other"
}
