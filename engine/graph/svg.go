package graph

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const legendHeight = 40

// SVG draws the ladder as a picture that needs nothing beside it and follows the reader's choice
// of a light or a dark ground. What tenants wrote is text in it, never markup.
func (g Graph) SVG() []byte {
	d := &drawing{}
	height := g.Height + legendHeight
	fmt.Fprintf(&d.Buffer, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Routing rules, in the order in which they are tried">`+"\n", g.Width, height, g.Width, height)
	d.WriteString("<style>" + style() + "</style>\n" + definitions)
	fmt.Fprintf(&d.Buffer, `<rect class="ground" width="%d" height="%d"/>`+"\n", g.Width, height)
	for _, e := range g.Edges {
		d.edge(e)
	}
	for _, n := range g.Nodes {
		d.WriteString("<g>")
		d.title(n.Label)
		switch n.Kind {
		case KindRequest:
			d.request(n)
		case KindRule:
			d.rule(n)
		case KindDefault:
			d.last(n)
		default:
			d.model(n)
		}
		d.WriteString("</g>\n")
	}
	d.legend(g)
	d.WriteString("</svg>\n")
	return d.Bytes()
}

// style is the sheet of the picture.
func style() string {
	var light, dark strings.Builder
	light.WriteString(`text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:12px;fill:#1F2328}` +
		`.ground{fill:#F6F8FA}.card{fill:#FFFFFF;stroke:#D0D7DE}.off{fill:url(#hatch)}.name{font-size:14px;font-weight:600}` +
		`.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px;white-space:pre}` +
		`.quiet{fill:#57606A}.number{fill:none;stroke:#57606A}.onchip{fill:#FFFFFF;font-size:11px;font-weight:600}.bad{fill:#CF222E;font-weight:600}` +
		`.next{stroke:#57606A;stroke-width:1.5;stroke-dasharray:2 4;fill:none}.match{stroke:#1F2328;stroke-width:1.5;fill:none}` +
		`.fallback{stroke:#57606A;stroke-width:1.5;stroke-dasharray:7 5;fill:none}.tip{fill:#57606A}.hex{fill:none;stroke:#57606A;stroke-width:1.5}` +
		`.hatched{stroke:#D0D7DE;stroke-width:2}.faint{stroke:#8C959F;stroke-width:1;stroke-dasharray:2 4;fill:none}`)
	dark.WriteString(`text{fill:#E6EDF3}.ground{fill:#0D1117}.card{fill:#161B22;stroke:#30363D}.quiet{fill:#9DA7B3}.number{stroke:#9DA7B3}` +
		`.onchip{fill:#0D1117}.bad{fill:#F85149}.next,.fallback{stroke:#9DA7B3}.match{stroke:#E6EDF3}.tip{fill:#9DA7B3}.hex{stroke:#9DA7B3}.hatched{stroke:#30363D}.faint{stroke:#6E7681}`)
	for _, list := range []struct {
		prefix string
		of     []colour
	}{{"band", bands}, {"family", append(families[:len(families):len(families)], otherFamily)}} {
		for _, c := range list.of {
			name := strings.ToLower(c.name)
			if name == "" {
				name = "other"
			}
			fmt.Fprintf(&light, ".%s-%s{fill:%s}", list.prefix, name, c.light)
			fmt.Fprintf(&dark, ".%s-%s{fill:%s}", list.prefix, name, c.dark)
		}
	}
	return light.String() + "@media (prefers-color-scheme:dark){" + dark.String() + "}"
}

const definitions = `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker>` +
	`<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatched" d="M0 0V8"/></pattern></defs>` + "\n"

// drawing is a picture in the making.
type drawing struct{ bytes.Buffer }

func (d *drawing) escape(text string) {
	// It replaces what XML cannot hold.
	_ = xml.EscapeText(&d.Buffer, []byte(text)) // a Buffer takes everything
}

func (d *drawing) title(text string) {
	d.WriteString("<title>")
	d.escape(text)
	d.WriteString("</title>")
}

func (d *drawing) text(x, y int, class, text string) {
	fmt.Fprintf(&d.Buffer, `<text x="%d" y="%d"`, x, y)
	if class != "" {
		d.WriteString(` class="` + class + `"`)
	}
	d.WriteByte('>')
	d.escape(text)
	d.WriteString("</text>")
}

func (d *drawing) box(x, y, w, h, radius int, class string) {
	fmt.Fprintf(&d.Buffer, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, class, x, y, w, h, radius)
}

func (d *drawing) edge(e Edge) {
	var path strings.Builder
	for i, p := range e.Points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%d %d", letter, p.X, p.Y)
	}
	look := string(e.Kind)
	if e.Off {
		look = "faint"
	}
	fmt.Fprintf(&d.Buffer, `<path class="%s" d="%s" marker-end="url(#tip)"/>`, look, path.String())
	if e.Off {
		d.WriteByte('\n')
		return
	}
	from := e.Points[0]
	switch e.Kind {
	case EdgeNext:
		if e.From != "request" {
			d.text(from.X+8, from.Y+rungGap/2+4, "quiet", "no")
		}
	case EdgeMatch:
		if !strings.HasPrefix(e.From, "default") {
			d.text(from.X+columnGap/2-16, from.Y-6, "quiet", "yes")
		}
	case EdgeFallback:
		if from.Y == e.Points[1].Y {
			d.text(from.X+5, from.Y-6, "quiet", "on failure")
		}
	}
	d.WriteByte('\n')
}

