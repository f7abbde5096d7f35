package document

import "github.com/pointsman/pointsman/sdk/abi"

// ref is what a handle stands for: a value of a Doc, or a part of a string.
type ref struct {
	d *Doc
	i uint32 // slot of the value

	// Of a part: the range of the source between the quotes, and its decoded length.
	part   bool
	lo, hi uint32
	size   uint32

	// Where At or Key last was, so that the next one goes on from there.
	cursorIndex uint32
	cursorSlot  uint32 // 0: nowhere
}

// A handle is a generation, to tell this call's handles from earlier ones, above an index of refs.
const (
	indexBits      = 17
	maxRefs        = 1 << indexBits
	generationMask = 1<<(31-indexBits) - 1
	keepRefs       = 4 << 10
)

func (f *Frame) resetRefs() {
	f.generation = (f.generation + 1) & generationMask
	clear(f.refs)
	if cap(f.refs) > keepRefs {
		f.refs = nil
	}
	f.refs = append(f.refs[:0], ref{})
	f.docs = [6]int32{}
	f.memo.d = nil
	f.incomplete = Node{}
}

// ref returns what a handle stands for, or nil when that is nothing. The whole of it is looked
// at: a Context that lacks its rest gets it.
func (f *Frame) ref(h int32) *ref {
	r := f.entry(h)
	if r == nil || r.part {
		return r
	}
	if f.in.Rest != nil && r.is(f.in.Context) {
		f.complete()
	}
	if f.incomplete.d != nil && r.is(f.incomplete) {
		r.d, r.i, r.cursorSlot = f.in.Context.d, f.in.Context.i, 0
	}
	return r
}

func (r *ref) is(n Node) bool { return r.d == n.d && r.i == n.i }

// complete makes Context whole. Handles of values in the part that was there stay good; one of
// the root finds the whole when it is used next, as incomplete remembers what it was.
func (f *Frame) complete() {
	whole := f.in.Rest.Whole()
	f.in.Rest = nil
	added := len(whole.d.Bytes()) - len(f.in.Context.d.Bytes()) - len(f.in.Text.Raw()) + len(f.textAt.Raw())
	f.inputSize += added
	f.work += workPerInput * added
	f.incomplete, f.in.Context = f.in.Context, whole
}

// entry is ref for who looks at no more than one named member.
func (f *Frame) entry(h int32) *ref {
	index := uint32(h) & (maxRefs - 1)
	if h <= 0 || index == 0 || int(index) >= len(f.refs) || uint32(h)>>indexBits != f.generation {
		return nil
	}
	return &f.refs[index]
}

// handle returns a new handle for r. It may move the refs.
func (f *Frame) handle(r ref) int32 {
	if len(f.refs) == maxRefs {
		f.violate(ErrHandles)
		return 0
	}
	f.refs = append(f.refs, r)
	return int32(f.generation<<indexBits | uint32(len(f.refs)-1))
}

// entire is ref for who looks at all that is inside the value: not only the root of a Context has
// a part that is elsewhere.
func (f *Frame) entire(h int32) *ref {
	r := f.ref(h)
	if r == nil || r.part || f.textAt.d == nil || r.d != f.textAt.d || r.i >= f.textAt.i || f.textAt.i >= after(r.d.tape, r.i) {
		return r
	}
	if f.in.Rest != nil {
		f.complete()
	}
	r.d, r.cursorSlot = f.in.Context.d, 0 // the whole begins with the same values
	return r
}

// value returns a handle for the value at slot i of d, 0 for none.
func (f *Frame) value(d *Doc, i uint32) int32 {
	if i == none || f.unkept(d, i) {
		return 0
	}
	if d == f.textAt.d && i == f.textAt.i && d != nil {
		d, i = f.in.Text.d, f.in.Text.i
	}
	return f.handle(ref{d: d, i: i})
}

// node returns a handle for n.
func (f *Frame) node(n Node) int32 {
	if !n.Exists() {
		return 0
	}
	return f.value(n.d, n.i)
}

func (r *ref) slot() *slot { return &r.d.tape[r.i] }

func (r *ref) kind() abi.Kind {
	if r == nil || int(r.i) >= len(r.d.tape) {
		return abi.KindAbsent
	}
	return r.slot().kind()
}

// raw is the value's JSON; of a part it lacks the quotes.
func (r *ref) raw() []byte {
	if r.part {
		return r.d.src[r.lo:r.hi]
	}
	s := r.slot()
	return r.d.src[s.start:s.end]
}

// content is what stands between the quotes of a string or a part of one, and its decoded length.
func (r *ref) content() (raw []byte, size int) {
	if r.part {
		return r.d.src[r.lo:r.hi], int(r.size)
	}
	s := r.slot()
	return r.d.src[s.start+1 : s.end-1], int(s.aux)
}

// memo is the decoded text of the last string with escapes, as guests ask several things of one text.
type memo struct {
	d      *Doc
	lo, hi int
	text   []byte
}

// text returns the decoded content of a string ref: a view, valid until the next call of text.
func (f *Frame) text(r *ref) []byte {
	raw, size := r.content()
	if len(raw) == size {
		return raw
	}
	lo := int(r.slot().start) + 1
	if r.part {
		lo = int(r.lo)
	}
	hi := lo + len(raw)
	if m := &f.memo; m.d != r.d || m.lo != lo || m.hi != hi {
		f.spend(len(raw))
		m.text = appendDecoded(m.text[:0], raw)
		m.d, m.lo, m.hi = r.d, lo, hi
	}
	return f.memo.text
}
