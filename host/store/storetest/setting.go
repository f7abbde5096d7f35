package storetest

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var settingTests = []test{
	{"keeps and replaces values", settingKeep},
}

func settingKeep(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	_, err := s.GetSetting(t.Context(), "seed.version")
	wantErr(t, "GetSetting() of none", err, engine.ErrNotFound)
	for _, value := range []string{"1", "", "2 'ü' \n"} {
		must(t, "PutSetting()", s.PutSetting(t.Context(), "seed.version", value))
		got, err := s.GetSetting(t.Context(), "seed.version")
		must(t, "GetSetting()", err)
		wantEqual(t, "GetSetting()", got, value)
	}
	_, err = s.GetSetting(t.Context(), "seed")
	wantErr(t, "GetSetting() of another", err, engine.ErrNotFound)
	wantInvalid(t, "PutSetting() without name", s.PutSetting(t.Context(), "", "x"), "name")
	wantInvalid(t, "PutSetting() of a NUL", s.PutSetting(t.Context(), "x", "\x00"), "value")
	wantRevision(t, s, was, 0)
}
