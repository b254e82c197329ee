package config

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/stage"
)

// BadRequestException is Java's name of an error that REST answers with 400.
const BadRequestException = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"

// ConfigInfos is the answer of PUT /connector-plugins/X/config/validate.
type ConfigInfos struct {
	Name       string               `json:"name"`
	ErrorCount int                  `json:"error_count"`
	Groups     []string             `json:"groups"`
	Configs    []connect.ConfigInfo `json:"configs"`
}

// Validate answers the validate endpoint as Java's AbstractHerder does, with
// DistributedHerder's further checks for a distributed worker: every property
// that a connector with these properties can have, with what is wrong with it.
// References to config providers are resolved already; a connect.Null stands for
// a JSON null. An error is one that Java throws.
func Validate(ctx context.Context, plugins *connect.Plugins, w *Worker, p connect.Props) (ConfigInfos, error) {
	class, ok := p["connector.class"]
	if !ok || class == connect.Null {
		return ConfigInfos{}, connect.Errorf(BadRequestException, "Connector config %s contains no connector type", javaMap(p))
	}
	v := validation{ctx: ctx, plugins: plugins, worker: w, props: p}
	source, isSource := plugins.Sources.Find(class)
	sink, isSink := plugins.Sinks.Find(class)
	switch {
	case isSource:
		v.source, v.class, v.config, v.check = &source, source.Class, source.Config, source.Check
		v.version = source.Version
	case isSink:
		v.sink, v.class, v.config, v.check = &sink, sink.Class, sink.Config, sink.Check
		v.version = sink.Version
	default:
		return ConfigInfos{}, connect.Errorf(BadRequestException, "%s", unknownConnector(plugins, class))
	}
	if err := v.run(); err != nil {
		return ConfigInfos{}, err
	}
	return ConfigInfos{class, v.errors, v.groups, v.infos}, nil
}

// unknownConnector is Java's message for a class that no plugin has.
func unknownConnector(plugins *connect.Plugins, class string) string {
	var known []string
	for _, l := range plugins.List() {
		if l.Type == connect.Source || l.Type == connect.Sink {
			known = append(known, fmt.Sprintf("PluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, typeName='%s', location='classpath'}",
				l.Class, l.Class, l.Version, l.Version, l.Type, l.Type))
		}
	}
	slices.Sort(known)
	return "Failed to find any class that implements Connector and which name matches " + class + ", available connectors are: " + strings.Join(known, ", ")
}

// validation is one run of Validate.
type validation struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call that it belongs to
	plugins *connect.Plugins
	worker  *Worker
	props   connect.Props

	class, version string
	source         *connect.SourcePlugin // or
	sink           *connect.SinkPlugin
	config         func() connect.Configurable
	check          func(context.Context, connect.Props, []connect.ConfigInfo) error

	infos  []connect.ConfigInfo
	groups []string
	errors int
	plain  bool // see bare
}

func (v *validation) run() error {
	s := &scope{plugins: v.plugins, worker: v.worker, props: v.props}
	if err := v.fitVersion(s); err != nil {
		return err
	}
	common, err := define(&Connector{Sink: v.sink != nil, scope: s})
	if err != nil {
		return err
	}
	infos := v.validateCommon(common)
	if s.unfit != "" { // Java goes no further
		v.groups = common.Groups()
		v.merge(v.refuseNulls(infos), nil)
		return nil
	}
	if infos, err = v.checkCommon(infos); err != nil {
		return err
	}
	infos = v.refuseNulls(infos)
	own, ownGroups, err := v.ownInfos()
	if err != nil {
		return err
	}
	v.groups = common.Groups()
	v.addGroups(ownGroups)
	v.merge(infos, own)
	return v.addParts(infos)
}

// refuseNulls blames the properties that have no value.
func (v *validation) refuseNulls(infos []connect.ConfigInfo) []connect.ConfigInfo {
	for _, k := range javaCopyOrder(slices.Sorted(maps.Keys(v.props))) {
		if v.props[k] != connect.Null {
			continue
		}
		at := connect.ValueOf(infos, k)
		if at == nil {
			infos = append(infos, connect.ConfigInfo{Value: connect.ConfigValue{Name: k, RecommendedValues: []string{}, Errors: []string{}, Visible: true}})
			at = &infos[len(infos)-1].Value
		}
		at.Fail("Null value can not be supplied as the configuration value.")
	}
	return infos
}

