"""Reads and writes records with Confluent's own Python serializers.

Takes one JSON object a line, answers one a line:
{"op":"read","format":F,"topic":T,"record":base64} -> {"value":V}
{"op":"write","format":F,"topic":T,"schema":text,"value":V} -> {"record":base64}
F is avro, json or protobuf. Protobuf's schema is base64 of a FileDescriptorSet,
the last file's first message being the one written.
"""
import base64, datetime, decimal, json, sys
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.serialization import SerializationContext, MessageField

client = SchemaRegistryClient({"url": sys.argv[1]})


def plain(v):
    if isinstance(v, bytes):
        return {"bytes": base64.b64encode(v).decode()}
    if isinstance(v, decimal.Decimal):
        return {"decimal": str(v)}
    if isinstance(v, (datetime.datetime, datetime.date, datetime.time)):
        return {"time": v.isoformat()}
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return v


def rich(v):
    if isinstance(v, dict):
        if list(v) == ["bytes"]:
            return base64.b64decode(v["bytes"])
        if list(v) == ["decimal"]:
            return decimal.Decimal(v["decimal"])
        if list(v) == ["time"]:
            return datetime.datetime.fromisoformat(v["time"])
        return {k: rich(x) for k, x in v.items()}
    if isinstance(v, list):
        return [rich(x) for x in v]
    return v


def messages(files):
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(files))
    for f in files.file:
        pool.Add(f)
    last = pool.FindFileByName(files.file[-1].name)
    name = files.file[-1].message_type[0].name
    return message_factory.GetMessageClass(last.message_types_by_name[name])


def answer(q):
    f, c = q["format"], SerializationContext(q["topic"], MessageField.VALUE)
    if f == "avro":
        from confluent_kafka.schema_registry.avro import AvroSerializer, AvroDeserializer
        if q["op"] == "read":
            return {"value": plain(AvroDeserializer(client)(base64.b64decode(q["record"]), c))}
        return {"record": base64.b64encode(AvroSerializer(client, q["schema"])(rich(q["value"]), c)).decode()}
    if f == "json":
        from confluent_kafka.schema_registry.json_schema import JSONSerializer, JSONDeserializer
        if q["op"] == "read":
            return {"value": JSONDeserializer(None, schema_registry_client=client)(base64.b64decode(q["record"]), c)}
        return {"record": base64.b64encode(JSONSerializer(q["schema"], client)(q["value"], c)).decode()}
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer, ProtobufDeserializer
    from google.protobuf import json_format
    m = messages(q["schema"])
    if q["op"] == "read":
        d = ProtobufDeserializer(m, {"use.deprecated.format": False}, client)
        return {"value": json_format.MessageToDict(d(base64.b64decode(q["record"]), c), preserving_proto_field_name=True)}
    s = ProtobufSerializer(m, client, {"use.deprecated.format": False})
    return {"record": base64.b64encode(s(json_format.ParseDict(q["value"], m()), c)).decode()}


for line in sys.stdin:
    try:
        a = answer(json.loads(line))
    except Exception as e:  # the test shows it
        a = {"error": type(e).__name__ + ": " + str(e)}
    print(json.dumps(a), flush=True)
