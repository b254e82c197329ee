package connect_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// oneProperty is a definition of one property, called k, of a type named as in
// Java.
type oneProperty struct {
	typ   string
	value any // pointer
}

func (o *oneProperty) Define(d *connect.ConfigDef) {
	switch o.typ {
	case "BOOLEAN":
		v := new(bool)
		o.value = v
		d.Boolean(v, "k")
	case "STRING":
		v := new(string)
		o.value = v
		d.String(v, "k")
	case "INT":
		v := new(int)
		o.value = v
		d.Int(v, "k")
	case "SHORT":
		v := new(int)
		o.value = v
		d.Short(v, "k")
	case "LONG":
		v := new(int64)
		o.value = v
		d.Long(v, "k")
	case "DOUBLE":
		v := new(float64)
		o.value = v
		d.Double(v, "k")
	case "LIST":
		v := new([]string)
		o.value = v
		d.List(v, "k")
	case "CLASS":
		v := new(string)
		o.value = v
		d.ClassIn(v, "k", func(c string) (string, bool) { return c, strings.HasPrefix(c, "java.lang.") })
	case "PASSWORD":
		v := new(connect.Secret)
		o.value = v
		d.Password(v, "k")
	default:
		panic("no type " + o.typ)
	}
}

func TestParseVectors(t *testing.T) {
	vectors.Run(t, "config", []string{"configdef.parse"}, func(t *testing.T, v *vectors.Vector) error {
		var config struct{ Type string }
		v.BindConfig(&config)
		var input *string
		v.BindInput(&input)
		if input == nil { // Java's parseType(null); Props hold no null
			return vectors.DiffJSON(v.Output, nil)
		}
		c := &oneProperty{typ: config.Type}
		err := connect.Parse(connect.Props{"k": *input}, c)
		if err := v.CheckError(err); err != nil || v.Err != nil {
			return err
		}
		var got any
		switch x := c.value.(type) {
		case *connect.Secret:
			got = map[string]string{"password": string(*x)}
		case *[]string:
			got = *x
		case *float64, *int64:
			got = shown(c, *input)
		case *bool:
			got = *x
		case *int:
			got = *x
		case *string:
			got = *x
		}
		return vectors.DiffJSON(v.Output, got)
	})
}

// shown returns the parsed value as the validate endpoint writes it.
func shown(c *oneProperty, text string) string {
	var d connect.ConfigDef
	c.Define(&d)
	return *d.Validate(connect.Props{"k": text})[0].Value.Value
}

// many has a property of every kind of declaration.
type many struct {
	url, mode, class string
	n                int
	every, timeout   time.Duration
	ratio            float64
	tags             []string
	secret           connect.Secret
	on               bool
	nodes            connect.Props
}

func (m *many) Define(d *connect.ConfigDef) {
	d.String(&m.url, "url").Is(connect.High).Check(connect.URL("opc.tcp")).Doc("Server | address.")
	d.Group("Sampling")
	d.String(&m.mode, "mode").Default("poll").Check(connect.OneOf("poll", "subscribe")).Dependents("every.ms").
		Suggest(func(connect.Props) []string { return []string{"poll", "subscribe"} })
	d.Millis(&m.every, "every.ms").Default(time.Second).Check(connect.Between(time.Millisecond, time.Hour)).
		ShownIf(func(p connect.Props) bool { return p["mode"] != "subscribe" })
	d.IntMillis(&m.timeout, "timeout.ms").OrNone().Wide(connect.WidthShort).Display("Time-out")
	d.Int(&m.n, "n").Default(1).Check(connect.AtLeast(1))
	d.Double(&m.ratio, "ratio").Default(0.5).Check(connect.AtMost(1.0))
	d.List(&m.tags, "tags").Default(nil).Check(connect.NonEmptyListOf())
	d.Group("Other")
	d.Password(&m.secret, "secret").Default("").Doc("Its password.")
	d.Boolean(&m.on, "on").Default(false)
	d.Class(&m.class, "class").OrNone()
	d.Prefixed(&m.nodes, "node.", "One node each.")
	d.Unsupported("poll.mode", "there is one mode only; use mode", "", "default")
}

