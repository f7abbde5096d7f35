// Package row holds what both drivers agree on about a row: which values may be
// stored at all, and how lists, maps and times are written. It knows no SQL.
//
// It exists because the databases differ where engine.Store may not: Postgres
// refuses a NUL in text and a key over 2.7 kB, SQLite takes both. Read check.go first.
package row

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Time returns t as every row holds it: UTC, whole milliseconds, rounded down.
func Time(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// TimeOrNil is Time, and nil for the zero time.
func TimeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = Time(t)
	return &t
}

// TimeOrZero is the inverse of TimeOrNil.
func TimeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// List writes a list as a JSON array; nil is [].
func List[S ~string](list []S) []byte {
	if len(list) == 0 {
		return []byte("[]")
	}
	return encode(list)
}

// ParseList reads what List wrote; an empty list is nil.
func ParseList[S ~string](b []byte) ([]S, error) {
	var list []S
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

// Map writes names and values as a JSON object; nil is {}.
func Map(m map[string]string) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	return encode(m)
}

// ParseMap reads what Map wrote; an empty map is nil.
func ParseMap(b []byte) (map[string]string, error) {
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read map: %w", err)
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}

// Object writes a struct as JSON. v must be one that its check has passed.
func Object[T any](v T) []byte { return encode(v) }

// ParseObject reads what Object wrote.
func ParseObject[T any](b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("read %T: %w", v, err)
	}
	return v, nil
}

// ParseAll turns every database row into what it stands for; no rows are nil.
func ParseAll[R, E any](rows []R, parse func(R) (E, error)) ([]E, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	all := make([]E, len(rows))
	for i, r := range rows {
		e, err := parse(r)
		if err != nil {
			return nil, err
		}
		all[i] = e
	}
	return all, nil
}

// encode is json.Marshal without the HTML escapes, which would change a schema's text.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// The checks have seen to it that only what encodes comes here.
		panic(fmt.Sprintf("row: encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
