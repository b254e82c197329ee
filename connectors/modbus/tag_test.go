package modbus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func (t *tag) String() string {
	s := fmt.Sprintf("%s %v %d+%dx%d kind=%d", t.name, t.area, t.start, t.size, t.count, t.kind)
	if t.bit >= 0 {
		s += fmt.Sprintf(" bit=%d", t.bit)
	}
	if t.array {
		s += " array"
	}
	if t.order != (order{}) {
		s += fmt.Sprintf(" order=%v", t.order)
	}
	if t.scaled {
		s += fmt.Sprintf(" scale=%v+%v", t.scale.factor, t.scale.offset)
	}
	if t.deadband >= 0 {
		s += fmt.Sprintf(" deadband=%v", t.deadband)
	}
	if t.unit != "" {
		s += " unit=" + t.unit
	}
	return s + " " + t.schema.Kind().String()
}

func TestTags(t *testing.T) {
	for spec, want := range map[string]string{
		"a:holding:100":                          "a holding 100+1x1 kind=2 INT32",
		"a:holding:100:float32":                  "a holding 100+2x1 kind=7 FLOAT32",
		"temp:holding:100:float32:abcd*0.1+5":    "temp holding 100+2x1 kind=7 scale=0.1+5 FLOAT64",
		"a:input:7:int16*0.1-40":                 "a input 7+1x1 kind=1 scale=0.1+-40 FLOAT64",
		"a:input:7:int16*1e-3":                   "a input 7+1x1 kind=1 scale=0.001+0 FLOAT64",
		"a:input:7:int16*-2.5e+1-1E-2":           "a input 7+1x1 kind=1 scale=-25+-0.01 FLOAT64",
		"a:input:7:uint16+.5":                    "a input 7+1x1 kind=2 scale=1+0.5 FLOAT64",
		"a:input:7:*10":                          "a input 7+1x1 kind=2 scale=10+0 FLOAT64",
		"a:input:7:CDAB:uint32":                  "a input 7+2x1 kind=4 order={false true} INT64",
		"a:input:7:int64:hgfedcba":               "a input 7+4x1 kind=5 order={true true} INT64",
		"a:input:7:uint64":                       "a input 7+4x1 kind=6 INT64",
		"a:input:7:float64:badc":                 "a input 7+4x1 kind=8 order={true false} FLOAT64",
		"a:input:7:uint16:ba":                    "a input 7+1x1 kind=2 order={true false} INT32",
		"run:coil:3":                             "run coil 3+1x1 kind=0 BOOLEAN",
		"run:coils:0-15:bool":                    "run coil 0+1x16 kind=0 array ARRAY",
		"d:discrete:65535":                       "d discrete 65535+1x1 kind=0 BOOLEAN",
		"alarm:holding:20.3":                     "alarm holding 20+1x1 kind=0 bit=3 BOOLEAN",
		"alarm:holding:20.15:bool:ba":            "alarm holding 20+1x1 kind=0 bit=15 order={true false} BOOLEAN",
		"all:holding:0-9999:uint16":              "all holding 0+1x10000 kind=2 array ARRAY",
		"f:holding:10-19:float32":                "f holding 10+2x5 kind=7 array ARRAY",
		"name:holding:50:string(9)":              "name holding 50+5x1 kind=9 STRING",
		"names:holding:50-59:string(4)":          "names holding 50+2x5 kind=9 array ARRAY",
		"x:HOLDING:0x10:INT32":                   "x holding 16+2x1 kind=3 INT32",
		" t : holding : 1 : int16 : unit=°C ":    "t holding 1+1x1 kind=1 unit=°C INT16",
		"t:holding:1:int16:deadband=0.5:unit=°C": "t holding 1+1x1 kind=1 deadband=0.5 unit=°C INT16",
		"druck/öl.1:holding:1":                   "druck/öl.1 holding 1+1x1 kind=2 INT32",
	} {
		got, err := (&rules{}).listed(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
		} else if got.String() != want {
			t.Errorf("%s\n got %s\nwant %s", spec, got, want)
		}
	}
}

func TestTagErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"a":                             "write name:area:address:type",
		"a:holding":                     "write area:address:type",
		":holding:1":                    "the name must not be empty",
		"a b:holding:1":                 "white space",
		"a:register:1":                  `area "register" is none of coil, discrete, holding, input`,
		"a:holding:x":                   `address "x" is not a number from 0 to 65535`,
		"a:holding:65536":               `address "65536" is not a number`,
		"a:holding:-1":                  `address "" is not a number`,
		"a:holding:9-3":                 `range "9-3" ends before it begins`,
		"a:holding:1:int8":              `type "int8" is none of bool`,
		"a:holding:1:int16:float32":     `"float32" is no byte order`,
		"a:holding:1:abdc":              `type "abdc" is none of`,
		"a:holding:1:bool":              "a bool in a register needs its bit, such as holding:1.0",
		"a:holding:1.16":                `bit "16"`,
		"a:holding:1.3:int16":           "a bit of a register is a bool",
		"a:coil:1.3":                    "a coil is one bit already",
		"a:coil:1:int16":                "a coil is a bool",
		"a:holding:1.3*2":               `bit "3*2"`,
		"a:holding:1.3:bool*2":          "only numbers have a scale",
		"a:holding:1:string(4)*2":       "only numbers have a scale",
		"a:holding:1:int16*0":           "scale \"0\" must be a number other than 0",
		"a:holding:1:int16*1e999":       "scale \"1e999\"",
		"a:holding:1:int16**2":          `"int16**2" is neither`,
		"a:holding:1:int16:":            "there is nothing after a colon",
		"a:holding:1::int16":            "there is nothing after a colon",
		"a:holding:65535:float32":       "it ends at address 65536, and the last one is 65535",
		"a:holding:0-4:float32":         "the range has 5 registers, and a value takes 2",
		"a:holding:1:string(0)":         "string(n)",
		"a:holding:1:string(4":          "string(n)",
		"a:holding:1:string":            `type "string" is none of`,
		"a:holding:1:int16:deadband=-1": `deadband "-1"`,
		"a:holding:1:int16:color=red":   `"color=red" is not known`,
	} {
		if got, err := (&rules{}).listed(spec); err == nil {
			t.Errorf("%s: taken as %v, want %s", spec, got, want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", spec, err, want)
		}
	}
}

func TestAddressBase(t *testing.T) {
	r := rules{base: 1}
	got, err := r.listed("a:holding:101-102")
	if err != nil || got.start != 100 || got.place() != "holding 101-102" {
		t.Errorf("%v at %d (%s), %v", got, got.start, got.place(), err)
	}
	if got, err = r.listed("a:holding:65536"); err != nil || got.start != 65535 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err = r.listed("a:holding:0"); err == nil || !strings.Contains(err.Error(), "from 1 to 65536 (address.base=1)") {
		t.Errorf("address 0 with base 1: %v", err)
	}
}

func TestDevices(t *testing.T) {
	for _, tt := range []struct{ list, units, want string }{
		{"10.0.0.5", "1", "10.0.0.5:502/1=10.0.0.5:502/1"},
		{"tcp://plc:1502/7", "1", "plc:1502/7=plc:1502/7"},
		{"press1=plc,press2=plc/2", "1", "press1=plc:502/1 press2=plc:502/2"},
		{"gw=10.0.0.5", "1,2", "gw/1=10.0.0.5:502/1 gw/2=10.0.0.5:502/2"},
		{"gw=10.0.0.5/9", "1,2", "gw=10.0.0.5:502/9"},
		{"[::1]:1502", "3", "[::1]:1502/3=[::1]:1502/3"},
		{"six=::1", "3", "six=[::1]:502/3"},
	} {
		got, err := parseDevices(strings.Split(tt.list, ","), strings.Split(tt.units, ","))
		if err != nil {
			t.Errorf("%s: %v", tt.list, err)
			continue
		}
		var specs []string
		for _, d := range got {
			specs = append(specs, d.spec())
		}
		if s := strings.Join(specs, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.list, s, tt.want)
		}
		again, err := parseDevices(specs, []string{"200"})
		if err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
			t.Errorf("%s: spec read again is %v (%v), want %v", tt.list, again, err, got)
		}
	}
	for list, want := range map[string]string{
		"":                "no host",
		"=plc":            "the name before = must not be empty",
		"udp://plc":       "udp:// is not supported; use tcp://",
		"plc:0":           `port "0"`,
		"plc:x":           `port "x"`,
		"plc/256":         `unit id "256"`,
		"plc/1,plc/1":     `two devices named "plc:502/1"`,
		"a=plc/1,b=plc/1": `"a" and "b" are the same unit 1 at plc:502`,
		"a=plc/1,a=plc/2": `two devices named "a"`,
		":502":            "no host",
		"a:b:c":           "is not host",
		"x@plc:502/1":     "no host",
	} {
		if got, err := parseDevices(strings.Split(list, ","), []string{"1"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", list, got, err, want)
		}
	}
}

