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

// A node is one variable to read, with all that its records share.
type node struct {
	text   string // as in records
	id     *ua.NodeID
	name   string // browse or display name; may be empty
	topic  string
	source *connect.SourcePartition
	key    data.Datum
	nameV  data.Value

	kind ua.TypeID // of its last value, or as the server declares it; 0: not known
	rank int       // 0 scalar, 1 array, 2 and more matrix
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
type badNode struct {
	node *node
	why  string
}

func (b badNode) String() string { return b.node.text + " (" + b.why + ")" }

func badStatus(n *node, code ua.StatusCode) badNode {
	why := statusName(code)
	if mend := nodeMend(code); mend != "" {
		why += ": " + mend
	}
	return badNode{n, why}
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
			bad = append(bad, badNode{d.node(ref.text), err.Error()})
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
			n := d.node(p.text)
			n.id = p.id
			set.nodes = append(set.nodes, n)
		}
	}
	if err := d.describe(ctx, l, set); err != nil {
		return nil, nil, err
	}
	return set, bad, nil
}

func (d *device) node(text string) *node {
	n := d.known[text]
	if n == nil {
		n = &node{text: text, key: data.Datum{Schema: keySchema, Value: data.Str(text)}}
		d.known[text] = n
	}
	return n
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
	naming := ua.AttributeIDBrowseName
	if d.naming == displayNaming {
		naming = ua.AttributeIDDisplayName
	}
	attributes := []ua.AttributeID{ua.AttributeIDDataType, ua.AttributeIDValueRank, naming}
	for variable, a := range map[string]ua.AttributeID{browseVariable: ua.AttributeIDBrowseName, displayVariable: ua.AttributeIDDisplayName} {
		if d.template.uses(variable) && a != naming {
			attributes = append(attributes, a)
		}
	}
	if d.naming == noNaming && !d.template.uses(browseVariable) {
		attributes = attributes[:2]
		if d.template.uses(displayVariable) {
			attributes = append(attributes, ua.AttributeIDDisplayName)
		}
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
		if err := n.describe(d, names); err != nil {
			return err
		}
		if t, ok := got[0].Value.Value().(*ua.NodeID); ok && n.kind == 0 {
			if n.kind, err = types.builtin(ctx, t); err != nil {
				return err
			}
			if rank, ok := got[1].Value.Value().(int32); ok && rank > 0 {
				n.rank = int(rank)
			}
		}
		if n.kind == ua.TypeIDExtensionObject {
			structures = append(structures, n)
		}
	}
	return d.learn(ctx, l, set.limits.read, structures)
}

func (n *node) describe(d *device, names map[ua.AttributeID]string) error {
	switch d.naming {
	case browseNaming:
		n.name = names[ua.AttributeIDBrowseName]
	case displayNaming:
		n.name = names[ua.AttributeIDDisplayName]
	}
	n.nameV = data.Value{}
	if n.name != "" {
		n.nameV = data.Str(n.name)
	}
	n.topic = d.template.name(func(variable string) string {
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
	var err error
	if n.source == nil {
		n.source, err = connect.NewSourcePartition(connect.Object{endpointField: d.endpoint, nodeField: n.text})
	}
	return err
}
