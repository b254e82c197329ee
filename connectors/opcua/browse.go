package opcua

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// A place is a node below browse.root and the path to it.
type place struct {
	id   *ua.NodeID
	text string
	path string
}

// browse finds the variables below browse.root, in an order that all tasks see.
func (d *device) browse(ctx context.Context, l *link, namespaces []string, lim limits) ([]place, error) {
	root, err := d.root.in(namespaces)
	if err != nil {
		return nil, fatalf("%s: %w", rootProperty, err)
	}
	seen := map[string]bool{root.String(): true}
	level := []place{{id: root}}
	var found []place
	for depth := 0; depth < d.depth && len(level) > 0; depth++ {
		var next []place
		for part := range slices.Chunk(level, lim.browse) {
			refs, err := d.references(ctx, l, part, forward)
			if err != nil {
				return nil, err
			}
			for i, list := range refs {
				for _, r := range list {
					n := ua.NewNodeIDFromExpandedNodeID(r.NodeID)
					key := n.String()
					if r.NodeID.ServerIndex != 0 || seen[key] || r.ReferenceTypeID.Namespace() == 0 && r.ReferenceTypeID.IntID() == id.HasProperty ||
						key == serverObject {
						continue
					}
					seen[key] = true
					p := place{id: n, text: key, path: part[i].path + r.BrowseName.Name}
					if d.root.uri != "" {
						p.text = uriText(n, namespaces)
					}
					if r.NodeClass == ua.NodeClassVariable && d.wanted(p.path) {
						found = append(found, p)
					}
					p.path += "/"
					next = append(next, p)
				}
			}
		}
		level = next
	}
	if len(found) == 0 {
		return nil, fatalf("there are no variables to read below %s=%s of %s; check it, browse.depth, %s and %s", rootProperty, d.browseRoot, d.endpoint, includeProperty, excludeProperty)
	}
	slices.SortFunc(found, func(a, b place) int { return strings.Compare(a.text, b.text) })
	d.log.Debug("OPC UA nodes found", "endpoint", d.endpoint, "root", d.browseRoot, "count", len(found))
	return found, nil
}

// serverObject holds the server's own diagnostics.
var serverObject = ua.NewNumericNodeID(0, id.Server).String()

func (d *device) wanted(path string) bool {
	return (d.keep == nil || d.keep.MatchString(path)) && (d.drop == nil || !d.drop.MatchString(path))
}

// A direction is one way to follow references.
type direction struct {
	to        ua.BrowseDirection
	reference uint32
	classes   ua.NodeClass
}

var (
	forward  = direction{ua.BrowseDirectionForward, id.HierarchicalReferences, ua.NodeClassObject | ua.NodeClassVariable}
	toParent = direction{ua.BrowseDirectionInverse, id.HasSubtype, ua.NodeClassDataType}
)

// references returns where the references of each node lead.
func (d *device) references(ctx context.Context, l *link, from []place, dir direction) ([][]*ua.ReferenceDescription, error) {
	req := &ua.BrowseRequest{View: &ua.ViewDescription{ViewID: ua.NewTwoByteNodeID(0)}, RequestedMaxReferencesPerNode: mostPerCall}
	for _, p := range from {
		req.NodesToBrowse = append(req.NodesToBrowse, &ua.BrowseDescription{
			NodeID: p.id, BrowseDirection: dir.to, ReferenceTypeID: ua.NewNumericNodeID(0, dir.reference), IncludeSubtypes: true,
			NodeClassMask: uint32(dir.classes), ResultMask: uint32(ua.BrowseResultMaskAll),
		})
	}
	res, err := call[*ua.BrowseResponse](ctx, l, d.requestTimeout, req)
	if tooMuch(err) && len(from) > 1 {
		half := len(from) / 2
		a, err := d.references(ctx, l, from[:half], dir)
		if err != nil {
			return nil, err
		}
		b, err := d.references(ctx, l, from[half:], dir)
		return append(a, b...), err
	}
	if err != nil {
		return nil, fmt.Errorf("browse: %w", err)
	}
	if len(res.Results) != len(from) {
		return nil, fmt.Errorf("the server answered %d nodes to a browse of %d", len(res.Results), len(from))
	}
	out := make([][]*ua.ReferenceDescription, len(from))
	for i, r := range res.Results {
		if r.StatusCode != ua.StatusOK && from[i].path == "" && dir == forward {
			return nil, fatalf("%s=%s of %s cannot be browsed: %s", rootProperty, d.browseRoot, d.endpoint, statusName(r.StatusCode))
		}
		for {
			out[i] = append(out[i], r.References...)
			if len(r.ContinuationPoint) == 0 {
				break
			}
			more, err := call[*ua.BrowseNextResponse](ctx, l, d.requestTimeout, &ua.BrowseNextRequest{ContinuationPoints: [][]byte{r.ContinuationPoint}})
			if err != nil {
				return nil, fmt.Errorf("browse: %w", err)
			}
			if len(more.Results) != 1 {
				return nil, fmt.Errorf("the server answered %d nodes to a browse of 1", len(more.Results))
			}
			r = more.Results[0]
		}
	}
	return out, nil
}

// A typeTree finds the built-in types of data types.
type typeTree struct {
	d     *device
	l     *link
	known map[string]ua.TypeID
}

// builtin returns the built-in type that values of a data type have, 0 when it
// leaves that open.
func (t *typeTree) builtin(ctx context.Context, dataType *ua.NodeID) (ua.TypeID, error) {
	key := dataType.String()
	if kind, ok := t.known[key]; ok {
		return kind, nil
	}
	kind, done := standardType(dataType)
	for at, steps := dataType, 0; !done && steps < 20; steps++ {
		refs, err := t.d.references(ctx, t.l, []place{{id: at}}, toParent)
		if err != nil {
			return 0, err
		}
		if len(refs[0]) == 0 {
			break
		}
		at = ua.NewNodeIDFromExpandedNodeID(refs[0][0].NodeID)
		kind, done = standardType(at)
	}
	t.known[key] = kind
	return kind, nil
}

// standardType knows the built-in types and the abstract ones, whose values may
// have several.
func standardType(dataType *ua.NodeID) (kind ua.TypeID, known bool) {
	if dataType.Namespace() != 0 || dataType.StringID() != "" {
		return 0, false
	}
	switch n := dataType.IntID(); {
	case n == id.BaseDataType, n == id.Number, n == id.Integer, n == id.UInteger, n == id.DiagnosticInfo:
		return 0, true
	case n == id.Enumeration:
		return ua.TypeIDInt32, true
	case n > 0 && n <= id.DataValue:
		return ua.TypeID(n), true
	}
	return 0, false
}
