package engine

// Draw returns a number that is as good as random, always the same for the same texts. What is
// taken by lot is taken by this: no state is kept, and every process draws alike. It allocates
// nothing.
func Draw(texts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a, 64 bits
	h := uint64(offset)
	for _, text := range texts {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
		h = (h ^ 0xFF) * prime // in no UTF-8 text: the parts cannot run together
	}
	// The output function of SplitMix64: ids differ in few bits, which it spreads over all.
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return h ^ h>>31
}

// DrawShare is a place among WholeShare of them, from 0. A share holds the places below it, so
// that a larger one has whatever a smaller one had.
func DrawShare(texts ...string) int { return int(Draw(texts...) % WholeShare) }
