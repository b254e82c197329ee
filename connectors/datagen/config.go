package datagen

import (
	"errors"
	"math"

	"github.com/millwright-connect/millwright/connectors/connect"
)

type config struct {
	topic    string
	machines int
	sensors  int
	rate     float64 // readings per second of the whole connector; 0: no limit
	batch    int
	limit    int64 // readings of the whole connector, ever; 0: no limit
	seed     int64
	clock    string
	start    int64 // ms

	first, count int // a task's machines; count 0: all of them
}

// Values of the clock property.
const (
	plantClock = "plant"
	wallClock  = "wall"
)

// Define declares the properties.
func (c *config) Define(d *connect.ConfigDef) {
	d.Group("Plant")
	d.String(&c.topic, "topic").Is(connect.High).Check(connect.NonEmpty()).Doc("Topic to write readings to.")
	d.Int(&c.machines, "machines").Default(10).Is(connect.High).Check(connect.Between(1, 1_000_000)).
		Doc("How many machines the plant has. Each is a stream of its own with its own offset; the record key is the machine's name.")
	d.Int(&c.sensors, "sensors").Default(6).Check(connect.Between(1, 10_000)).
		Doc("Sensors of each machine. Readings of a machine go round its sensors.")
	d.Long(&c.seed, "seed").Default(1).Doc("Another seed makes another plant; the same seed the same readings again.")
	d.Group("Pace")
	d.Double(&c.rate, "rate").Default(100).Is(connect.High).Check(connect.AtLeast(0.0), finite).
		Doc("Readings per second of the whole connector. 0: as fast as they are taken.")
	d.Int(&c.batch, "batch.size").Default(1000).Check(connect.Between(1, 1_000_000)).
		Doc("Most readings that one poll returns.")
	d.Long(&c.limit, "max.records").Default(0).Check(connect.AtLeast[int64](0)).
		Doc("Readings after which the connector falls silent, counted over all its life and dealt evenly to the machines. 0: never.")
	d.Group("Time")
	d.String(&c.clock, "clock").Default(plantClock).Check(connect.OneOf(plantClock, wallClock)).
		Doc("Where the ts field comes from. plant: a machine takes a reading every 100 ms from start.ms on, so that runs repeat exactly. wall: the time of sending.")
	d.Long(&c.start, "start.ms").Default(1_767_225_600_000).Is(connect.Low).
		Doc("Time of the first reading of the plant clock in milliseconds since 1970; by default the start of 2026 (UTC).")
}

// taskConfig is config with what Tasks adds.
type taskConfig struct{ config }

// Define declares the properties of a task.
func (c *taskConfig) Define(d *connect.ConfigDef) {
	c.config.Define(d)
	d.Int(&c.first, firstProperty).Default(0)
	d.Int(&c.count, countProperty).Default(0)
}

var finite = connect.That("finite", func(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return errors.New("Value must be a finite number")
	}
	return nil
})
