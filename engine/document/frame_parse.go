package document

import "github.com/pointsman/pointsman/sdk/abi"

// parsedText is a string's content as a document of its own.
type parsedText struct {
	doc    Doc
	text   []byte // the content, when it had to be decoded
	source *Doc
	lo, hi int
	ok     bool
}

// Kept for the next call: documents, and in each slots and bytes of decoded text. At most 4 MiB together.
const (
	keepParsed      = 32
	keepParsedSlots = 4 << 10
	keepParsedText  = 64 << 10
)

// Parse returns a string's content as a document of its own, 0 when it is not valid
// JSON by the rules of the function Parse (default limits). Parsing the same string again costs nothing.
func (f *Frame) Parse(h int32) int32 {
	if !f.enter() {
		return 0
	}
	r := f.ref(h)
	if r.kind() != abi.KindString {
		return 0
	}
	raw, size := r.content()
	lo := int(r.slot().start) + 1
	if r.part {
		lo = int(r.lo)
	}
	hi := lo + len(raw)
	for i, p := range f.parsed[:f.parsedUsed] {
		if p.source == r.d && p.lo == lo && p.hi == hi {
			f.spend(i)
			return f.parsedRoot(p)
		}
	}
	f.spend(f.parsedUsed + len(raw)*parsePerByte)
	if f.parsedSize += len(raw); f.parsedSize > parsedExtra+parsedInput*f.inputSize {
		f.violate(ErrParse)
	}
	if f.err != nil {
		return 0
	}
	if f.parsedUsed == len(f.parsed) {
		f.parsed = append(f.parsed, &parsedText{doc: Doc{work: new(workspace)}})
	}
	p := f.parsed[f.parsedUsed]
	f.parsedUsed++
	p.source, p.lo, p.hi = r.d, lo, hi
	if len(raw) != size {
		p.text = appendDecoded(p.text[:0], raw)
		raw = p.text
	}
	p.ok = p.doc.parse(raw, Limits{}).reason == ""
	return f.parsedRoot(p)
}

func (f *Frame) parsedRoot(p *parsedText) int32 {
	if !p.ok {
		return 0
	}
	return f.value(&p.doc, 0)
}

func (f *Frame) resetParsed() {
	for _, p := range f.parsed[:f.parsedUsed] {
		p.doc.src, p.doc.tape, p.source = nil, nil, nil
		p.doc.work.trim(keepParsedSlots)
		if cap(p.text) > keepParsedText {
			p.text = nil
		}
	}
	if len(f.parsed) > keepParsed {
		clear(f.parsed[keepParsed:])
		f.parsed = f.parsed[:keepParsed]
	}
	f.parsedUsed, f.parsedSize = 0, 0
}
