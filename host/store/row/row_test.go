package row

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

func TestTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("far", -5*3600)
	for _, c := range []struct {
		name     string
		in, want time.Time
	}{
		{"rounds down", time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, zone), time.Date(2026, 1, 2, 8, 4, 5, 999e6, time.UTC)},
		{"before 1970", time.Date(1960, 1, 2, 3, 4, 5, 1, time.UTC), time.Date(1960, 1, 2, 3, 4, 5, 0, time.UTC)},
		{"zero", time.Time{}, time.Time{}},
	} {
		if got := Time(c.in); got != c.want {
			t.Errorf("%s: Time(%v) = %v, want %v", c.name, c.in, got, c.want)
		}
	}
	if TimeOrNil(time.Time{}) != nil || !TimeOrZero(nil).IsZero() {
		t.Error("the zero time must be nil and back")
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	if got := TimeOrZero(TimeOrNil(at)); got != at {
		t.Errorf("TimeOrZero(TimeOrNil(%v)) = %v", at, got)
	}
}

func TestListAndMap(t *testing.T) {
	t.Parallel()
	if got := string(List[string](nil)); got != "[]" {
		t.Errorf("List(nil) = %s, want []", got)
	}
	if got := string(List([]engine.Capability{"<&>", "é"})); got != `["<&>","é"]` {
		t.Errorf("List() = %s", got)
	}
	if got, err := ParseList[string]([]byte("[]")); got != nil || err != nil {
		t.Errorf("ParseList([]) = %v, %v, want nil", got, err)
	}
	if got := string(Map(nil)); got != "{}" {
		t.Errorf("Map(nil) = %s, want {}", got)
	}
	if got, err := ParseMap([]byte("{}")); got != nil || err != nil {
		t.Errorf("ParseMap({}) = %v, %v, want nil", got, err)
	}
	for _, damaged := range []string{"", "{", `{"a":1}`, `"x"`} {
		if _, err := ParseList[string]([]byte(damaged)); err == nil {
			t.Errorf("ParseList(%q) = nil, want an error", damaged)
		}
		if _, err := ParseMap([]byte(damaged)); err == nil {
			t.Errorf("ParseMap(%q) = nil, want an error", damaged)
		}
	}
	if _, err := ParseAll([]string{"[1]"}, func(s string) ([]string, error) { return ParseList[string]([]byte(s)) }); err == nil {
		t.Error("ParseAll() of a damaged row = nil, want its error")
	}
}

// A tenant may send any text: what is cleaned must be storable and keep what was.
func FuzzUsage(f *testing.F) {
	for _, text := range []string{"", "plain", "a\x00b", "\xff", strings.Repeat("é", 300), strings.Repeat("\xff", 300), "\xed\xa0\x80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := Usage(engine.Usage{ID: text, RequestID: text, SessionID: text, TaskType: text, Outcome: engine.Outcome(text)})
		for _, got := range []string{u.ID, u.RequestID, u.SessionID, u.TaskType, string(u.Outcome)} {
			if !storable(got) {
				t.Errorf("Usage(%q) leaves %q", text, got)
			}
		}
		if len(u.RequestID) > MaxKey || utf8.ValidString(text) && !strings.HasPrefix(u.SessionID, u.RequestID) {
			t.Errorf("Usage(%q) has the request id %q", text, u.RequestID)
		}
		if storable(text) && u.SessionID != text {
			t.Errorf("Usage(%q) changed a storable text to %q", text, u.SessionID)
		}
		if again := Usage(u); !reflect.DeepEqual(again, u) {
			t.Errorf("Usage() twice of %q = %+v, want %+v", text, again, u)
		}
	})
}
