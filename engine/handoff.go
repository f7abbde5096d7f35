package engine

import (
	"strings"
	"unicode"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// handoff describes the session's way to that target, and the notes that the gateway
// leaves of it.
func (x *execution) handoff(t Target) (*Handoff, []Note) {
	r, s := x.r, &x.r.Session
	key := r.SessionKey()
	h := &Handoff{
		SessionKey: key, ID: newID(), RequestID: r.ID,
		FromAgent: s.Agent, ToAgent: r.Agent(), FromModel: s.Model, ToModel: t.Model.ID,
		Detail: x.plan.decision.Source, Notes: x.given, CreatedAt: r.Received,
	}
	failed := x.passed(t)
	switch {
	case h.FromModel == h.ToModel:
		h.Reason = HandoffAgent
	case len(failed) > 0:
		h.Reason, h.Detail = HandoffFailover, clipText(describeSkips(failed), maxRecord)
	default:
		h.Reason = HandoffRouting
	}
	exchange := ""
	if r.Policy.KeepsText() {
		if h.Summary = newestSummary(x.notes); h.Summary == "" {
			exchange = lastExchange(r)
			h.Summary = exchange
		}
	}
	note := Note{SessionKey: key, Model: h.ToModel, CreatedAt: h.CreatedAt, ExpiresAt: h.CreatedAt.Add(NoteLifetime)}
	handed := note
	handed.ID, handed.Type, handed.Text = newID(), NoteHandoff, h.told(exchange)
	notes := []Note{handed}
	if h.Reason == HandoffFailover {
		note.ID, note.Type, note.Model = newID(), NoteError, failed[0].What
		note.Text = "A turn could not be served as chosen: " + h.Detail + ". " + h.ToModel + " served it."
		notes = append(notes, note)
	}
	return h, notes
}

// told is the text of a handoff's note.
func (h *Handoff) told(exchange string) string {
	var b strings.Builder
	if h.FromModel != h.ToModel {
		b.WriteString(h.ToModel + " took over from " + h.FromModel + " (" + string(h.Reason) + ").")
	}
	if h.FromAgent != h.ToAgent {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("Agent " + h.ToAgent + " goes on where agent " + h.FromAgent + " was.")
	}
	if exchange != "" {
		b.WriteString(" The last exchange was:\n" + exchange)
	}
	return b.String()
}

// passed are the targets before that one which could not serve now: they failed, or were
// passed over because they failed lately.
func (x *execution) passed(t Target) []Skip {
	list := make([]Skip, 0, len(x.failures))
	for _, s := range x.failures {
		if s.What != t.Model.ID { // which another of its keys may have served
			list = append(list, s)
		}
	}
	for _, s := range x.plan.skips {
		if s.Reason == SkipCooldown && s.What != t.Model.ID {
			list = append(list, s)
		}
	}
	return list
}

// newestSummary is the text of the newest summary among notes that are newest first.
func newestSummary(notes []Note) string {
	for i := range notes {
		if notes[i].Type == NoteSummary {
			return clipLetters(plainText(notes[i].Text), SummaryLetters)
		}
	}
	return ""
}

// lastExchange is what was said before this turn: the last thing that the assistant said
// and what it answered. Of a body that has no such thing it is the turn's own text.
func lastExchange(r *Request) string {
	const asked = SummaryLetters * 2 / 5 // of the letters, at most, where there is an answer
	question, pair := "", [2]string{}
	for _, message := range r.Doc.Root().Get("messages").Elements() {
		switch message.Get("role").Text() {
		case "user":
			if said := plainText(withoutReminders(contentText(message.Get("content")))); said != "" {
				question = said
			}
		case "assistant":
			if said := plainText(contentText(message.Get("content"))); said != "" {
				pair = [2]string{question, said}
			}
		}
	}
	if pair[1] == "" {
		if text := plainText(r.Features.Text); text != "" {
			return clipLetters("User: "+text, SummaryLetters)
		}
		return ""
	}
	return clipLetters("User: "+clipLetters(pair[0], asked)+"\nAssistant: "+pair[1], SummaryLetters)
}

// maxExchange bounds how much of a message is looked at for a summary, in bytes.
const maxExchange = 16 * SummaryLetters

// contentText is the beginning of a message's text.
func contentText(content document.Node) string {
	if content.Kind() == abi.KindString {
		return clipText(content.Text(), maxExchange)
	}
	var b strings.Builder
	for _, part := range content.Elements() {
		if text := part.Get("text"); text.Kind() == abi.KindString && b.Len() < maxExchange {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(clipText(text.Text(), maxExchange))
		}
	}
	return clipText(b.String(), maxExchange)
}

// plainText is text without what a terminal or an eye could be deceived by, and without
// blanks at its ends.
func plainText(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if shown(r) || r == '\n' || r == '\t' {
			return r
		}
		return -1
	}, text))
}

// shown reports whether a letter may stand in a note: control characters (ANSI sequences
// begin with one) and invisible format characters may not, but for the two joiners, which
// many scripts need.
func shown(r rune) bool {
	if r < 0x7F {
		return r >= ' '
	}
	const nonJoiner, joiner = '\u200C', '\u200D'
	return !unicode.IsControl(r) && (!unicode.Is(unicode.Cf, r) || r == nonJoiner || r == joiner)
}

// clipLetters cuts text to at most n code points, the last of which says that it is cut.
func clipLetters(text string, n int) string {
	if len(text) <= n {
		return text
	}
	at, last := 0, 0
	for i := range text {
		if at == n-1 {
			last = i
		}
		if at == n {
			return text[:last] + "…"
		}
		at++
	}
	return text
}
