package config

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// The texts below are answers of Apache Kafka's worker (4.3.1), word for word:
// GET /connector-plugins/NAME/config and the validate endpoint show them, and
// tools that compare workers, or translate the texts, look them up. They are
// Apache Kafka's, under the Apache License 2.0. Where Millwright's plugin has
// more to say, its own text stays in its README.

// connectorTexts are those of the properties that all connectors have.
var connectorTexts = map[string]string{
	"name": "Globally unique name to use for this connector.",
	"connector.class": "Name or alias of the class for this connector. Must be a subclass of org.apache.kafka.connect.connector.Connector. If the " +
		"connector is org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or use " +
		"\"FileStreamSink\" or \"FileStreamSinkConnector\" to make the configuration a bit shorter",
	"connector.plugin.version": "Version of the connector.",
	"tasks.max":                "Maximum number of tasks to use for this connector.",
	"tasks.max.enforce": "(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By default, connectors that generate " +
		"too many tasks will fail, and existing sets of tasks that exceed the tasks.max property will also be failed. If this property is " +
		"set to false, then connectors will be allowed to generate more than the maximum number of tasks, and existing sets of tasks that " +
		"exceed the tasks.max property will be allowed to run. This property is deprecated and will be removed in an upcoming major " +
		"release.",
	"key.converter": "Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the " +
		"format of the keys in messages written to or read from Kafka, and since this is independent of connectors it allows any connector " +
		"to work with any serialization format. Examples of common formats include JSON and Avro.",
	"key.converter.plugin.version": "Version of the key converter.",
	"value.converter": "Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the " +
		"format of the values in messages written to or read from Kafka, and since this is independent of connectors it allows any " +
		"connector to work with any serialization format. Examples of common formats include JSON and Avro.",
	"value.converter.plugin.version": "Version of the value converter.",
	"header.converter": "HeaderConverter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This " +
		"controls the format of the header values in messages written to or read from Kafka, and since this is independent of connectors " +
		"it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro. By default, the " +
		"SimpleHeaderConverter is used to serialize header values to strings and deserialize them by inferring the schemas.",
	"header.converter.plugin.version": "Version of the header converter.",
	"transforms":                      "Aliases for the transformations to be applied to records.",
	"predicates":                      "Aliases for the predicates used by transformations.",
	"config.action.reload": "The action that Connect should take on the connector when changes in external configuration providers result in a change in the " +
		"connector's configuration properties. A value of 'none' indicates that Connect will do nothing. A value of 'restart' indicates " +
		"that Connect should restart/reload the connector with the updated configuration properties.The restart may actually be scheduled " +
		"in the future if the external configuration provider indicates that a configuration value will expire in the future.",
	"errors.retry.timeout": "The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, which means no retries will " +
		"be attempted. Use -1 for infinite retries.",
	"errors.retry.delay.max.ms": "The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the delay once this limit is " +
		"reached to prevent thundering herd issues.",
	"errors.tolerance": "Behavior for tolerating errors during connector operation. 'none' is the default value and signals that any error will result in " +
		"an immediate connector task failure; 'all' changes the behavior to skip over problematic records.",
	"errors.log.enable": "If true, write each error and the details of the failed operation and problematic record to the Connect application log. This is " +
		"'false' by default, so that only errors that are not tolerated are reported.",
	"errors.log.include.messages": "Whether to include in the log the Connect record that resulted in a failure. For sink records, the topic, partition, offset, and " +
		"timestamp will be logged. For source records, the key and value (and their schemas), all headers, and the timestamp, Kafka topic, " +
		"Kafka partition, source partition, and source offset will be logged. This is 'false' by default, which will prevent record keys, " +
		"values, and headers from being written to log files.",
	"topic.creation.groups": "Groups of configurations for topics created by source connectors",
	"exactly.once.support": "Permitted values are requested, required. If set to \"required\", forces a preflight check for the connector to ensure that it " +
		"can provide exactly-once semantics with the given configuration. Some connectors may be capable of providing exactly-once " +
		"semantics but not signal to Connect that they support this; in that case, documentation for the connector should be consulted " +
		"carefully before creating it, and the value for this property should be set to \"requested\". Additionally, if the value is set " +
		"to \"required\" but the worker that performs preflight validation does not have exactly-once support enabled for source " +
		"connectors, requests to create or validate the connector will fail.",
	"transaction.boundary": "Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will be started and committed for " +
		"every batch of records that each task from this connector provides to Connect. If set to 'connector', relies on connector-defined " +
		"transaction boundaries; note that not all connectors are capable of defining their own transaction boundaries, and in that case, " +
		"attempts to instantiate a connector with this value will fail. Finally, if set to 'interval', commits transactions only after a " +
		"user-defined time interval has passed.",
	"transaction.boundary.interval.ms": "If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction commits by connector tasks. If " +
		"unset, defaults to the value of the worker-level 'offset.flush.interval.ms' property. It has no effect if a different " +
		"transaction.boundary is specified.",
	"offsets.storage.topic": "The name of a separate offsets topic to use for this connector. If empty or not specified, the worker’s global offsets topic name " +
		"will be used. If specified, the offsets topic will be created if it does not already exist on the Kafka cluster targeted by this " +
		"connector (which may be different from the one used for the worker's global offsets topic if the bootstrap.servers property of " +
		"the connector's producer has been overridden from the worker's). Only applicable in distributed mode; in standalone mode, setting " +
		"this property will have no effect.",
	"topics": "List of topics to consume, separated by commas",
	"topics.regex": "Regular expression giving topics to consume. Under the hood, the regex is compiled to a <code>java.util.regex.Pattern</code>. " +
		"Only one of topics or topics.regex should be specified.",
	"errors.deadletterqueue.topic.name": "The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when processed by this sink " +
		"connector, or its transformations or converters. The topic name is blank by default, which means that no messages are to be " +
		"recorded in the DLQ.",
	"errors.deadletterqueue.topic.replication.factor": "Replication factor used to create the dead letter queue topic when it doesn't already exist.",
	"errors.deadletterqueue.context.headers.enable": "If true, add headers containing error context to the messages written to the dead letter queue. To avoid clashing with headers " +
		"from the original record, all error context header keys, all error context header keys will start with " +
		"<code>__connect.errors.</code>",
}

