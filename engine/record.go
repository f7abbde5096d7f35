package engine

import (
	"strconv"
	"strings"
)

// maxRecord bounds the one-line decision record, in bytes: it travels as a header.
const maxRecord = 1 << 10

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// record is the decision in one line: who decided, what served, what was passed
// over or failed on the way, and which retired id a replacement stands in for.
func record(pl plan, served *Target, failures []Skip) string {
	var b strings.Builder
	switch pl.decision.Source {
	case SourceDefault, SourcePinned, SourceAssignment, SourceOverride, "":
		b.WriteString(pl.decision.Source)
	default:
		b.WriteString("rule:" + pl.decision.Source)
	}
	if served != nil {
		b.WriteString("; " + served.Model.ID + " via " + served.Provider.ID)
		if served.Substituted {
			b.WriteString(" (retired, served by " + served.Model.UpstreamID + ")")
		}
	}
	if pl.continued {
		b.WriteString("; continued after a cut")
	}
	if len(failures) > 0 {
		b.WriteString("; failed: " + describeSkips(failures))
	}
	if len(pl.skips) > 0 {
		b.WriteString("; skipped: " + describeSkips(pl.skips))
	}
	if pl.decision.Fuel > 0 {
		b.WriteString("; fuel: " + itoa(pl.decision.Fuel))
	}
	if pl.decision.Reason != "" {
		b.WriteString("; reason: " + pl.decision.Reason)
	}
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, b.String())
	if len(line) > maxRecord {
		line = line[:maxRecord]
	}
	return strings.TrimSpace(line)
}

// describeSkips lists what was passed over, as far as there is room in a record.
func describeSkips(skips []Skip) string {
	if len(skips) == 0 {
		return "nothing is configured"
	}
	var b strings.Builder
	for i, s := range skips {
		text := s.What + " " + string(s.Reason)
		if s.Detail != "" {
			text += " (" + s.Detail + ")"
		}
		if i > 0 && b.Len()+len(text) > maxRecord {
			b.WriteString(", and " + itoa(int64(len(skips)-i)) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(clipText(text, maxRecord))
	}
	return b.String()
}