// TestConfigTogether: what takes several properties to be wrong is refused with
// the property to blame, by validation and by the connector alike.
func TestConfigTogether(t *testing.T) {
	base := connect.Props{"address": "plc", "registers": "a:holding:1", "topic": "t"}
	for _, tt := range []struct {
		change         connect.Props
		property, want string
	}{
		{connect.Props{}, "", ""},
		{connect.Props{"registers": ""}, "registers", "name at least one tag"},
		{connect.Props{"registers": "", "register.b": "coil:1"}, "", ""},
		{connect.Props{"register.a": "coil:1"}, "registers", `two registers named "a"`},
		{connect.Props{"register.b": "coil:x"}, "registers", `register "b" (coil:x): address "x"`},
		{connect.Props{"register.ts": "coil:1"}, "registers", `register "ts" has the name of a field`},
		{connect.Props{"register.ts": "coil:1", "record.mode": "tag"}, "", ""},
		{connect.Props{"registers": "a:holding:1:float32,b:holding:2"}, "registers", `registers "a" (holding 1-2) and "b" (holding 2) overlap`},
		{connect.Props{"registers": "a:holding:1:float32,b:holding:2", "registers.overlap": "true"}, "", ""},
		{connect.Props{"registers": "a:holding:1:float32,b:input:2"}, "", ""},
		{connect.Props{"registers": "a:holding:1:float32,b:holding:1-2:uint16"}, "", ""},
		{connect.Props{"registers": "a:holding:1,b:holding:1.3,c:holding:1.4"}, "", ""},
		{connect.Props{"registers": "w:holding:0-99,a:holding:1.3,b:holding:50"}, "registers", `"w" (holding 0-99) and "b" (holding 50) overlap`},
		{connect.Props{"registers": "a:holding:1:string(251)"}, "registers", "a value of 126 registers does not fit a request of 125"},
		{connect.Props{"registers": "a:holding:1:float64", "max.registers.per.request": "3"}, "registers", "does not fit a request of 3"},
		{connect.Props{"registers": "a:holding:0", "address.base": "1"}, "registers", "from 1 to 65536"},
		{connect.Props{"registers": "a:holding:65536", "address.base": "1"}, "", ""},
		{connect.Props{"registers": "a:holding:65537", "address.base": "1"}, "registers", "from 1 to 65536 (address.base=1)"},
		{connect.Props{"registers": "a:holding:70000"}, "registers", "from 0 to 65535 (address.base=0)"},
		{connect.Props{"topic": "t.${tag}"}, "topic", "${tag} needs record.mode=tag"},
		{connect.Props{"topic": "t.${tag}", "record.mode": "tag"}, "", ""},
		{connect.Props{"topic": "t.${x}"}, "topic", "${x} is not known"},
		{connect.Props{"address": "a=plc,b=plc", "unit.ids": "1"}, "address", "same unit"},
		{connect.Props{"address": "plc", "unit.ids": "1,300"}, "unit.ids", `unit id "300"`},
		{connect.Props{"unit.ids": "1,1"}, "address", "two devices named"},
	} {
		p := connect.Props{}
		for _, m := range []connect.Props{base, tt.change} {
			for k, v := range m {
				p[k] = v
			}
		}
		var d connect.ConfigDef
		new(config).Define(&d)
		infos := d.Validate(p)
		if err := checkTogether(t.Context(), p, infos); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, i := range infos {
			for _, e := range i.Value.Errors {
				found = append(found, i.Value.Name+": "+e)
			}
		}
		_, err := openConnector(t.Context(), nil, p)
		if tt.want == "" {
			if len(found) > 0 || err != nil {
				t.Errorf("%v: refused: %q, %v", tt.change, found, err)
			}
			continue
		}
		if len(found) != 1 || !strings.HasPrefix(found[0], tt.property+": ") || !strings.Contains(found[0], tt.want) {
			t.Errorf("%v: %q, want %s: %s", tt.change, found, tt.property, tt.want)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: open says %v, want %s", tt.change, err, tt.want)
		}
	}
}

