package modbus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Properties that messages name.
const (
	addressProperty   = "address"
	registersProperty = "registers"
	registerPrefix    = "register."
	overlapProperty   = "registers.overlap"
	topicProperty     = "topic"
	wideUintProperty  = "uint64.as"
)

// Values of the record.mode property.
const (
	perPoll = "poll"
	perTag  = "tag"
)

type config struct {
	addresses, units []string

	registers    []string
	more         connect.Props // register.NAME
	byteOrder    string
	base         int
	wideUint     string
	allowOverlap bool

	interval               time.Duration
	gap, maxRegs, maxBools int
	pause                  time.Duration

	topic      string
	mode       string
	status     bool
	onlyChange bool
	deadband   float64
	heartbeat  time.Duration

	connectTimeout, timeout time.Duration
	backoff, backoffMax     time.Duration

	// what read makes of it
	devices []deviceAddress
	tags    []*tag
	reads   []read
}

// Define declares the properties.
func (c *config) Define(d *connect.ConfigDef) {
	d.Group("Devices")
	d.List(&c.addresses, addressProperty).Is(connect.High).Wide(connect.WidthLong).Check(addressCheck).
		Doc("Devices, each `[name=][tcp://]host[:port][/unit]`, such as `press1=192.168.0.10/1`. The port is 502 unless given. The name, by default `host:port/unit`, is the record key. Units at one host and port share one connection.")
	d.List(&c.units, "unit.ids").Default([]string{"1"}).Check(unitsCheck).
		Doc("Unit ids of every address that names none itself; with more than one, a device is `name/unit`.")
	d.Group("Registers")
	d.List(&c.registers, registersProperty).Default([]string{}).Is(connect.High).Wide(connect.WidthLong).Check(registersCheck).
		Doc("Tags that every device has, each `name:area:address[:type][:order][*scale][+offset][:deadband=n][:unit=text]`, such as `temp:holding:100:int16*0.1`. See below.")
	d.Prefixed(&c.more, registerPrefix, "The tag NAME: what stands after the name in `registers`, such as `register.temp=holding:100:int16*0.1`. Both forms may be mixed.")
	d.String(&c.byteOrder, "byte.order").Default("ABCD").Check(connect.OneOfFold("ABCD", "CDAB", "BADC", "DCBA")).
		Doc("Order of bytes and registers of tags that name none. ABCD: most significant first, as the protocol has it. CDAB: registers swapped. BADC: bytes of each register swapped. DCBA: both.")
	d.Int(&c.base, "address.base").Default(0).Check(connect.Between(0, 1)).
		Doc("Number of the first register in the addresses above: 0 as on the wire, or 1 as in many manuals, where holding register 40101 is `holding:101`.")
	d.String(&c.wideUint, wideUintProperty).Default(uintInt).Is(connect.Low).Check(connect.OneOf(uintInt, uintDecimal, uintString)).
		Doc("What uint64 tags become, as Connect has no such type. int64: a number above 9223372036854775807 is unreadable, and reported. decimal: org.apache.kafka.connect.data.Decimal. string: text.")
	d.Boolean(&c.allowOverlap, overlapProperty).Default(false).Is(connect.Low).
		Doc("Whether tags may share registers in part. Bits of a register, and the same registers read as two types, always may.")
	d.Group("Polling")
	d.Millis(&c.interval, "poll.interval.ms").Default(time.Second).Is(connect.High).Check(connect.Between(time.Millisecond, 24*time.Hour)).
		Doc("Time between the beginnings of two polls of a device. A poll that takes longer delays the next; none is made up for.")
	d.Int(&c.gap, "max.gap").Default(16).Check(connect.Between(0, maxRegisters)).
		Doc("Registers (for coils and discrete inputs: times 16) that nobody asked for and that are read all the same to save a request. A device that refuses them is asked without.")
	d.Int(&c.maxRegs, "max.registers.per.request").Default(maxRegisters).Is(connect.Low).Check(connect.Between(1, maxRegisters)).
		Doc("Registers of one request; less than the protocol's 125 for devices that cannot do so many.")
	d.Int(&c.maxBools, "max.bits.per.request").Default(maxBits).Is(connect.Low).Check(connect.Between(1, maxBits)).
		Doc("Coils or discrete inputs of one request; less than the protocol's 2,000 for devices that cannot do so many.")
	d.Millis(&c.pause, "request.pause.ms").Default(0).Is(connect.Low).Check(connect.Between(0, time.Minute)).
		Doc("Time to leave a device alone between two requests.")
	d.Group("Records")
	d.String(&c.topic, topicProperty).Is(connect.High).Check(connect.NonEmpty(), topicCheck).
		Doc("Topic to write to; `${device}`, `${unit}` and, with record.mode=tag, `${tag}` are filled in, characters that no topic has as `_`.")
	d.String(&c.mode, "record.mode").Default(perPoll).Is(connect.High).Check(connect.OneOf(perPoll, perTag)).
		Doc("poll: one record per poll and device, a struct with a field for every tag. tag: one record per tag.")
	d.Boolean(&c.onlyChange, "on.change.only").Default(false).
		Doc("Write only what has changed since it was last written. With record.mode=poll a change of any tag writes the record.")
	d.Double(&c.deadband, "deadband").Default(0).Check(connect.AtLeast(0.0), finite).
		Doc("With on.change.only: a number has changed when it differs by more than this, after scaling. A tag's own deadband goes before.")
	d.Millis(&c.heartbeat, "heartbeat.ms").Default(0).Check(connect.AtLeast(time.Duration(0))).
		Doc("With on.change.only: time after which a value is written though it has not changed. 0: never.")
	d.Boolean(&c.status, "status").Default(false).
		Doc("Add the fields status (GOOD, BAD, or PARTIAL when some tags of a poll could not be read) and error (why), and write one BAD record without values when a device falls silent.")
	d.Group("Connection")
	d.Millis(&c.connectTimeout, "connect.timeout.ms").Default(longestDial).Is(connect.Low).Check(connect.Between(time.Millisecond, longestDial)).
		Doc("Time a connection may take to come about.")
	d.Millis(&c.timeout, "request.timeout.ms").Default(time.Second).Check(connect.Between(time.Millisecond, 10*time.Minute)).
		Doc("Time a device may take to answer. After that the connection is made anew.")
	d.Millis(&c.backoff, "reconnect.backoff.ms").Default(time.Second).Is(connect.Low).Check(connect.Between(time.Millisecond, 24*time.Hour)).
		Doc("Time until a device that failed twice in a row is tried again; it doubles with every failure.")
	d.Millis(&c.backoffMax, "reconnect.backoff.max.ms").Default(30 * time.Second).Is(connect.Low).Check(connect.Between(time.Millisecond, 24*time.Hour)).
		Doc("The longest such time.")
}

