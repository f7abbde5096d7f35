package wire

import (
	"errors"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
)

func TestFromMessagesCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want, wantParam string }{
		{"no limit", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, `{"model":"c","messages":[{"role":"user","content":"hi"}]}`, ""},
		{"a limit", `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"c","messages":[{"role":"user","content":"hi"}],"max_tokens":5}`, ""},
		{"a limit that is none", `{"model":"m","max_tokens":"5","messages":[{"role":"user","content":"hi"}]}`, "", "max_tokens"},
		{"no messages", `{"model":"m"}`, "", "messages"},
		{"no model", `{"messages":[{"role":"user","content":"hi"}]}`, "", "model"},
	} {
		doc, err := document.Parse([]byte(tt.body), document.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromMessagesCount(doc, "c")
		var e *Error
		if tt.wantParam != "" {
			if !errors.As(err, &e) || e.Param != tt.wantParam {
				t.Errorf("%s: %v, want an error of %s", tt.name, err, tt.wantParam)
			}
			continue
		}
		if err != nil || string(got.Body) != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.name, got.Body, err, tt.want)
		}
	}
}
