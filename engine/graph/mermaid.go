package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// Mermaid writes the ladder as a flowchart in Mermaid's language, which places the nodes itself.
func (g Graph) Mermaid() []byte {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, n := range g.Nodes {
		id := mermaidID(n.ID)
		switch n.Kind {
		case KindRequest:
			fmt.Fprintf(&b, "    %s([\"request\"])\n", id)
		case KindRule:
			open, shut := `["`, `"]`
			if n.Plugin != "" {
				open, shut = `{{"`, `"}}`
			}
			fmt.Fprintf(&b, "    %s%s%s%s:::%s\n", id, open, strings.Join(n.mermaid(), "<br/>"), shut, n.look())
		case KindDefault:
			fmt.Fprintf(&b, "    %s[[\"Default handler<br/>no rule matched\"]]\n", id)
		default:
			text := mermaidText(n.Display)
			if n.Unknown {
				text += "<br/>does not exist"
			}
			fmt.Fprintf(&b, "    %s(\"%s\"):::%s\n", id, text, strings.ReplaceAll(class("family", n.Family, families), "-", "_"))
		}
	}
	for _, e := range g.Edges {
		arrow := map[EdgeKind]string{EdgeNext: "-. no .->", EdgeMatch: "-- yes -->", EdgeFallback: "-. on failure .->"}[e.Kind]
		if e.From == "request" || e.From == "default" {
			arrow = "-->"
		}
		if e.Off {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "    %s %s %s\n", mermaidID(e.From), arrow, mermaidID(e.To))
	}
	for _, list := range []struct {
		prefix string
		of     []colour
	}{{"band", bands}, {"family", append(families[:len(families):len(families)], otherFamily)}} {
		for _, c := range list.of {
			name := strings.ToLower(c.name)
			if name == "" {
				name = "other"
			}
			fmt.Fprintf(&b, "    classDef %s_%s stroke:%s,stroke-width:3px\n", list.prefix, name, c.light)
		}
	}
	b.WriteString("    classDef off stroke:#D0D7DE,stroke-dasharray:4 4\n")
	return []byte(b.String())
}

func (n Node) look() string {
	if n.State != StateActive {
		return "off"
	}
	return strings.ReplaceAll(class("band", n.Band, bands), "-", "_")
}

// mermaid is the lines of a rule.
func (n Node) mermaid() []string {
	head := mermaidText(n.Name)
	if n.Order > 0 {
		head = strconv.Itoa(n.Order) + " · " + head
	}
	lines := []string{head, strings.ToUpper(n.Band[:1]) + n.Band[1:] + " " + strconv.Itoa(*n.Priority)}
	if tag := n.tag(); tag != "" {
		lines[1] += " · " + mermaidText(tag)
	}
	if n.Plugin != "" {
		return append(lines, mermaidText(strings.TrimSpace("plugin "+n.Plugin+" "+n.Version)))
	}
	for _, line := range n.Lines {
		lines = append(lines, mermaidText(strings.TrimSpace(line.Join+" "+line.Text)))
	}
	return lines
}

// mermaidText writes everything but letters, digits and blanks as the number of the character, in
// the form that Mermaid knows: a text can then begin nothing, neither of its language nor of HTML.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < ' ':
			b.WriteByte(' ')
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r >= 0x80, strings.ContainsRune(" .,-_:()/=+?!'@…", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

// mermaidID keeps away from the language's own words, of which "default" is one.
func mermaidID(id string) string { return "n_" + strings.ReplaceAll(id, "-", "_") }