func (v *validation) validateCommon(d *connect.ConfigDef) []connect.ConfigInfo {
	kind := "source"
	if v.sink != nil {
		kind = "sink"
	}
	defer stage.Enter(v.ctx, "validating %s connector-specific properties for the connector", kind)()
	return d.Validate(v.props)
}

// fitVersion notes in s what is wrong with connector.plugin.version.
func (v *validation) fitVersion(s *scope) error {
	wanted, ok := v.props["connector.plugin.version"]
	if !ok || wanted == connect.Null {
		return nil
	}
	if _, err := parseRange(wanted); err != nil {
		return connect.Errorf(BadRequestException, "%s", err.Error())
	}
	if err := checkVersion(v.class, wanted, []string{v.version}); err != nil {
		s.unfit = err.Error()
	}
	return nil
}

// checkCommon finds what single properties do not show.
func (v *validation) checkCommon(infos []connect.ConfigInfo) ([]connect.ConfigInfo, error) {
	if v.sink != nil {
		if err := badPattern(v.props); err != nil {
			return nil, err
		}
		for _, f := range sinkFaults(v.props) {
			connect.ValueOf(infos, f.property).Fail("%s", f.text)
		}
	}
	if v.worker.Mode != Distributed {
		return infos, nil
	}
	if v.sink != nil {
		return v.checkGroup(infos), nil
	}
	v.checkExactlyOnce(connect.ValueOf(infos, "exactly.once.support"))
	v.checkBoundary(connect.ValueOf(infos, "transaction.boundary"))
	return infos, nil
}

// ownInfos validates the connector's own properties.
func (v *validation) ownInfos() (infos []connect.ConfigInfo, groups []string, err error) {
	var d connect.ConfigDef
	v.define(&d)
	defer stage.Enter(v.ctx, "performing multi-property validation for the connector")()
	infos = d.Validate(v.props)
	v.plain = d.CommonFirst()
	if v.check != nil {
		blamed, err := connect.Blamed(v.check(v.ctx, v.props, infos))
		if err != nil {
			return nil, nil, err
		}
		infos = append(infos, blamed...)
	}
	return infos, d.Groups(), nil
}

// define declares the connector's own properties.
func (v *validation) define(d *connect.ConfigDef) {
	defer stage.Enter(v.ctx, "retrieving the configuration definition from the connector")()
	if v.config != nil {
		v.config().Define(d)
	}
}

// merge puts the common and the connector's own properties together: a property
// that both declare is the connector's, in its common place; what no definition
// declares comes first.
func (v *validation) merge(common, own []connect.ConfigInfo) {
	var known []connect.ConfigInfo
	for _, i := range common {
		if at := slices.IndexFunc(own, func(o connect.ConfigInfo) bool { return o.Value.Name == i.Value.Name }); at >= 0 {
			def := i.Definition
			i, own = own[at], slices.Delete(slices.Clone(own), at, at+1)
			if i.Definition == nil {
				i.Definition = def // the connector only blames it
			}
		}
		if v.plain {
			i = v.bare(i)
		}
		if i.Definition == nil {
			v.infos = append(v.infos, i)
		} else {
			known = append(known, i)
		}
	}
	for _, i := range own {
		if i.Definition == nil {
			v.infos = append(v.infos, i)
		} else {
			known = append(known, i)
		}
	}
	v.infos = append(v.infos, known...)
	v.documentAliases()
	for _, i := range v.infos {
		v.errors += len(i.Value.Errors)
	}
}

// bare makes of a common property what it is to a connector that declares it
// again without knowing of plugins, as Java's MirrorMaker does: versions and
// converters are offered no values, and have no defaults.
func (v *validation) bare(i connect.ConfigInfo) connect.ConfigInfo {
	name := i.Value.Name
	converter, versioned := strings.CutSuffix(name, ".plugin.version")
	if !versioned && !strings.HasSuffix(name, ".converter") || i.Definition == nil {
		return i
	}
	i.Definition.DefaultValue, i.Value.RecommendedValues = nil, []string{}
	if _, set := v.props[name]; !set {
		i.Value.Value = nil
	}
	if strings.HasSuffix(converter, ".converter") && versioned {
		_, i.Value.Visible = v.props[converter]
	}
	return i
}

