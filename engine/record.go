package engine

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRecord bounds the one-line decision record, in bytes: it travels as a header.
const maxRecord = 1 << 10

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// record is the decision in one line: who decided, what served, what was passed
// over or failed on the way, and which retired id a replacement stands in for.
func record(pl *plan, served *Target, failures []Skip) string {
	var room [256]byte
	b := room[:0]
	switch pl.decision.Source {
	case SourceDefault, SourcePinned, SourceAssignment, SourceOverride, "":
	default:
		b = append(b, "rule:"...)
	}
	b = append(b, pl.decision.Source...)
	if served != nil {
		b = append(append(b, "; "...), served.Model.ID...)
		b = append(append(b, " via "...), served.Provider.ID...)
		if served.Substituted {
			b = append(append(append(b, " (retired, served by "...), served.Model.UpstreamID...), ')')
		}
	}
	if pl.continued {
		b = append(b, "; continued after a cut"...)
	}
	if len(failures) > 0 {
		b = append(append(b, "; failed: "...), describeSkips(failures)...)
	}
	if len(pl.skips) > 0 {
		b = append(append(b, "; skipped: "...), describeSkips(pl.skips)...)
	}
	if pl.decision.Fuel > 0 {
		b = strconv.AppendInt(append(b, "; fuel: "...), pl.decision.Fuel, 10)
	}
	if pl.decision.Reason != "" {
		b = append(append(b, "; reason: "...), pl.decision.Reason...)
	}
	b = blanked(b)
	return string(bytes.TrimSpace(b[:min(len(b), maxRecord)]))
}

// blanked puts a blank in the place of each letter that a header does not carry, in b itself.
func blanked(b []byte) []byte {
	n := 0
	for i := 0; i < len(b); n++ {
		width := 1
		switch c := b[i]; {
		case c >= utf8.RuneSelf:
			_, width = utf8.DecodeRune(b[i:])
			b[n] = ' '
		case c < ' ' || c > '~':
			b[n] = ' '
		default:
			b[n] = c
		}
		i += width
	}
	return b[:n]
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
