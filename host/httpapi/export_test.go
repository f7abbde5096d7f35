package httpapi

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// Each row that was there is on exactly one page, whatever comes meanwhile.
func TestUsagePages(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 300)
	for who, may := range map[string]func(engine.Usage) bool{
		"acme/boss": func(u engine.Usage) bool { return u.AccountID == "acme" },
		"acme/lead": func(u engine.Usage) bool { return u.AccountID == "acme" && u.TeamID == "red" },
		"acme/user": func(u engine.Usage) bool { return u.AccountID == "acme" && u.UserID == "user" },
	} {
		t.Run(who, func(t *testing.T) {
			var want, got []string
			for _, u := range s.rows {
				if may(u) {
					want = append(want, u.ID)
				}
			}
			for page, after := 0, ""; ; page++ {
				var list struct {
					Data []struct {
						ID string
						At string `json:"started_at"`
					}
					Next string
				}
				if err := json.Unmarshal([]byte(s.want(200, "GET", "/api/v1/usage?limit=17&after="+after, s.keys[who], "").body), &list); err != nil {
					t.Fatal(err)
				}
				if !slices.IsSortedFunc(list.Data, func(a, b struct {
					ID string
					At string `json:"started_at"`
				}) int {
					return strings.Compare(b.At, a.At)
				}) {
					t.Errorf("page %d is not newest first", page)
				}
				for _, row := range list.Data {
					if strings.HasPrefix(row.ID, "row-") {
						got = append(got, row.ID)
					}
				}
				if after = list.Next; after == "" {
					break
				}
				isProblem(t, "another filter", s.do("GET", "/api/v1/usage?limit=17&model=gpt-5&after="+after, s.keys[who], ""), 400, "invalid_request")
				s.add(engine.Usage{AccountID: "acme", ID: fmt.Sprintf("new-%s-%d", who, page), UserID: "user", TeamID: "red", StartedAt: testNow})
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("pages have %d rows, want %d, each once", len(got), len(want))
			}
		})
	}
	a := s.want(200, "GET", "/api/v1/usage?request_id="+s.rows[0].RequestID, s.super, "")
	if data, _ := a.member("data").([]any); len(data) != 0 { // a super admin's own account
		t.Errorf("rows of another account's request = %s, want none", a.body)
	}
}

