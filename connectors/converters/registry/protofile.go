package registry

import (
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Files that schemas may import without a reference, besides google/protobuf.
const (
	metaFile    = "confluent/meta.proto"
	decimalFile = "confluent/type/decimal.proto"
	dateFile    = "google/type/date.proto"
	timeFile    = "google/type/timeofday.proto"

	timestampFile = "google/protobuf/timestamp.proto"
	wrappersFile  = "google/protobuf/wrappers.proto"
)

var knownFiles = map[string]string{
	metaFile: `syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
		message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; repeated Rule rules = 4; }
		message Rule { string name = 1; string doc = 2; string expr = 3; string sql = 4; }
		extend google.protobuf.FileOptions { Meta file_meta = 1088; }
		extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
		extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
		extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
		extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }`,
	decimalFile: `syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
	dateFile:    `syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`,
	timeFile:    `syntax = "proto3"; package google.type; message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }`,
}

// ownFile is the name that a schema's own file gets.
const ownFile = "millwright-schema.proto"

// compileProto reads a schema, which is the text of a file or, as some clients
// register it, the Base64 of its descriptor.
func compileProto(schema string, refs []reference) (protoreflect.FileDescriptor, error) {
	texts := map[string]string{ownFile: schema}
	for _, r := range refs {
		texts[r.name] = r.schema
	}
	c := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(protocompile.ResolverFunc(
		func(path string) (protocompile.SearchResult, error) {
			text, ok := texts[path]
			if !ok {
				if text, ok = knownFiles[path]; !ok {
					return protocompile.SearchResult{}, fs.ErrNotExist
				}
			}
			if d := asDescriptor(text, path); d != nil {
				return protocompile.SearchResult{Proto: d}, nil
			}
			return protocompile.SearchResult{Source: io.NopCloser(strings.NewReader(text))}, nil
		}))}
	files, err := c.Compile(context.Background(), ownFile)
	if err != nil {
		return nil, connect.Errorf(serializationException, "the Protobuf schema cannot be read: %w", err)
	}
	if files[0].Messages().Len() == 0 {
		return nil, connect.Errorf(serializationException, "the Protobuf schema has no message")
	}
	return files[0], nil
}

// asDescriptor returns the descriptor that text is the Base64 of, or nil.
func asDescriptor(text, path string) *descriptorpb.FileDescriptorProto {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil
	}
	d := new(descriptorpb.FileDescriptorProto)
	if proto.Unmarshal(b, d) != nil {
		return nil
	}
	d.Name = proto.String(path)
	return d
}

// appendIndex appends the path of a message in its file, before a payload.
func appendIndex(dst []byte, m protoreflect.MessageDescriptor) []byte {
	var path []int
	for d := protoreflect.Descriptor(m); ; d = d.Parent() {
		if _, file := d.(protoreflect.FileDescriptor); file {
			break
		}
		path = append([]int{d.Index()}, path...)
	}
	if len(path) == 1 && path[0] == 0 {
		return append(dst, 0) // short for the first message
	}
	dst = appendLong(dst, int64(len(path)))
	for _, i := range path {
		dst = appendLong(dst, int64(i))
	}
	return dst
}

// cutIndex finds the message that a payload names, and what follows the name.
func cutIndex(f protoreflect.FileDescriptor, b []byte) (protoreflect.MessageDescriptor, []byte, error) {
	in := avroInput{b: b} // the numbers are Avro's
	n := in.long()
	if n == 0 && in.err == nil {
		return f.Messages().Get(0), b[in.i:], nil
	}
	var m protoreflect.MessageDescriptor
	for list := f.Messages(); n > 0 && in.err == nil; n-- {
		i := in.long()
		if in.err != nil || i < 0 || i >= int64(list.Len()) {
			return nil, nil, connect.Errorf(serializationException, "the payload names a message that its schema has not")
		}
		m = list.Get(int(i))
		list = m.Messages()
	}
	if in.err != nil || m == nil {
		return nil, nil, connect.Errorf(serializationException, "the payload does not name its message")
	}
	return m, b[in.i:], nil
}

// metaParams returns the parameters that a field's option confluent.field_meta
// holds.
func metaParams(f protoreflect.FieldDescriptor) map[string]string {
	const meta, params, key, value = 1088, 2, 1, 2
	b, err := proto.Marshal(f.Options())
	if err != nil {
		return nil
	}
	out := map[string]string{}
	each(b, func(n protowire.Number, opt []byte) {
		if n != meta {
			return
		}
		each(opt, func(n protowire.Number, entry []byte) {
			if n != params {
				return
			}
			var k, v string
			each(entry, func(n protowire.Number, text []byte) {
				switch n {
				case key:
					k = string(text)
				case value:
					v = string(text)
				}
			})
			out[k] = v
		})
	})
	return out
}

// each calls f for the fields of a message that are made of bytes.
func each(b []byte, f func(n protowire.Number, v []byte)) {
	for len(b) > 0 {
		n, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return
		}
		b = b[size:]
		end := protowire.ConsumeFieldValue(n, typ, b)
		if end < 0 {
			return
		}
		if typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			f(n, v)
		}
		b = b[end:]
	}
}
