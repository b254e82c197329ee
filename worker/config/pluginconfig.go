package config

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// anyConnector are the groups of properties that sources and sinks share.
var anyConnector = []string{"Common", "Transforms", "Predicates", "Error Handling"}

// PluginConfig answers GET /connector-plugins/NAME/config: the definitions of a
// plugin's properties; for connectors those that all of them have follow. Name
// is a class, an alias or a short name. Version, if given, is a range of
// versions that the plugin's must be in.
func PluginConfig(plugins *connect.Plugins, name string, version ...string) ([]connect.ConfigKey, error) {
	var config func() connect.Configurable
	var class, has string
	connector, sink := false, false
	if strings.Contains(name, "$") && !strings.Contains(name, ".") {
		return nil, connect.Errorf(connect.NotFoundException, "Unknown plugin %s.", name) // Java has no short names of nested classes
	}
	if p, ok := plugins.Sources.Find(name); ok {
		class, has, config, connector = p.Class, p.Version, p.Config, true
	} else if p, ok := plugins.Sinks.Find(name); ok {
		class, has, config, connector, sink = p.Class, p.Version, p.Config, true, true
	} else if p, ok := plugins.Converters.Find(name); ok {
		class, has, config = p.Class, p.Version, p.Config
	} else if p, ok := plugins.HeaderConverters.Find(name); ok {
		class, has, config = p.Class, p.Version, p.Config
	} else if p, ok := plugins.Transforms.Find(name); ok {
		class, has, config = p.Class, p.Version, p.Config
	} else if p, ok := plugins.Predicates.Find(name); ok {
		class, has, config = p.Class, p.Version, p.Config
	} else {
		return nil, connect.Errorf(connect.NotFoundException, "Unknown plugin %s.", name)
	}
	for _, wanted := range version {
		if _, err := parseRange(wanted); err != nil {
			return nil, connect.Errorf(BadRequestException, "Invalid version specification: %s", wanted)
		}
		if err := checkVersion(class, wanted, []string{has}); err != nil {
			return nil, connect.Errorf(BadRequestException, "%s", err.Error())
		}
	}
	var d connect.ConfigDef
	if config != nil {
		config().Define(&d)
	}
	keys := d.Keys()
	for i := range keys {
		document(class, keys[i].Name, &keys[i])
	}
	if connector {
		s := &scope{plugins: plugins, props: connect.Props{"connector.class": class}}
		if d.CommonFirst() {
			s.props = nil
		}
		common, err := define(&Connector{Sink: sink, scope: s})
		if err != nil {
			return nil, err
		}
		before := 0
		for _, k := range common.Keys() {
			switch {
			case d.Has(k.Name):
			case d.CommonFirst() && k.Group != nil && slices.Contains(anyConnector, *k.Group):
				keys = slices.Insert(keys, before, k)
				before++
			default:
				keys = append(keys, k)
			}
		}
	}
	return keys, nil
}