// pluginTexts are those of the plugins that come with Apache Kafka, by class
// without $Key and $Value.
var pluginTexts = map[string]map[string]string{
	"org.apache.kafka.connect.json.JsonConverter": {
		"schemas.enable":     "Include schemas within each of the serialized values and keys.",
		"schemas.cache.size": "The maximum number of schemas that can be cached in this converter instance.",
		"schema.content": "When set, this is used as the schema for all messages, and the schemas within each of the message will be ignored.Otherwise, the " +
			"schema will be included in the content of each message. This configuration applies only 'schemas.enable' is true, and it " +
			"exclusively affects the sink connector.",
		"decimal.format": "Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' " +
			"(default) or 'NUMERIC'",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.storage.StringConverter": {
		"converter.encoding": "The name of the Java character set to use for encoding strings as byte arrays.",
	},
	"org.apache.kafka.connect.transforms.Cast": {
		"spec": "List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A single type " +
			"to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and string. Note that binary " +
			"fields can only be cast to string.",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.DropHeaders": {
		"headers": "The name of the headers to be removed.",
	},
	"org.apache.kafka.connect.transforms.ExtractField": {
		"field": "Field name to extract.",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
		"field.syntax.version": "Defines the version of the syntax to access fields. If set to <code>V1</code>, then the field paths are limited to access the " +
			"elements at the root level of the struct or map. If set to <code>V2</code>, the syntax will support accessing nested elements. To " +
			"access nested elements, dotted notation is used. If dots are already included in the field name, then backtick pairs can be used " +
			"to wrap field names containing dots. E.g. to access the subfield <code>baz</code> from a field named \"foo.bar\" in a struct/map " +
			"the following format can be used to access its elements: \"<code>foo.bar</code>.baz\".",
	},
	"org.apache.kafka.connect.transforms.Flatten": {
		"delimiter": "Delimiter to insert between field names from the input record when generating field names for the output record",
	},
	"org.apache.kafka.connect.transforms.HeaderFrom": {
		"fields":  "Field names in the record whose values are to be copied or moved to headers.",
		"headers": "Header names, in the same order as the field names listed in the fields configuration property.",
		"operation": "Either <code>move</code> if the fields are to be moved to the headers (removed from the key/value), or <code>copy</code> if the " +
			"fields are to be copied to the headers (retained in the key/value).",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.HoistField": {
		"field": "Field name for the single field that will be created in the resulting Struct or Map.",
	},
	"org.apache.kafka.connect.transforms.InsertField": {
		"topic.field": "Field name for Kafka topic. Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional (the " +
			"default).",
		"partition.field": "Field name for Kafka partition. Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional " +
			"(the default).",
		"offset.field": "Field name for Kafka offset - only applicable to sink connectors.<br/>Suffix with <code>!</code> to make this a required field, " +
			"or <code>?</code> to keep it optional (the default).",
		"timestamp.field": "Field name for record timestamp. Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional " +
			"(the default).",
		"static.field": "Field name for static data field. Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional " +
			"(the default).",
		"static.value": "Static field value, if field name configured.",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.MaskField": {
		"fields":      "Names of fields to mask.",
		"replacement": "Custom value replacement, that will be applied to all 'fields' values (numeric or non-empty string values only).",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.RegexRouter": {
		"regex":       "Regular expression to use for matching.",
		"replacement": "Replacement string.",
	},
	"org.apache.kafka.connect.transforms.ReplaceField": {
		"exclude": "Fields to exclude. This takes precedence over the fields to include.",
		"include": "Fields to include. If specified, only these fields will be used.",
		"renames": "Field rename mappings.",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.SetSchemaMetadata": {
		"schema.name":    "Schema name to set.",
		"schema.version": "Schema version to set.",
		"replace.null.with.default": "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value " +
			"is used, otherwise null is used.",
	},
	"org.apache.kafka.connect.transforms.predicates.HasHeaderKey": {
		"name": "The header name.",
	},
}

// converterType is what every converter of Apache Kafka says of its
// converter.type.
const converterType = "How this converter will be used."

// document puts Java's text for a plugin's property in the place of the
// plugin's own where there is one. K may have another name, by which a connector
// sets the property.
func document(class, property string, k *connect.ConfigKey) {
	class, _, _ = strings.Cut(class, "$")
	if text := pluginTexts[class][property]; text != "" {
		k.Documentation = text
	}
	if property == "converter.type" && strings.HasPrefix(class, "org.apache.kafka.connect.") {
		k.Documentation = converterType
	}
}
