package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns. A row may have notes, which stand below it.
type table struct {
	head  []string
	right []bool // which columns are figures
	rows  []tableRow
}

type tableRow struct {
	cells []string
	notes []string
}

func (t *table) add(notes []string, cells ...string) { t.rows = append(t.rows, tableRow{cells, notes}) }

// write prints the table, without blanks at the ends of lines.
func (t *table) write(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, r := range append([]tableRow{{cells: t.head}}, t.rows...) {
		for i, cell := range r.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range append([]tableRow{{cells: t.head}}, t.rows...) {
		var line strings.Builder
		for i, cell := range r.cells {
			blank := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(t.right) && t.right[i] {
				line.WriteString(blank + cell)
			} else {
				line.WriteString(cell + blank)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
		for _, note := range r.notes {
			fmt.Fprintln(w, "    "+strings.ReplaceAll(note, "\n", "\n    "))
		}
	}
}
