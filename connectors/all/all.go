// Package all links every plugin of Millwright into the binary that imports it.
package all

import (
	_ "github.com/millwright-connect/millwright/connectors/converters"          // Apache's converters
	_ "github.com/millwright-connect/millwright/connectors/converters/registry" // Avro, JSON Schema and Protobuf with a schema registry
	_ "github.com/millwright-connect/millwright/connectors/datagen"             // made-up readings
	_ "github.com/millwright-connect/millwright/connectors/file"                // lines of files
	_ "github.com/millwright-connect/millwright/connectors/mirror"              // topics and groups of other Kafka clusters
	_ "github.com/millwright-connect/millwright/connectors/modbus"              // registers and coils of Modbus TCP devices
	_ "github.com/millwright-connect/millwright/connectors/opcua"               // OPC UA servers
	_ "github.com/millwright-connect/millwright/connectors/sqldb"               // tables of MySQL, MariaDB, PostgreSQL, SQLite
	_ "github.com/millwright-connect/millwright/connectors/transforms"          // Apache's transforms and predicates
)
