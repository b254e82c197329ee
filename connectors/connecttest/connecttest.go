// Package connecttest is what every plugin must stand: conformance suites that a
// plugin's test calls with one line, and in-memory hosts for its other tests.
//
//	func TestConformance(t *testing.T) {
//		connecttest.Source(t, acme.Source, connect.Props{"url": server.URL})
//	}
//
// The suites prove that the definition is documented and accepts valid
// properties, that the README has the current property table, that opening and
// closing leaves nothing behind, also after a failure, and that a task ends when
// it is told to.
//
// It imports connectors/connect, connectors/data and test libraries. Plugins
// import it in tests only.
package connecttest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
)

//go:generate go run ./readme

// patience is how long the suites wait for what should take no time: long
// enough for the busiest machine, so that only what hangs fails.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("CONNECTTEST_PATIENCE")); err == nil { // to test the suites themselves
		return d
	}
	return time.Minute
}()

// An Option adapts a suite to a plugin.
type Option func(*options)

type options struct {
	readme   string
	noReadme bool
	leaks    []goleak.Option
	records  []connect.SinkRecord
	unopened bool
	expect   int
}

// Readme names the file with the property table, README.md if not called.
func Readme(file string) Option { return func(o *options) { o.readme = file } }

// NoReadme is for plugins whose properties are documented elsewhere.
func NoReadme() Option { return func(o *options) { o.noReadme = true } }

// Leaks adapts the search for goroutines that are left, for libraries that keep
// some of their own.
func Leaks(l ...goleak.Option) Option { return func(o *options) { o.leaks = append(o.leaks, l...) } }

// Put gives records that the sink must take.
func Put(r ...connect.SinkRecord) Option {
	return func(o *options) { o.records = append(o.records, r...) }
}

// Expect says that the source has at least n records to give.
func Expect(n int) Option { return func(o *options) { o.expect = n } }

// Unopened leaves out what needs an open task, for plugins whose server cannot
// be had in a test.
func Unopened() Option { return func(o *options) { o.unopened = true } }

func choose(opts []Option) options {
	o := options{readme: "README.md"}
	for _, f := range opts {
		f(&o)
	}
	return o
}

// fresh returns a new config, also for a plugin without properties.
func fresh(config func() connect.Configurable) connect.Configurable {
	if config == nil {
		return nothing{}
	}
	return config()
}

type nothing struct{}

func (nothing) Define(*connect.ConfigDef) {}

// definition proves what does not need a running plugin.
func definition(t *testing.T, o options, class, version string, config func() connect.Configurable, valid connect.Props) {
	t.Helper()
	t.Run("definition", func(t *testing.T) {
		if class == "" || version == "" {
			t.Errorf("class %q and version %q must be set", class, version)
		}
		var d connect.ConfigDef
		fresh(config).Define(&d)
		for _, k := range d.Keys() {
			if strings.TrimSpace(k.Documentation) == "" {
				t.Errorf("%s has no documentation", k.Name)
			}
			for _, dep := range k.Dependents {
				if !d.Has(dep) {
					t.Errorf("%s names %s as dependent, which is not declared", k.Name, dep)
				}
			}
			if secret(k.Name) && k.Type != "PASSWORD" {
				t.Errorf("%s looks like a secret and is no PASSWORD: it would show in logs and over REST", k.Name)
			}
			if k.Type == "PASSWORD" && k.DefaultValue != nil && *k.DefaultValue != "[hidden]" {
				t.Errorf("the default of %s shows", k.Name)
			}
			if k.DefaultValue != nil && k.Type != "PASSWORD" {
				checkDefault(t, config, k.Name, *k.DefaultValue)
			}
		}
	})
	t.Run("valid properties", func(t *testing.T) {
		for _, fault := range faults(config, valid) {
			t.Error(fault)
		}
		var d connect.ConfigDef
		fresh(config).Define(&d)
		for _, u := range d.Unknown(valid) {
			if !common(u.Name) {
				t.Errorf("the test's valid properties: %s", u)
			}
		}
		if err := connect.Parse(valid, fresh(config)); err != nil {
			t.Error(err)
		}
	})
	t.Run("README", func(t *testing.T) {
		if o.noReadme {
			return // its properties are documented elsewhere
		}
		text, err := os.ReadFile(o.readme)
		if err != nil {
			t.Fatal(err)
		}
		now, places, err := renew(string(text), func(what string) (string, bool) {
			return connect.Markdown(fresh(config)), names(what, class)
		})
		switch {
		case err != nil:
			t.Error(err)
		case places == 0 && config != nil:
			t.Errorf("%s has no place for the properties of %s: add the lines\n<!-- properties of %s -->\n<!-- end -->\nand run `go generate ./connectors/...`", o.readme, class, simple(class))
		case now != string(text):
			t.Errorf("%s is not current: run `go generate ./connectors/...`", o.readme)
		}
	})
}

// secret reports whether a property's name is that of a secret itself, not of
// where one is kept.
func secret(name string) bool {
	for _, word := range []string{"password", "passphrase", "secret", "token", "passwd"} {
		if strings.HasSuffix(strings.ToLower(name), word) {
			return true
		}
	}
	return false
}

// common reports whether a property is one that every connector has.
func common(name string) bool {
	for _, p := range []string{"name", "connector.", "tasks.max", "topics", "errors.", "transforms", "predicates", "key.converter", "value.converter", "header.converter", "topic.creation."} {
		if name == p || strings.HasPrefix(name, p) && (strings.HasSuffix(p, ".") || strings.HasPrefix(name, p+".")) {
			return true
		}
	}
	return false
}

// checkDefault proves that a default, written out, means itself.
func checkDefault(t *testing.T, config func() connect.Configurable, name, value string) {
	t.Helper()
	var d connect.ConfigDef
	fresh(config).Define(&d)
	v := connect.ValueOf(d.Validate(connect.Props{name: value}), name)
	if len(v.Errors) > 0 {
		t.Errorf("the default of %s, %q, is not valid: %v", name, value, v.Errors)
	} else if v.Value == nil || *v.Value != value {
		t.Errorf("the default of %s, %q, is read as another value", name, value)
	}
}

// faults lists what a definition says against properties.
func faults(config func() connect.Configurable, p connect.Props) (all []string) {
	var d connect.ConfigDef
	fresh(config).Define(&d)
	for _, i := range d.Validate(p) {
		for _, e := range i.Value.Errors {
			all = append(all, fmt.Sprintf("%s: %s", i.Value.Name, e))
		}
	}
	return all
}

// broken returns properties with which the plugin must not open: for each
// required property, the valid ones without it.
func broken(config func() connect.Configurable, valid connect.Props) map[string]connect.Props {
	var d connect.ConfigDef
	fresh(config).Define(&d)
	out := map[string]connect.Props{}
	for _, k := range d.Keys() {
		if _, set := valid[k.Name]; k.Required && set {
			p := maps.Clone(valid)
			delete(p, k.Name)
			out["without "+k.Name] = p
		}
	}
	return out
}

// quiet fails the test when goroutines that were not there before are still
// there after patience.
func quiet(t *testing.T, o options, before goleak.Option) {
	t.Helper()
	opts := append(slices.Clone(o.leaks), before)
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); { // Find itself waits between looks
		if err = goleak.Find(opts...); err == nil {
			return
		}
	}
	t.Errorf("goroutines are left: %v", err)
}

// within runs f and fails the test when it does not return in time.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		t.Fatalf("%s did not return in %v", what, patience)
	}
}

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
