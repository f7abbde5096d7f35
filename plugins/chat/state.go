package chat

// The state of a stream is a version byte, flags, counters as base-128 varints,
// then id and model, each behind its length: about 60 bytes. A state that cannot be
// read is taken as none.

const stateVersion = 1

const flagKnown = 1

func (s *Stream) encode(b []byte) []byte {
	flags := byte(0)
	if s.Usage.Known {
		flags = flagKnown
	}
	b = append(b, stateVersion, flags)
	for _, v := range [...]uint64{s.started, s.finished, s.spoke, s.counted} {
		b = varint(b, v)
	}
	for _, v := range s.Usage.counters() {
		b = varint(b, uint64(*v))
	}
	b = append(varint(b, uint64(len(s.id))), s.id...)
	return append(varint(b, uint64(len(s.model))), s.model...)
}

func (s *Stream) decode(b string) {
	r := reader{rest: b}
	if r.byte() != stateVersion {
		return
	}
	var next Stream
	flags := r.byte()
	next.Usage.Known = flags&flagKnown != 0
	for _, v := range [...]*uint64{&next.started, &next.finished, &next.spoke, &next.counted} {
		*v = r.varint()
	}
	for _, v := range next.Usage.counters() {
		*v = int64(r.varint())
	}
	next.id = r.text()
	next.model = r.text()
	if r.bad {
		return
	}
	next.saved = s.saved
	*s = next
}

func (u *Usage) counters() [7]*int64 {
	return [7]*int64{&u.Uncached, &u.CacheRead, &u.CacheWrite, &u.CacheWrite1h, &u.Output, &u.Reasoning, &u.ServerCalls}
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
