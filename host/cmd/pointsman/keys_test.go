package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKeys: what each verb asks the API for.
func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       []string // requests
		wantOut    []string
		wantErr    string
	}{
		{"list", "list -o json", []string{"GET /api/v1/keys?limit=200 ", "GET /api/v1/keys?after=more&limit=200 "}, []string{`"id": "one"`, `"id": "two"`}, ""},
		{"list some", "list --account acme --user ann --inactive", []string{"GET /api/v1/keys?account_id=acme&inactive=true&limit=200&user_id=ann ", "GET /api/v1/keys?account_id=acme&after=more&inactive=true&limit=200&user_id=ann "}, []string{"ID   NAME  ACCOUNT", "two  ci    acme     ann   user  read,manage  pm_x    never\n"}, ""},
		{"list as YAML", "list -o yaml", []string{"GET /api/v1/keys?limit=200 ", "GET /api/v1/keys?after=more&limit=200 "}, []string{"data:\n- id: one\n"}, ""},
		{"list as something else", "list -o xml", nil, nil, "table, json, yaml"},
		{"create", "create ci", []string{`POST /api/v1/keys {"name":"ci"}`}, []string{`"secret": "pm_new"`}, ""},
		{"create for a user", "create ci --user ann --account acme --scopes inference,read --expires 2027-01-31T00:00:00Z", []string{`POST /api/v1/keys {"account_id":"acme","expires_at":"2027-01-31T00:00:00Z","name":"ci","scopes":["inference","read"],"user_id":"ann"}`}, nil, ""},
		{"create until nonsense", "create ci --expires soon", nil, nil, `--expires: "soon" is no length of time`},
		{"rotate", "rotate id-1", []string{`POST /api/v1/keys/id-1/rotate {"overlap_seconds":86400}`}, []string{"pm_new"}, ""},
		{"rotate at once", "rotate id-1 --overlap 0", []string{`POST /api/v1/keys/id-1/rotate {"overlap_seconds":0}`}, nil, ""},
		{"rotate slowly", "rotate id-1 --overlap 7d", []string{`POST /api/v1/keys/id-1/rotate {"overlap_seconds":604800}`}, nil, ""},
		{"rotate backwards", "rotate id-1 --overlap=-1h", nil, nil, "--overlap"},
		{"revoke", "revoke a/b", []string{"DELETE /api/v1/keys/a%2Fb "}, []string{"done"}, ""},
		{"refused", "revoke none", []string{"DELETE /api/v1/keys/none "}, nil, "There is no such key."},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				asked = append(asked, fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body))
				switch {
				case r.URL.Path == "/api/v1/keys/none":
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, `{"detail":"There is no such key."}`)
				case r.Method == http.MethodGet && r.URL.Query().Get("after") == "":
					_, _ = io.WriteString(w, `{"data":[{"id":"one"}],"next":"more"}`)
				case r.Method == http.MethodGet:
					_, _ = io.WriteString(w, `{"data":[{"id":"two","name":"ci","account_id":"acme","user_id":"ann","role":"user","scopes":["read","manage"],"prefix":"pm_x"}]}`)
				case r.Method == http.MethodDelete:
					w.WriteHeader(http.StatusNoContent)
				default:
					_, _ = io.WriteString(w, `{"secret":"pm_new"}`)
				}
			}))
			defer server.Close()
			t.Setenv("POINTSMAN_KEY", "a-key")
			cmd := newKeys()
			var out bytes.Buffer
			cmd.SetOut(&out)
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			cmd.SetArgs(append(strings.Fields(c.args), "--url", server.URL))
			err := cmd.ExecuteContext(t.Context())
			if (err != nil) != (c.wantErr != "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
				t.Fatalf("keys %s = %v, want an error with %q", c.args, err, c.wantErr)
			}
			if !slices.EqualFunc(asked, c.want, strings.HasPrefix) {
				t.Errorf("keys %s asked %q, want %q", c.args, asked, c.want)
			}
			for _, text := range c.wantOut {
				if !strings.Contains(out.String(), text) {
					t.Errorf("keys %s printed %s, want %s in it", c.args, out.String(), text)
				}
			}
		})
	}
}

func TestExpiring(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute} {
		body := map[string]any{}
		before := time.Now().Add(-time.Second) // it is cut to the second
		err := expiring(body, text)
		at, _ := body["expires_at"].(time.Time)
		if err != nil || at.Before(before.Add(want)) || at.After(time.Now().Add(want)) {
			t.Errorf("expiring(%q) = %v, %v, want it in %v", text, at, err, want)
		}
	}
	for _, text := range []string{"soon", "-1h", "d", "-3d", "2027-01-31", "99999999d"} {
		if err := expiring(map[string]any{}, text); err == nil {
			t.Errorf("expiring(%q) = nil, want an error", text)
		}
	}
}
