package chat

// The state of a stream is a version byte, flags, counters as base-128 varints,
// then the head of its chunks, four bytes for each of its tool calls, and the adapter's
// own note: about 140 bytes, and never more than 5 KiB and the note. A state that cannot be read is
// taken as none.

const (
	stateVersion = 4
	flagKnown    = 1
)

func (p *progress) encode(b []byte) []byte {
	flags := byte(0)
	if p.Usage.Known {
		flags = flagKnown
	}
	b = append(b, stateVersion, flags)
	for _, v := range [...]uint64{p.started, p.finished, p.spoke, p.counted} {
		b = varint(b, v)
	}
	for _, v := range p.Usage.counters() {
		b = varint(b, uint64(*v))
	}
	b = append(varint(b, uint64(len(p.head))), p.head...)
	b = append(varint(b, uint64(len(p.calls))), p.calls...)
	return append(varint(b, uint64(len(p.Note))), p.Note...)
}

// decode reads a state; its texts are parts of b.
func decode(b string) (p progress) {
	r := reader{rest: b}
	if r.byte() != stateVersion {
		return progress{}
	}
	p.Usage.Known = r.byte()&flagKnown != 0
	for _, v := range [...]*uint64{&p.started, &p.finished, &p.spoke, &p.counted} {
		*v = r.varint()
	}
	for _, v := range p.Usage.counters() {
		*v = int64(r.varint())
	}
	p.head = r.text()
	if p.calls = r.text(); len(p.calls)%callSize != 0 || len(p.calls) > MaxCalls*callSize {
		r.bad = true
	}
	p.Note = r.text()
	if r.bad {
		return progress{}
	}
	return p
}

func (u *Usage) counters() [9]*int64 {
	return [9]*int64{&u.Uncached, &u.CacheRead, &u.CacheWrite, &u.CacheWrite1h, &u.Output, &u.Reasoning, &u.ServerCalls, &u.AudioInput, &u.AudioOutput}
}

func varint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// reader takes a state apart. After bad is set every method answers zero.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) byte() byte {
	if r.rest == "" {
		r.bad = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *reader) varint() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

func (r *reader) text() string {
	n := r.varint()
	if n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
