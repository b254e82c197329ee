package config

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Policy decides which client settings a connector may override.
type Policy struct {
	Name    string   // All, None, Principal or Allowlist
	Allowed []string // of Principal and Allowlist
}

// policies are Java's, by class name; each is known by its short names too.
var policies = map[string]string{
	"All": "AllConnectorClientConfigOverridePolicy", "None": "NoneConnectorClientConfigOverridePolicy",
	"Principal": "PrincipalConnectorClientConfigOverridePolicy", "Allowlist": "AllowlistConnectorClientConfigOverridePolicy",
}

// NewPolicy returns the policy of a name as users write it in
// connector.client.config.override.policy, and the settings that Allowlist
// allows.
func NewPolicy(name string, allowlist []string) (Policy, error) {
	for short, class := range policies {
		if name != short && name != class && name != "org.apache.kafka.connect.connector.policy."+class {
			continue
		}
		p := Policy{Name: short}
		switch short {
		case "Principal":
			p.Allowed = []string{"sasl.jaas.config", "sasl.mechanism", "security.protocol"}
		case "Allowlist":
			p.Allowed = allowlist
		}
		return p, nil
	}
	return Policy{}, connect.Failf("Failed to find any class that implements interface org.apache.kafka.connect.connector.policy."+
		"ConnectorClientConfigOverridePolicy and which name matches %s; known are All, Allowlist, None and Principal", name)
}

// Allows reports whether a connector may override a client setting.
func (p Policy) Allows(name string) bool {
	return p.Name == "All" || slices.Contains(p.Allowed, name)
}

// Refusal is the message about a setting that p does not allow.
func (p Policy) Refusal(name string) string {
	return "The '" + p.Name + "' policy does not allow '" + name + "' to be overridden in the connector configuration."
}

// Check returns an error that names the overrides that p does not allow.
func (p Policy) Check(overrides connect.Props) error {
	var bad []string
	for name := range overrides {
		if !p.Allows(name) {
			bad = append(bad, p.Refusal(name))
		}
	}
	if bad == nil {
		return nil
	}
	slices.Sort(bad)
	return connect.Failf("Client Config Overrides not allowed [%s]", strings.Join(bad, " "))
}
