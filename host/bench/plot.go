package main

import (
	"bytes"
	"fmt"
	"math"
)

// plot is how the cost grows with one quantity.
type plot struct {
	title, axis string
	perEvent    bool
	points      []point
}

// point has µs of the two proxies and ours.
type point struct{ x, fast, std, ours float64 }

// Sizes of the drawing, in its own units.
const (
	panelWidth, panelHeight = 360.0, 220.0
	left, right, top, foot  = 52.0, 16.0, 34.0, 40.0
)

var lines = []struct {
	name, colour, dash string
	of                 func(point) float64
}{
	{"bare fasthttp proxy", "#57606a", "4 3", func(p point) float64 { return p.fast }},
	{"bare net/http proxy", "#9a6700", "1 3", func(p point) float64 { return p.std }},
	{"Pointsman, everything on", "#1d4ed8", "", func(p point) float64 { return p.ours }},
}

// drawing is all plots in one SVG, three in a row, on logarithmic axes from left to right.
func drawing(plots []plot) []byte {
	const columns = 3
	rows := (len(plots) + columns - 1) / columns
	width, height := columns*panelWidth, float64(rows)*panelHeight+30
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="system-ui, sans-serif" font-size="11" role="img" aria-label="CPU against body size, rules, tenants, plugins and open streams">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#ffffff"/>`+"\n", width, height)
	for i, l := range lines {
		x := 52 + float64(i)*200
		fmt.Fprintf(&b, `<path d="M%g 16h26" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%g" y="20" fill="#1f2328">%s</text>`+"\n", x, l.colour, l.dash, x+32, l.name)
	}
	for i, p := range plots {
		fmt.Fprintf(&b, `<g transform="translate(%g %g)">`+"\n", float64(i%columns)*panelWidth, float64(i/columns)*panelHeight+28)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (p plot) draw(b *bytes.Buffer) {
	most := 0.0
	for _, at := range p.points {
		most = max(most, at.fast, at.std, at.ours)
	}
	most = roundUp(most)
	x := func(v float64) float64 {
		low, high := math.Log(p.points[0].x), math.Log(p.points[len(p.points)-1].x)
		return left + (math.Log(v)-low)/(high-low)*(panelWidth-left-right)
	}
	y := func(v float64) float64 { return panelHeight - foot - v/most*(panelHeight-top-foot) }
	unit := "µs per request"
	if p.perEvent {
		unit = "µs per event"
	}
	fmt.Fprintf(b, `<text x="%g" y="20" font-weight="600" fill="#1f2328">%s</text><text x="%g" y="20" text-anchor="end" fill="#57606a">%s</text>`+"\n", left, p.title, panelWidth-right, unit)
	for i := range 5 {
		v := most * float64(i) / 4
		fmt.Fprintf(b, `<path d="M%g %.1fH%g" stroke="#d0d7de"/><text x="%g" y="%.1f" text-anchor="end" fill="#57606a">%g</text>`+"\n", left, y(v), panelWidth-right, left-6, y(v)+4, v)
	}
	for _, at := range p.points {
		fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle" fill="#57606a">%s</text>`+"\n", x(at.x), panelHeight-foot+16, magnitude(at.x))
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle" fill="#57606a">%s</text>`+"\n", (left+panelWidth-right)/2, panelHeight-foot+32, p.axis)
	for _, l := range lines {
		b.WriteString(`<path fill="none" stroke-width="2" stroke="` + l.colour + `" stroke-dasharray="` + l.dash + `" d="`)
		for i, at := range p.points {
			fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(i, 1)], x(at.x), y(l.of(at)))
		}
		b.WriteString(`"/>` + "\n")
		for _, at := range p.points {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s, %s %s: %.1f %s</title></circle>`+"\n",
				x(at.x), y(l.of(at)), l.colour, l.name, magnitude(at.x), p.axis, l.of(at), unit)
		}
	}
}

// roundUp is the next number of 1, 2, 4 or 8 times a power of ten.
func roundUp(v float64) float64 {
	for step := math.Pow(10, math.Floor(math.Log10(max(v, 1)))); ; step *= 10 {
		for _, n := range []float64{1, 2, 4, 8} {
			if n*step >= v {
				return n * step
			}
		}
	}
}

func magnitude(v float64) string {
	switch {
	case v >= 1<<20:
		return fmt.Sprintf("%gM", math.Round(v/(1<<20)*10)/10)
	case v >= 1<<10:
		return fmt.Sprintf("%gK", math.Round(v/(1<<10)*10)/10)
	}
	return fmt.Sprintf("%g", v)
}
