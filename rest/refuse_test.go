package rest

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What Java's server refuses has a page for three methods only.
func TestPageByMethod(t *testing.T) {
	w := settings(t, nil)
	s := serve(t, options(w), newFake(w))
	for method, page := range map[string]bool{"GET": true, "POST": true, "HEAD": true, "DELETE": false, "PUT": false, "PATCH": false} {
		r := ask(t, s, method, "/connectors/a%2Fb", "")
		if r.status != 400 || (r.header.Get("Content-Type") != "") != page || (r.body != "") != (page && method != "HEAD") {
			t.Errorf("%s: %d %v %q", method, r.status, r.header, r.body)
		}
	}
}

// FuzzPath: what is let through is a path that reads one way only.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/connectors/", "/a%20b;x=y/c?q", "*", "/%2e/", "/%C3%A9", "//", "/a%2Fb", "http://h/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + uri + " HTTP/1.1\r\nHost: h\r\n\r\n")))
		if err != nil {
			return // net/http refuses it
		}
		path, bad := cleanPath(r)
		switch {
		case bad != "" || path == "*":
		case !strings.HasPrefix(path, "/"), strings.Contains(path, "//"), len(path) > 1 && strings.HasSuffix(path, "/"), !utf8.ValidString(path),
			strings.ContainsFunc(path, unicode.IsControl) && !strings.ContainsFunc(path, func(c rune) bool { return c >= 0x80 && c < 0xa0 }):
			t.Fatalf("%q became %q", uri, path)
		}
	})
}
