package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
)

// pluginOrder is Java's order of the types.
var pluginOrder = []connect.Type{connect.Sink, connect.Source, connect.Transformation, connect.PredicateType, connect.ConverterType, connect.HeaderConverting}

func listPlugins(_ context.Context, q *request) (*answer, error) {
	// A boolean, not a Boolean, in Java: nothing stands for the default.
	v, _ := q.query("connectorsOnly")
	all := strings.TrimSpace(v) != "" && !strings.EqualFold(v, "true")
	list := []connect.Listed{}
	for _, p := range q.s.plugins.List() {
		if all || p.Type == connect.Sink || p.Type == connect.Source {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b connect.Listed) int {
		return slices.Index(pluginOrder, a.Type) - slices.Index(pluginOrder, b.Type)
	})
	return ok(list, nil)
}

func getPluginConfig(_ context.Context, q *request) (*answer, error) {
	name := q.params["plugin"]
	if strings.HasPrefix(name, "java.") {
		// Java finds its own classes, and cannot make a plugin of them.
		return nil, fail(http.StatusInternalServerError, "Instantiation error")
	}
	if v, given := q.query("version"); given {
		if err := config.CheckVersion(q.s.plugins, name, v); err != nil {
			return nil, err
		}
	}
	if settingOnly(name) {
		return nil, fail(http.StatusBadRequest, "Invalid plugin class %s. Valid types are sink, source, converter, header_converter, transformation, predicate.", name)
	}
	keys, err := config.PluginConfig(q.s.plugins, name)
	if keys == nil {
		keys = []connect.ConfigKey{}
	}
	return ok(keys, err)
}

// notListed are the plugins of a worker's own properties, with what their short
// names leave out. Java has no definitions for them.
var notListed = map[string][]string{
	"ConfigProvider": {
		"org.apache.kafka.common.config.provider.FileConfigProvider", "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
		"org.apache.kafka.common.config.provider.EnvVarConfigProvider",
	},
	"ConnectorClientConfigOverridePolicy": {
		policyPackage + "AllConnectorClientConfigOverridePolicy", policyPackage + "AllowlistConnectorClientConfigOverridePolicy",
		policyPackage + "NoneConnectorClientConfigOverridePolicy", policyPackage + "PrincipalConnectorClientConfigOverridePolicy",
	},
}

const policyPackage = "org.apache.kafka.connect.connector.policy."

// settingOnly reports whether a name is that of such a plugin.
func settingOnly(name string) bool {
	for suffix, classes := range notListed {
		for _, class := range classes {
			simple := class[strings.LastIndexByte(class, '.')+1:]
			if name == class || name == simple || name == strings.TrimSuffix(simple, suffix) {
				return true
			}
		}
	}
	return false
}

// validate tells what is wrong with properties. Whatever fails on the way is a
// 500 with the exception's class in the text, even what is a 400 elsewhere.
func validate(ctx context.Context, q *request) (*answer, error) {
	p, err := readProps(q.body)
	if err != nil {
		return nil, err
	}
	name := q.params["plugin"]
	if class, given := p["connector.class"]; given && class != connect.Null && !strings.HasSuffix(alias(class), alias(name)) {
		return nil, fail(http.StatusBadRequest, "Included connector type %s does not match request type %s", class, name)
	}
	infos, err := q.w.Validate(ctx, p)
	if err != nil {
		return nil, fail(http.StatusInternalServerError, "%s: %v", connect.ClassOf(err), err)
	}
	return ok(infos, nil)
}

// alias is a connector's name without what its kind is called.
func alias(name string) string {
	if s := strings.TrimSuffix(name, "Connector"); s != "" {
		return s
	}
	return name
}
