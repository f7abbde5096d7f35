package chat

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/pointsman/pointsman/sdk"
)

// Writer writes one call's output. It gathers what stands between two nodes and
// hands it over in one piece: a host call costs more than all else that an adapter
// does for a piece of JSON. See RATIONALE.md, "Why does a Writer stand before Emit?".
//
// End, or EndChunk in a stream, must follow the last write.
type Writer struct{ b []byte }

// writer is the one Writer of the call at hand: entry points run one at a time.
var writer = Writer{b: make([]byte, 0, 4<<10)}

// NewWriter begins an output. What an earlier call left behind is dropped.
func NewWriter() *Writer {
	writer.b = writer.b[:0]
	return &writer
}

// Emit appends syntax or the adapter's own constants.
func (w *Writer) Emit(s string) { w.b = append(w.b, s...) }

// Int appends a number. Those of an answer, its counters and its time, take a short way.
func (w *Writer) Int(v int64) {
	end := len(w.b)
	if v < 0 || v > math.MaxUint32 || cap(w.b)-end < 10 {
		w.b = strconv.AppendInt(w.b, v, 10)
		return
	}
	n := uint32(v)
	for limit := uint64(10); limit <= uint64(n); limit *= 10 {
		end++
	}
	w.b = w.b[:end+1]
	for ; n >= 10; n /= 10 {
		w.b[end] = '0' + byte(n%10)
		end--
	}
	w.b[end] = '0' + byte(n)
}

// String appends s as a JSON string.
func (w *Writer) String(s string) {
	if !plain(s) {
		w.push()
		sdk.EmitString(s)
		return
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

// Const appends a constant ahead of a node: it goes out as it is when nothing waits.
func (w *Writer) Const(s string) {
	if len(w.b) > 0 {
		w.b = append(w.b, s...)
		return
	}
	sdk.Emit(s)
}

// Node appends the node's JSON exactly as it came.
func (w *Writer) Node(n sdk.Node) {
	w.push()
	sdk.EmitNode(n)
}

// Quoted appends the node's JSON as a JSON string, as tool arguments are written.
func (w *Writer) Quoted(n sdk.Node) {
	w.push()
	sdk.EmitQuoted(n)
}

// Members appends the members of an object, but for those named, without its braces.
func (w *Writer) Members(object sdk.Node, except ...string) {
	w.push()
	sdk.EmitMembers(object, except...)
}

// Joined appends string nodes as one JSON string.
func (w *Writer) Joined(texts []sdk.Node) {
	if len(texts) == 1 {
		w.Node(texts[0])
		return
	}
	w.Emit(`"`)
	for _, t := range texts {
		w.push()
		sdk.EmitInner(t)
	}
	w.Emit(`"`)
}

// End hands over the rest.
func (w *Writer) End() { w.push() }

// EndChunk ends a chunk of a stream.
func (w *Writer) EndChunk() {
	w.push()
	sdk.Flush()
}

func (w *Writer) push() {
	if len(w.b) == 0 {
		return
	}
	// The host reads the bytes during the call and keeps none.
	sdk.Emit(unsafe.String(unsafe.SliceData(w.b), len(w.b)))
	w.b = w.b[:0]
}

// plain reports whether s is the same inside a JSON string: visible ASCII and
// blanks, without quote and backslash.
func plain(s string) bool {
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool { return c >= ' ' && c <= '~' && c != '"' && c != '\\' }
