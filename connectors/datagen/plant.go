package datagen

import (
	"fmt"
	"math"

	"github.com/millwright-connect/millwright/connectors/data"
)

// schema is that of a reading.
var schema = data.StructOf("millwright.datagen.Reading",
	data.F("machine", data.Of(data.String)),
	data.F("sensor", data.Of(data.String)),
	data.F("ts", data.Timestamp()),
	data.F("value", data.Of(data.Float64)),
	data.F("unit", data.Of(data.String)),
	data.F("quality", data.Of(data.String)),
	data.F("seq", data.Of(data.Int64)),
).Named("millwright.datagen.Reading", 1)

const fields = 7 // of schema

// quantities are what sensors measure: values swing about the middle.
var quantities = []struct {
	name, unit           string
	middle, swing, noise float64
}{
	{"temperature", "°C", 68, 12, 0.4},
	{"pressure", "bar", 6.2, 0.8, 0.05},
	{"vibration", "mm/s", 2.8, 1.1, 0.3},
	{"speed", "rpm", 1480, 25, 4},
	{"current", "A", 37, 9, 0.7},
	{"level", "%", 55, 35, 0.5},
}

var (
	good      = data.Str("GOOD")
	uncertain = data.Str("UNCERTAIN")
	bad       = data.Str("BAD")
)

// readingEvery is the time of the plant clock between readings of a machine.
const readingEvery = 100 // ms

// A machine makes the readings of one machine.
type machine struct {
	name  data.Value
	seed  uint64
	plant *plant
}

// A plant is what its machines share.
type plant struct {
	sensors []sensor
	start   int64
}

type sensor struct {
	name, unit           data.Value
	middle, swing, noise float64
}

func machineName(i int) string { return fmt.Sprintf("machine-%04d", i+1) }

func newPlant(sensors int, start int64) *plant {
	p := &plant{make([]sensor, sensors), start}
	for i := range p.sensors {
		q := quantities[i%len(quantities)]
		name := q.name
		if round := i / len(quantities); round > 0 {
			name = fmt.Sprintf("%s-%d", name, round+1)
		}
		p.sensors[i] = sensor{data.Str(name), data.Str(q.unit), q.middle, q.swing, q.noise}
	}
	return p
}

func (p *plant) machine(i int, seed int64) machine {
	return machine{data.Str(machineName(i)), mix(uint64(seed) + mix(uint64(i)+1)), p}
}

// reading fills dst, of len fields, with reading seq.
func (m *machine) reading(dst []data.Value, seq int64) {
	which := int(seq % int64(len(m.plant.sensors)))
	s := &m.plant.sensors[which]
	turn := seq / int64(len(m.plant.sensors)) // of this sensor
	own := mix(m.seed + uint64(which))
	luck := mix(own + uint64(seq))

	// Two waves that are never in step, of minutes and of hours, and noise.
	phase := 2 * math.Pi * unit(own)
	v := s.middle +
		s.swing*(0.7*math.Sin(float64(turn)/170+phase)+0.3*math.Sin(float64(turn)/4100+3*phase)) +
		s.noise*(2*unit(luck)-1)
	q := good
	switch n := luck >> 48; { // other bits than those of the noise
	case n < 33: // one in 2,000
		q, v = bad, 0
	case n < 328: // one in 200
		q = uncertain
	}
	dst[0], dst[1] = m.name, s.name
	dst[2] = data.Millis(m.plant.start + seq*readingEvery)
	dst[3] = data.F64(math.Round(v*1000) / 1000)
	dst[4], dst[5], dst[6] = s.unit, q, data.I64(seq)
}

// mix is the output function of SplitMix64: every bit of x moves every bit of
// the result.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// unit maps the low 40 bits of x to [0, 1).
func unit(x uint64) float64 { return float64(x&(1<<40-1)) / (1 << 40) }
