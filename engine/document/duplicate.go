package document

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// fewNames is how many names are compared pair by pair rather than hashed.
const fewNames = 16

// seed makes the places of names in the hash table unknowable to who wrote them.
var seed = maphash.MakeSeed()

// duplicate returns the slot of a name of the closed object at i that occurred
// before in it, or none. Expected time is linear in the number of names, whatever they are.
func (p *parser) duplicate(tape []slot, i uint32) uint32 {
	count := tape[i].count()
	if count > fewNames || tape[i].escaped() {
		return p.duplicateHashed(tape, i, count)
	}
	var marks [fewNames]uint32
	var at [fewNames]uint32
	name := i + 1
	for j := range count {
		mark := tape[name].aux
		for k, m := range marks[:j] {
			if m == mark && bytes.Equal(p.name(tape, name), p.name(tape, at[k])) {
				return name
			}
		}
		marks[j], at[j] = mark, name
		name = after(tape, name+1)
	}
	return none
}

// duplicateHashed is duplicate with an open-addressed table: half of each entry is the
// hash, half the slot of the name plus one.
func (p *parser) duplicateHashed(tape []slot, i uint32, count int) uint32 {
	size := 1 << bits.Len(uint(count*2-1))
	if cap(p.work.table) < size {
		p.work.table = make([]uint64, size)
	}
	table := p.work.table[:size]
	clear(table)
	name := i + 1
	for range count {
		text := p.decodedName(tape, name, &p.work.name)
		hash := maphash.Bytes(seed, text)
		place := int(hash) & (size - 1)
		for ; table[place] != 0; place = (place + 1) & (size - 1) {
			if table[place]>>32 != hash>>32 {
				continue
			}
			twin := uint32(table[place]) - 1
			if bytes.Equal(text, p.decodedName(tape, twin, &p.work.other)) {
				return name
			}
		}
		table[place] = hash>>32<<32 | uint64(name+1)
		name = after(tape, name+1)
	}
	return none
}

func (p *parser) name(tape []slot, i uint32) []byte {
	return p.src[tape[i].start+1 : tape[i].end-1]
}

// decodedName returns the name at i without escapes, in buf's memory if it has any.
func (p *parser) decodedName(tape []slot, i uint32, buf *[]byte) []byte {
	raw := p.name(tape, i)
	if !tape[i].escaped() {
		return raw
	}
	*buf = appendDecoded((*buf)[:0], raw)
	return *buf
}
