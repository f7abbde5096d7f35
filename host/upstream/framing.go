package upstream

import (
	"bytes"
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
	next(r source) (engine.Event, error)
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

// source is a body that hands out what it has read, so that nobody has to copy it.
type source interface {
	// more returns bytes to look at, at least one, and waits when there are none. They are
	// the caller's until the next call. io.EOF is the proper end of the body.
	more() ([]byte, error)
	// take says that the first n of them were used: they do not come again.
	take(n int)
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
