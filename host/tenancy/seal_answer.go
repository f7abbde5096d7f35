package tenancy

import (
	"encoding/binary"

	"github.com/pointsman/pointsman/engine"
)

// SealAnswer returns k with Sealed and SealKey set, so that only a row with its account, digest,
// fingerprint and claim can be opened.
func (s *Seal) SealAnswer(k engine.IdempotencyKey, answer []byte) (engine.IdempotencyKey, error) {
	var err error
	k.SealKey = s.first
	k.Sealed, err = s.seal(answer, func(part string) []byte { return answerAAD(part, k) })
	return k, err
}

// OpenAnswer returns the answer that was sealed for this very row. Its error is that of
// OpenCredential.
func (s *Seal) OpenAnswer(k engine.IdempotencyKey) ([]byte, error) {
	return s.open(k.SealKey, k.Sealed, func(part string) []byte { return answerAAD(part, k) })
}

func answerAAD(part string, k engine.IdempotencyKey) []byte {
	aad := make([]byte, 0, 224)
	for _, text := range []string{"pointsman/idempotency", part, k.SealKey, k.AccountID, string(k.Digest), string(k.Fingerprint), k.ClaimID} {
		aad = binary.BigEndian.AppendUint32(aad, uint32(len(text)))
		aad = append(aad, text...)
	}
	return aad
}