func (d *drawing) request(n Node) {
	d.box(n.X, n.Y, n.W, n.H, n.H/2, "card")
	d.text(n.X+20, n.Y+23, "name", n.Name)
}

func (d *drawing) rule(n Node) {
	d.box(n.X, n.Y, n.W, n.H, 8, "card")
	if n.State != StateActive {
		d.box(n.X, n.Y, n.W, n.H, 8, "off")
		d.box(n.X+6, n.Y+6, n.W-12, n.H-12, 5, "card")
	}
	d.box(n.X, n.Y+8, 4, n.H-16, 2, class("band", n.Band, bands))
	x, y := n.X+padding, n.Y+10
	if n.Order > 0 {
		number := strconv.Itoa(n.Order)
		width := max(22, 12+8*len(number))
		d.box(x, y, width, 20, 10, "number")
		d.text(x+(width-7*len(number))/2, y+14, "", number)
		x += width + 8
	}
	chip := strings.ToUpper(n.Band[:1]) + n.Band[1:] + " " + strconv.Itoa(*n.Priority)
	width := int(textWidth(chip, 11, true)) + 14
	d.box(x, y, width, 20, 10, class("band", n.Band, bands))
	d.text(x+7, y+14, "onchip", chip)
	x += width + 10
	tag := n.tag()
	right := n.X + n.W - padding
	if tag != "" {
		tag = fit(tag, textSize, 150, false)
		right -= int(textWidth(tag, textSize, false))
		d.text(right, y+14, "quiet", tag)
		right -= 10
	}
	d.text(x, y+15, "name", fit(n.Name, nameSize, float64(right-x), true))
	y = n.Y + headHeight + lineHeight - 3
	if n.Plugin != "" {
		d.hexagon(n.X+padding+8, y-4)
		text := "plugin " + n.Plugin
		if n.Version != "" {
			text += " " + n.Version
		}
		d.text(n.X+padding+24, y, "", fit(text, textSize, ruleWidth-2*padding-24, false))
		return
	}
	indent := 0
	if n.Join != "" {
		indent = joinWidth
	}
	for _, line := range n.Lines {
		if line.Join != "" {
			d.text(n.X+padding, y, "quiet", line.Join)
		}
		d.text(n.X+padding+indent, y, "code", line.Text)
		y += lineHeight
	}
}

// tag says whose a rule is and why it is not tried.
func (n Node) tag() string {
	var words []string
	if n.State != StateActive {
		words = append(words, strings.ReplaceAll(string(n.State), "_", " "))
	}
	switch {
	case n.Team != "":
		words = append(words, "team "+n.Team)
	case n.System:
		words = append(words, "system")
	case n.Account == "":
		words = append(words, "global")
	}
	if n.Only {
		words = append(words, "only")
	}
	return strings.Join(words, " · ")
}

func (d *drawing) hexagon(x, y int) {
	fmt.Fprintf(&d.Buffer, `<path class="hex" d="M%d %dl7 4v8l-7 4-7-4v-8z"/>`, x, y-8)
}

func (d *drawing) last(n Node) {
	d.box(n.X, n.Y, n.W, n.H, 8, "card")
	// The double upper edge says that it is always the last.
	fmt.Fprintf(&d.Buffer, `<path class="match" d="M%d %dh%d"/>`, n.X+8, n.Y+4, n.W-16)
	d.text(n.X+padding, n.Y+28, "name", n.Name)
	d.text(n.X+padding, n.Y+headHeight+lineHeight-2, "quiet", "no rule matched")
}

func (d *drawing) model(n Node) {
	d.box(n.X, n.Y, n.W, n.H, 8, "card")
	family := class("family", n.Family, families)
	d.box(n.X, n.Y+6, 4, n.H-12, 2, family)
	d.box(n.X+padding, n.Y+10, 26, 22, 5, family)
	mark := n.Monogram
	half := int(textWidth(mark, 11, true) / 2)
	d.text(n.X+padding+13-half, n.Y+25, "onchip", mark)
	x, width := n.X+padding+36, float64(n.W-padding-36-8)
	name := fit(n.Display, textSize, width, false)
	switch {
	case n.Unknown:
		d.text(x, n.Y+19, "", name)
		d.text(x, n.Y+34, "bad", "does not exist")
	case n.Display != n.Model:
		d.text(x, n.Y+19, "", name)
		d.text(x, n.Y+34, "quiet", fit(n.Model, textSize, width, false))
	default:
		d.text(x, n.Y+26, "", name)
	}
}

func (d *drawing) legend(g Graph) {
	x, y := margin, g.Height+legendHeight/2
	add := func(class, text string) {
		width := 22 + int(textWidth(text, textSize, false)) + 16
		if x+width > g.Width-margin {
			return // a family more than there is room for is named at its models
		}
		d.box(x, y-10, 14, 14, 3, class)
		d.text(x+20, y+1, "quiet", text)
		x += width
	}
	for _, b := range g.Legend.Bands {
		add(class("band", b, bands), strings.ToUpper(b[:1])+b[1:])
	}
	x += 20
	for _, f := range g.Legend.Families {
		if utf8.RuneCountInString(f) > 24 {
			f = string([]rune(f)[:23]) + "…"
		}
		add(class("family", f, families), f)
	}
	d.WriteByte('\n')
}
