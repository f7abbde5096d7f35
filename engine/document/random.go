package document

// Random is a deterministic sequence for the guests of one attempt. The same seed
// gives the same sequence on every machine and in every later version, so that a
// recorded decision replays. It is SplitMix64 (Steele, Lea and Flood 2014); not for secrets.
// One goroutine at a time. A nil *Random gives zeros.
type Random struct{ state uint64 }

// NewRandom returns the sequence of a request's attempt (1 for the first; a rule
// call has 0) by the plugin of that name.
func NewRandom(requestID string, attempt int, plugin string) *Random {
	r := new(Random)
	r.Seed(requestID, attempt, plugin)
	return r
}

// Seed begins the sequence of NewRandom in r's own memory.
func (r *Random) Seed(requestID string, attempt int, plugin string) {
	h := fnvText(fnvOffset, requestID)
	h = fnvByte(h, 0xFF) // in no UTF-8 text: the parts cannot run together
	for i := range 8 {
		h = fnvByte(h, byte(uint64(attempt)>>(8*i)))
	}
	r.state = fnvText(h, plugin)
}

// Next returns the next number, uniform over all of int64.
func (r *Random) Next() int64 {
	if r == nil {
		return 0
	}
	r.state += 0x9E3779B97F4A7C15
	return int64(mix(r.state))
}

// mix is SplitMix64's output function: a bijection that spreads every input bit over all output bits.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fnvByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * fnvPrime }

func fnvText[T string | []byte](h uint64, text T) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * fnvPrime
	}
	return h
}
