package httpapi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/pointsman/pointsman/engine"
)

// PageQuery is which part of a list is asked for. Exported because huma skips embedded
// structs that are not.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Rows at most; a page may have fewer and still not be the last."`
	After string `query:"after" maxLength:"2048" doc:"What 'next' of the page before said. It is good for the same caller's account and the same filters alone."`
}

// cursors makes the opaque texts that say where a list goes on. They are sealed, so that
// nobody learns or makes up a place, and bound to what was asked.
type cursors struct{ aead cipher.AEAD }

// newCursors makes cursors under a secret of any length; an empty one is made up.
func newCursors(secret []byte) (cursors, error) {
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		_, _ = rand.Read(secret) // it does not fail (crypto/rand, Go 1.24)
	}
	key := sha256.Sum256(append([]byte("pointsman cursor "), secret...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return cursors{}, fmt.Errorf("make cursors: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return cursors{}, fmt.Errorf("make cursors: %w", err)
	}
	return cursors{aead}, nil
}

// scopeOfList is what a cursor is bound to: the list, the caller's account and the filters.
func scopeOfList(list string, p engine.Principal, filters any) []byte {
	text, err := json.Marshal([]any{list, p.AccountID, filters})
	if err != nil {
		// Plain data of ours: this is unreachable, and must not be silent if it ever is not.
		panic(err)
	}
	return text
}

// next is the cursor of a place, "" for none.
func (c cursors) next(scope []byte, place string) string {
	if place == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, []byte(place), scope))
}

// place is what a cursor stands for. Errors: 400 for one that was not made here for this
// scope. The cursor "" is the beginning.
func (c cursors) place(scope []byte, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		var place []byte
		if place, err = c.aead.Open(nil, nil, sealed, scope); err == nil {
			return string(place), nil
		}
	}
	return "", invalid("after", "'after' must be what 'next' said in the answer to this very query.")
}

// page opens the cursor of a query.
func (s *Server) page(scope []byte, q PageQuery) (engine.Page, error) {
	after, err := s.cursors.place(scope, q.After)
	return engine.Page{After: after, Limit: q.Limit}, err
}
