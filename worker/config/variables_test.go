package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// fixed is a provider of fixed values.
type fixed map[string]map[string]string

func (f fixed) Get(_ context.Context, path string, _ []string) (map[string]string, time.Duration, error) {
	return f[path], 0, nil
}

func TestVariableVectors(t *testing.T) {
	vectors.Run(t, "config", []string{"config.variables"}, func(t *testing.T, v *vectors.Vector) error {
		var c struct {
			Provider string
			Data     fixed
		}
		v.BindConfig(&c)
		var in string
		v.BindInput(&in)
		r, err := Providers{c.Provider: c.Data}.Resolve(t.Context(), connect.Props{"k": in})
		if err := v.CheckError(err); err != nil {
			return err
		}
		return vectors.DiffJSON(v.Output, r.Props["k"])
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProviders(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "inside-out")
	for _, d := range []string{in, out, filepath.Join(in, "sub")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(in, "s.properties"), "pw=hunter2\nempty=\n")
	write(t, filepath.Join(in, "single"), "from-dir\n")
	write(t, filepath.Join(out, "s.properties"), "pw=other")
	ps, err := NewProviders(connect.Props{
		"config.providers":            "file, dir,env,open",
		"config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider", "config.providers.file.param.allowed.paths": in,
		"config.providers.dir.class": "DirectoryConfigProvider", "config.providers.dir.param.allowed.paths": in,
		"config.providers.env.class": "EnvVarConfigProvider", "config.providers.env.param.allowlist.pattern": "PLANT_.*",
		"config.providers.open.class": "FileConfigProvider",
	}, []string{"PLANT_A=a", "XPLANT_B=b"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"${file:" + in + "/s.properties:pw}":                   "hunter2",
		"${file:" + in + "/s.properties:empty}":                "",
		"${file:" + in + "/s.properties:no}":                   "${file:" + in + "/s.properties:no}",
		"${file:" + out + "/s.properties:pw}":                  "${file:" + out + "/s.properties:pw}",
		"${file:" + in + "/../inside-out/s.properties:pw}":     "${file:" + in + "/../inside-out/s.properties:pw}",
		"${open:" + out + "/s.properties:pw}":                  "other",
		"${dir:" + in + ":single}":                             "from-dir\n",
		"${dir:" + in + ":sub}":                                "${dir:" + in + ":sub}",
		"${dir:" + in + ":../inside-out/s.properties}":         "${dir:" + in + ":../inside-out/s.properties}",
		"${dir:" + in + "/none:single}":                        "${dir:" + in + "/none:single}",
		"${env:PLANT_A}-${env:XPLANT_B}-${file:x:${env:PATH}}": "a-${env:XPLANT_B}-${file:x:${env:PATH}}",
		"${nobody:a:b}":                                        "${nobody:a:b}",
		"plain":                                                "plain",
	} {
		r, err := ps.Resolve(t.Context(), connect.Props{"k": in})
		if err != nil || r.Props["k"] != want {
			t.Errorf("%s is %q, %v, want %q", in, r.Props["k"], err, want)
		}
	}
	for in, want := range map[string]string{
		"${open:" + in + "/none:pw}": "Could not read properties from file " + in + "/none",
		"${env:a:b}":                 "Path is not supported for EnvVarConfigProvider, invalid value 'a'",
	} {
		if _, err := ps.Resolve(t.Context(), connect.Props{"k": in}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestProvidersRefused(t *testing.T) {
	for class, want := range map[string]string{
		"x.Y":                  "Invalid value x.Y for configuration config.providers.p.class: Could not load config provider class",
		"FileConfigProvider":   "Path relative is not absolute",
		"VaultConfigProvider":  `Missing required configuration "address"`,
		"EnvVarConfigProvider": "Invalid value ( for configuration allowlist.pattern",
	} {
		_, err := NewProviders(connect.Props{
			"config.providers": "p", "config.providers.p.class": class,
			"config.providers.p.param.allowed.paths": "relative", "config.providers.p.param.allowlist.pattern": "(",
		}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", class, err)
		}
	}
	if ps, err := NewProviders(connect.Props{"config.providers": "p"}, nil); err != nil || len(ps) != 0 {
		t.Errorf("a provider without a class: %v, %v", ps, err)
	}
}

func TestSecrets(t *testing.T) {
	ps := Providers{"t": fixed{"": {"pw": "hunter2", "long": "hunter2-and-more", "one": "1"}}}
	r, err := ps.Resolve(t.Context(), connect.Props{"password": "${t:pw}", "b": "x${t:long}", "c": "${t:one}", "d": "clear"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Props["password"] != "hunter2" || r.Props["b"] != "xhunter2-and-more" {
		t.Error(r.Props)
	}
	e := r.Secrets.Error(connect.ConfigErrorf("Invalid value xhunter2-and-more for 1: not hunter2"))
	if e.Error() != "Invalid value x[hidden] for 1: not [hidden]" || connect.ClassOf(e) != connect.ConfigException {
		t.Error(e)
	}
	plain := errors.New("clear")
	if !errors.Is(r.Secrets.Error(plain), plain) || r.Secrets.Error(nil) != nil {
		t.Error("an error without secrets is another")
	}
	if s := fmt.Sprintf("%v %+v %#v", r.Secrets, r.Secrets, r.Secrets); strings.Contains(s, "hunter") {
		t.Error(s)
	}
}

func TestRestore(t *testing.T) {
	raw := connect.Props{"pw": "${t:pw}", "a": "1"}
	tasks := []connect.Props{{"pw": "hunter2", "a": "2", "b": "3"}, {"c": "4"}}
	got := Restore(raw, tasks)
	if fmt.Sprint(got) != "[map[a:2 b:3 pw:${t:pw}] map[c:4]]" || tasks[0]["pw"] != "hunter2" {
		t.Error(got, tasks)
	}
}
