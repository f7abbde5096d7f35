package rule

// phrasebook collects a list's phrases, each once.
type phrasebook struct {
	bits    map[string]int
	phrases []string
}

// masks returns the bits of each call's phrases.
func (p *phrasebook) masks(calls [][]string) [][]mask {
	if len(calls) == 0 {
		return nil
	}
	all := make([][]mask, len(calls))
	for i, call := range calls {
		for _, phrase := range call {
			bit, ok := p.bits[phrase]
			if !ok {
				bit = len(p.phrases)
				p.bits[phrase] = bit
				p.phrases = append(p.phrases, phrase)
			}
			all[i] = addBit(all[i], bit)
		}
	}
	return all
}

func addBit(masks []mask, bit int) []mask {
	word, value := bit/64, uint64(1)<<(bit%64)
	for i := range masks {
		if masks[i].word == word {
			masks[i].bits |= value
			return masks
		}
	}
	return append(masks, mask{word, value})
}
