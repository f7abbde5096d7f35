package tenancy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/pointsman/pointsman/engine"
)

// Seal encrypts the credentials of providers, and kept answers, for the store: each under a data key of its
// own, which is wrapped by a key-encryption key that is kept outside of the store. What is
// sealed is bound to its row; see RATIONALE.md, "Why an envelope around each credential?".
// Immutable, safe for concurrent use.
type Seal struct {
	first string // id of the key that seals
	keys  map[string]cipher.AEAD
}

// A sealed credential: a byte that names this form, the wrapped data key, the encrypted
// text. Each of the two is a nonce, the ciphertext, and a tag of 16 bytes.
const (
	sealForm    = 1
	sealKeySize = 32 // AES-256
	sealNonce   = 12
	sealTag     = 16
	wrappedSize = sealNonce + sealKeySize + sealTag
	// minSealed is the size of the empty text, sealed; nothing shorter can be opened.
	minSealed = 1 + wrappedSize + sealNonce + sealTag
)

var (
	errSealKey = errors.New("a key-encryption key is not 32 bytes long")
	// errSealed is every reason for which a row cannot be opened: they tell an attacker things.
	errSealed = errors.New("it cannot be opened: it was sealed with another encryption key, or the row was changed")
)

// NewSeal returns a seal that seals with key and also opens what was sealed with one of
// the previous keys. Each is 32 random bytes, or derived from a secret as good.
func NewSeal(key []byte, previous ...[]byte) (*Seal, error) {
	s := &Seal{first: sealKeyID(key), keys: make(map[string]cipher.AEAD, 1+len(previous))}
	for _, k := range append([][]byte{key}, previous...) {
		if len(k) != sealKeySize {
			return nil, errSealKey
		}
		aead, err := newAEAD(k)
		if err != nil {
			return nil, err
		}
		s.keys[sealKeyID(k)] = aead
	}
	return s, nil
}

// sealKeyID names a key without telling anything of it.
func sealKeyID(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("pointsman/seal-key-id"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// SealCredential returns c with Sealed and SealKey set, so that only a row with its
// account, provider, id and version can be opened.
func (s *Seal) SealCredential(c engine.StoredCredential, secret string) (engine.StoredCredential, error) {
	c.SealKey = s.first
	sealed, err := s.seal([]byte(secret), func(part string) []byte { return sealAAD(part, c) })
	if err == nil {
		c.Sealed = sealed
	}
	return c, err
}

// seal encrypts a text with the first key, bound to what aad says of the data key and of the text.
func (s *Seal) seal(text []byte, aad func(part string) []byte) ([]byte, error) {
	dataKey := make([]byte, sealKeySize)
	_, _ = rand.Read(dataKey) // does not fail (crypto/rand, Go 1.24)
	defer clear(dataKey)
	data, err := newAEAD(dataKey)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1, minSealed+len(text))
	sealed[0] = sealForm
	sealed = appendSealed(sealed, s.keys[s.first], dataKey, aad("key"))
	return appendSealed(sealed, data, text, aad("secret")), nil
}

func appendSealed(dst []byte, aead cipher.AEAD, plain, aad []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, sealNonce)...)
	_, _ = rand.Read(dst[at:])
	return aead.Seal(dst, dst[at:at+sealNonce], plain, aad)
}

// OpenCredential returns the text that was sealed for this very row. Its error is always
// the same and says nothing of the text.
func (s *Seal) OpenCredential(c engine.StoredCredential) (string, error) {
	text, err := s.open(c.SealKey, c.Sealed, func(part string) []byte { return sealAAD(part, c) })
	return string(text), err
}

// open is the inverse of seal.
func (s *Seal) open(id string, sealed []byte, aad func(part string) []byte) ([]byte, error) {
	key, ok := s.keys[id]
	if !ok || len(sealed) < minSealed || sealed[0] != sealForm {
		return nil, errSealed
	}
	wrapped, text := sealed[1:1+wrappedSize], sealed[1+wrappedSize:]
	dataKey, err := key.Open(nil, wrapped[:sealNonce], wrapped[sealNonce:], aad("key"))
	if err != nil {
		return nil, errSealed
	}
	defer clear(dataKey)
	data, err := newAEAD(dataKey)
	if err != nil {
		return nil, errSealed
	}
	plain, err := data.Open(nil, text[:sealNonce], text[sealNonce:], aad("secret"))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// sealAAD is what the seal is bound to. Each part has its length before it, so that no two
// rows have the same.
func sealAAD(part string, c engine.StoredCredential) []byte {
	aad := make([]byte, 0, 96)
	for _, text := range []string{"pointsman/credential", part, c.SealKey, c.AccountID, c.ProviderID, c.ID} {
		aad = binary.BigEndian.AppendUint32(aad, uint32(len(text)))
		aad = append(aad, text...)
	}
	return binary.BigEndian.AppendUint64(aad, uint64(c.Version))
}
