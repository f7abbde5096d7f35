package httpapi

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestEncodedPaths: a path parameter may be percent-encoded, more than it need be too.
func TestEncodedPaths(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{rules: []engine.Rule{{ID: "r1", Name: "One", When: "true"}}})
	for _, path := range []string{"/api/v1/rules/r%31", "/api/v1/rules/%721"} {
		plain, encoded := s.do("GET", "/api/v1/rules/r1", superKey, ""), s.do("GET", path, superKey, "")
		if plain.status != 200 || encoded.status != 200 || encoded.body != plain.body {
			t.Errorf("GET %s = %d %s, want %s", path, encoded.status, encoded.body, plain.body)
		}
	}
	for _, bad := range []string{"%", "%zz", "a%2"} {
		r := s.raw("GET /api/v1/rules/"+bad+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+superKey+"\r\nConnection: close\r\n\r\n", 1)[0]
		isProblem(t, "GET of "+bad, r, 400, "invalid_request")
	}
}