var finite = connect.That("finite", func(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return errors.New("Value must be a finite number")
	}
	return nil
})

var addressCheck = connect.That("list of [name=][tcp://]host[:port][/unit]", func(v []string) error {
	_, err := parseDevices(v, []string{"1"})
	return err
})

var unitsCheck = connect.That("list of numbers from 0 to 255", func(v []string) error {
	if len(v) == 0 {
		return errors.New("name at least one unit id, such as 1")
	}
	for _, u := range v {
		if _, err := parseUnit(u); err != nil {
			return err
		}
	}
	return nil
})

// registersCheck is about the form only: what tags are together, and where they
// count from, is checkTogether's.
var registersCheck = connect.That("list of name:area:address[:type]...", func(v []string) error {
	for _, item := range v {
		var where *addressError
		if _, err := (&rules{}).listed(item); err != nil && !errors.As(err, &where) {
			return err
		}
	}
	return nil
})

var topicCheck = connect.That("topic, with or without ${device}, ${unit} and ${tag}", func(v string) error {
	for rest := v; ; {
		_, after, ok := strings.Cut(rest, "${")
		if !ok {
			return nil
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			return errors.New("${ has no } after it")
		}
		if name != "device" && name != "unit" && name != "tag" {
			return fmt.Errorf("${%s} is not known; there are ${device}, ${unit} and ${tag}", name)
		}
		rest = tail
	}
})

// read parses the properties and all that they describe.
func (c *config) read(p connect.Props) error {
	if err := connect.Parse(p, c); err != nil {
		return err
	}
	for _, part := range c.parts() {
		if err := part.make(); err != nil {
			return connect.ConfigErrorf("Invalid value for configuration %s: %v", part.property, err)
		}
	}
	return nil
}

// A part is something that takes more than one property to make, with the one
// that is to blame when it cannot be made.
type part struct {
	property string
	make     func() error
}

func (c *config) parts() []part {
	return []part{
		{addressProperty, c.makeDevices},
		{registersProperty, c.makeTags},
		{topicProperty, c.checkTopic},
	}
}

func (c *config) makeDevices() (err error) {
	c.devices, err = parseDevices(c.addresses, c.units)
	return err
}

func (c *config) makeTags() error {
	r := rules{order: orders[strings.ToLower(c.byteOrder)], base: c.base, wideUint: c.wideUint}
	c.tags = nil
	for _, item := range c.registers {
		t, err := r.listed(item)
		if err != nil {
			return err
		}
		c.tags = append(c.tags, t)
	}
	for _, name := range slices.Sorted(maps.Keys(c.more)) {
		t, err := r.tag(name, c.more[name])
		if err != nil {
			return err
		}
		c.tags = append(c.tags, t)
	}
	if len(c.tags) == 0 {
		return fmt.Errorf("name at least one tag, here or as %sNAME, such as temp:holding:100:int16", registerPrefix)
	}
	seen := map[string]bool{}
	for _, t := range c.tags {
		if seen[t.name] {
			return fmt.Errorf("there are two registers named %q", t.name)
		}
		seen[t.name] = true
		if c.mode == perPoll && slices.Contains(ownFields, t.name) {
			return fmt.Errorf("register %q has the name of a field that every record has; rename it, or set record.mode=%s", t.name, perTag)
		}
	}
	if !c.allowOverlap {
		if err := checkOverlap(c.tags); err != nil {
			return err
		}
	}
	var err error
	c.reads, err = plan(c.tags, limits{c.maxRegs, c.maxBools, c.gap})
	return err
}

func (c *config) checkTopic() error {
	if c.mode == perPoll && strings.Contains(c.topic, "${tag}") {
		return fmt.Errorf("${tag} needs record.mode=%s", perTag)
	}
	return nil
}

// checkTogether finds what is wrong between properties, where each is right by
// itself.
func checkTogether(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
	var c config
	if err := connect.Parse(p, &c); err != nil {
		return nil //nolint:nilerr // it is already among infos
	}
	for _, part := range c.parts() {
		if err := part.make(); err != nil {
			if v := connect.ValueOf(infos, part.property); v != nil && len(v.Errors) == 0 {
				v.Fail("Invalid value for configuration %s: %v", part.property, err)
			}
		}
	}
	return nil
}