func TestParse(t *testing.T) {
	good := connect.Props{"url": "opc.tcp://plc:4840"}
	with := func(kv ...string) connect.Props {
		p := connect.Props{}
		for k, v := range good {
			p[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			p[kv[i]] = kv[i+1]
		}
		return p
	}
	for _, c := range []struct {
		name  string
		props connect.Props
		want  string // error; empty: none
	}{
		{"defaults", good, ""},
		{"missing", connect.Props{}, `Missing required configuration "url" which has no default value.`},
		{"scheme", connect.Props{"url": "http://plc"}, "Invalid value http://plc for configuration url: scheme http is not supported; expected a opc.tcp:// URL"},
		{"one of", with("mode", "Poll"), "Invalid value Poll for configuration mode: String must be one of: poll, subscribe"},
		{"at least, of a duration", with("every.ms", "0"), "Invalid value 0 for configuration every.ms: Value must be at least 1"},
		{"no more than", with("every.ms", "3600001"), "Invalid value 3600001 for configuration every.ms: Value must be no more than 3600000"},
		{"at most", with("ratio", "2"), "Invalid value 2.0 for configuration ratio: Value must be no more than 1.0"},
		{"empty list", with("tags", ""), "Configuration 'tags' must not be empty. Valid values include: any non-empty value"},
		{"empty item", with("tags", "a,,b"), "Configuration 'tags' values must not be empty."},
		{"repetitions are dropped", with("tags", "a,b,a"), ""},
		{"unsupported", with("poll.mode", "bulk"), "Invalid value bulk for configuration poll.mode: Millwright does not support this property: there is one mode only; use mode"},
		{"harmless", with("poll.mode", "Default"), ""},
		{"own names", with("node.a", "ns=1", "node.b", "ns=2"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m many
			err := connect.Parse(c.props, &m)
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if err != nil && connect.ClassOf(err) != connect.ConfigException {
				t.Errorf("class %s", connect.ClassOf(err))
			}
		})
	}
	var m many
	if err := connect.Parse(with("tags", "a, b,a", "node.a", "ns=1", "timeout.ms", "5"), &m); err != nil {
		t.Fatal(err)
	}
	if strings.Join(m.tags, ";") != "a;b" || m.nodes["a"] != "ns=1" || m.every != time.Second || m.timeout != 5*time.Millisecond {
		t.Errorf("%+v", m)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	refuse := connect.Check[connect.Secret]{Text: "never", Valid: func(connect.Secret) error { return fmt.Errorf("too short") }}
	c := define(func(d *connect.ConfigDef) { d.Password(new(connect.Secret), "pw").Check(refuse) })
	p := connect.Props{"pw": "hush"}
	err := connect.Parse(p, c)
	if err == nil || err.Error() != "Invalid value [hidden] for configuration pw: too short" {
		t.Error(err)
	}
	var d connect.ConfigDef
	c.Define(&d)
	b, _ := json.Marshal(d.Validate(p))
	s, _ := json.Marshal(connect.Secret("hush"))
	if text := string(b) + string(s) + fmt.Sprintf("%v %+v %#v", connect.Secret("hush"), connect.Secret("hush"), connect.Secret("hush")); strings.Contains(text, "hush") {
		t.Error(text)
	}
}

type define func(d *connect.ConfigDef)

func (f define) Define(d *connect.ConfigDef) { f(d) }

func TestEmbed(t *testing.T) {
	var m many
	var d connect.ConfigDef
	d.Group("Common")
	var name string
	d.String(&name, "name").Check(connect.Label())
	d.Embed("transforms.a.", "Transforms: a", 3, &m)
	k, _ := d.Key("transforms.a.mode")
	if *k.Group != "Transforms: a: Sampling" || k.Order != 5 || k.Dependents[0] != "transforms.a.every.ms" {
		t.Errorf("%+v in %s", k, *k.Group)
	}
	err := d.Parse(connect.Props{"name": "x", "transforms.a.url": "opc.tcp://h", "transforms.a.n": "x"})
	if want := "Invalid value x for configuration transforms.a.n: Not a number of type INT"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	err = d.Parse(connect.Props{"name": "x", "transforms.a.url": "opc.tcp://h", "transforms.a.n": "0"})
	if want := "Invalid value 0 for configuration n: Value must be at least 1"; err == nil || err.Error() != want {
		t.Errorf("a check speaks of the name without the prefix, as in Java: got %v, want %s", err, want)
	}
	if err := d.Parse(connect.Props{"name": "x", "transforms.a.url": "opc.tcp://h", "transforms.a.n": "7", "transforms.a.node.z": "1"}); err != nil || m.n != 7 || m.nodes["z"] != "1" {
		t.Errorf("%v, n = %d, nodes %v", err, m.n, m.nodes)
	}
	infos := d.Validate(connect.Props{"transforms.a.mode": "subscribe"})
	if v := connect.ValueOf(infos, "transforms.a.every.ms"); v.Visible {
		t.Error("visibility does not see the properties without the prefix")
	}
}

func TestUnknown(t *testing.T) {
	var m many
	var d connect.ConfigDef
	m.Define(&d)
	var got []string
	for _, u := range d.Unknown(connect.Props{"ulr": "", "Mode": "", "node.x": "", "zzz.unheard": "", "every.ms": ""}) {
		got = append(got, u.String())
	}
	want := []string{
		`property "Mode" is not known and has no effect; did you mean "mode"?`,
		`property "ulr" is not known and has no effect; did you mean "url"?`,
		`property "zzz.unheard" is not known and has no effect`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestNoValue(t *testing.T) {
	c := define(func(d *connect.ConfigDef) {
		d.Int(new(int), "n").Check(connect.AtLeast(1))
		d.List(new([]string), "l").Check(connect.ListOf())
		d.String(new(string), "s").Check(connect.OneOf("a"))
		d.String(new(string), "free").Check(connect.NonEmpty())
	})
	var d connect.ConfigDef
	c.Define(&d)
	var got []string
	for _, i := range d.Validate(connect.Props{"n": "x", "s": connect.Null, "free": connect.Null}) {
		got = append(got, i.Value.Errors...)
	}
	want := []string{
		"Invalid value x for configuration n: Not a number of type INT", "Invalid value null for configuration n: Value must be non-null",
		`Missing required configuration "l" which has no default value.`, "Configuration 'l' values must not be null.",
		"Invalid value null for configuration s: String must be one of: a",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestMarkdown(t *testing.T) {
	got := connect.Markdown(&many{})
	for _, want := range []string{
		"| `url` | string | **required** | Server \\| address. Valid: opc.tcp:// URL. |\n",
		"**Sampling**\n\n| Property | Type | Default | Description |\n",
		"| `every.ms` | long | `1000` | Valid: [1,...,3600000]. |\n",
		"| `secret` | password | none | Its password. |\n",
		"| `node.*` | | | One node each. |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := connect.Markdown(define(func(*connect.ConfigDef) {})); got != "It has no properties.\n" {
		t.Error(got)
	}
}

type longWait struct{ wait time.Duration }

func (l *longWait) Define(d *connect.ConfigDef) { d.Millis(&l.wait, "wait.ms").Default(0) }

func TestMillisAreShownAsGiven(t *testing.T) {
	var d connect.ConfigDef
	new(longWait).Define(&d)
	for in, want := range map[string]string{"9223372036854775807": "9223372036854775807", " +5 ": "5", "0": "0"} {
		if got := d.Validate(connect.Props{"wait.ms": in})[0].Value.Value; got == nil || *got != want {
			t.Errorf("%q is shown as %v, want %s", in, got, want)
		}
	}
}

type factor struct{ by float64 }

func (f *factor) Define(d *connect.ConfigDef) { d.Double(&f.by, "by").Default(1) }

func TestDoublesAreShownAsJavaShowsThem(t *testing.T) {
	var d connect.ConfigDef
	new(factor).Define(&d)
	for in, want := range map[string]string{"1e3": "1000.0", "0.0001": "1.0E-4", "8.41e21": "8.409999999999999E21", "1e400": "Infinity"} {
		if got := d.Validate(connect.Props{"by": in})[0].Value.Value; got == nil || *got != want {
			t.Errorf("%q is shown as %v, want %s", in, got, want)
		}
	}
}
