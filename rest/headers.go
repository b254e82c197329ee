package rest

import (
	"net/http"
	"net/url"
	"strings"
)

// checkHeaders refuses what a route cannot read or write: 415, then 406.
func checkHeaders(rt *route, r *http.Request) error {
	if ct := r.Header.Get("Content-Type"); ct != "" {
		if _, ok := mediaType(ct); !ok {
			return &jettyError{message: "Bad Request", uri: base(r) + r.RequestURI}
		}
		if !rt.anyType && !matches(ct, "application/json") {
			return framework(http.StatusUnsupportedMediaType)
		}
	}
	if !accepts(r.Header)("application/json") {
		return framework(http.StatusNotAcceptable)
	}
	return nil
}

// mediaType returns type/subtype in lower case, without parameters.
func mediaType(s string) (string, bool) {
	t, _, _ := strings.Cut(s, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	main, sub, ok := strings.Cut(t, "/")
	return t, ok && main != "" && sub != "" && !strings.ContainsAny(t, " \t\"(),:<=>?@[\\]{}") && strings.Count(t, "/") == 1
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
	var patterns []string
	for _, v := range h.Values("Accept") {
		for _, p := range strings.Split(v, ",") {
			if strings.TrimSpace(p) != "" {
				patterns = append(patterns, p)
			}
		}
	}
	return func(want string) bool {
		for _, p := range patterns {
			if matches(p, want) {
				return true
			}
		}
		return len(patterns) == 0
	}
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
