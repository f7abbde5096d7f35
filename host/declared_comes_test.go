package host

import (
	"net/http"
	"testing"
)

// TestDeclaredComes asks for what the document declares and no other test asks for.
func TestDeclaredComes(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	none := map[string]any{"model": "nowhere", "input": "x"}
	for _, tt := range []struct {
		method, path string
		body         any
		want         int
	}{
		{http.MethodDelete, "/api/v1/accounts/nowhere", nil, 404},
		{http.MethodPost, "/api/v1/route/explain", map[string]any{"request_id": "nowhere"}, 404},
		{http.MethodPost, "/v1/embeddings", none, 404},
		{http.MethodPost, "/v1/responses", none, 404},
		{http.MethodPost, "/v1/responses/input_tokens", none, 404},
		{http.MethodPut, "/api/v1/preferences/override?user_id=nowhere", map[string]any{"model": "gpt-4o", "reason": "x"}, 404},
	} {
		if a := g.do(tt.method, tt.path, tt.body); a.Status != tt.want {
			t.Errorf("%s %s = %d %s, want %d", tt.method, tt.path, a.Status, a.Body, tt.want)
		}
	}
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/users", map[string]any{"id": "grace", "name": "Grace", "role": "account_admin"})
	made := g.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"user_id": "grace", "name": "desk"})
	grace := &gateway{Host: g.Host, t: t, key: made.field(t, "secret")}
	for _, path := range []string{"/api/v1/models", "/api/v1/plugins"} {
		grace.want(http.StatusNotFound, http.MethodGet, path+"?account_id=rival", nil)
	}
	// Clients that are made from the document encode a date's colons.
	date := "2027-01-01T00%3A00%3A00Z"
	if a := g.do(http.MethodGet, "/api/v1/models/gpt%2D4o/prices", nil); a.Status != 200 {
		t.Errorf("prices by an encoded id = %d %s", a.Status, a.Body)
	}
	if a := g.do(http.MethodDelete, "/api/v1/models/gpt-4o/prices/"+date, nil); a.Status != 404 || a.field(t, "detail") != "Model 'gpt-4o' has no such price. GET /api/v1/models/gpt-4o/prices lists them." {
		t.Errorf("a price of an encoded date = %d %s, want that there is none", a.Status, a.Body)
	}
}
