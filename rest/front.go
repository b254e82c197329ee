package rest

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// front is what a request meets first. It does what Jetty does in front of
// Java's resources, and what echo cannot:
//
//   - it refuses paths that two readers could read in two ways, an encoded slash
//     or percent sign, an empty segment, with Jetty's page and words;
//   - it takes trailing slashes and path parameters (;x=y) away: echo would not
//     match such a path, or answer it with a redirect, which breaks POST;
//   - it serves HEAD as GET, which echo does not know to do;
//   - it decodes the path once, so that echo's parameters are names;
//   - it adds the headers that settings ask for.
type front struct {
	next    http.Handler
	scheme  string
	headers func(h http.Header, now time.Time) // nil: none
	cors    *cors                              // nil: none
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, bad := cleanPath(r)
	switch {
	case r.Method == http.MethodConnect || bad == badMessage:
		(&jettyError{message: badMessage, uri: "/badMessage", form: pageType}).write(w, http.MethodGet)
		return
	case bad != "":
		(&jettyError{message: bad, uri: "/badURI", form: pageType, close: true}).write(w, r.Method)
		return
	}
	if f.cors != nil {
		f.cors.apply(w.Header(), r)
	}
	if f.headers != nil {
		f.headers(w.Header(), time.Now())
	}
	n := r.WithContext(context.WithValue(r.Context(), schemeKey{}, f.scheme))
	u := *r.URL
	u.Path, u.RawPath = path, ""
	n.URL = &u
	if n.Method == http.MethodHead {
		n.Method = http.MethodGet // net/http drops the body: r is still a HEAD
	}
	f.next.ServeHTTP(w, n)
}

// badMessage is all that Jetty says of what is no HTTP.
const badMessage = "Bad Request"

// cleanPath returns the decoded path of a request without what a route does not
// have, or Jetty's reason to refuse it.
func cleanPath(r *http.Request) (path, bad string) {
	raw := r.RequestURI
	if raw == "*" {
		return raw, ""
	}
	if !strings.HasPrefix(raw, "/") { // absolute form, as to a proxy
		if raw = r.URL.EscapedPath(); raw == "" {
			raw = "/"
		}
	}
	raw, _, _ = strings.Cut(raw, "?")
	if bad := ambiguous(raw); bad != "" {
		return "", bad
	}
	segments := strings.Split(raw, "/")
	for i, s := range segments {
		s, _, _ = strings.Cut(s, ";")
		s, err := url.PathUnescape(s)
		switch {
		case err != nil || strings.Contains(s, "\x00"):
			return "", badMessage
		case !utf8.ValidString(s):
			return "", "Bad UTF-8 encoding"
		case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }):
			return "", "Suspicious Path Character"
		}
		segments[i] = s
	}
	path = strings.Join(segments, "/")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	return path, ""
}

// ambiguous returns Jetty's reason to refuse a path that is still encoded.
func ambiguous(raw string) string {
	lower := strings.ToLower(raw)
	switch {
	case strings.Contains(raw, `\`):
		return "Suspicious Path Character, Illegal Path Character"
	case strings.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"<>[]^`{|}", c) }):
		return "Illegal Path Character"
	case strings.Contains(raw, "//"):
		return "Ambiguous URI empty segment"
	case strings.Contains(lower, "%2f"):
		return "Ambiguous URI path separator"
	case strings.Contains(lower, "%25"):
		return "Ambiguous URI path encoding"
	}
	for _, s := range strings.Split(lower, "/") {
		name, _, params := strings.Cut(s, ";")
		switch dots := strings.ReplaceAll(name, "%2e", "."); {
		case (dots == "." || dots == "..") && dots != name:
			return "Ambiguous URI path segment"
		case (dots == "." || dots == "..") && params:
			return "Ambiguous URI path parameter"
		}
	}
	return ""
}

// A jettyError is what the server in front of Java's resources refuses. Its
// answer is a page of HTML; tools that follow a base URL with a trailing slash
// get it, and some match on it.
type jettyError struct {
	message, uri string
	form         string // its Content-Type; empty: there is no page
	close        bool
}

func (e *jettyError) Error() string { return e.message }

func (e *jettyError) page() string {
	title := e.message
	return fmt.Sprintf("<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n<title>Error 400 %s</title>\n</head>\n"+
		"<body>\n<h2>HTTP ERROR 400 %s</h2>\n<table>\n<tr><th>URI:</th><td>%s</td></tr>\n<tr><th>STATUS:</th><td>400</td></tr>\n<tr><th>MESSAGE:</th><td>%s</td></tr>\n</table>\n\n</body>\n</html>\n",
		title, title, html.EscapeString(e.uri), title)
}

const (
	pageType  = "text/html;charset=iso-8859-1"
	pageCache = "must-revalidate,no-cache,no-store"
)

// write answers a request; only these three methods get the page.
func (e *jettyError) write(w http.ResponseWriter, method string) {
	h := w.Header()
	h.Set("Cache-Control", pageCache)
	if e.close {
		h.Set("Connection", "close")
	}
	page := ""
	if e.form != "" && (method == http.MethodGet || method == http.MethodPost || method == http.MethodHead) {
		page = e.page()
		if e.form != pageType {
			page = fmt.Sprintf(`{"url":%q,"status":"400","message":%q}`, e.uri, e.message)
		}
		h.Set("Content-Type", e.form)
	}
	h.Set("Content-Length", fmt.Sprint(len(page)))
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, page)
}

// answerUnauthorized is the answer to a request without good credentials: a
// sentence that calls itself JSON, as in Java.
func answerUnauthorized(c echo.Context, contentType string, err error) error {
	if err != nil {
		return err
	}
	const text = "User cannot access the resource."
	h := c.Response().Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", fmt.Sprint(len(text)))
	c.Response().WriteHeader(http.StatusUnauthorized)
	_, err = c.Response().Write([]byte(text))
	return err
}
