package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var oddTests = []test{
	{"keeps any text that is text", oddText},
	{"refuses text that is not", oddRefused},
	{"impossible keys are just not there", oddKeys},
	{"bounds keys", oddLength},
	{"an ended context ends the call", oddContext},
}

// texts are values that SQL, JSON or a terminal could stumble over.
var texts = []string{
	"", " ", "'; drop table rules; --", `"quoted" \ back`, "line\nbreak\r\ttab", "\x01\x1f\x7f", "ünïcödé 日本語 🚉 👩‍👩‍👧‍👦",
	"\u202eright to left\u202c", "e\u0301 is not é", "%s %d $1 ?1 :name @name", "\u2028\ufeff\ufffd\U0010ffff", "null", "NaN", "__proto__",
	`\u0000`, "{}", "[]", strings.Repeat("long ", 200_000),
}

func oddText(t *testing.T, d Database) {
	s := open(t, d)
	for _, text := range texts {
		r := plainRule("a", "r")
		r.Name, r.Description, r.When, r.Target, r.TeamID, r.Fallbacks = text, text, text+"x", text, text, []string{text, text}
		must(t, "CreateRule()", s.CreateRule(t.Context(), r))
		got, err := s.GetRule(t.Context(), "a", "r")
		must(t, "GetRule()", err)
		wantEqual(t, "GetRule()", got, r)
		must(t, "DeleteRule()", s.DeleteRule(t.Context(), "a", "r"))

		m := plainModel("a", "m")
		m.Unsupported, m.Rename = []string{text}, map[string]string{text: text}
		m.Replacement = &engine.Replacement{UpstreamID: "r", Rename: map[string]string{text: text}}
		must(t, "PutModel()", s.PutModel(t.Context(), m))
		models, err := s.ListModels(t.Context())
		must(t, "ListModels()", err)
		wantEqual(t, "ListModels()", models, []engine.Model{m})

		if text != "" && len(text) < 255 {
			key := plainRule(text, text)
			must(t, "CreateRule() with an odd key", s.CreateRule(t.Context(), key))
			got, err := s.GetRule(t.Context(), text, text)
			must(t, "GetRule() with an odd key", err)
			wantEqual(t, "GetRule() with an odd key", got, key)
			must(t, "DeleteRule() with an odd key", s.DeleteRule(t.Context(), text, text))
		}
	}
}

func oddRefused(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, text := range []string{"a\x00b", "\x00", "\xff", "\xed\xa0\x80", "ab\xc3"} {
		r := plainRule("a", "r")
		r.Name = text
		wantInvalid(t, "CreateRule()", s.CreateRule(t.Context(), r), "name")
		r = plainRule("a", "r")
		r.Fallbacks = []string{"a", text}
		wantInvalid(t, "CreateRule()", s.CreateRule(t.Context(), r), "fallbacks")
		wantInvalid(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: text}), "id")
		wantInvalid(t, "PutProvider()", s.PutProvider(t.Context(), engine.Provider{ID: "p", BaseURL: text}), "base_url")
	}
	wantRevision(t, s, was, 0)
}

func oddKeys(t *testing.T, d Database) {
	s := open(t, d)
	for _, id := range []string{"a\x00b", "\xff", "", strings.Repeat("x", 1<<20)} {
		_, err := s.GetRule(t.Context(), "", id)
		wantErr(t, "GetRule()", err, engine.ErrNotFound)
		_, err = s.GetRule(t.Context(), id, "r")
		wantErr(t, "GetRule() in that account", err, engine.ErrNotFound)
		wantErr(t, "DeleteRule()", s.DeleteRule(t.Context(), "", id), engine.ErrNotFound)
		_, err = s.GetAccount(t.Context(), id)
		wantErr(t, "GetAccount()", err, engine.ErrNotFound)
		wantErr(t, "RevokeKey()", s.RevokeKey(t.Context(), "", id, at(0)), engine.ErrNotFound)
		_, err = s.GetPlugin(t.Context(), "", "p", id)
		wantErr(t, "GetPlugin()", err, engine.ErrNotFound)
		wantErr(t, "ActivatePlugin()", s.ActivatePlugin(t.Context(), "", id, "1"), engine.ErrNotFound)
		wantErr(t, "DeleteModel()", s.DeleteModel(t.Context(), "", id), engine.ErrNotFound)
		wantErr(t, "DeleteProvider()", s.DeleteProvider(t.Context(), "", id), engine.ErrNotFound)
		wantErr(t, "DeleteCredential()", s.DeleteCredential(t.Context(), id, id, "k"), engine.ErrNotFound)
		wantErr(t, "DeletePlugin()", s.DeletePlugin(t.Context(), "", id, "1"), engine.ErrNotFound)
		_, err = s.GetSetting(t.Context(), id)
		wantErr(t, "GetSetting()", err, engine.ErrNotFound)
		wantUsage(t, s, id, "", 10)
	}
}

func oddLength(t *testing.T, d Database) {
	s := open(t, d)
	longest := strings.Repeat("é", 127) + "x" // 255 bytes
	p := plainPlugin(longest, longest, longest)
	must(t, "CreatePlugin() with the longest key", s.CreatePlugin(t.Context(), p))
	got, err := s.GetPlugin(t.Context(), longest, longest, longest)
	must(t, "GetPlugin() with the longest key", err)
	wantEqual(t, "GetPlugin() with the longest key", got, p)
	p.Version += "x"
	wantInvalid(t, "CreatePlugin() with a longer key", s.CreatePlugin(t.Context(), p), "version")
	r := plainRule(longest+"x", "r")
	wantInvalid(t, "CreateRule() with a longer account", s.CreateRule(t.Context(), r), "account_id")
}

func oddContext(t *testing.T, d Database) {
	s := open(t, d)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	was := revision(t, s)
	if err := s.CreateRule(ended, plainRule("", "r")); !errors.Is(err, context.Canceled) {
		t.Errorf("CreateRule(ended) = %v, want %v", err, context.Canceled)
	}
	if _, err := s.ListRules(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ListRules(ended) = %v, want %v", err, context.Canceled)
	}
	if err := s.AddUsage(ended, []engine.Usage{plainUsage("a", "1", 0)}); !errors.Is(err, context.Canceled) {
		t.Errorf("AddUsage(ended) = %v, want %v", err, context.Canceled)
	}
	wantRevision(t, s, was, 0)
	must(t, "CreateRule() afterwards", s.CreateRule(t.Context(), plainRule("", "r")))
	wantUsage(t, s, "a", "", 1)
}
