package services

import (
	"context"
	"path/filepath"
)

var _ = register(serializers)

// serializers is no server: it is a Python that has Confluent's reference
// serializers, which tests run themselves.
var serializers = Service{
	Name: "confluent-kafka, the reference serializers (PyPI)",
	Env:  "MILLWRIGHT_TEST_CONFLUENT_PYTHON",
	Missing: func() string {
		return exists(filepath.Join(serializersDir(), "installed"), "confluent-kafka")
	},
	Install: "python3 -m venv " + serializersDir() + " && " + serializersDir() + "/bin/pip -q install 'confluent-kafka[avro,json,protobuf,schemaregistry]' && touch " +
		serializersDir() + "/installed",
	Start: func(context.Context, string) (string, *Process, error) {
		return filepath.Join(serializersDir(), "bin", "python"), nil, nil
	},
}

func serializersDir() string { return filepath.Join(Cache(), "confluent-kafka") }
