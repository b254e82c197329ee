package config

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// REST is the settings of a worker's REST server. Those of TLS stay in the
// worker's Props, under listeners.https. and, for keys that are not there, as
// they are; see Worker.ListenerTLS.
type REST struct {
	Listeners          []string
	AdminListeners     []string // nil: the listeners; empty: none
	AdvertisedHost     string
	AdvertisedPort     int // 0: the listener's
	AdvertisedListener string
	AllowOrigin        string // access.control.allow.origin; "": no CORS
	AllowMethods       string
	ResponseHeaders    []HeaderRule
	ClientAuth         string // required, requested or none
	Extensions         []string

	headers string
}

// A HeaderRule adds a header to responses.
type HeaderRule struct {
	Action      string // set, add, setDate or addDate
	Name, Value string // the dates are the value in milliseconds after the response
}

// Define declares the settings.
func (r *REST) Define(d *connect.ConfigDef) {
	d.List(&r.Listeners, "listeners").Default([]string{"http://:8083"}).Is(low).Check(listenersCheck).
		Doc("URLs to listen on, http or https, comma-separated; without a host on all interfaces.")
	d.String(&r.AdvertisedHost, "rest.advertised.host.name").OrNone().Is(low).Doc("Host name that other workers reach this one by.")
	d.Int(&r.AdvertisedPort, "rest.advertised.port").OrNone().Is(low).Doc("Port that other workers reach this one by.")
	d.String(&r.AdvertisedListener, "rest.advertised.listener").OrNone().Is(low).Doc("Which listener other workers use: http or https.")
	d.String(&r.AllowOrigin, "access.control.allow.origin").Default("").Is(low).Doc("Origins that browsers may send requests from: * or domains, comma-separated.")
	d.String(&r.AllowMethods, "access.control.allow.methods").Default("").Is(low).Doc("Methods that browsers may send from other origins; GET, POST and HEAD if empty.")
	d.String(&r.headers, "response.http.headers.config").Default("").Is(low).Check(connect.Check[string]{
		Text: "Comma-separated header rules, where each header rule is of the form '[action] [header name]:[header value]' and optionally surrounded by double quotes if any part of a header rule contains a comma",
		Valid: func(v string) (err error) {
			r.ResponseHeaders, err = headerRules(v)
			return err
		},
	}).Doc("Headers to add to every response, comma-separated rules such as: set X-Frame-Options: DENY.")
	d.String(&r.ClientAuth, "ssl.client.auth").Default("none").Is(low).Check(connect.OneOf("required", "requested", "none")).
		Doc("Whether clients of the REST server must, may or need not show a certificate.")
	d.List(&r.Extensions, "rest.extension.classes").Default([]string{}).Is(low).Check(connect.ListOf()).Doc("Java classes that extend the REST server.")
	d.List(&r.AdminListeners, "admin.listeners").OrNone().Is(low).Check(connect.OptionalListOf()).
		Doc("URLs of the admin endpoints; not set: the listeners; empty: no admin endpoints.")
}

var listenersCheck = connect.Check[[]string]{
	Text: "List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443.",
	Null: connect.PropertyError("Invalid value type for listeners (expected list of URLs , ex: http://localhost:8080,https://localhost:8443)."),
	Valid: func(v []string) error {
		if len(v) == 0 {
			return connect.PropertyError("Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.")
		}
		for _, s := range v {
			if strings.TrimSpace(s) == "" {
				return connect.PropertyError("Empty URL found when parsing listeners list.")
			}
		}
		return nil
	},
}

var headerActions = []string{"set", "add", "setDate", "addDate"}

// headerRules reads response.http.headers.config.
func headerRules(s string) ([]HeaderRule, error) {
	var rules []HeaderRule
	for _, text := range splitCSV(s) {
		action, header, ok := cutSpace(strings.TrimSpace(text))
		if !ok {
			return nil, connect.PropertyError(fmt.Sprintf("Invalid format of header config '%s'. Expected: '[action] [header name]:[header value]'", text))
		}
		at := slices.IndexFunc(headerActions, func(a string) bool { return strings.EqualFold(a, action) })
		if at < 0 {
			return nil, connect.PropertyError(fmt.Sprintf("Invalid header config action: '%s'. Expected one of [%s]", action, strings.Join(headerActions, ", ")))
		}
		parts := strings.Split(strings.TrimSpace(header), ":")
		for len(parts) > 0 && parts[len(parts)-1] == "" { // Java's split drops them
			parts = parts[:len(parts)-1]
		}
		if len(parts) != 2 {
			return nil, connect.PropertyError(fmt.Sprintf("Invalid format of header name and header value pair '%s'. Expected: '[header name]:[header value]'", header))
		}
		name := strings.TrimSpace(parts[0])
		if name == "" || strings.ContainsAny(name, " \t\n\v\f\r") {
			return nil, connect.PropertyError(fmt.Sprintf("Invalid header name '%s'. The '[header name]' cannot contain whitespace", name))
		}
		rules = append(rules, HeaderRule{headerActions[at], name, strings.TrimSpace(parts[1])})
	}
	return rules, nil
}

// cutSpace cuts at the first run of white space.
func cutSpace(s string) (before, after string, ok bool) {
	i := strings.IndexAny(s, " \t\n\v\f\r")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t\n\v\f\r"), true
}

// splitCSV splits at commas outside of double quotes, drops the quotes and the
// white space around each part, and lets a backslash in quotes escape. A comma
// may end the list.
func splitCSV(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var out []string
	var b strings.Builder
	quoted, was := false, false
	end := func() {
		part := b.String()
		if !was {
			part = strings.TrimSpace(part)
		}
		out = append(out, part)
		b.Reset()
		was = false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '"' && quoted:
			quoted = false
		case c == '"' && strings.TrimSpace(b.String()) == "":
			b.Reset()
			quoted, was = true, true
		case c == ',' && !quoted:
			end()
		case was && !quoted: // white space after the closing quote
		default:
			b.WriteByte(c)
		}
	}
	if was || len(out) == 0 || strings.TrimSpace(b.String()) != "" { // else the last comma ended the list
		end()
	}
	return out
}

// ApplyHeaders adds the headers of the rules to a response.
func (r *REST) ApplyHeaders(h http.Header, now time.Time) {
	for _, rule := range r.ResponseHeaders {
		value := rule.Value
		if strings.HasSuffix(rule.Action, "Date") {
			ms, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				continue // a date rule whose value is no number says nothing
			}
			value = now.Add(time.Duration(ms) * time.Millisecond).UTC().Format(http.TimeFormat)
		}
		if strings.HasPrefix(rule.Action, "set") {
			h.Set(rule.Name, value)
		} else {
			h.Add(rule.Name, value)
		}
	}
}

// ListenerTLS returns the ssl. settings of the REST server: those under
// listeners.https. when there is any, else the worker's own.
func (w *Worker) ListenerTLS() connect.Props {
	own := w.Props.WithPrefix("listeners.https.")
	if len(own) == 0 {
		own = w.Props
	}
	out := connect.Props{}
	for k, v := range own {
		if strings.HasPrefix(k, "ssl.") {
			out[k] = v
		}
	}
	return out
}
