package store

import (
	"encoding/json"
	"testing"
	"time"
)

func TestSeedForms(t *testing.T) {
	t.Parallel()
	var price usd
	for _, text := range []string{`1.5`, `null1`, `"x"`, `{}`} {
		if err := json.Unmarshal([]byte(text), &price); err == nil {
			t.Errorf("Unmarshal(%s) into usd = nil, want an error", text)
		}
	}
	var d day
	if err := json.Unmarshal([]byte(`"2026-07-23"`), &d); err != nil || !time.Time(d).Equal(time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("Unmarshal() of a day = %v, %v, want 2026-07-23", time.Time(d), err)
	}
	for _, text := range []string{`"2026-13-01"`, `"2026-07-23T00:00:00Z"`, `7`} {
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("Unmarshal(%s) into day = nil, want an error", text)
		}
	}
}
