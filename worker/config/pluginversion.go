package config

import "github.com/millwright-connect/millwright/connectors/connect"

// CheckVersion looks whether a plugin's version is in a range, the parameter
// version of GET /connector-plugins/NAME/config (KIP-891). The error is Java's,
// of class BadRequestException. It is nil when there is no such plugin.
func CheckVersion(plugins *connect.Plugins, name, version string) error {
	if _, err := parseRange(version); err != nil {
		return connect.Errorf(BadRequestException, "Invalid version specification: %s", version)
	}
	var class string
	var versions []string
	if p, ok := plugins.Sources.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if p, ok := plugins.Sinks.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if p, ok := plugins.Converters.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if p, ok := plugins.HeaderConverters.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if p, ok := plugins.Transforms.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if p, ok := plugins.Predicates.Find(name); ok {
		class, versions = p.Class, append(versions, p.Version)
	}
	if len(versions) == 0 {
		return nil
	}
	if err := checkVersion(class, version, versions); err != nil {
		return connect.Errorf(BadRequestException, "%s", err.Error())
	}
	return nil
}
