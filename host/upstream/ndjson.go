package upstream

import (
	"bytes"
	"io"

	"github.com/pointsman/pointsman/engine"
)

// ndjson is the framing of one JSON value a line. Blank lines are skipped; the
// last line needs no end.
type ndjson struct {
	max   int
	data  []byte
	begun bool
	ended bool
}

func (d *ndjson) accepts(mediaType string) bool {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json", "":
		return true
	}
	return false
}

func (d *ndjson) next(r source) (engine.Event, error) {
	if d.ended {
		return engine.Event{}, io.EOF
	}
	d.data = emptied(d.data)
	for {
		p, err := r.more()
		if err == io.EOF {
			d.ended = true
			if line := d.line(); len(line) > 0 {
				return engine.Event{Data: eventData(line)}, nil
			}
		}
		if err != nil {
			return engine.Event{}, err
		}
		n, ended := lineEnd(p)
		if len(d.data)+n > d.max {
			return engine.Event{}, errTooLong
		}
		d.data = append(d.data, p[:n]...)
		r.take(n)
		if !ended {
			continue
		}
		r.take(1)
		line := d.line()
		d.begun = true
		if len(line) > 0 {
			return engine.Event{Data: eventData(line)}, nil
		}
		d.data = d.data[:0]
	}
}

// line is the current line without the white space around it.
func (d *ndjson) line() []byte {
	line := d.data
	if !d.begun {
		line = bytes.TrimPrefix(line, bom)
	}
	return bytes.Trim(line, " \t")
}
