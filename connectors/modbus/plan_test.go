package modbus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func parseTags(t testing.TB, specs string) []*tag {
	t.Helper()
	var tags []*tag
	for i, s := range strings.Fields(specs) {
		tag, err := (&rules{}).listed(fmt.Sprintf("t%d:%s", i, s))
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, tag)
	}
	return tags
}

// show writes reads as area start+count with each piece as tag@offset(*elements).
func show(reads []read) string {
	var out []string
	for _, r := range reads {
		s := fmt.Sprintf("%s %d+%d", r.area, r.start, r.count)
		for _, p := range r.pieces {
			s += fmt.Sprintf(" %d@%d", p.tag, p.offset)
			if p.n != 1 || p.first != 0 {
				s += fmt.Sprintf("*%d", p.n)
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " | ")
}

func TestPlan(t *testing.T) {
	full := limits{maxRegisters, maxBits, 16}
	for _, tt := range []struct {
		name  string
		tags  string
		l     limits
		reads string
	}{
		{"one", "holding:100:float32", full, "holding 100+2 0@0"},
		{"neighbours, any order", "holding:102 holding:100:float32", full, "holding 100+3 1@0 0@2"},
		{"gap bridged", "holding:0 holding:17", full, "holding 0+18 0@0 1@17"},
		{"gap too wide", "holding:0 holding:18", full, "holding 0+1 0@0 | holding 18+1 1@0"},
		{"no gap wanted", "holding:0 holding:2", limits{125, 2000, 0}, "holding 0+1 0@0 | holding 2+1 1@0"},
		{"touching without gap", "holding:0 holding:1", limits{125, 2000, 0}, "holding 0+2 0@0 1@1"},
		{"areas apart", "input:0 coil:0 holding:0 discrete:0", full, "coil 0+1 1@0 | discrete 0+1 3@0 | holding 0+1 2@0 | input 0+1 0@0"},
		{"bits of one register", "holding:5.0 holding:5.15 holding:5", full, "holding 5+1 0@0 1@0 2@0"},
		{"exactly full", "holding:0-124", full, "holding 0+125 0@0*125"},
		{"array cut", "holding:0-299", full, "holding 0+125 0@0*125 | holding 125+125 0@0*125 | holding 250+50 0@0*50"},
		{"array of pairs is cut between pairs", "holding:0-251:float32", full, "holding 0+124 0@0*62 | holding 124+124 0@0*62 | holding 248+4 0@0*2"},
		{"scalar is never cut", "holding:0-123 holding:124:float32", full, "holding 0+124 0@0*124 | holding 124+2 1@0"},
		{"array fills the rest", "holding:0-99 holding:100-199", full, "holding 0+125 0@0*100 1@100*25 | holding 125+75 1@0*75"},
		{"bits", "coil:0-4000", full, "coil 0+2000 0@0*2000 | coil 2000+2000 0@0*2000 | coil 4000+1 0@0*1"},
		{"bit gap is 16 times wider", "coil:0 coil:257 coil:515", full, "coil 0+258 0@0 1@257 | coil 515+1 2@0"},
		{"small device", "holding:0 holding:1 holding:2:float32", limits{2, 8, 16}, "holding 0+2 0@0 1@1 | holding 2+2 2@0"},
		{"same twice", "holding:4:float32 holding:4-5", full, "holding 4+2 0@0 1@0*2"},
		{"within", "holding:0-9 holding:3 holding:12", full, "holding 0+13 0@0*10 1@3 2@12"},
		{"last address", "holding:65535 coil:65535", full, "coil 65535+1 1@0 | holding 65535+1 0@0"},
		{"string", "holding:0:string(250) holding:125", full, "holding 0+125 0@0 | holding 125+1 1@0"},
	} {
		tags := parseTags(t, tt.tags)
		reads, err := plan(tags, tt.l)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := show(reads); got != tt.reads {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.reads)
		}
		checkPlan(t, tags, reads, tt.l)
	}
}

// checkPlan checks what must hold of any plan: no read is larger than allowed,
// each element of each tag comes exactly once, at its own address.
func checkPlan(t testing.TB, tags []*tag, reads []read, l limits) {
	t.Helper()
	got := map[[2]int]int{}
	for _, r := range reads {
		most, _ := l.of(r.area)
		if r.count < 1 || r.count > most || r.start < 0 || r.start+r.count > 65536 || len(r.pieces) == 0 {
			t.Errorf("read %s: want 1 to %d", show([]read{r}), most)
		}
		for _, p := range r.pieces {
			g := tags[p.tag]
			if g.area != r.area || r.start+p.offset != g.start+p.first*g.size || p.offset+p.n*g.size > r.count || p.n < 1 {
				t.Errorf("piece %+v of %v is not in %s", p, g, show([]read{r}))
			}
			for i := range p.n {
				got[[2]int{p.tag, p.first + i}]++
			}
		}
	}
	want := 0
	for i, g := range tags {
		want += g.count
		for e := range g.count {
			if n := got[[2]int{i, e}]; n != 1 {
				t.Errorf("element %d of %v is read %d times", e, g, n)
			}
		}
	}
	if len(got) != want {
		t.Errorf("%d elements, want %d", len(got), want)
	}
}

// TestPlanRandom: the same with tags of any kind, overlapping or not, and after
// every split down to the last.
func TestPlanRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		l := limits{4 + rnd.IntN(122), 1 + rnd.IntN(2000), rnd.IntN(20)}
		var tags []*tag
		for range 1 + rnd.IntN(12) {
			g := &tag{area: area(rnd.IntN(int(areas))), start: rnd.IntN(300), size: 1, count: 1, bit: -1}
			if !g.area.bits() {
				g.size = 1 + rnd.IntN(4)
			}
			if rnd.IntN(3) == 0 {
				g.array, g.count = true, 1+rnd.IntN(200)
			}
			tags = append(tags, g)
		}
		reads, err := plan(tags, l)
		if err != nil {
			t.Fatal(err)
		}
		checkPlan(t, tags, reads, l)
		for len(reads) > 0 { // split everything until nothing can be
			r := reads[0]
			low, high, ok := r.split(tags)
			if !ok {
				for _, p := range r.pieces {
					if p.tag != r.pieces[0].tag {
						t.Fatalf("%s holds two tags and is not split", show(reads[:1]))
					}
				}
				reads = reads[1:]
				continue
			}
			if len(low.pieces)+len(high.pieces) != len(r.pieces) || len(low.pieces) == 0 || len(high.pieces) == 0 {
				t.Fatalf("%s was split into %s", show(reads[:1]), show([]read{low, high}))
			}
			checkParts(t, tags, []read{low, high}, l)
			reads = append([]read{low, high}, reads[1:]...)
		}
		if t.Failed() {
			return
		}
	}
}

