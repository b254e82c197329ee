package rest

import "testing"

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
