package simulator

import (
	"encoding/base64"
	"strings"
)

// sealed marks what we have signed, so that a replayed signature is known as ours.
const sealed = "simulated by "

// escapeSignature is the value that Gemini takes in place of a signature that was
// lost (recorded, 2026): base64 of skip_thought_signature_validator.
const escapeSignature = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

// sign returns what binds a thought to the provider that had it: opaque to clients,
// to be replayed byte for byte.
func (x *exchange) sign(thought string) string {
	return base64.StdEncoding.EncodeToString([]byte(sealed + x.provider + " " + fingerprint(0, []byte(thought))))
}

// signed reports whether a signature is one of this provider's.
func (x *exchange) signed(signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && strings.HasPrefix(string(raw), sealed+x.provider+" ")
}