// documentAliases gives the properties of transforms and predicates Java's texts.
func (v *validation) documentAliases() {
	for _, a := range []aliased{transforms, predicates} {
		for _, alias := range listOf(notNull(v.props[a.property])) {
			prefix := a.property + "." + alias + "."
			class, _ := a.class(v.plugins)(strings.TrimSpace(v.props[prefix+"type"]))
			for _, i := range v.infos {
				if own, ok := strings.CutPrefix(i.Value.Name, prefix); ok && i.Definition != nil {
					document(class, own, i.Definition)
				}
			}
		}
	}
}

// addParts adds what the connector's Kafka clients and converters have to say.
func (v *validation) addParts(common []connect.ConfigInfo) error {
	dead := strings.TrimSpace(v.props["errors.deadletterqueue.topic.name"]) != ""
	creates := false
	for k := range v.props {
		creates = creates || strings.HasPrefix(k, "topic.creation.")
	}
	ownOffsets := v.worker.Mode == Distributed && v.source != nil &&
		(v.worker.ExactlyOnceEnabled() || strings.TrimSpace(v.props["offsets.storage.topic"]) != "")
	policy, err := v.worker.Policy()
	if err != nil {
		return err
	}
	for _, client := range []struct {
		kind ClientKind
		used bool
	}{
		{Producer, v.source != nil || dead},
		{Consumer, v.sink != nil || ownOffsets},
		{Admin, v.source != nil && (creates || ownOffsets) || v.sink != nil && dead},
	} {
		if !client.used {
			continue
		}
		if err := v.addOverrides(client.kind, policy); err != nil {
			return err
		}
	}
	for _, name := range []string{"header.converter", "key.converter", "value.converter"} {
		v.addConverter(name, connect.ValueOf(common, name))
	}
	return nil
}

// addOverrides adds the settings of a Kafka client that the connector overrides.
func (v *validation) addOverrides(kind ClientKind, policy Policy) error {
	defer stage.Enter(v.ctx, "validating %s config overrides for the connector", kind)()
	prefix := string(kind) + ".override."
	overrides := v.props.WithPrefix(prefix)
	if len(overrides) == 0 {
		return nil
	}
	d := ClientDef(kind)
	for _, name := range javaOrder(slices.Sorted(maps.Keys(overrides))) {
		i := connect.ConfigInfo{Value: connect.ConfigValue{Name: prefix + name, RecommendedValues: []string{}, Errors: []string{}, Visible: true}}
		if k, ok := d.Key(name); ok {
			value, err := d.Read(name, overrides[name])
			if err != nil {
				return err
			}
			k.Name = prefix + name
			i.Definition, i.Value.Value = &k, value
		} else if value := overrides[name]; value != connect.Null {
			i.Value.Value = &value
		}
		if !policy.Allows(name) {
			i.Value.Fail("%s", policy.Refusal(name))
			v.errors++
		}
		v.infos = append(v.infos, i)
	}
	return nil
}

// addConverter adds the properties of a converter that the connector chooses.
func (v *validation) addConverter(name string, at *connect.ConfigValue) {
	if _, set := v.props[name]; !set || at == nil || len(at.Errors) > 0 || at.Value == nil {
		return
	}
	var config func() connect.Configurable
	if name == "header.converter" {
		p, _ := v.plugins.HeaderConverters.Find(*at.Value)
		config = p.Config
	} else {
		p, _ := v.plugins.Converters.Find(*at.Value)
		config = p.Config
	}
	if config == nil {
		return
	}
	defer stage.Enter(v.ctx, "performing config validation for the connector's %s converter", strings.TrimSuffix(name, ".converter"))()
	var d connect.ConfigDef
	config().Define(&d)
	props := v.props.WithPrefix(name + ".")
	if _, set := props["converter.type"]; !set {
		props["converter.type"] = strings.TrimSuffix(name, ".converter")
	}
	infos := map[string]connect.ConfigInfo{}
	for _, i := range d.Validate(props) {
		infos[i.Value.Name] = i
	}
	var groups []string
	for _, own := range javaOrder(d.Names()) {
		i := infos[own]
		if i.Definition.Group != nil {
			groups = append(groups, *i.Definition.Group)
		}
		document(*at.Value, own, i.Definition)
		i.Definition.Name, i.Value.Name = name+"."+own, name+"."+own
		if len(i.Value.Errors) > 0 {
			v.errors++
		}
		v.infos = append(v.infos, i)
	}
	v.addGroups(groups)
}

