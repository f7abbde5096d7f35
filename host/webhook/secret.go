package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Seal encrypts secrets for the store; *tenancy.Seal is one.
type Seal interface {
	// SealCredential returns c with Sealed and SealKey set, bound to its key and Version.
	SealCredential(c engine.StoredCredential, secret string) (engine.StoredCredential, error)
	OpenCredential(c engine.StoredCredential) (string, error)
}

// secretPrefix begins the text of every signing secret (Standard Webhooks, "Signature scheme").
const secretPrefix = "whsec_"

// secretSize is how many bytes sign, and the fewest that may: with fewer, or none, anybody
// could sign.
const secretSize = 32

// errSecret is every reason for which a webhook cannot sign.
var errSecret = errors.New("the signing secret cannot be used")

// newSecret makes up a secret of secretSize random bytes.
func newSecret() string {
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // does not fail (crypto/rand, Go 1.24)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// keyOf is the bytes that a secret's text stands for. Errors: errSecret, also for too few.
func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < secretSize {
		return nil, errSecret
	}
	return key, nil
}

// sealedAs is what a webhook's secrets are sealed as. No provider has that id, so that
// neither can be put in the place of the other.
func sealedAs(w engine.Webhook) engine.StoredCredential {
	return engine.StoredCredential{AccountID: w.AccountID, ProviderID: "webhook:", ID: w.ID, Version: w.Version, Sealed: w.Sealed, SealKey: w.SealKey}
}

// withSecrets seals the secrets for the webhook as it is, the one in force first.
func withSecrets(seal Seal, w engine.Webhook, secrets ...string) (engine.Webhook, error) {
	for _, s := range secrets {
		if _, err := keyOf(s); err != nil {
			return w, err
		}
	}
	c, err := seal.SealCredential(sealedAs(w), strings.Join(secrets, " "))
	w.Sealed, w.SealKey = c.Sealed, c.SealKey
	return w, err
}

// secretsOf opens what withSecrets sealed: the secret in force and, until PreviousUntil, the
// one before it. Errors: errSecret.
func secretsOf(seal Seal, w engine.Webhook, now time.Time) ([]string, error) {
	text, err := seal.OpenCredential(sealedAs(w))
	if err != nil {
		return nil, errSecret
	}
	secrets := strings.Split(text, " ")
	if !now.Before(w.PreviousUntil) {
		secrets = secrets[:1]
	}
	return secrets, nil
}

// signature is the webhook-signature header: one signature for each secret. Errors: errSecret
// when there is none, or one is too short.
func signature(secrets []string, id string, at time.Time, body []byte) (string, error) {
	if len(secrets) == 0 {
		return "", errSecret
	}
	list := make([]string, len(secrets))
	for i, secret := range secrets {
		key, err := keyOf(secret)
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		list[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(list, " "), nil
}
