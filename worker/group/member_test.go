package group

import (
	"testing"
	"time"
)

var three = map[string]int{"a": 3, "b": 2, "c": 4}

func TestThreeWorkersShareTheWork(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		p.settled(a, b)
		c := p.add(nil)
		p.sleep(20 * time.Second)
		p.settled(a, b, c)
		p.configure(map[string]int{"a": 1, "b": 2, "d": 6})
		p.sleep(20 * time.Second)
		p.settled(a, b, c)
		for _, w := range p.workers {
			if l := w.lost(); len(l) > 0 {
				t.Errorf("%s lost its membership: %v", w.name, l)
			}
		}
	})
}
