package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestUnauthorized: every wrong key gets the same bytes (A1, H9, H10).
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	body := chatBody("")
	for path, want := range map[string]string{
		chatPath:        `{"error":{"message":"Incorrect API key provided.","type":"authentication_error","param":null,"code":"invalid_api_key"}}`,
		"/api/v1/rules": `{"type":"/docs#invalid_api_key","title":"Unauthorized","status":401,"detail":"Incorrect API key provided.","code":"invalid_api_key"}`,
	} {
		for _, c := range []struct{ name, headers string }{
			{"nothing", ""},
			{"empty bearer", "Authorization: Bearer \r\n"},
			{"bearer alone", "Authorization: Bearer\r\n"},
			{"one character", "Authorization: Bearer x\r\n"},
			{"no scheme", "Authorization: " + userKey + "\r\n"},
			{"basic", "Authorization: Basic dXNlcjpwYXNz\r\n"},
			{"unknown", "Authorization: Bearer pm_unknown\r\n"},
			{"empty x-api-key", "X-Api-Key: \r\n"},
			{"quote", "X-Api-Key: ' or 1=1 --\r\n"},
			{"12 KB", "X-Api-Key: " + strings.Repeat("a", 12<<10) + "\r\n"},
			{"confusable", "X-Api-Key: pl\xd0\xb0in-user-key-for-tests-only\r\n"},
			{"two authorizations", "Authorization: Bearer " + userKey + "\r\nAuthorization: Bearer " + userKey + "\r\n"},
			{"two x-api-keys", "X-Api-Key: " + userKey + "\r\nX-Api-Key: " + adminKey + "\r\n"},
			{"disagreeing", "Authorization: Bearer " + userKey + "\r\nX-Api-Key: " + adminKey + "\r\n"},
			{"disagreeing, the other way", "X-Api-Key: " + userKey + "\r\nAuthorization: Bearer " + adminKey + "\r\n"},
			{"basic beside a key", "Authorization: Basic dXNlcjpwYXNz\r\nX-Api-Key: " + userKey + "\r\n"},
			{"key as cookie", "Cookie: key=" + userKey + "\r\n"},
		} {
			got := s.raw(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, c.headers, len(body), body), 1)
			if len(got) != 1 || got[0].status != 401 || got[0].body != want {
				t.Errorf("%s, %s: %+v, want 401 with the constant body", path, c.name, got)
				continue
			}
			if got[0].header.Get("WWW-Authenticate") != `Bearer realm="pointsman"` {
				t.Errorf("%s, %s: WWW-Authenticate %q", path, c.name, got[0].header.Get("WWW-Authenticate"))
			}
		}
	}
}

// TestAuthorized: the ways to send a key.
func TestAuthorized(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, headers := range []string{
		"Authorization: Bearer " + userKey, "authorization: bearer " + userKey, "Authorization: BEARER   " + userKey + " ",
		"X-Api-Key: " + userKey, "x-api-key:" + userKey, "Authorization: Bearer " + userKey + "\r\nX-Api-Key: " + userKey,
	} {
		got := s.raw("GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+headers+"\r\n\r\n", 1)
		if len(got) != 1 || got[0].status != 200 {
			t.Errorf("%q: %+v, want 200", headers, got)
		}
	}
}

// TestAuthBeforeBody: the key decides before the body is looked at.
func TestAuthBeforeBody(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, body := range []string{"not json", "", `{"model":1}`} {
		if r := s.do("POST", chatPath, "wrong", body); r.status != 401 {
			t.Errorf("POST %q with a wrong key = %d, want 401", body, r.status)
		}
		if r := s.do("POST", "/api/v1/rules", "wrong", body); r.status != 401 {
			t.Errorf("POST rule %q with a wrong key = %d, want 401", body, r.status)
		}
		if r := s.do("POST", "/api/v1/rules", userKey, body); r.status != 403 {
			t.Errorf("POST rule %q with too low a role = %d, want 403", body, r.status)
		}
	}
}

// TestKeyServiceBroken: a key service that cannot answer is not a wrong key.
func TestKeyServiceBroken(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/v1/models", brokenKey, "")
	isOpenAIError(t, "broken key service", r, 500, "server_error", "internal_error", "")
	if strings.Contains(r.body, "broken") {
		t.Errorf("body %s shows an internal error", r.body)
	}
}

// FuzzCredential: no panic, and a key is only found where exactly one is meant.
func FuzzCredential(f *testing.F) {
	f.Add("Bearer abc", "", true, false)
	f.Add("Bearer abc", "abc", true, true)
	f.Add("Basic abc", "abc", true, true)
	f.Add("", " ", false, true)
	f.Fuzz(func(t *testing.T, authorization, apiKey string, withAuthorization, withKey bool) {
		var h fasthttp.RequestHeader
		if withAuthorization {
			h.Set("Authorization", authorization)
		}
		if withKey {
			h.Set("X-Api-Key", apiKey)
		}
		key, ok := credential(&h)
		if ok != (key != "") {
			t.Fatalf("credential(%q, %q) = %q, %v, want a key exactly when ok", authorization, apiKey, key, ok)
		}
		if ok && withKey && strings.TrimSpace(string(h.Peek("X-Api-Key"))) != key {
			t.Fatalf("credential(%q, %q) = %q, want the x-api-key too", authorization, apiKey, key)
		}
		if ok && !withAuthorization && !withKey {
			t.Fatalf("credential() = %q without any header", key)
		}
	})
}
