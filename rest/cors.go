package rest

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
)

// cors lets browsers on other sites use the API, as Java's CrossOriginHandler
// does with access.control.allow.origin and .methods: a preflight request is
// answered by the resource too, and whether its method is among those allowed
// is for the browser to look up.
type cors struct {
	any     bool
	origins []*regexp.Regexp
	methods string
}

// newCORS returns nil when no origin is allowed.
func newCORS(s *config.REST) (*cors, error) {
	if strings.TrimSpace(s.AllowOrigin) == "" {
		return nil, nil
	}
	c := &cors{methods: "GET,POST,HEAD"}
	if strings.TrimSpace(s.AllowMethods) != "" {
		c.methods = s.AllowMethods
	}
	for _, o := range strings.Split(s.AllowOrigin, ",") {
		if o = strings.TrimSpace(o); o == "*" {
			c.any = true
			continue
		}
		re, err := regexp.Compile("(?i)^(?:" + o + ")$")
		if err != nil {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration access.control.allow.origin: %q is not a pattern for an origin: %v", s.AllowOrigin, o, err)
		}
		c.origins = append(c.origins, re)
	}
	return c, nil
}

func (c *cors) apply(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !c.allows(origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin) // with * too
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", c.methods)
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", "60")
	}
}

func (c *cors) allows(origins string) bool {
	for _, o := range strings.Fields(origins) {
		for _, re := range c.origins {
			if re.MatchString(o) {
				return true
			}
		}
	}
	return c.any
}
