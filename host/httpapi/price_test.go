package httpapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestPriceLife(t *testing.T) {
	t.Parallel()
	o, real := withOffice(t)
	s := start(t, &fake{}, real)
	const path = "/api/v1/models/gpt-4o/prices"
	r := s.do("POST", path, superKey, `{"input":"2.5","output":"10","reasoning":"4","per_request":"0.001","per_image":"0.000000001","source":"a page","tiers":[{"above_prompt":1000,"input":"5","output":"20"}]}`)
	if r.status != 201 || r.member("scope") != "global" || r.member("status") != "in_force" || r.member("input") != "2.50" || r.member("reasoning") != "4.00" ||
		r.member("per_request") != "0.001" || r.member("per_image") != "0.000000001" || r.member("source") != "a page" || r.member("upstream_id") != "gpt-4o" {
		t.Fatalf("POST price = %d %s, want it in force", r.status, r.body)
	}
	if !strings.Contains(r.body, `"tiers":[{"above_prompt":1000,"input":"5.00","output":"20.00"}]`) {
		t.Errorf("POST price = %s, want its tier", r.body)
	}
	if m := s.do("GET", "/api/v1/models/gpt-4o", userKey, ""); m.member("price", "reasoning") != "4.00" || m.member("price", "per_request") != "0.001" {
		t.Errorf("GET model = %s, want the price", m.body)
	}
	next := s.do("POST", path, superKey, `{"from":"2027-03-01T00:00:00Z","input":"3","output":"12"}`)
	if next.status != 201 || next.member("status") != "future" || next.member("version") != "2027-03-01T00:00:00Z" || next.header.Get("Location") != path+"/2027-03-01T00:00:00Z" {
		t.Errorf("POST of a price to come = %d %s", next.status, next.body)
	}
	list := s.do("GET", path, userKey, "")
	if list.status != 200 || strings.Count(list.body, `"version"`) != 2 || strings.Count(list.body, `"in_force"`) != 1 {
		t.Errorf("GET prices = %d %s, want the history with one in force", list.status, list.body)
	}
	for name, body := range map[string]string{
		"negative":         `{"input":"-1","output":"1"}`,
		"a number":         `{"input":1,"output":"1"}`,
		"not a number":     `{"input":"NaN","output":"1"}`,
		"too much":         `{"input":"1e30","output":"1"}`,
		"nothing":          `{}`,
		"a tier of none":   `{"input":"1","output":"1","tiers":[{"above_prompt":0,"input":"1","output":"1"}]}`,
		"a bad tier":       `{"input":"1","output":"1","tiers":[{"above_prompt":9,"input":"x","output":"1"}]}`,
		"a date long ago":  `{"from":"1999-01-01T00:00:00Z","input":"1","output":"1"}`,
		"another upstream": `{"upstream_id":"gpt-5.1-codex","input":"1","output":"1"}`,
	} {
		if r := s.do("POST", path, superKey, body); r.status != 400 && r.status != 422 {
			t.Errorf("POST of %s = %d %s, want it refused", name, r.status, r.body)
		}
	}
	isProblem(t, "a price below the operator's", s.do("POST", path, adminKey, `{"input":"1","output":"1"}`), 403, "permission_denied")
	own := s.do("POST", path, adminKey, `{"input":"9","output":"90","reasoning":"90","per_request":"1","per_image":"1"}`)
	if own.status != 201 || own.member("scope") != "account" || own.member("account_id") == "" {
		t.Errorf("POST of an account's own = %d %s", own.status, own.body)
	}
	isProblem(t, "DELETE of one that holds", s.do("DELETE", path+"/"+r.member("version").(string), superKey, ""), 409, "conflict")
	isProblem(t, "DELETE of no date", s.do("DELETE", path+"/soon", superKey, ""), 404, "not_found")
	if r := s.do("DELETE", path+"/2027-03-01T00:00:00Z", superKey, ""); r.status != 204 {
		t.Errorf("DELETE = %d %s, want 204", r.status, r.body)
	}
	isProblem(t, "prices of no model", s.do("GET", "/api/v1/models/none/prices", userKey, ""), 404, "not_found")

	row := engine.Usage{AccountID: "default", ID: "row", ModelID: "gpt-4o", ProviderID: "openai", UpstreamID: "gpt-4o", Tokens: engine.Tokens{Prompt: 10}, StartedAt: testNow.Add(-time.Hour)}
	if err := o.AddUsage(t.Context(), []engine.Usage{row}); err != nil {
		t.Fatal(err)
	}
	span := `"from":"` + testNow.AddDate(0, 0, -1).Format(time.RFC3339) + `","to":"` + testNow.Format(time.RFC3339) + `"`
	rated := s.do("POST", path+"/rerate?account_id=default", superKey, `{`+span+`,"dry_run":true}`)
	if rated.status != 200 || rated.member("rows") != 1.0 || rated.member("dry_run") != true || rated.member("next") != nil {
		t.Errorf("POST rerate = %d %s, want one row looked at", rated.status, rated.body)
	}
	isProblem(t, "a cursor that was made up", s.do("POST", path+"/rerate", superKey, `{`+span+`,"after":"AAAA"}`), 400, "invalid_request")
	isProblem(t, "no time", s.do("POST", path+"/rerate", superKey, `{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}`), 400, "invalid_request")
}

