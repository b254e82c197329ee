package offsets

import (
	"fmt"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// The orders are those of HashMaps of a running Java, filled in sorted order;
// the partitions are those
// of MirrorMaker 2, of the JDBC source and of Debezium.
func TestKeyOrderIsHashMaps(t *testing.T) {
	for want, p := range map[string]connect.Object{
		`["c",{"cluster":"a","partition":0,"topic":"t"}]`:    {"topic": "t", "partition": 0, "cluster": "a"},
		`["c",{"protocol":"1","table":"x"}]`:                 {"table": "x", "protocol": "1"},
		`["c",{"server":"s","database":"d"}]`:                {"database": "d", "server": "s"},
		`["c",{"a\"":-1,"\uD83D\uDE42":"\uD83D\uDE42 <&>"}]`: {"🙂": "🙂 <&>", "a\"": int8(-1)},
		`["c",{"größe":1,"ключ":1,"日本":1,"Straße":1}]`:       {"Straße": 1, "größe": 1, "日本": 1, "ключ": 1},
		`["c",{"schema":1,"col":1,"server_id":1,"t":1,"u":1,"v":1,"w":1,"x":1,"y":1,"z":1,"db":1,"table":1,"tenant":1}]`: {
			"server_id": 1, "tenant": 1, "db": 1, "schema": 1, "table": 1, "col": 1, "x": 1, "y": 1, "z": 1, "w": 1, "v": 1, "u": 1, "t": 1,
		},
		`["c",{}]`: {}, `["c",null]`: nil,
		`["c",{"a":"NaN","b":1.0E10,"c":null,"d":true,"e":"AQI=","f":0.1}]`: {
			"a": nan(), "b": 1e10, "c": nil, "d": true, "e": []byte{1, 2}, "f": float32(0.1),
		},
	} {
		key, err := Key("c", p)
		if err != nil || string(key) != want {
			t.Errorf("%v: got %s (%v), want %s", p, key, err, want)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func FuzzKeyReadsBack(f *testing.F) {
	f.Add("c", "k", "v", int64(1), 1.5, true)
	f.Fuzz(func(t *testing.T, connector, k, v string, n int64, x float64, b bool) {
		p := connect.Object{k: v, "n": n, "x": x, "b": b, "0": nil}
		key, err := Key(connector, p)
		if err != nil {
			t.Fatal(err)
		}
		name, back, why := parseKey(key)
		if why != "" {
			t.Fatalf("%s: %s", key, why)
		}
		again, err := Key(name, back)
		if err != nil || string(again) != string(key) {
			t.Fatalf("%s became %s (%v)", key, again, err)
		}
		one, _ := identity(p)
		two, _ := identity(back)
		if one != two {
			t.Fatal(fmt.Sprintln(one, two))
		}
	})
}
