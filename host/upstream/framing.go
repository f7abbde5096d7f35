package upstream

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

// Names of the stream framings, as manifests write them.
const (
	framingSSE    = "sse"
	framingArray  = "json-array"
	framingNDJSON = "ndjson"
)

// frames cuts a body into events. Bytes may arrive split anywhere: the events
// are the same. One goroutine uses it.
type frames interface {
	// accepts reports whether a body of that media type can be in this framing;
	// "" is an absent type, which may be anything.
	accepts(mediaType string) bool
	// next reads the next event from r; its data is valid until the next call.
	// io.EOF is a proper end. errTooLong is an event over the limit, errShape a
	// body in another framing; other errors are r's own.
	next(r io.Reader) (engine.Event, error)
}

func newFraming(name string, limit int) (frames, error) {
	switch name {
	case "", framingSSE:
		return &sse{max: limit}, nil
	case framingArray:
		return &jsonArray{max: limit}, nil
	case framingNDJSON:
		return &ndjson{max: limit}, nil
	}
	return nil, engine.Errorf(engine.CodePluginFailed, "The manifest names an unknown stream framing %q.", printable(name))
}

// input is the piece of the body that was read but not yet looked at.
type input struct {
	buf        []byte
	start, end int
}

// inputBuffer is how much of a body is read at once.
const inputBuffer = 4 << 10

// more returns bytes to look at, reading when there are none left.
func (in *input) more(r io.Reader) ([]byte, error) {
	if in.start == in.end {
		if in.buf == nil {
			in.buf = make([]byte, inputBuffer)
		}
		n, err := r.Read(in.buf)
		in.start, in.end = 0, n
		if n == 0 {
			return nil, err
		}
	}
	return in.buf[in.start:in.end], nil
}

// eventData returns the data as it goes to the adapter: each run of invalid UTF-8
// is one replacement character, because what is made of it must be valid JSON.
func eventData(data []byte) []byte {
	if utf8.Valid(data) {
		return data
	}
	return bytes.ToValidUTF8(data, []byte("\uFFFD"))
}

// emptied returns buf empty, for the next event; a very large one is let go.
func emptied(buf []byte) []byte {
	if cap(buf) > 64<<10 {
		return nil
	}
	return buf[:0]
}
