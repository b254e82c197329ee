package opcua

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/data"
)

// structureSchema describes a structure of the server's own. Its fields are
// not read: that takes the server's type dictionary; body is what it sent.
var structureSchema = data.StructOf("millwright.opcua.Structure",
	data.F("type", data.Of(data.String)),        // node id of the encoding
	data.F("encoding", data.Of(data.String)),    // binary, xml or none
	data.F("body", data.OptionalOf(data.Bytes)), // OPC UA binary, or XML in UTF-8
).Versioned(1).Optional()

// rawStructure makes the library keep the body of a structure, which it drops
// for types that are not registered with it.
type rawStructure struct{ body []byte }

// Decode implements ua.BinaryDecoder.
func (r *rawStructure) Decode(b []byte) (int, error) {
	r.body = bytes.Clone(b)
	return len(b), nil
}

// Encode implements ua.BinaryEncoder.
func (r *rawStructure) Encode() ([]byte, error) { return r.body, nil }

// unknownStructure returns the type of a structure whose body was dropped, or nil.
func unknownStructure(x *ua.ExtensionObject) *ua.NodeID {
	if x == nil || x.Value != nil || x.EncodingMask != ua.ExtensionObjectBinary || x.TypeID == nil {
		return nil
	}
	return x.TypeID.NodeID
}

// keep registers a type of structure, so that the next value comes with its
// body. An id means another type at another server; to us all are just bytes.
func keep(id *ua.NodeID) {
	defer func() { _ = recover() }() // it is registered already
	ua.RegisterExtensionObject(id, new(rawStructure))
}

// learn reads the structures once, to keep the bodies of those that follow.
func (d *device) learn(ctx context.Context, l *link, most int, nodes []*node) error {
	what := make([]*ua.ReadValueID, len(nodes))
	for i, n := range nodes {
		what[i] = valueOf(n.id)
	}
	values, err := d.read(ctx, l, most, ua.TimestampsToReturnNeither, what)
	if err != nil {
		return err
	}
	for _, v := range values {
		switch x := v.Value.Value().(type) {
		case *ua.ExtensionObject:
			if id := unknownStructure(x); id != nil {
				keep(id)
			}
		case []*ua.ExtensionObject:
			for _, one := range x {
				if id := unknownStructure(one); id != nil {
					keep(id)
				}
			}
		}
	}
	return nil
}

// structure makes the value of an ExtensionObject, null for one without a body
// that could be kept.
func structure(x *ua.ExtensionObject) data.Value {
	if id := unknownStructure(x); id != nil {
		keep(id)
		return data.Value{}
	}
	if x == nil || x.TypeID == nil {
		return data.Value{}
	}
	encoding, body := "none", data.Value{}
	switch v := x.Value.(type) {
	case nil:
		if x.EncodingMask == ua.ExtensionObjectEmpty && x.TypeID.NodeID.String() == "i=0" {
			return data.Value{}
		}
	case *ua.XMLElement:
		encoding, body = "xml", data.Bin([]byte(*v))
	default:
		b, err := ua.Encode(v)
		if err != nil {
			return data.Value{} // it was decoded, so it can be encoded
		}
		encoding, body = "binary", data.Bin(append([]byte{}, b...))
	}
	return data.NewStruct(structureSchema, data.Str(x.TypeID.NodeID.String()), data.Str(encoding), body).Value()
}

// structureText writes a structure for value.format=string.
func structureText(x *ua.ExtensionObject) string {
	if x == nil || x.TypeID == nil {
		return ""
	}
	if _, raw := x.Value.(*rawStructure); raw || x.Value == nil {
		return fmt.Sprintf("%s %x", x.TypeID.NodeID, bodyOf(x))
	}
	return fmt.Sprintf("%+v", x.Value)
}

func bodyOf(x *ua.ExtensionObject) []byte {
	if r, ok := x.Value.(*rawStructure); ok {
		return r.body
	}
	return nil
}
