package document

import (
	"math"
	"strconv"
)

// scanNumber validates the number at src[i], a digit or a minus. meta is metaWhole
// or 0. On failure end is the offset at fault.
func scanNumber(src []byte, i int) (end int, meta uint32, reason string) {
	n := len(src)
	start := i
	if src[i] == '-' {
		i++
	}
	first := i
	for i < n && src[i]-'0' <= 9 {
		i++
	}
	whole := i - first
	if whole == 0 {
		if i == n {
			return n, 0, reasonEnd
		}
		return i, 0, reasonValue
	}
	if whole > 1 && src[first] == '0' {
		return first, 0, reasonZero
	}
	meta = metaWhole
	if i < n && src[i] == '.' {
		meta = 0
		i++
		first = i
		for i < n && src[i]-'0' <= 9 {
			i++
		}
		if i == first {
			return i, 0, reasonDigit
		}
	}
	var exponent int
	if i < n && (src[i] == 'e' || src[i] == 'E') {
		meta = 0
		i++
		negative := false
		if i < n && (src[i] == '+' || src[i] == '-') {
			negative = src[i] == '-'
			i++
		}
		first = i
		for i < n && src[i]-'0' <= 9 {
			exponent = min(exponent*10+int(src[i]-'0'), bigExponent)
			i++
		}
		if i == first {
			return i, 0, reasonDigit
		}
		if negative {
			exponent = -exponent
		}
	}
	// Below 10^300 in any case: no need to compute it.
	if whole+exponent > 300 {
		if _, err := strconv.ParseFloat(view(src[start:i]), 64); err != nil {
			return start, 0, reasonRange
		}
	}
	return i, meta, ""
}

// bigExponent is where exponents stop growing: past any that matters for a text of 2 GiB.
const bigExponent = 1 << 40

// parseInt returns the whole part of a valid JSON number, exactly, clamped to the range of int64.
func parseInt(raw []byte, whole bool) int64 {
	negative := raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	var v uint64
	var ok bool
	if whole {
		v, ok = digits(0, raw, len(raw))
	} else {
		v, ok = wholePart(raw)
	}
	switch {
	case !negative && (!ok || v > math.MaxInt64):
		return math.MaxInt64
	case negative && (!ok || v > math.MaxInt64+1):
		return math.MinInt64
	case negative:
		return -int64(v)
	}
	return int64(v)
}

// wholePart truncates an unsigned number that has a fraction or an exponent.
func wholePart(raw []byte) (v uint64, ok bool) {
	mantissa, exponent := raw, 0
	for i, c := range raw {
		if c|0x20 == 'e' {
			mantissa = raw[:i]
			exponent = parseExponent(raw[i+1:])
			break
		}
	}
	point, fraction := mantissa, []byte(nil)
	for i, c := range mantissa {
		if c == '.' {
			point, fraction = mantissa[:i], mantissa[i+1:]
			break
		}
	}
	// How many digits, of both parts together, stand before the shifted point.
	keep := len(point) + exponent
	if keep <= 0 {
		return 0, true
	}
	if v, ok = digits(0, point, keep); !ok {
		return v, false
	}
	if keep -= len(point); keep <= 0 {
		return v, true
	}
	if v, ok = digits(v, fraction, keep); !ok {
		return v, false
	}
	for keep -= len(fraction); keep > 0 && v > 0; keep-- {
		if v > math.MaxUint64/10 {
			return v, false
		}
		v *= 10
	}
	return v, true
}

// digits appends the first most digits of b to v; ok is false when they do not fit.
func digits(v uint64, b []byte, most int) (_ uint64, ok bool) {
	for _, c := range b[:min(most, len(b))] {
		if v > (math.MaxUint64-9)/10 {
			return v, false
		}
		v = v*10 + uint64(c-'0')
	}
	return v, true
}

func parseExponent(b []byte) int {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	e := 0
	for _, c := range b {
		e = min(e*10+int(c-'0'), bigExponent)
	}
	if negative {
		return -e
	}
	return e
}

// parseFloat returns a valid JSON number as the nearest float64.
func parseFloat(raw []byte) float64 {
	v, _ := strconv.ParseFloat(view(raw), 64)
	return v
}
