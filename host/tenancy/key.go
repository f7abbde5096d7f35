package tenancy

import (
	"crypto/rand"
	"hash/crc32"
	"strings"
)

// A generated key is pm_ + 43 base62 characters (256 bits) + the CRC-32 (IEEE) of all
// of these in 6 base62 characters. The checksum lets a mistyped or made-up key be
// refused without a lookup, and lets secret scanners tell a key from noise.
const (
	keyPrefix   = "pm_"
	keyRandom   = 43
	keyChecksum = 6
	keyLength   = len(keyPrefix) + keyRandom + keyChecksum
	// shownChars is how much of a generated key is kept in clear to recognise it by:
	// 36 of its 256 bits.
	shownChars = len(keyPrefix) + 6
)

// A key that an operator chose (POINTSMAN_ADMIN_KEY) may be any printable ASCII text
// of this length; it has no checksum.
const (
	minChosenKey = 24
	maxChosenKey = 256
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newKey makes a key. The system's random source does not fail (crypto/rand, Go 1.24).
func newKey() string {
	b := make([]byte, 0, keyLength)
	b = append(b, keyPrefix...)
	var pool [64]byte
	for len(b) < len(keyPrefix)+keyRandom {
		_, _ = rand.Read(pool[:])
		for _, c := range pool {
			// 248 is the largest multiple of 62 in a byte: what is above would favour some digits.
			if c < 248 && len(b) < len(keyPrefix)+keyRandom {
				b = append(b, base62[c%62])
			}
		}
	}
	return string(appendChecksum(b))
}

func appendChecksum(b []byte) []byte {
	sum := crc32.ChecksumIEEE(b)
	var digits [keyChecksum]byte
	for i := keyChecksum - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return append(b, digits[:]...)
}

// wellFormed reports whether a presented text can be a key at all: a pm_ key of the
// right length, alphabet and checksum, or a chosen one of acceptable length and characters.
func wellFormed(s string) bool {
	if !strings.HasPrefix(s, keyPrefix) {
		return chosenKey(s)
	}
	if len(s) != keyLength {
		return false
	}
	for i := len(keyPrefix); i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	var b [keyLength]byte
	return string(appendChecksum(append(b[:0], s[:keyLength-keyChecksum]...))) == s
}

// generated reports whether a presented text is well formed as a key that was made, not chosen.
func generated(s string) bool {
	return strings.HasPrefix(s, keyPrefix) && wellFormed(s)
}

func chosenKey(s string) bool {
	if len(s) < minChosenKey || len(s) > maxChosenKey {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// shownPart is what is kept of a key in clear. Of a chosen key it is less: its
// entropy is not known.
func shownPart(key string) string {
	if strings.HasPrefix(key, keyPrefix) {
		return key[:shownChars]
	}
	return key[:4]
}
