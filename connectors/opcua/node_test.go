package opcua

import (
	"slices"
	"strings"
	"testing"
)

func TestParseNode(t *testing.T) {
	for s, want := range map[string]string{
		"i=85":                  "i=85",
		" ns=2;s=Line1.Temp ":   "ns=2;s=Line1.Temp",
		"ns=0;i=2258":           "i=2258",
		"ns=65535;i=4294967295": "ns=65535;i=4294967295",
		`ns=3;s="DB"."x"[1,2]`:  `ns=3;s="DB"."x"[1,2]`,
		"s=a=b;c":               "s=a=b;c",
		"ns=4;g=72962b91-fa75-4ae6-8d28-b404dc7daf63": "ns=4;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
		"ns=1;b=AAH/":          "ns=1;b=AAH/",
		"nsu=urn:plant;s=Temp": "ns=1;s=Temp",
		"nsu=urn:a%3Bb%25;i=7": "ns=300;i=7",
		"nsu=urn:plant;b=AAH/": "ns=1;b=AAH/",
		"nsu=urn:plant;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63": "ns=1;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
	} {
		r, err := parseNode(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		namespaces := make([]string, 301)
		namespaces[1], namespaces[300] = "urn:plant", "urn:a;b%"
		id, err := r.in(namespaces)
		if err != nil || id.String() != want || r.text != strings.TrimSpace(s) {
			t.Errorf("%q: %v %v %q", s, id, err, r.text)
		}
		if r.uri != "" {
			again, err := parseNode(uriText(id, namespaces))
			if err != nil || again.uri != r.uri || again.id.String() != r.id.String() {
				t.Errorf("%q: written as %s, %v", s, uriText(id, namespaces), err)
			}
		}
	}
}

func TestBadNodeID(t *testing.T) {
	for s, want := range map[string]string{
		"Temp":              "it begins with",
		"":                  "it begins with",
		"ns=2":              "a semicolon",
		"ns=2;Temp":         "i=, s=, g= or b=",
		"ns=65536;s=Temp":   "0 to 65535",
		"ns=-1;s=Temp":      "0 to 65535",
		"ns=2;i=4294967296": "0 to 4294967295",
		"ns=2;i=x":          "0 to 4294967295",
		"ns=2;s=":           "1 to 4096",
		"ns=2;g=1234":       "GUID",
		"ns=2;b=*":          "base64",
		"ns=2;b=":           "base64",
		"nsu=urn:x":         "semicolon",
		"nsu=;s=x":          "semicolon",
	} {
		if _, err := parseNode(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestParseNodes(t *testing.T) {
	for s, want := range map[string][]string{
		"":                                nil,
		" , ":                             nil,
		"i=1":                             {"i=1"},
		"ns=2;s=A, ns=2;s=B,,i=3,":        {"ns=2;s=A", "ns=2;s=B", "i=3"},
		"ns=3;s=x[1,2],ns=3;s=x[1, 3]":    {"ns=3;s=x[1,2]", "ns=3;s=x[1, 3]"},
		"nsu=urn:a,b;s=X,\nnsu=urn:c;i=1": {"nsu=urn:a,b;s=X", "nsu=urn:c;i=1"},
	} {
		refs, err := parseNodes(s)
		var got []string
		for _, r := range refs {
			got = append(got, r.text)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", s, got, err)
		}
		again, err := parseNodes(joinNodes(refs))
		if err != nil || joinNodes(again) != joinNodes(refs) {
			t.Errorf("%q: %v", joinNodes(refs), err)
		}
	}
	if _, err := parseNodes("i=1,i=2,i=1"); err == nil || !strings.Contains(err.Error(), "i=1 is listed twice") {
		t.Error(err)
	}
}

func FuzzParseNodes(f *testing.F) {
	for _, s := range []string{"ns=2;s=A,ns=2;s=B", "nsu=urn:x;i=7", "ns=3;s=x[1,2]", "g=72962B91-FA75-4AE6-8D28-B404DC7DAF63,b=AAH/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		refs, err := parseNodes(s)
		if err != nil {
			return
		}
		again, err := parseNodes(joinNodes(refs))
		if err != nil || len(again) != len(refs) {
			t.Fatalf("%q: %d nodes, then %d, %v", s, len(refs), len(again), err)
		}
		for i := range refs {
			if again[i].text != refs[i].text || again[i].uri != refs[i].uri || again[i].id.String() != refs[i].id.String() {
				t.Fatalf("%q: %v, then %v", s, refs[i], again[i])
			}
		}
	})
}

func TestTemplate(t *testing.T) {
	value := func(v string) string {
		return map[string]string{"node": "ns=2;s=Öl 1", "id": "Öl 1", "browsename": strings.Repeat("x", 300)}[v]
	}
	for s, want := range map[string]string{
		"plant":                "plant",
		"plant.${id}":          "plant._l_1",
		"${node}":              "ns_2_s__l_1",
		"a-${browsename}":      "a-" + strings.Repeat("x", 247),
		"a.${displayname}.b_C": "a..b_C",
	} {
		tm, err := parseTemplate(s)
		if err != nil || tm.name(value) != want {
			t.Errorf("%q: %v %v", s, tm, err)
		}
	}
	for s, want := range map[string]string{
		"a b": "letters", "${x}": "${x} is not known; there are ${node}", "${id": "without a }", "ä": "letters", strings.Repeat("x", 250): "at most 249",
	} {
		if _, err := parseTemplate(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
