"""An OPC UA server of another author, asyncua, for tests.

usage: opcua_asyncua.py PORT CERT.der KEY.pem

Endpoints None and Basic256Sha256; anonymous or millwright/secret. Namespace
urn:millwright:test has a folder Plant with a counter (+1 each 100 ms), writable
variables, and one variable for each type of value.
"""
import asyncio
import datetime
import logging
import sys
import uuid

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager


class Users(UserManager):
    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is None:
            return User(role=UserRole.User, name="anonymous")
        if (username, password) == ("millwright", "secret"):
            return User(role=UserRole.User, name=username)
        return None


T = ua.VariantType
WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
VALUES = {
    "Boolean": ua.Variant(True, T.Boolean),
    "SByte": ua.Variant(-128, T.SByte),
    "Byte": ua.Variant(255, T.Byte),
    "Int16": ua.Variant(-32768, T.Int16),
    "UInt16": ua.Variant(65535, T.UInt16),
    "Int32": ua.Variant(-2147483648, T.Int32),
    "UInt32": ua.Variant(4294967295, T.UInt32),
    "Int64": ua.Variant(-9223372036854775808, T.Int64),
    "UInt64": ua.Variant(18446744073709551615, T.UInt64),
    "Float": ua.Variant(1.5, T.Float),
    "Double": ua.Variant(-2.25, T.Double),
    "String": ua.Variant("Wärme", T.String),
    "DateTime": ua.Variant(WHEN, T.DateTime),
    "Guid": ua.Variant(uuid.UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63"), T.Guid),
    "ByteString": ua.Variant(b"\x00\x01\xff", T.ByteString),
    "XmlElement": ua.Variant(ua.XmlElement("<a/>"), T.XmlElement),
    "NodeId": ua.Variant(ua.NodeId("x", 3), T.NodeId),
    "QualifiedName": ua.Variant(ua.QualifiedName("q", 2), T.QualifiedName),
    "LocalizedText": ua.Variant(ua.LocalizedText("Druck", "de"), T.LocalizedText),
    "StatusCode": ua.Variant(ua.StatusCode(0x80340000), T.StatusCode),
    "Int32Array": ua.Variant([1, -2, 3], T.Int32),
    "DoubleArray": ua.Variant([0.5, 1.5], T.Double),
    "StringArray": ua.Variant(["a", "b"], T.String),
    "ByteArray": ua.Variant([1, 2, 255], T.Byte),
    "Matrix": ua.Variant([[1, 2, 3], [4, 5, 6]], T.Int32),
    "Structure": ua.Variant(ua.Range(Low=-1.0, High=100.0), T.ExtensionObject),
}


async def main():
    port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    srv = Server(user_manager=Users())
    await srv.init()
    srv.set_endpoint(f"opc.tcp://127.0.0.1:{port}/millwright")
    await srv.set_application_uri("urn:millwright:test:server")
    P = ua.SecurityPolicyType
    srv.set_security_policy([P.NoSecurity, P.Basic256Sha256_Sign, P.Basic256Sha256_SignAndEncrypt])
    srv.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
    await srv.load_certificate(cert)
    await srv.load_private_key(key)
    ns = await srv.register_namespace("urn:millwright:test")
    plant = await srv.nodes.objects.add_object(ua.NodeId("Plant", ns), "Plant")
    counter = await plant.add_variable(ua.NodeId("Counter", ns), "Counter", ua.Variant(0, T.Int64))
    for name in ("Temp", "Pressure"):
        v = await plant.add_variable(ua.NodeId(name, ns), name, ua.Variant(20.0, T.Double))
        await v.set_writable()
    types = await plant.add_folder(ua.NodeId("Types", ns), "Types")
    for name, value in VALUES.items():
        v = await types.add_variable(ua.NodeId("Types." + name, ns), name, value)
        await v.set_writable()
    async with srv:
        i = 0
        while True:
            await asyncio.sleep(0.1)
            i += 1
            await counter.write_value(ua.Variant(i, T.Int64))


logging.basicConfig(level=logging.WARNING)
asyncio.run(main())