func (v *validation) addGroups(groups []string) {
	for _, g := range groups {
		if !slices.Contains(v.groups, g) {
			v.groups = append(v.groups, g)
		}
	}
}

// a sinkFault is what is wrong with a sink's choice of topics.
type sinkFault struct{ property, text string }

func sinkFaults(p connect.Props) (faults []sinkFault) {
	topics, pattern := strings.TrimSpace(notNull(p["topics"])), strings.TrimSpace(notNull(p["topics.regex"]))
	switch {
	case topics != "" && pattern != "":
		const both = "topics and topics.regex are mutually exclusive options, but both are set."
		faults = append(faults, sinkFault{"topics", both}, sinkFault{"topics.regex", both})
	case topics == "" && pattern == "":
		const neither = "Must configure one of topics or topics.regex"
		faults = append(faults, sinkFault{"topics", neither}, sinkFault{"topics.regex", neither})
	}
	dead := strings.TrimSpace(notNull(p["errors.deadletterqueue.topic.name"]))
	if dead == "" {
		return faults
	}
	if topics != "" {
		var list []string
		for _, t := range listOf(topics) {
			if t != "" && !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
		if slices.Contains(list, dead) {
			faults = append(faults, sinkFault{"topics", fmt.Sprintf(
				"The DLQ topic '%s' may not be included in the list of topics ('topics=[%s]') consumed by the connector", dead, strings.Join(list, ", "))})
		}
	}
	if pattern != "" {
		if re, err := regexp.Compile(`\A(?:` + p["topics.regex"] + `)\z`); err == nil && re.MatchString(dead) {
			faults = append(faults, sinkFault{"topics.regex", fmt.Sprintf(
				"The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') consumed by the connector", dead, p["topics.regex"])})
		}
	}
	return faults
}

// badPattern is the error of a pattern that is to be matched against the dead
// letter topic and cannot be: Java throws it.
func badPattern(p connect.Props) error {
	if strings.TrimSpace(notNull(p["errors.deadletterqueue.topic.name"])) == "" || strings.TrimSpace(notNull(p["topics.regex"])) == "" {
		return nil
	}
	if err := connect.Regex().Valid(p["topics.regex"]); err != nil {
		return connect.Errorf("java.util.regex.PatternSyntaxException", "%s", strings.TrimPrefix(err.Error(), "Invalid regex: "))
	}
	return nil
}

func notNull(s string) string {
	if s == connect.Null {
		return ""
	}
	return s
}

// ValidateWith is Validate of properties whose references to config providers
// are not resolved yet. Unlike Java's, the answer shows the references, and
// nothing of what they stand for, in values and messages.
func ValidateWith(ctx context.Context, plugins *connect.Plugins, w *Worker, ps Providers, raw connect.Props) (ConfigInfos, error) {
	leave := stage.Enter(ctx, "resolving transformed configuration properties for the connector")
	r, err := ps.Resolve(ctx, raw)
	leave()
	if err != nil {
		return ConfigInfos{}, err
	}
	infos, err := Validate(ctx, plugins, w, r.Props)
	if err != nil {
		return ConfigInfos{}, r.Secrets.Error(err)
	}
	for i := range infos.Configs {
		v := &infos.Configs[i].Value
		if ref := raw[v.Name]; v.Value != nil && ref != r.Props[v.Name] && *v.Value != "[hidden]" {
			v.Value = &ref
		}
		for n, text := range v.Errors {
			v.Errors[n] = r.Secrets.Redact(text)
		}
	}
	return infos, nil
}
