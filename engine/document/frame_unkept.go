package document

// Missed reports whether the call looked at something that was not kept: what it came to is
// then not what it came to when everything was there.
func (f *Frame) Missed() bool { return f.missed }

// unkept reports, and notes, that the value at slot i of d was not kept.
func (f *Frame) unkept(d *Doc, i uint32) bool {
	for _, n := range f.in.Unkept {
		if n.d == d && n.i == i {
			f.missed = true
			return true
		}
	}
	return false
}

// misses reports, and notes, that something inside the value was not kept: for what looks at
// all of it at once.
func (f *Frame) misses(r *ref) bool {
	for _, n := range f.in.Unkept {
		if n.d == r.d && (n.i == r.i || r.d.first(r.i) <= n.i && n.i < after(r.d.tape, r.i)) {
			f.missed = true
			return true
		}
	}
	return false
}

// missesOn reports, and notes, that a pointer leads to or through a value that was not kept.
func (f *Frame) missesOn(r *ref, pointer string) bool {
	for end := 1; end <= len(pointer); end++ {
		if end < len(pointer) && pointer[end] != '/' {
			continue
		}
		if i, _ := r.d.pointer(r.i, pointer[:end]); i != none && f.unkept(r.d, i) {
			return true
		}
	}
	return false
}
