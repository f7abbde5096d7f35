package idempotency

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/pointsman/pointsman/engine"
)

var errDamaged = errors.New("the answer is damaged")

// head is an answer without its body.
type head struct {
	Status  int
	Headers []engine.Pair
}

// encode writes an answer: the length of its head, 4 bytes, the head as JSON, the body.
func encode(a engine.IdempotentAnswer) []byte {
	text, err := json.Marshal(head{a.Status, a.Headers})
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	out := make([]byte, 0, 4+len(text)+len(a.Body))
	out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
	return append(append(out, text...), a.Body...)
}

// decode is the inverse of encode. The body is a part of text.
func decode(text []byte) (engine.IdempotentAnswer, error) {
	if len(text) < 4 {
		return engine.IdempotentAnswer{}, errDamaged
	}
	n, rest := binary.BigEndian.Uint32(text), text[4:]
	var h head
	if uint64(n) > uint64(len(rest)) || json.Unmarshal(rest[:n], &h) != nil {
		return engine.IdempotentAnswer{}, errDamaged
	}
	return engine.IdempotentAnswer{Status: h.Status, Headers: h.Headers, Body: rest[n:]}, nil
}
