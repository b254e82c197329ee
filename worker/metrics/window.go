package metrics

import (
	"math"
	"sync"
	"time"
)

// Kafka measures over two samples of thirty seconds (metrics.num.samples,
// metrics.sample.window.ms).
const (
	sampleTime = 30 * time.Second
	windowTime = 2 * sampleTime
)

// A window is the average and the extremes of what was noted lately. It is
// noted to once per batch or commit, so a mutex is cheap enough.
type window struct {
	mu      sync.Mutex
	samples [2]sample
	now     int // the sample being filled
}

type sample struct {
	began         time.Time
	n             int64
	sum, min, max float64
}

func (w *window) note(v float64) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.samples[w.now]
	if s.n == 0 || now.Sub(s.began) >= sampleTime {
		if s.n > 0 {
			w.now = 1 - w.now
			s = &w.samples[w.now]
		}
		*s = sample{began: now, min: v, max: v}
	}
	s.n++
	s.sum += v
	s.min, s.max = min(s.min, v), max(s.max, v)
}

func (w *window) noteTime(d time.Duration) { w.note(float64(d) / float64(time.Millisecond)) }

// read returns NaN where nothing was noted, as Kafka does.
func (w *window) read() (avg, least, most float64) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	var n int64
	var sum float64
	least, most = math.NaN(), math.NaN()
	for i := range w.samples {
		s := &w.samples[i]
		if s.n == 0 || now.Sub(s.began) >= windowTime {
			continue
		}
		if n == 0 {
			least, most = s.min, s.max
		}
		n += s.n
		sum += s.sum
		least, most = min(least, s.min), max(most, s.max)
	}
	return sum / float64(n), least, most // 0/0 is NaN
}

// A share is the part of what was noted lately that succeeded.
type share struct{ window }

func (s *share) note(ok bool) {
	if ok {
		s.window.note(1)
	} else {
		s.window.note(0)
	}
}

// read returns zeros where nothing was noted, as Kafka's Frequencies do.
func (s *share) read() (success, failure float64) {
	avg, _, _ := s.window.read()
	if math.IsNaN(avg) {
		return 0, 0
	}
	return avg, 1 - avg
}

// A rate is made of a total's values at scrapes: nothing is measured on the way
// of records. The zero rate begins at its first reading.
type rate struct {
	mu     sync.Mutex
	points []point
}

type point struct {
	at    time.Time
	total int64
}

// read returns units per second over the last window, given that the total was
// 0 at born.
func (r *rate) read(born time.Time, total int64) float64 {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.points) == 0 {
		r.points = append(r.points, point{at: born})
	}
	for len(r.points) > 1 && now.Sub(r.points[1].at) >= windowTime {
		r.points = r.points[1:]
	}
	first := r.points[0]
	// Points closer than a tenth of a sample add nothing but memory.
	if last := r.points[len(r.points)-1]; now.Sub(last.at) >= sampleTime/10 {
		r.points = append(r.points, point{now, total})
	}
	elapsed := max(now.Sub(first.at), sampleTime) // Kafka too takes a young rate for one of a full sample
	return float64(total-first.total) / elapsed.Seconds()
}
