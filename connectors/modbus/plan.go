package modbus

import (
	"cmp"
	"fmt"
	"slices"
)

// A read is one request: count registers, or bits, of an area.
type read struct {
	area   area
	start  int
	count  int
	pieces []piece // by offset
}

// A piece is the part of a tag that a read brings: all of it, unless the tag is
// an array that does not fit one request.
type piece struct {
	tag    int // its number
	offset int // registers, or bits, into the read
	first  int // element of the tag
	n      int // elements
}

// limits bound a plan's reads.
type limits struct {
	registers int // of one request; at most 125
	bits      int // at most 2000
	gap       int // registers that nobody asked for, read to save a request; 16 times as many bits
}

// Protocol limits of one request.
const (
	maxRegisters = 125
	maxBits      = 2000
)

func (l limits) of(a area) (most, gap int) {
	if a.bits() {
		return l.bits, 16 * l.gap
	}
	return l.registers, l.gap
}

// plan packs tags into the fewest reads that go through each area once, upwards.
// Arrays are cut where a request is full, between elements; all else stays in
// one piece, so that no value is put together from two moments.
func plan(tags []*tag, l limits) ([]read, error) {
	numbers := make([]int, len(tags))
	for i := range numbers {
		numbers[i] = i
	}
	slices.SortStableFunc(numbers, func(i, j int) int {
		a, b := tags[i], tags[j]
		return cmp.Or(cmp.Compare(a.area, b.area), cmp.Compare(a.start, b.start), cmp.Compare(a.end(), b.end()))
	})
	var reads []read
	for _, i := range numbers {
		t := tags[i]
		most, gap := l.of(t.area)
		if t.size > most {
			return nil, fmt.Errorf("register %q (%s): a value of %d registers does not fit a request of %d", t.name, t.place(), t.size, most)
		}
		for done := 0; done < t.count; {
			at := t.start + done*t.size
			n := 0
			if len(reads) > 0 {
				n = reads[len(reads)-1].room(t, at, most, gap)
			}
			if n == 0 {
				reads = append(reads, read{area: t.area, start: at})
				n = most / t.size
			}
			n = min(n, t.count-done)
			r := &reads[len(reads)-1]
			r.pieces = append(r.pieces, piece{i, at - r.start, done, n})
			r.count = max(r.count, at+n*t.size-r.start)
			done += n
		}
	}
	return reads, nil
}

// room tells how many elements of a tag, from address at on, a read can take in.
func (r *read) room(t *tag, at, most, gap int) int {
	if r.area != t.area || at < r.start || at > r.start+r.count+gap {
		return 0
	}
	return max(0, r.start+most-at) / t.size
}

// split parts a read that a device refused, which it does as a whole for one
// bad address: at the widest gap between tags, else in the middle. What was read
// only to bridge the gap is in neither part. It reports false when only one tag
// is left.
func (r *read) split(tags []*tag) (low, high read, ok bool) {
	// A cut is possible before piece i when nothing before it reaches beyond it.
	best, bestGap, bestOff := 0, -1, 0
	reach, several := 0, false
	for i, p := range r.pieces {
		if i > 0 && p.tag != r.pieces[i-1].tag {
			several = true
			gap, off := p.offset-reach, abs(2*i-len(r.pieces))
			if gap >= 0 && (gap > bestGap || gap == bestGap && off < bestOff) {
				best, bestGap, bestOff = i, gap, off
			}
		}
		reach = max(reach, p.offset+p.n*tags[p.tag].size)
	}
	if !several {
		return read{}, read{}, false
	}
	if best == 0 { // tags lie over each other: read each half, shared addresses twice
		best = len(r.pieces) / 2
	}
	return r.part(tags, r.pieces[:best]), r.part(tags, r.pieces[best:]), true
}

// part makes the read of some of r's pieces.
func (r *read) part(tags []*tag, pieces []piece) read {
	p := read{area: r.area, start: r.start + pieces[0].offset}
	for _, x := range pieces {
		x.offset += r.start - p.start
		p.pieces = append(p.pieces, x)
		p.count = max(p.count, x.offset+x.n*tags[x.tag].size)
	}
	return p
}

func abs(n int) int { return max(n, -n) }

// place names the addresses of a read as the user of the tags counts.
func (r *read) place(tags []*tag) string {
	return span(r.area, r.start+tags[r.pieces[0].tag].base, r.count)
}
