package rest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOpenAPI keeps the description and the routes the same.
func TestOpenAPI(t *testing.T) {
	parameter := regexp.MustCompile(`:(\w+)`)
	served := []string{"GET /metrics", "GET /openapi.yaml"}
	for _, r := range append((&Server{}).routes(), adminRoutes()...) {
		served = append(served, r.method+" "+parameter.ReplaceAllString(r.path, "{$1}"))
	}
	var described []string
	path := ""
	_, paths, _ := strings.Cut(string(OpenAPI), "\npaths:\n")
	paths, _, _ = strings.Cut(paths, "\ncomponents:\n")
	for line := range strings.Lines(paths) {
		line = strings.TrimRight(line, "\n")
		switch p := strings.TrimLeft(line, " "); len(line) - len(p) {
		case 2:
			path = strings.TrimSuffix(p, ":")
		case 4:
			if m := strings.TrimSuffix(p, ":"); slices.Contains([]string{"get", "put", "post", "patch", "delete"}, m) {
				described = append(described, strings.ToUpper(m)+" "+path)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served    %q\ndescribed %q", served, described)
	}
	w := settings(t, nil)
	s := serve(t, options(w), newFake(w))
	if r := ask(t, s, "GET", "/openapi.yaml", ""); r.status != 200 || r.body != string(OpenAPI) {
		t.Errorf("%d %v", r.status, r.header)
	}
}
