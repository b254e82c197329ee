package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// checkHeaders refuses what a route cannot read or write: 415, then 406.
func checkHeaders(rt *route, r *http.Request) error {
	bad := &jettyError{message: "Bad Request", uri: base(r) + r.RequestURI, form: pageForm(r.Header)}
	if types := r.Header.Values("Content-Type"); len(types) > 0 {
		if _, ok := mediaType(types[0]); !ok || !strings.Contains(types[0], "/") || len(types) > 1 {
			return bad
		}
		if !rt.anyType && !matches(types[0], "application/json") {
			return framework(http.StatusUnsupportedMediaType)
		}
	}
	if !goodAccept(r.Header) {
		return bad
	}
	if !accepts(r.Header)("application/json") {
		return framework(http.StatusNotAcceptable)
	}
	return nil
}

// pageForm is the form of an error page that a client takes: HTML, or else JSON,
// or else none.
func pageForm(h http.Header) string {
	switch takes := accepts(h); {
	case !goodAccept(h):
		return ""
	case takes("text/html"):
		return pageType
	case takes("application/json"):
		return "application/json"
	}
	return ""
}

// goodAccept reports whether Java can read the Accept headers. A type without a
// subtype is one that nobody has.
func goodAccept(h http.Header) bool {
	patterns := acceptable(h)
	for _, p := range patterns {
		t, params, _ := strings.Cut(p, ";")
		if !strings.Contains(t, "/") {
			p = strings.TrimSpace(t) + "/*;" + params
		}
		if _, ok := mediaType(p); !ok {
			return false
		}
	}
	return len(patterns) > 0 || strings.TrimSpace(strings.Join(h.Values("Accept"), "")) == ""
}

// mediaType returns type/subtype in lower case, without parameters. * alone,
// which java.net.HttpURLConnection sends, is */*.
func mediaType(s string) (string, bool) {
	t, params, _ := strings.Cut(s, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if t == "*" {
		t = "*/*"
	}
	main, sub, ok := strings.Cut(t, "/")
	return t, ok && goodParams(params) && main != "" && sub != "" && !strings.ContainsAny(t, " \t\"(),:<=>?@[\\]{}") && strings.Count(t, "/") == 1
}

// goodParams reports whether Java can read the parameters of a type: each has a
// name and a value, and q is a number from 0 to 1.
func goodParams(params string) bool {
	for _, p := range strings.Split(params, ";") {
		name, value, ok := strings.Cut(p, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case strings.TrimSpace(p) == "":
		case !ok || name == "" || value == "" || strings.Count(value, `"`) == 1:
			return false
		case strings.EqualFold(name, "q"):
			if q, err := strconv.ParseFloat(value, 64); err != nil || q < 0 || q > 1 {
				return false
			}
		}
	}
	return true
}

// matches reports whether a type or a pattern for types covers a type.
func matches(pattern, want string) bool {
	t, ok := mediaType(pattern)
	if !ok {
		return false
	}
	main, sub, _ := strings.Cut(t, "/")
	wantMain, wantSub, _ := strings.Cut(want, "/")
	return (main == "*" || main == wantMain) && (sub == "*" || sub == wantSub)
}

func isJSON(contentType string) bool {
	t, _ := mediaType(contentType)
	return t == "application/json"
}

// accepts returns whether a client takes a type. Qualities do not matter: Java
// has one type to offer and offers it even at q=0.
func accepts(h http.Header) func(string) bool {
	patterns := acceptable(h)
	return func(want string) bool {
		for _, p := range patterns {
			if matches(p, want) {
				return true
			}
		}
		return len(patterns) == 0
	}
}

// jsonType is the Content-Type of an answer: application/json with the
// parameters that the client has asked for, as Java's framework tells them, which
// changes nothing else.
func jsonType(h http.Header) string {
	const plain = "application/json"
	for _, p := range acceptable(h) {
		if t, _ := mediaType(p); t != plain {
			continue
		}
		t := plain
		_, params, _ := strings.Cut(p, ";")
		for _, param := range strings.Split(params, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(param), "="); ok && !strings.EqualFold(name, "q") {
				t += ";" + strings.ToLower(name) + "=" + value
			}
		}
		return t
	}
	return plain
}

// acceptable returns the entries of the Accept headers.
func acceptable(h http.Header) []string {
	var patterns []string
	for _, v := range h.Values("Accept") {
		for _, p := range strings.Split(v, ",") {
			if strings.TrimSpace(p) != "" {
				patterns = append(patterns, p)
			}
		}
	}
	return patterns
}

type schemeKey struct{} // of the context of a server's requests

// base is the URL of this server as the client calls it, without a path.
func base(r *http.Request) string {
	scheme, _ := r.Context().Value(schemeKey{}).(string)
	if scheme == "" {
		scheme = "http"
	}
	return scheme + "://" + r.Host
}

// pathOf encodes a connector's name for a Location header as Java's UriBuilder
// does: a slash and a percent sign before two hex digits stay as they are. (Such
// a connector cannot be addressed, in Java as here: see front.)
func pathOf(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '/' || c == '%' && i+2 < len(name) && isHex(name[i+1]) && isHex(name[i+2]),
			c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(string([]byte{"0123456789abcdef"[c>>4], "0123456789abcdef"[c&15]})))
		}
	}
	return b.String()
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// segment encodes a name as one segment of a path, so that it can be addressed.
func segment(name string) string { return url.PathEscape(name) }
