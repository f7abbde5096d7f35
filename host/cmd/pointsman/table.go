package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
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

// memberTable is an object's members in their order, one a row.
func memberTable(text []byte) *table {
	t := &table{head: []string{"MEMBER", "VALUE"}}
	var members yaml.MapSlice
	if yaml.Unmarshal(text, &members) != nil {
		return t
	}
	for _, m := range members {
		value, ok := m.Value.(string)
		if list, isList := m.Value.([]any); isList && len(list) == 0 {
			value, ok = "-", true
		}
		if !ok {
			text, err := yaml.MarshalWithOptions(m.Value, yaml.Flow(true))
			if err != nil {
				text = []byte(fmt.Sprint(m.Value))
			}
			value = string(text)
		}
		t.add(nil, fmt.Sprint(m.Key), strings.Join(strings.Fields(value), " "))
	}
	return t
}

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
