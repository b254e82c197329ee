package config

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// allowed are the paths that allowed.paths leaves to a provider; nil: all.
type allowed []string

func newAllowed(params connect.Props) (allowed, error) {
	var a allowed
	if params["allowed.paths"] == "" {
		return nil, nil
	}
	for _, p := range strings.Split(params["allowed.paths"], ",") {
		p = filepath.Clean(strings.TrimSpace(p))
		if !filepath.IsAbs(p) {
			return nil, connect.ConfigErrorf("Path %s is not absolute", p)
		}
		if _, err := os.Stat(p); err != nil {
			return nil, connect.ConfigErrorf("Path %s does not exist", p)
		}
		a = append(a, p)
	}
	return a, nil
}

// permits reports whether a path, its dots resolved, is in one of the allowed.
func (a allowed) permits(path string) bool {
	if a == nil {
		return true
	}
	path = filepath.Clean(path)
	return slices.ContainsFunc(a, func(dir string) bool {
		return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
	})
}

// files reads keys of properties files; the path is the file. A file out of
// bounds has no keys, as in Java.
type files struct{ allowed allowed }

func newFiles(params connect.Props) (Provider, error) {
	a, err := newAllowed(params)
	return files{a}, err
}

func (f files) Get(_ context.Context, path string, _ []string) (map[string]string, time.Duration, error) {
	if path == "" || !f.allowed.permits(path) {
		return nil, 0, nil
	}
	p, err := ReadFile(path)
	if err != nil {
		return nil, 0, connect.ConfigErrorf("Could not read properties from file %s", path)
	}
	return p, 0, nil
}

// directories reads files whole; the path is the folder, the key the file.
type directories struct{ allowed allowed }

func newDirectories(params connect.Props) (Provider, error) {
	a, err := newAllowed(params)
	return directories{a}, err
}

func (d directories) Get(_ context.Context, path string, keys []string) (map[string]string, time.Duration, error) {
	if path == "" || !d.allowed.permits(path) {
		return nil, 0, nil
	}
	if !isDir(path) {
		return nil, 0, nil
	}
	values := map[string]string{}
	for _, k := range keys {
		if k == "" || k != filepath.Base(k) || k == ".." || k == "." {
			continue // not the name of a file in the folder
		}
		file := filepath.Join(path, k)
		if s, err := os.Stat(file); err != nil || !s.Mode().IsRegular() {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, 0, connect.ConfigErrorf("Could not read file %s for property %s", file, k)
		}
		values[k] = string(b)
	}
	return values, 0, nil
}

func isDir(path string) bool {
	s, err := os.Stat(path)
	return err == nil && s.IsDir()
}

// environment reads environment variables; there is no path.
type environment map[string]string

func newEnvironment(params connect.Props, env []string) (Provider, error) {
	match := func(string) bool { return true }
	if p, ok := params["allowlist.pattern"]; ok {
		re, err := regexp.Compile(`\A(?:` + p + `)\z`)
		if err != nil {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration allowlist.pattern: %v", p, err)
		}
		match = re.MatchString
	}
	e := environment{}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && match(k) {
			e[k] = v
		}
	}
	return e, nil
}

func (e environment) Get(_ context.Context, path string, _ []string) (map[string]string, time.Duration, error) {
	if path != "" {
		return nil, 0, connect.ConfigErrorf("Path is not supported for EnvVarConfigProvider, invalid value '%s'", path)
	}
	return e, 0, nil
}
