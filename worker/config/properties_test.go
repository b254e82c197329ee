package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestReadProperties(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     connect.Props
	}{
		{"plain", "a=1\nb:2\nc 3\n", connect.Props{"a": "1", "b": "2", "c": "3"}},
		{"white space", "  a \t=\f 1 \n\tb\t:\t2", connect.Props{"a": "1 ", "b": "2"}},
		{"comments", "#a=1\n !b=2\nc=3#4\n\n   \n", connect.Props{"c": "3#4"}},
		{"line ends", "a=1\r\nb=2\rc=3", connect.Props{"a": "1", "b": "2", "c": "3"}},
		{"continued", "a=1,\\\n    2,\\\r\n  #3\nb=x\\\\\nc=y", connect.Props{"a": "1,2,#3", "b": `x\`, "c": "y"}},
		{"continued at the end", "a=1\\", connect.Props{"a": "1"}},
		{"comment is not continued", "# x\\\na=1", connect.Props{"a": "1"}},
		{"escapes", `a\ b\=c\:=\t\n\\x\qA` + "\n", connect.Props{"a b=c:": "\t\n\\xqA"}},
		{"unicode", `k=\u00e9\ud83d\ude00`, connect.Props{"k": "é😀"}},
		{"utf-8", "k=größe", connect.Props{"k": "größe"}},
		{"latin-1", "k=gr\xf6\xdfe", connect.Props{"k": "größe"}},
		{"no value", "a\nb=\n=c", connect.Props{"a": "", "b": "", "": "c"}},
		{"windows path", `plugin.path=C:\\opt\\x`, connect.Props{"plugin.path": `C:\opt\x`}},
		{"last counts", "a=1\na=2", connect.Props{"a": "2"}},
		{"separator once", "a==1\nb = = 2", connect.Props{"a": "=1", "b": "= 2"}},
		{"jaas", `sasl.jaas.config=org.x.Y required username="u" password="p=1";`, connect.Props{"sasl.jaas.config": `org.x.Y required username="u" password="p=1";`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadProperties(strings.NewReader(c.in))
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	if _, err := ReadProperties(strings.NewReader("x=1\na=\\u12")); err == nil || err.Error() != `line 2: Malformed \uxxxx encoding.` {
		t.Error(err)
	}
}

func FuzzReadProperties(f *testing.F) {
	f.Add("a=1\\\n 2\nb\\u0041:c")
	f.Add("\\\n\\\n")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ReadProperties(strings.NewReader(s))
		if err != nil {
			return
		}
		// what was read, written with escapes, is read again
		var b strings.Builder
		for k, v := range p {
			if strings.ContainsRune(k+v, 0xfffd) {
				return
			}
			escape := strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`, " ", `\ `, "=", `\=`, ":", `\:`, "#", `\#`, "!", `\!`)
			b.WriteString(escape.Replace(k) + "=" + escape.Replace(v) + "\n")
		}
		again, err := ReadProperties(strings.NewReader(b.String()))
		if err != nil || !maps.Equal(p, again) {
			t.Fatalf("%q read as %q, and again as %q, %v", s, p, again, err)
		}
	})
}

func TestEnvironment(t *testing.T) {
	got := Environment([]string{"CONNECT_BOOTSTRAP_SERVERS=b:1", "CONNECT_A__B_C___D=x=y", "CONNECT_LOG4J_ROOT_LOGLEVEL=INFO", "PATH=/bin", "CONNECT_=x"})
	want := connect.Props{"bootstrap.servers": "b:1", "a_b.c-d": "x=y"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestSet(t *testing.T) {
	p := connect.Props{}
	if err := Set(p, "a.b=c=d"); err != nil || p["a.b"] != "c=d" {
		t.Error(p, err)
	}
	for _, bad := range []string{"a", "=b", ""} {
		if Set(p, bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestNotes(t *testing.T) {
	p := connect.Props{
		"bootstrap.servers": "b:1", "group.id": "g", "key.converter": "JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
		"plugin.path": "/x", "plugin.discovery": "hybrid_warn", "offset.storage.file.filename": "/o", "boostrap.servers": "b", "producer.acks": "1",
		"key.converter.schemas.enable": "false", "max.poll.records": "1", "offset.storage.segment.bytes": "1",
	}
	w, err := ParseWorker(p, Distributed, javaPlugins())
	if err != nil {
		t.Fatal(err)
	}
	if w.KeyConverter != "org.apache.kafka.connect.json.JsonConverter" {
		t.Error("short names of classes are not found:", w.KeyConverter)
	}
	if w.OffsetTopic.Settings["segment.bytes"] != "1" || len(w.OffsetTopic.Settings) != 1 || w.OffsetTopic.Partitions != 25 || w.ConfigTopic.Partitions != 1 {
		t.Errorf("%+v", w.OffsetTopic)
	}
	var got []string
	for _, n := range w.Notes(javaPlugins()) {
		got = append(got, n.Name+" "+n.Text)
	}
	want := []string{
		"boostrap.servers is not known and has no effect; did you mean bootstrap.servers?",
		"offset.storage.file.filename has no effect: it is a setting of standalone workers",
		"plugin.path has no effect here: plugins are part of the program",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestRefused(t *testing.T) {
	base := connect.Props{
		"bootstrap.servers": "b:1", "group.id": "g", "key.converter": "JsonConverter", "value.converter": "JsonConverter",
		"config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
	}
	for k, v := range map[string]string{"connect.protocol": "Eager", "rest.extension.classes": "x.Guard", "connector.client.config.override.policy": "Some"} {
		p := maps.Clone(base)
		p[k] = v
		w, err := ParseWorker(p, Distributed, javaPlugins())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Refused(); err == nil {
			t.Errorf("%s=%s is not refused", k, v)
		}
		if k == "rest.extension.classes" && w.Refused("x.Guard") != nil {
			t.Error("an extension with a counterpart is refused")
		}
	}
}

func TestAllowlist(t *testing.T) {
	if l, err := NewPolicy("Allowlist", []string{"acks"}); err != nil || !l.Allows("acks") || l.Allows("linger.ms") {
		t.Error(l, err)
	}
}
