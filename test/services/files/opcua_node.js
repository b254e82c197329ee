// An OPC UA server of another author, node-opcua, for tests.
//
// usage: node opcua_node.js PORT CERT.pem KEY.pem PKIDIR [strict]
//
// All its security policies; anonymous, millwright/secret, or a certificate.
// With strict it refuses clients whose certificate is not in PKIDIR/trusted.
// The address space is that of opcua_asyncua.py.
const { OPCUAServer, Variant, DataType, VariantArrayType, MessageSecurityMode, SecurityPolicy, OPCUACertificateManager,
  Range, coerceNodeId, QualifiedName, LocalizedText, StatusCodes } = require("node-opcua");

const [port, certificateFile, privateKeyFile, rootFolder, strict] = process.argv.slice(2);
const D = DataType;
const values = {
  Boolean: [D.Boolean, true], SByte: [D.SByte, -128], Byte: [D.Byte, 255], Int16: [D.Int16, -32768], UInt16: [D.UInt16, 65535],
  Int32: [D.Int32, -2147483648], UInt32: [D.UInt32, 4294967295],
  Int64: [D.Int64, [0x80000000, 0]], UInt64: [D.UInt64, [0xffffffff, 0xffffffff]],
  Float: [D.Float, 1.5], Double: [D.Double, -2.25], String: [D.String, "Wärme"],
  DateTime: [D.DateTime, new Date("2026-01-02T03:04:05.678Z")],
  Guid: [D.Guid, "72962B91-FA75-4AE6-8D28-B404DC7DAF63"], ByteString: [D.ByteString, Buffer.from([0, 1, 255])],
  XmlElement: [D.XmlElement, "<a/>"], NodeId: [D.NodeId, coerceNodeId("ns=3;s=x")],
  QualifiedName: [D.QualifiedName, new QualifiedName({ name: "q", namespaceIndex: 2 })],
  LocalizedText: [D.LocalizedText, new LocalizedText({ text: "Druck", locale: "de" })],
  StatusCode: [D.StatusCode, StatusCodes.BadNodeIdUnknown],
  Int32Array: [D.Int32, [1, -2, 3], VariantArrayType.Array], DoubleArray: [D.Double, [0.5, 1.5], VariantArrayType.Array],
  StringArray: [D.String, ["a", "b"], VariantArrayType.Array], ByteArray: [D.Byte, [1, 2, 255], VariantArrayType.Array],
  Matrix: [D.Int32, [1, 2, 3, 4, 5, 6], VariantArrayType.Matrix, [2, 3]],
};

(async () => {
  const trust = new OPCUACertificateManager({ rootFolder, automaticallyAcceptUnknownCertificate: strict !== "strict" });
  await trust.initialize();
  const server = new OPCUAServer({
    port: Number(port), host: "127.0.0.1", hostname: "127.0.0.1", alternateHostname: ["127.0.0.1", "localhost"],
    resourcePath: "/millwright", certificateFile, privateKeyFile, serverCertificateManager: trust, userCertificateManager: trust,
    serverInfo: { applicationUri: "urn:millwright:test:server" },
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true, userManager: { isValidUser: (u, p) => u === "millwright" && p === "secret" },
    serverCapabilities: { maxSessions: 100, operationLimits: { maxNodesPerRead: 7, maxMonitoredItemsPerCall: 7, maxNodesPerBrowse: 3 } },
  });
  await server.initialize();
  const space = server.engine.addressSpace, ns = space.registerNamespace("urn:millwright:test");
  const plant = ns.addObject({ organizedBy: space.rootFolder.objects, nodeId: "s=Plant", browseName: "Plant" });
  const add = (parent, nodeId, browseName, dataType, value, arrayType, dimensions) => ns.addVariable({
    componentOf: parent, nodeId: "s=" + nodeId, browseName, dataType, minimumSamplingInterval: 0,
    valueRank: arrayType === undefined ? -1 : dimensions ? dimensions.length : 1, arrayDimensions: dimensions,
    accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite",
    value: new Variant({ dataType, value, arrayType: arrayType || VariantArrayType.Scalar, dimensions }),
  });
  const counter = add(plant, "Counter", "Counter", D.Int64, [0, 0]);
  for (const name of ["Temp", "Pressure"]) {
    ns.addAnalogDataItem({ componentOf: plant, nodeId: "s=" + name, browseName: name, dataType: D.Double, minimumSamplingInterval: 0,
      engineeringUnitsRange: { low: 0, high: 100 }, accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite",
      value: new Variant({ dataType: D.Double, value: 20 }) });
  }
  const types = ns.addObject({ organizedBy: plant, nodeId: "s=Types", browseName: "Types" });
  for (const [name, v] of Object.entries(values)) add(types, "Types." + name, name, ...v);
  add(types, "Types.Structure", "Structure", D.ExtensionObject, new Range({ low: -1, high: 100 }));
  let i = 0;
  setInterval(() => counter.setValueFromSource(new Variant({ dataType: D.Int64, arrayType: VariantArrayType.Scalar, value: [0, ++i] })), 100);
  await server.start();
})().catch((e) => { console.error(e); process.exit(1); });
