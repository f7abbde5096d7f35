package document

// Edit replaces the bytes [Start, End) of a Doc by With. Start == End inserts, an empty With deletes.
type Edit struct {
	Start, End int
	With       []byte
}

// Splice appends d's bytes to dst with the edits made. They must be ascending and
// must not overlap; of several insertions at one place the first comes first. An edit that
// breaks this, or lies outside the Doc, panics: offsets come from Node.Span, never from outside.
func Splice(dst []byte, d *Doc, edits ...Edit) []byte {
	src := d.Bytes()
	at := 0
	for _, e := range edits {
		if e.Start < at || e.End < e.Start || e.End > len(src) {
			panic("document: splice with an edit out of order or out of range")
		}
		dst = append(dst, src[at:e.Start]...)
		dst = append(dst, e.With...)
		at = e.End
	}
	return append(dst, src[at:]...)
}
