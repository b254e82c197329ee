package config

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// variable is a reference to a config provider: ${provider:[path:]key}.
var variable = regexp.MustCompile(`\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`)

// HasVariable reports whether a value refers to a config provider.
func HasVariable(value string) bool {
	return strings.Contains(value, "${") && variable.MatchString(value)
}

// A Provider is a source of values that properties refer to (KIP-297).
type Provider interface {
	// Get returns the values of keys under path, those that there are, and the
	// time for which they are good; 0: for ever.
	Get(ctx context.Context, path string, keys []string) (map[string]string, time.Duration, error)
}

// Providers are config providers by the name that references call them.
type Providers map[string]Provider

// A Resolved is properties in which references to config providers are replaced
// by what they stand for.
type Resolved struct {
	Props   connect.Props
	TTL     time.Duration // after which a value may have changed; 0: never
	Secrets Secrets
}

// Resolve replaces the references in the values of p; one whose provider is not
// configured, or whose provider has no such key, stays as it is, as in Java. A
// replacement is not searched for references.
func (ps Providers) Resolve(ctx context.Context, p connect.Props) (Resolved, error) {
	out := Resolved{Props: maps.Clone(p)}
	type place struct{ provider, path string }
	keys := map[place][]string{}
	for _, v := range p {
		if !strings.Contains(v, "${") {
			continue
		}
		for _, m := range variable.FindAllStringSubmatch(v, -1) {
			at := place{m[1], m[3]}
			if ps[at.provider] != nil && !slices.Contains(keys[at], m[4]) {
				keys[at] = append(keys[at], m[4])
			}
		}
	}
	if len(keys) == 0 {
		return out, nil
	}
	found := map[place]map[string]string{}
	for at, want := range keys {
		values, ttl, err := ps[at.provider].Get(ctx, at.path, want)
		if err != nil {
			return Resolved{}, err
		}
		found[at] = values
		if ttl > 0 && (out.TTL == 0 || ttl < out.TTL) {
			out.TTL = ttl
		}
	}
	secrets := map[string]bool{}
	for k, v := range p {
		out.Props[k] = variable.ReplaceAllStringFunc(v, func(ref string) string {
			m := variable.FindStringSubmatch(ref)
			value, ok := found[place{m[1], m[3]}][m[4]]
			if !ok {
				return ref
			}
			secrets[value] = true
			return value
		})
	}
	out.Secrets = newSecrets(secrets)
	return out, nil
}

// Secrets are values from config providers, which logs and errors must not
// show. The zero Secrets has none.
type Secrets struct{ values []string } // longest first

func newSecrets(values map[string]bool) Secrets {
	var s Secrets
	for v := range values {
		if len(strings.TrimSpace(v)) > 1 { // one letter gives nothing away and would be everywhere
			s.values = append(s.values, v)
			if t := strings.TrimSpace(v); t != v {
				s.values = append(s.values, t)
			}
		}
	}
	slices.SortFunc(s.values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return s
}

// Redact replaces the secrets in a text.
func (s Secrets) Redact(text string) string {
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, "[hidden]")
	}
	return text
}

// Error returns err without the secrets in its text; its class stays, and so
// does what it wraps when it holds none.
func (s Secrets) Error(err error) error {
	if err == nil {
		return nil
	}
	if clean := s.Redact(err.Error()); clean != err.Error() {
		return connect.Errorf(connect.ClassOf(err), "%s", clean)
	}
	return err
}

// String keeps the secrets out of logs.
func (s Secrets) String() string { return "[hidden]" }

// GoString keeps %#v from printing the secrets.
func (s Secrets) GoString() string { return "[hidden]" }

// Restore puts the references of a connector's own properties back into the
// properties of its tasks, so that no secret gets into the config topic: a
// property that refers to a provider in raw is in the tasks as it is there.
func Restore(raw connect.Props, tasks []connect.Props) []connect.Props {
	out := make([]connect.Props, len(tasks))
	for i, t := range tasks {
		out[i] = maps.Clone(t)
		for k := range t {
			if ref, ok := raw[k]; ok && HasVariable(ref) {
				out[i][k] = ref
			}
		}
	}
	return out
}

// NewProviders makes the config providers that a worker's properties declare:
// config.providers names them, config.providers.NAME.class says what they are,
// config.providers.NAME.param.* configures them. Env is as os.Environ returns it.
func NewProviders(p connect.Props, env []string) (Providers, error) {
	ps := Providers{}
	for _, name := range strings.Split(p["config.providers"], ",") {
		name = strings.TrimSpace(name)
		class, ok := p["config.providers."+name+".class"]
		if name == "" || !ok {
			continue
		}
		params := p.WithPrefix("config.providers." + name + ".param.")
		var err error
		switch strings.TrimPrefix(strings.TrimSpace(class), "org.apache.kafka.common.config.provider.") {
		case "FileConfigProvider":
			ps[name], err = newFiles(params)
		case "DirectoryConfigProvider":
			ps[name], err = newDirectories(params)
		case "EnvVarConfigProvider":
			ps[name], err = newEnvironment(params, env)
		case "millwright.VaultConfigProvider", "VaultConfigProvider":
			ps[name], err = newVault(params)
		default:
			return nil, connect.ConfigErrorf("Invalid value %s for configuration config.providers.%s.class: "+
				"Could not load config provider class or one of its dependencies; known are FileConfigProvider, DirectoryConfigProvider, "+
				"EnvVarConfigProvider and millwright.VaultConfigProvider", class, name)
		}
		if err != nil {
			return nil, err
		}
	}
	return ps, nil
}
