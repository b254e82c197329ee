package config

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// checkGroup finds a sink whose consumers would join the workers' own group. An
// overridden group gets an entry of its own, without definition, as in Java.
func (v *validation) checkGroup(infos []connect.ConfigInfo) []connect.ConfigInfo {
	if group, set := v.props["consumer.override.group.id"]; set {
		i := connect.ConfigInfo{Value: connect.ConfigValue{Name: "consumer.override.group.id", RecommendedValues: []string{}, Errors: []string{}, Visible: true}}
		if group != connect.Null {
			i.Value.Value = &group
		}
		if group == v.worker.GroupID {
			i.Value.Fail("Consumer group %s conflicts with Connect worker group %s", group, v.worker.GroupID)
		}
		return append(infos, i)
	}
	name := connect.ValueOf(infos, "name")
	if name.Value != nil && "connect-"+*name.Value == v.worker.GroupID {
		name.Fail("Consumer group for sink connector named %s conflicts with Connect worker group %s", *name.Value, v.worker.GroupID)
	}
	return infos
}

// checkExactlyOnce finds whether a source that is to write each record once can.
func (v *validation) checkExactlyOnce(at *connect.ConfigValue) {
	if len(at.Errors) > 0 || at.Value == nil || !strings.EqualFold(*at.Value, "required") {
		return
	}
	if !v.worker.ExactlyOnceEnabled() {
		at.Fail("This worker does not have exactly-once source support enabled.")
	}
	support := connect.SupportUnknown
	if v.source.ExactlyOnce != nil {
		var err error
		if support, err = v.source.ExactlyOnce(v.props); err != nil {
			unexpected(at, err)
			return
		}
	}
	switch support {
	case connect.SupportUnknown:
		at.Fail("The connector does not implement the API required for preflight validation of exactly-once source support. " +
			"Please consult the documentation for the connector to determine whether it supports exactly-once semantics, " +
			"and then consider reconfiguring the connector to use the value \"requested\" for this property " +
			"(which will disable this preflight check and allow the connector to be created).")
	case connect.Unsupported:
		at.Fail("The connector does not support exactly-once semantics with the provided configuration.")
	}
}

// checkBoundary finds whether a source that is to end transactions itself can.
func (v *validation) checkBoundary(at *connect.ConfigValue) {
	if len(at.Errors) > 0 || at.Value == nil || !strings.EqualFold(*at.Value, "connector") {
		return
	}
	support := connect.Unsupported
	if v.source.OwnTransactions != nil {
		var err error
		if support, err = v.source.OwnTransactions(v.props); err != nil {
			unexpected(at, err)
			return
		}
	}
	if support != connect.Supported {
		at.Fail("The connector does not support connector-defined transaction boundaries with the given configuration. " +
			"Please reconfigure it to use a different transaction boundary definition.")
	}
}

func unexpected(at *connect.ConfigValue, err error) {
	text := strings.TrimSpace(err.Error())
	if text == "" {
		at.Fail("An unexpected error occurred during validation; please see the worker logs for more details.")
		return
	}
	at.Fail("An unexpected error occurred during validation: %s", text)
}
