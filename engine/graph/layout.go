package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// New lays out a ladder.
func New(in Input) Graph {
	l := layout{in: in, y: margin}
	rungs := ladder(in)
	for _, r := range rungs {
		if r.state == StateActive {
			l.tried++
		}
	}
	l.request()
	for i, r := range rungs {
		l.rung(i, r)
	}
	l.last()
	l.graph.Width = modelX(1) + modelWidth + margin
	l.graph.Height = l.y + margin
	l.legend()
	return l.graph
}

// layout is a ladder in the making.
type layout struct {
	in    Input
	graph Graph
	y     int    // where the next node begins
	tried int    // rules that are
	order int    // of the last of them
	above string // the node that leads to the next one
	off   bool   // the rule that is placed is not tried
}

func modelX(column int) int {
	return margin + ruleWidth + columnGap + column*(modelWidth+columnGap)
}

func (l *layout) request() {
	l.add(Node{ID: "request", Kind: KindRequest, X: margin, Y: l.y, W: requestWidth, H: requestSize, Name: "request", Label: "Every request that names the model auto."})
	l.y += requestSize + rungGap
	l.above = "request"
}

func (l *layout) add(n Node) { l.graph.Nodes = append(l.graph.Nodes, n) }

// rung adds a rule, its target and its fallbacks.
func (l *layout) rung(i int, r rung) {
	priority := r.Priority
	n := Node{
		ID: "rule-" + strconv.Itoa(i+1), Kind: KindRule, X: margin, Y: l.y, W: ruleWidth,
		Rule: r.ID, Account: r.AccountID, Team: r.TeamID, Name: r.Name, Priority: &priority, Band: r.Band(), State: r.state,
		System: r.System, Only: r.Only,
	}
	if n.Name == "" {
		n.Name = r.ID
	}
	if r.state == StateActive {
		l.order++
		n.Order = l.order
	}
	if r.Plugin != "" {
		n.Plugin, n.Version, _ = strings.Cut(r.Plugin, "@")
		if n.Version == "" && l.in.PluginVersion != nil {
			n.Version = l.in.PluginVersion(r.Rule)
		}
	} else {
		n.Clauses, n.Join = clauses(r.When)
		n.Lines = lines(n.Clauses, n.Join)
	}
	n.H = headHeight + max(1, len(n.Lines))*lineHeight + padding
	n.Label = n.sentence(l.tried, r.Target, strings.Join(r.Fallbacks, ", "))
	l.place(n, append([]string{r.Target}, r.Fallbacks...), r.state == StateActive)
}

// last adds the default handler.
func (l *layout) last() {
	n := Node{
		ID: "default", Kind: KindDefault, X: margin, Y: l.y, W: ruleWidth, H: headHeight + lineHeight + padding, Name: "Default handler",
		Label: "Default handler: when no rule matched, " + strings.Join(l.in.Default, ", then ") + ".",
	}
	l.place(n, l.in.Default, true)
	l.y -= rungGap
}

// place adds a node of the first column with its models beside it, and the line that leads to it.
func (l *layout) place(n Node, models []string, tried bool) {
	beside := modelHeight
	if len(models) > 2 {
		beside = (len(models)-1)*(modelHeight+modelGap) - modelGap
	}
	height := max(n.H, beside)
	middle := n.Y + n.H/2
	l.add(n)
	l.off = !tried
	if tried {
		l.edge(l.above, n.ID, EdgeNext, l.bottom(l.above), Point{margin + requestWidth/2, n.Y})
		l.above = n.ID
	}
	target := Node{}
	for i, id := range models {
		m := l.model(n.ID, i, id)
		if i == 0 {
			m.Y = middle - modelHeight/2
			if beside > n.H {
				m.Y = n.Y
			}
			target = m
			l.add(m)
			l.edge(n.ID, m.ID, EdgeMatch, Point{n.X + n.W, m.Y + modelHeight/2}, Point{m.X, m.Y + modelHeight/2})
			continue
		}
		m.Y = target.Y + (i-1)*(modelHeight+modelGap)
		l.add(m)
		from, to := Point{target.X + target.W, target.Y + modelHeight/2}, Point{m.X, m.Y + modelHeight/2}
		if i == 1 {
			l.edge(target.ID, m.ID, EdgeFallback, from, to)
			continue
		}
		// From one fallback down to the next.
		l.edge(n.ID+"-model-"+strconv.Itoa(i-1), m.ID, EdgeFallback, Point{m.X + m.W/2, m.Y - modelGap}, Point{m.X + m.W/2, m.Y})
	}
	l.y += height + rungGap
}

// bottom is where the line to the next rule leaves a node.
func (l *layout) bottom(id string) Point {
	i := slices.IndexFunc(l.graph.Nodes, func(n Node) bool { return n.ID == id })
	n := l.graph.Nodes[i]
	return Point{margin + requestWidth/2, n.Y + n.H}
}

func (l *layout) edge(from, to string, kind EdgeKind, points ...Point) {
	l.graph.Edges = append(l.graph.Edges, Edge{From: from, To: to, Kind: kind, Off: l.off, Points: points})
}

// model is a model of a ranking; its Y is the caller's.
func (l *layout) model(rule string, i int, id string) Node {
	n := Node{ID: rule + "-model-" + strconv.Itoa(i), Kind: KindTarget, X: modelX(0), W: modelWidth, H: modelHeight, Model: id, Display: id}
	word := "Target"
	if i > 0 {
		n.Kind, n.X = KindFallback, modelX(1)
		word = "Fallback " + strconv.Itoa(i)
	}
	if l.in.Models != nil {
		m, ok := l.in.Models(id)
		n.Unknown, n.Family = !ok, m.Family
		if m.DisplayName != "" {
			n.Display = m.DisplayName
		}
	}
	n.Monogram = Monogram(n.Family)
	n.Label = fmt.Sprintf("%s: %s", word, n.Display)
	if n.Family != "" {
		n.Label += ", " + n.Family
	}
	if n.Unknown {
		n.Label += ", which does not exist"
	}
	n.Label += "."
	return n
}

// lines breaks clauses into lines, of which the last says how many are left out.
func lines(clauses []string, join string) (out []Line) {
	indent := joinWidth
	if join == "" {
		indent = 0
	}
	width := int(float64(ruleWidth-2*padding-indent) / codeAdvance)
	for i, c := range clauses {
		for j, text := range wrap(c, width) {
			line := Line{Text: text}
			if i > 0 && j == 0 {
				line.Join = join
			}
			out = append(out, line)
		}
	}
	if len(out) > maxLines {
		left := len(out) - maxLines + 1
		out = append(out[:maxLines-1:maxLines-1], Line{Text: fmt.Sprintf("… %d more lines", left)})
	}
	return out
}

func (l *layout) legend() {
	seen := map[string]bool{}
	for _, n := range l.graph.Nodes {
		seen["band "+n.Band], seen["family "+n.Family] = true, true
	}
	l.graph.Legend = Legend{Bands: []string{}, Families: []string{}}
	for _, b := range bands {
		if seen["band "+b.name] {
			l.graph.Legend.Bands = append(l.graph.Legend.Bands, b.name)
		}
	}
	for _, f := range families {
		if seen["family "+f.name] {
			l.graph.Legend.Families = append(l.graph.Legend.Families, f.name)
			delete(seen, "family "+f.name)
		}
	}
	var others []string
	for key := range seen {
		if name, ok := strings.CutPrefix(key, "family "); ok && name != "" {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	l.graph.Legend.Families = append(l.graph.Legend.Families, others...)
}
