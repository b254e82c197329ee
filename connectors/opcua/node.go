package opcua

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/ua"
)

// A nodeRef is a node id as users write it. Namespaces given by URI get their
// index from the server that is asked.
type nodeRef struct {
	text string // as written; it names the node in records
	uri  string // empty: the namespace is in id
	id   *ua.NodeID
}

var idPrefixes = [...]string{"ns=", "nsu=", "i=", "s=", "g=", "b="}

func startsNodeID(s string) bool {
	for _, p := range idPrefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// parseNodes reads a comma-separated list of node ids. Ids may hold commas: one
// ends an id only where another id follows.
func parseNodes(list string) ([]nodeRef, error) {
	var out []nodeRef
	seen := map[string]bool{}
	for rest := list; ; {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return out, nil
		}
		end := len(rest)
		for i := range len(rest) {
			if rest[i] == ',' && (strings.Trim(rest[i:], ", \t\r\n") == "" || startsNodeID(strings.TrimLeft(rest[i+1:], ", \t\r\n"))) {
				end = i
				break
			}
		}
		ref, err := parseNode(rest[:end])
		if err != nil {
			return nil, err
		}
		if seen[ref.text] {
			return nil, fmt.Errorf("node %s is listed twice", ref.text)
		}
		seen[ref.text] = true
		out = append(out, ref)
		rest = rest[end:]
	}
}

func joinNodes(refs []nodeRef) string {
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = r.text
	}
	return strings.Join(texts, ",")
}

// parseNode reads one node id in the text form of OPC UA Part 6, 5.3.1.10.
func parseNode(s string) (nodeRef, error) {
	r := nodeRef{text: strings.TrimSpace(s)}
	bad := func(why string) (nodeRef, error) {
		return r, fmt.Errorf("%q is not a node id: %s", r.text, why)
	}
	rest, ns := r.text, uint16(0)
	if uri, ok := strings.CutPrefix(rest, "nsu="); ok {
		if uri, rest, ok = strings.Cut(uri, ";"); !ok || uri == "" {
			return bad("after nsu= comes a namespace URI, a semicolon and the identifier, as in nsu=urn:plant;s=Temp")
		}
		r.uri = unescapeURI.Replace(uri)
	} else if index, ok := strings.CutPrefix(rest, "ns="); ok {
		if index, rest, ok = strings.Cut(index, ";"); !ok {
			return bad("after ns= comes the namespace's number, a semicolon and the identifier, as in ns=2;s=Temp")
		}
		n, err := strconv.ParseUint(index, 10, 16)
		if err != nil {
			return bad("the namespace must be a number from 0 to 65535")
		}
		ns = uint16(n)
	}
	var err error
	if r.id, err = parseIdentifier(ns, rest); err != nil {
		return bad(err.Error())
	}
	return r, nil
}

var unescapeURI = strings.NewReplacer("%3B", ";", "%3b", ";", "%25", "%")

func parseIdentifier(ns uint16, s string) (*ua.NodeID, error) {
	kind, id, _ := strings.Cut(s, "=")
	switch kind {
	case "i":
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, errors.New("i= needs a number from 0 to 4294967295")
		}
		return ua.NewNumericNodeID(ns, uint32(n)), nil
	case "s":
		if id == "" || len(id) > 4096 {
			return nil, errors.New("s= needs a text of 1 to 4096 bytes")
		}
		return ua.NewStringNodeID(ns, id), nil
	case "g":
		if ua.NewGUID(id) == nil {
			return nil, errors.New("g= needs a GUID such as 72962B91-FA75-4AE6-8D28-B404DC7DAF63")
		}
		return ua.NewGUIDNodeID(ns, id), nil
	case "b":
		b, err := base64.StdEncoding.DecodeString(id)
		if err != nil || len(b) == 0 {
			return nil, errors.New("b= needs bytes in base64")
		}
		return ua.NewByteStringNodeID(ns, b), nil
	}
	return nil, errors.New("it begins with ns=NUMBER; or nsu=URI; and goes on with i=, s=, g= or b=, as in ns=2;s=Temp")
}

