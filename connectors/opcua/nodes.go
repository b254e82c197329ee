package opcua

import (
	"context"
	"fmt"
	"strings"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A node is one variable to read in one session, with all that its records
// share. From its first reading on it does not change, but for last and schema,
// which belong to whoever makes records.
type node struct {
	text     string // as in records
	id       *ua.NodeID
	topic    string
	source   *connect.SourcePartition
	key      data.Datum
	name     data.Value // browse or display name, or null
	declared shape      // of its values, as the server says; kind 0: it does not

	last   shape        // of its last value that was not null; declared before
	schema *data.Schema // of its last record; nil: none yet
}

// A nodeSet is what one session reads.
type nodeSet struct {
	nodes []*node
	limits
}

// limits are the server's, or ours where it has none.
type limits struct{ read, monitor, browse int }

const mostPerCall = 1000

// A badNode is a node that the server does not give.
type badNode struct{ node, why string }

func (b badNode) String() string { return b.node + " (" + b.why + ")" }

func badStatus(n *node, code ua.StatusCode) badNode {
	why := statusName(code)
	if mend := nodeMend(code); mend != "" {
		why += ": " + mend
	}
	return badNode{n.text, why}
}

// report fails or warns, as bad.node.action says.
func (d *device) report(bad []badNode) error {
	if len(bad) == 0 {
		return nil
	}
	texts := make([]string, 0, min(len(bad), 20)+1)
	for i, b := range bad {
		if i == 20 {
			texts = append(texts, fmt.Sprintf("and %d more", len(bad)-i))
			break
		}
		texts = append(texts, b.String())
	}
	list := strings.Join(texts, ", ")
	if d.badNodes == failAction && !d.ready {
		return fatalf("%s does not give %d of the nodes: %s. Correct %s, or set bad.node.action=%s to go on without them", d.endpoint, len(bad), list, nodesProperty, warnAction)
	}
	d.log.Warn("the server does not give some nodes; they are tried again", "endpoint", d.endpoint, "count", len(bad), "nodes", list)
	return nil
}

// prepare finds out what to read in this session.
func (d *device) prepare(ctx context.Context, l *link) (*nodeSet, []badNode, error) {
	namespaces, err := d.namespaces(ctx, l)
	if err != nil {
		return nil, nil, err
	}
	set := &nodeSet{}
	if set.limits, err = d.readLimits(ctx, l); err != nil {
		return nil, nil, err
	}
	var bad []badNode
	var places []place
	listed := map[string]bool{}
	for _, ref := range d.nodes {
		nid, err := ref.in(namespaces)
		if err != nil {
			bad = append(bad, badNode{ref.text, err.Error()})
			continue
		}
		places = append(places, place{id: nid, text: ref.text})
		listed[nid.String()] = true
	}
	if d.browseRoot != "" {
		found, err := d.browse(ctx, l, namespaces, set.limits)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range found {
			if !listed[p.id.String()] {
				places = append(places, p)
			}
		}
	}
	for i, p := range places {
		if d.count == 0 || i%d.count == d.index {
			n, err := d.node(p)
			if err != nil {
				return nil, nil, err
			}
			set.nodes = append(set.nodes, n)
		}
	}
	if err := d.describe(ctx, l, set); err != nil {
		return nil, nil, err
	}
	return set, bad, nil
}

func (d *device) node(p place) (*node, error) {
	n := &node{text: p.text, id: p.id, key: data.Datum{Schema: keySchema, Value: data.Str(p.text)}}
	if n.source = d.sources[p.text]; n.source == nil {
		var err error
		if n.source, err = connect.NewSourcePartition(connect.Object{endpointField: d.endpoint, nodeField: p.text}); err != nil {
			return nil, err
		}
		d.sources[p.text] = n.source
	}
	return n, nil
}

// read reads attributes in as many calls as the server wants.
func (d *device) read(ctx context.Context, l *link, most int, times ua.TimestampsToReturn, what []*ua.ReadValueID) ([]*ua.DataValue, error) {
	out := make([]*ua.DataValue, 0, len(what))
	for len(out) < len(what) {
		part := what[len(out):min(len(out)+most, len(what))]
		res, err := call[*ua.ReadResponse](ctx, l, d.requestTimeout, &ua.ReadRequest{TimestampsToReturn: times, NodesToRead: part})
		if tooMuch(err) && most > 1 {
			most = (most + 1) / 2
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read of %d nodes: %w", len(part), err)
		}
		if len(res.Results) != len(part) {
			return nil, fmt.Errorf("the server answered %d values to %d questions", len(res.Results), len(part))
		}
		out = append(out, res.Results...)
	}
	return out, nil
}

// tooMuch reports whether a smaller request may do.
func tooMuch(err error) bool {
	return isStatus(err, ua.StatusBadTooManyOperations, ua.StatusBadRequestTooLarge, ua.StatusBadResponseTooLarge, ua.StatusBadEncodingLimitsExceeded)
}

func (d *device) namespaces(ctx context.Context, l *link) ([]string, error) {
	res, err := d.read(ctx, l, 1, ua.TimestampsToReturnNeither, []*ua.ReadValueID{valueOf(ua.NewNumericNodeID(0, id.Server_NamespaceArray))})
	if err != nil {
		return nil, err
	}
	list, _ := res[0].Value.Value().([]string)
	return list, nil
}

func (d *device) readLimits(ctx context.Context, l *link) (limits, error) {
	ids := []uint32{
		id.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead, id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
		id.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
	}
	what := make([]*ua.ReadValueID, len(ids))
	for i, n := range ids {
		what[i] = valueOf(ua.NewNumericNodeID(0, n))
	}
	out := limits{mostPerCall, mostPerCall, 100}
	res, err := d.read(ctx, l, len(what), ua.TimestampsToReturnNeither, what)
	if err != nil {
		return out, err
	}
	for i, p := range []*int{&out.read, &out.monitor, &out.browse} {
		if n, ok := res[i].Value.Value().(uint32); ok && n > 0 {
			*p = min(*p, int(n))
		}
	}
	if l.maxRequest > 0 { // a monitored item takes some 80 bytes and its node id
		most := max(1, int(l.maxRequest-min(l.maxRequest-1, 512))/200)
		out.read, out.monitor, out.browse = min(out.read, most), min(out.monitor, most), min(out.browse, most)
	}
	return out, nil
}

// describe reads what the nodes are called and what type their values have.
func (d *device) describe(ctx context.Context, l *link, set *nodeSet) error {
	attributes := []ua.AttributeID{ua.AttributeIDDataType, ua.AttributeIDValueRank}
	if d.naming == browseNaming || d.template.uses(browseVariable) {
		attributes = append(attributes, ua.AttributeIDBrowseName)
	}
	if d.naming == displayNaming || d.template.uses(displayVariable) {
		attributes = append(attributes, ua.AttributeIDDisplayName)
	}
	what := make([]*ua.ReadValueID, 0, len(attributes)*len(set.nodes))
	for _, n := range set.nodes {
		for _, a := range attributes {
			what = append(what, attribute(n.id, a))
		}
	}
	res, err := d.read(ctx, l, set.limits.read, ua.TimestampsToReturnNeither, what)
	if err != nil {
		return err
	}
	types := typeTree{d: d, l: l, known: map[string]ua.TypeID{}}
	var structures []*node
	for i, n := range set.nodes {
		got := res[i*len(attributes) : (i+1)*len(attributes)]
		names := map[ua.AttributeID]string{}
		for j, a := range attributes[2:] {
			switch v := got[2+j].Value.Value().(type) {
			case *ua.QualifiedName:
				names[a] = v.Name
			case *ua.LocalizedText:
				names[a] = v.Text
			}
		}
		n.call(d.naming, d.template, names)
		if t, ok := got[0].Value.Value().(*ua.NodeID); ok {
			if n.declared.kind, err = types.builtin(ctx, t); err != nil {
				return err
			}
			if rank, ok := got[1].Value.Value().(int32); ok && rank > 0 && n.declared.kind != 0 {
				n.declared.rank = int(rank)
			}
		}
		n.last = n.declared
		if n.declared.kind == ua.TypeIDExtensionObject {
			structures = append(structures, n)
		}
	}
	return d.learn(ctx, l, set.limits.read, structures)
}

// call sets the node's name and topic.
func (n *node) call(naming string, topic template, names map[ua.AttributeID]string) {
	name := ""
	switch naming {
	case browseNaming:
		name = names[ua.AttributeIDBrowseName]
	case displayNaming:
		name = names[ua.AttributeIDDisplayName]
	}
	if name != "" {
		n.name = data.Str(name)
	}
	n.topic = topic.name(func(variable string) string {
		switch variable {
		case idVariable:
			return identifier(n.id)
		case browseVariable:
			return names[ua.AttributeIDBrowseName]
		case displayVariable:
			return names[ua.AttributeIDDisplayName]
		}
		return n.text
	})
	if n.topic == "" { // a name of nothing but a variable that this node lacks
		n.topic = topicName(n.text)
	}
}