// calculator remembers what it was asked.
type calculator struct {
	request *engine.Request
	tokens  int64 // of the prompt's estimate
	given   *engine.Calculated
	list    []engine.Calculation
}

func (c *calculator) Calculate(_ context.Context, r *engine.Request, given *engine.Calculated) ([]engine.Calculation, error) {
	c.request, c.given = r, given
	if c.list == nil {
		return nil, errors.New("nothing to answer")
	}
	return c.list, nil
}

func TestCalculateCost(t *testing.T) {
	t.Parallel()
	nano := int64(1_500_000_000)
	calc := &calculator{list: []engine.Calculation{
		{Model: engine.Model{ID: "a", UpstreamID: "up-a"}, ProviderID: "p", Priced: true, Price: engine.Price{From: testNow, Input: nano}, Tokens: engine.Tokens{Prompt: 3, Completion: 4},
			NanoUSD: nano, MostCompletion: 9, MostNanoUSD: 2 * nano, PremiumCenti: 33},
		{Model: engine.Model{ID: "b", UpstreamID: "up-b"}, ProviderID: "p", Skip: &engine.Skip{What: "b", Reason: engine.SkipUnpriced, Detail: "up-b"}},
	}}
	s := start(t, &fake{}, func(c *Config) { c.Calculator = calc })
	const path = "/api/v1/costs/calculate"
	for name, tt := range map[string]struct {
		body     string
		wantWire engine.API
	}{
		"chat":       {`{"request":{"model":"auto","messages":[{"role":"user","content":"hi"}]}}`, engine.APIChat},
		"messages":   {`{"wire":"messages","request":{"model":"auto","max_tokens":7,"messages":[{"role":"user","content":"hi"}]}}`, engine.APIMessages},
		"responses":  {`{"wire":"responses","request":{"model":"auto","input":"hi"}}`, engine.APIResponses},
		"embeddings": {`{"wire":"embeddings","request":{"model":"text-embedding-3-small","input":"hi"}}`, ""},
		"tokens":     {`{"tokens":{"prompt":10,"cached":4,"completion":5,"reasoning":2,"images":1}}`, engine.APIChat},
	} {
		r := s.do("POST", path, userKey, tt.body)
		if r.status != 200 || calc.request.Wire != tt.wantWire || (calc.given != nil) != (name == "tokens") {
			t.Errorf("%s = %d %s with the wire %q, want %q", name, r.status, r.body, calc.request.Wire, tt.wantWire)
		}
	}
	r := s.do("POST", path, userKey, `{"tokens":{"prompt":10}}`)
	if calc.given == nil || !calc.given.Open || calc.given.Tokens.Prompt != 10 {
		t.Errorf("given = %+v, want the prompt, and no answer said", calc.given)
	}
	if want := `"cost_nano_usd":1500000000,"cost_usd":"1.50","most_completion":9,"most_nano_usd":3000000000,"most_usd":"3.00"`; !strings.Contains(r.body, want) {
		t.Errorf("answer = %s, want %s", r.body, want)
	}
	if want := `"model":"b","provider":"p","upstream_id":"up-b","substituted":false,"usable":false,"reason":"unpriced","detail":"up-b","premium_requests":0,"price":null,"cost_nano_usd":null`; !strings.Contains(r.body, want) {
		t.Errorf("answer = %s, want %s", r.body, want)
	}
	if r := s.do("POST", path, userKey, `{"tokens":{"prompt":10},"models":["b"]}`); strings.Contains(r.body, `"model":"a"`) || !strings.Contains(r.body, `"model":"b"`) {
		t.Errorf("answer = %s, want b alone", r.body)
	}
	for name, tt := range map[string]struct {
		body, param string
	}{
		"nothing":              {`{}`, "request"},
		"no chat":              {`{"request":{"model":"auto"}}`, "request"},
		"no object":            {`{"request":"hi"}`, "request"},
		"an empty text":        {`{"wire":"embeddings","request":{"model":"a"}}`, "request"},
		"more cached than all": {`{"tokens":{"prompt":1,"cached":2}}`, "tokens"},
		"more thought":         {`{"tokens":{"prompt":1,"completion":1,"reasoning":2}}`, "tokens"},
		"negative":             {`{"tokens":{"prompt":-1}}`, "tokens"},
		"endless":              {`{"tokens":{"prompt":9223372036854775807}}`, "tokens"},
		"an unknown wire":      {`{"wire":"smoke","tokens":{"prompt":1}}`, "wire"},
	} {
		r := s.do("POST", path, userKey, tt.body)
		if r.status != 400 && r.status != 422 || !strings.Contains(r.body, tt.param) {
			t.Errorf("%s = %d %s, want a refusal that names %s", name, r.status, r.body, tt.param)
		}
	}
}