// in returns the node id for a server with these namespaces.
func (r nodeRef) in(namespaces []string) (*ua.NodeID, error) {
	if r.uri == "" {
		return r.id, nil
	}
	for i, uri := range namespaces {
		if uri == r.uri {
			return withNamespace(r.id, uint16(i)), nil //nolint:gosec // the protocol's numbers are as small
		}
	}
	return nil, fmt.Errorf("the server has no namespace %q; it has %q", r.uri, namespaces)
}

// withNamespace copies id, whose own namespace may have too few bits.
func withNamespace(id *ua.NodeID, ns uint16) *ua.NodeID {
	switch id.Type() {
	case ua.NodeIDTypeString:
		return ua.NewStringNodeID(ns, id.StringID())
	case ua.NodeIDTypeGUID:
		return ua.NewGUIDNodeID(ns, id.StringID())
	case ua.NodeIDTypeByteString:
		b, _ := base64.StdEncoding.DecodeString(id.StringID())
		return ua.NewByteStringNodeID(ns, b)
	default:
		return ua.NewNumericNodeID(ns, id.IntID())
	}
}

// identifier returns a node id without its namespace and kind: Temp for
// ns=2;s=Temp.
func identifier(id *ua.NodeID) string {
	if s := id.StringID(); s != "" {
		return s
	}
	return strconv.FormatUint(uint64(id.IntID()), 10)
}

// uriText writes a node id with its namespace's URI.
func uriText(id *ua.NodeID, namespaces []string) string {
	ns := int(id.Namespace())
	if ns == 0 || ns >= len(namespaces) {
		return id.String()
	}
	uri := strings.NewReplacer("%", "%25", ";", "%3B").Replace(namespaces[ns])
	_, rest, _ := strings.Cut(id.String(), ";")
	return "nsu=" + uri + ";" + rest
}

// A template is a topic's name with places for what a node is called: texts and
// variables in turn.
type template []string

// Variables of a topic's name.
const (
	nodeVariable    = "node"
	idVariable      = "id"
	browseVariable  = "browsename"
	displayVariable = "displayname"
)

// maxTopic is the longest name that Kafka takes.
const maxTopic = 249

func parseTemplate(s string) (template, error) {
	var t template
	for rest := s; ; {
		before, after, ok := strings.Cut(rest, "${")
		t = append(t, before)
		if before != "" && topicName(before) != before {
			return nil, fmt.Errorf("a topic's name has letters of a-z, A-Z, 0-9, ., _ and - only")
		}
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			return nil, errors.New("${ without a }")
		}
		switch name {
		case nodeVariable, idVariable, browseVariable, displayVariable:
		default:
			return nil, fmt.Errorf("${%s} is not known; there are ${%s}, ${%s}, ${%s} and ${%s}", name, nodeVariable, idVariable, browseVariable, displayVariable)
		}
		t = append(t, name)
		rest = tail
	}
	if len(t) == 1 && len(s) > maxTopic {
		return nil, fmt.Errorf("a topic's name has at most %d letters", maxTopic)
	}
	return t, nil
}

// uses reports whether a variable is in the name.
func (t template) uses(variable string) bool {
	for i := 1; i < len(t); i += 2 {
		if t[i] == variable {
			return true
		}
	}
	return false
}

// name fills the template in.
func (t template) name(value func(variable string) string) string {
	if len(t) == 1 {
		return t[0]
	}
	var b strings.Builder
	for i, s := range t {
		if i%2 == 1 {
			s = topicName(value(s))
		}
		b.WriteString(s)
	}
	name := b.String()
	return name[:min(len(name), maxTopic)]
}

// topicName replaces what a topic's name must not have.
func topicName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '_'
	}, s)
}

// handle numbers nodes for the server; there are fewer than it can hold.
func handle(i int) uint32 { return uint32(min(i, math.MaxUint32)) } //nolint:gosec // see above
