package engine

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// packedVectors is the encoding in which providers are asked for vectors.
const packedVectors = "base64"

// canonical is the document that adapters are given: Doc, but that of embeddings asks for
// packed vectors whatever the caller asked for. See RATIONALE.md, "In which encoding
// are vectors asked for?".
func (r *Request) canonical() *document.Doc {
	root := r.Doc.Root()
	if r.operation() != abi.OperationEmbeddings || root.Get("encoding_format").Text() == packedVectors {
		return r.Doc
	}
	if r.packed != nil {
		return r.packed
	}
	_, end := root.Span()
	edit := document.Edit{Start: end - 1, End: end - 1, With: []byte(`,"encoding_format":"` + packedVectors + `"`)}
	if said := root.Get("encoding_format"); said.Exists() {
		edit.Start, edit.End = said.Span()
		edit.With = []byte(`"` + packedVectors + `"`)
	}
	doc, err := document.Parse(document.Splice(nil, r.Doc, edit), contextLimits)
	if err != nil {
		return r.Doc // it cannot be: what was JSON still is
	}
	r.packed = doc
	return doc
}

// appendVector appends an embedding in the encoding that the caller asked for, or says
// why it cannot. base64 is that of the numbers as little-endian 32-bit floats, which
// is what OpenAI's client libraries ask for unless told otherwise, and what servers of
// other wires do not have. Numbers that came as such are copied as they are spelled.
func appendVector(dst []byte, v document.Node, base64Asked bool) (_ []byte, why string) {
	switch {
	case v.Len() == 0 || v.Kind() != abi.KindArray && v.Kind() != abi.KindString:
		return dst, "a vector is missing"
	case v.Kind() == abi.KindString:
		raw, err := base64.StdEncoding.DecodeString(v.Text())
		if err != nil || len(raw) == 0 || len(raw)%4 != 0 {
			return dst, "a vector is no base64 of floats"
		}
		if base64Asked {
			return append(dst, v.Raw()...), ""
		}
		return appendFloats(dst, raw)
	}
	var packed []byte
	if base64Asked {
		packed = make([]byte, 0, 4*v.Len())
	}
	for _, n := range v.Elements() {
		f := float32(n.Float())
		if n.Kind() != abi.KindNumber || math.IsInf(float64(f), 0) {
			return dst, "a vector holds what is no number"
		}
		if base64Asked {
			packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(f))
		}
	}
	if !base64Asked {
		return append(dst, v.Raw()...), ""
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, packed)
	return append(dst, '"'), ""
}

// appendFloats appends packed floats as a list, each as short as tells it from every other.
func appendFloats(dst, packed []byte) (_ []byte, why string) {
	dst = append(dst, '[')
	for i := 0; i < len(packed); i += 4 {
		f := float64(math.Float32frombits(binary.LittleEndian.Uint32(packed[i:])))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, "a vector holds what is no number"
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, f, 'g', -1, 32)
	}
	return append(dst, ']'), ""
}
