package config

import (
	"context"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func noSource(context.Context, connect.SourceHost, connect.Props) (connect.SourceTask, error) {
	return nil, nil
}

func noSink(context.Context, connect.SinkHost, connect.Props) (connect.SinkTask, error) {
	return nil, nil
}