// An export has what the rows have, in both forms, and no formula.
func TestUsageExport(t *testing.T) {
	t.Parallel()
	s := startCosts(t, 520)
	evil := []string{`=HYPERLINK("http://x")`, "+1", "-1", "@sum", "\t=1", "  =1", "＝1", "a=1", `quo"te`, "comma, and\nline"}
	for i, text := range evil {
		u := engine.Usage{AccountID: "acme", ID: fmt.Sprintf("evil-%d", i), RequestID: text, TaskType: text, UserID: "user", TeamID: "red", ModelID: "gpt-5", Outcome: engine.OutcomeOK, CostNanoUSD: -5, StartedAt: testNow}
		s.rows = append(s.rows, u)
		s.add(u)
	}
	s.rows = append(s.rows, engine.Usage{AccountID: "acme", ID: "free", UserID: "user", TeamID: "red", Unpriced: true, Outcome: engine.OutcomeFailed, StartedAt: testNow})
	s.add(s.rows[len(s.rows)-1])
	for who, may := range map[string]func(engine.Usage) bool{
		"acme/boss": func(u engine.Usage) bool { return u.AccountID == "acme" },
		"acme/user": func(u engine.Usage) bool { return u.AccountID == "acme" && u.UserID == "user" },
	} {
		want := map[string]engine.Usage{}
		for _, u := range s.rows {
			if may(u) {
				want[u.ID] = u
			}
		}
		a := s.want(200, "GET", usageExportPath, s.keys[who], "")
		lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll() // which wants as many cells in each
		if err != nil || len(lines) != len(want)+1 || !slices.Equal(lines[0], csvColumns) {
			t.Fatalf("CSV for %s has %d lines, %v; want %d and a header", who, len(lines), err, len(want))
		}
		if kind := a.header.Get("Content-Type"); kind != "text/csv; charset=utf-8" {
			t.Errorf("CSV is %q", kind)
		}
		column := func(line []string, name string) string { return line[slices.Index(csvColumns, name)] }
		seen := map[string]bool{}
		for _, line := range lines[1:] {
			id := column(line, "id")
			u, ok := want[id]
			cost := strconv.FormatInt(u.CostNanoUSD, 10)
			if u.Unpriced {
				cost = ""
			}
			if !ok || seen[id] || column(line, "cost_nano_usd") != cost || column(line, "prompt_tokens") != strconv.FormatInt(u.Tokens.Prompt, 10) ||
				column(line, "model") != u.ModelID || column(line, "kind") != kindOf(u) || column(line, "started_at") != u.StartedAt.Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("line %v, want once that of %+v", line, u)
			}
			seen[id] = true
			plain := strings.TrimPrefix(column(line, "task_type"), "'")
			if plain != u.TaskType {
				t.Errorf("task %q of %q", plain, u.TaskType)
			}
			for i, name := range csvColumns {
				text := strings.TrimLeft(line[i], " \t\r\n")
				if text != "" && strings.ContainsRune("=+@＝", []rune(text)[0]) || strings.HasPrefix(text, "-") && name != "cost_nano_usd" && name != "cost_usd" {
					t.Errorf("cell %s = %q is a formula", name, line[i])
				}
			}
		}
		var list struct{ Data []usage }
		if err := json.Unmarshal([]byte(s.want(200, "GET", usageExportPath+"?format=json", s.keys[who], "").body), &list); err != nil || len(list.Data) != len(want) {
			t.Fatalf("JSON for %s has %d rows, %v; want %d", who, len(list.Data), err, len(want))
		}
		for _, u := range list.Data {
			if full := want[u.ID]; u.RequestID != full.RequestID || (u.CostNanoUSD == nil) != full.Unpriced {
				t.Errorf("row %+v, want that of %+v", u, full)
			}
		}
	}
	for _, form := range []string{"csv", "json"} {
		a := s.want(200, "GET", usageExportPath+"?format="+form+"&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", s.keys["acme/boss"], "")
		if want := map[string]string{"csv": strings.Join(csvColumns, ",") + "\r\n", "json": "{\"data\":[]}\n"}[form]; a.body != want {
			t.Errorf("%s of nothing = %q, want %q", form, a.body, want)
		}
	}
}

// An export that ended early is not taken for a whole one.
func TestExportCutShort(t *testing.T) {
	t.Parallel()
	f := &brokenExport{}
	s := start(t, &fake{}, func(c *Config) { c.Usage = f })
	a := s.do("GET", usageExportPath, adminKey, "")
	if _, err := csv.NewReader(strings.NewReader(a.body)).ReadAll(); !errors.Is(err, csv.ErrFieldCount) || !strings.Contains(a.body, "error,Internal error.") {
		t.Errorf("CSV = %q, %v, want a record that is no row", a.body, err)
	}
	if a := s.do("GET", usageExportPath+"?format=json", adminKey, ""); json.Valid([]byte(a.body)) {
		t.Errorf("JSON = %q, want it cut off", a.body)
	}
}

// brokenExport has one page.
type brokenExport struct{ fake }

func (b *brokenExport) PageUsage(_ context.Context, _ engine.Principal, _ engine.CostQuery, after string, _ int) ([]engine.Usage, string, error) {
	if after != "" {
		return nil, "", errors.New("the database is gone")
	}
	return []engine.Usage{{ID: "one"}}, "one", nil
}

func FuzzCell(f *testing.F) {
	for _, text := range []string{"", "=1", " +", "-", "@", "\t", "a", "'=", "\u00a0=", "＋"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := cell(text)
		if strings.TrimPrefix(got, "'") != strings.TrimPrefix(strings.ReplaceAll(text, "\x00", ""), "'") {
			t.Errorf("cell(%q) = %q, want the text", text, got)
		}
		if begin := strings.TrimLeft(got, " \t\r\n"); begin != "" && strings.ContainsAny(begin[:1], "=+-@") {
			t.Errorf("cell(%q) = %q, a formula", text, got)
		}
	})
}