// TestTasks: devices are dealt out whole, and those behind one address to one
// task.
func TestTasks(t *testing.T) {
	p := connect.Props{"address": "a,b,gw=c,d", "unit.ids": "1,2", "registers": "x:coil:1", "topic": "t"}
	c, err := openConnector(t.Context(), nil, p)
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 9: 4} {
		tasks, err := c.Tasks(t.Context(), limit)
		if err != nil || len(tasks) != want {
			t.Fatalf("%d tasks of at most %d, want %d (%v)", len(tasks), limit, want, err)
		}
		devices := map[string]int{}
		for i, p := range tasks {
			var c config
			if err := c.read(p); err != nil {
				t.Fatal(err)
			}
			hosts := map[string]int{}
			for _, d := range c.devices {
				devices[d.name]++
				hosts[d.addr]++
			}
			for h, n := range hosts {
				if n != 2 {
					t.Errorf("task %d of %d has %d units of %s, want both", i, want, n, h)
				}
			}
		}
		if len(devices) != 8 || devices["gw/2"] != 1 || devices["a:502/1"] != 1 {
			t.Errorf("with %d tasks the devices are %v", want, devices)
		}
	}
}

func TestAlterOffsets(t *testing.T) {
	for _, tt := range []struct {
		p, o connect.Object
		ok   bool
	}{
		{connect.Object{"device": "a"}, connect.Object{"ts": int64(1)}, true},
		{connect.Object{"device": "a", "tag": "b"}, connect.Object{"ts": int64(1)}, true},
		{connect.Object{"rubbish": 1}, nil, true},
		{connect.Object{"rubbish": 1}, connect.Object{"ts": int64(1)}, false},
		{connect.Object{"device": "a", "x": "b"}, connect.Object{"ts": int64(1)}, false},
		{connect.Object{"device": "a"}, connect.Object{"ts": "1"}, false},
		{connect.Object{"device": "a"}, connect.Object{"ts": int64(-1)}, false},
	} {
		ok, err := Source.AlterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: tt.p, Offset: tt.o}})
		if ok != tt.ok || (err == nil) != tt.ok {
			t.Errorf("%v %v: %v, %v", tt.p, tt.o, ok, err)
		}
	}
}

// FuzzTag: any text is taken or refused, never a panic, and what is taken fits
// the protocol.
func FuzzTag(f *testing.F) {
	for _, s := range []string{"a:holding:100:float32:abcd*0.1+5", "b:coil:0-9", "c:input:3.5", "d:input:1-4:string(4):unit=x:deadband=1"} {
		f.Add(s, 0)
	}
	f.Fuzz(func(t *testing.T, s string, base int) {
		r := rules{base: base & 1}
		got, err := r.listed(s)
		if err != nil {
			return
		}
		if got.start < 0 || got.end() > 65536 || got.count < 1 || got.size < 1 || got.schema.Kind() == data.Null {
			t.Fatalf("%q: %v", s, got)
		}
		reads, err := plan([]*tag{got}, limits{maxRegisters, maxBits, 0})
		if err != nil {
			return
		}
		checkPlan(t, []*tag{got}, reads, limits{maxRegisters, maxBits, 0})
	})
}
