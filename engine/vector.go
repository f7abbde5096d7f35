package engine

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// appendVector appends an embedding in the encoding that was asked for, or says why it
// cannot. base64 is that of the numbers as little-endian 32-bit floats, which is what
// OpenAI's client libraries ask for unless told otherwise, and what servers of other
// wires do not have. Numbers are copied as they are spelled.
func appendVector(dst []byte, v document.Node, base64Asked bool) (_ []byte, why string) {
	switch {
	case v.Len() == 0 || v.Kind() != abi.KindArray && v.Kind() != abi.KindString:
		return dst, "a vector is missing"
	case v.Kind() == abi.KindString && !base64Asked:
		return dst, "base64 was not asked for"
	case v.Kind() == abi.KindString:
		if raw, err := base64.StdEncoding.DecodeString(v.Text()); err != nil || len(raw) == 0 || len(raw)%4 != 0 {
			return dst, "a vector is no base64 of floats"
		}
		return append(dst, v.Raw()...), ""
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