func checkParts(t *testing.T, tags []*tag, reads []read, l limits) {
	t.Helper()
	for _, r := range reads {
		most, _ := l.of(r.area)
		if r.count < 1 || r.count > most {
			t.Errorf("part %s: want 1 to %d", show([]read{r}), most)
		}
		for _, p := range r.pieces {
			if g := tags[p.tag]; r.start+p.offset != g.start+p.first*g.size || p.offset < 0 || p.offset+p.n*g.size > r.count {
				t.Errorf("piece %+v of %v is not in %s", p, g, show([]read{r}))
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct{ name, tags, parts string }{
		{"at the widest gap", "holding:0 holding:2 holding:9 holding:10", "holding 0+3 0@0 1@2 | holding 9+2 2@0 3@1"},
		{"in the middle without one", "holding:0 holding:1 holding:2 holding:3", "holding 0+2 0@0 1@1 | holding 2+2 2@0 3@1"},
		{"bits of one register stay apart from nothing", "holding:5.0 holding:5.1", "holding 5+1 0@0 | holding 5+1 1@0"},
		{"overlapping", "holding:0-9 holding:3", "holding 0+10 0@0*10 | holding 3+1 1@0"},
		{"one tag", "holding:0-9", ""},
	} {
		tags := parseTags(t, tt.tags)
		reads, err := plan(tags, limits{125, 2000, 16})
		if err != nil || len(reads) != 1 {
			t.Fatalf("%s: %v, %v", tt.name, reads, err)
		}
		low, high, ok := reads[0].split(tags)
		got := ""
		if ok {
			got = show([]read{low, high})
		}
		if got != tt.parts {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.parts)
		}
	}
}
