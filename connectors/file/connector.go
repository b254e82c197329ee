package file

import (
	"context"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A connector hands its own properties to its tasks.
type connector struct {
	props  connect.Props
	source bool
}

func openSource(_ context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
	var c sourceConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	h.Log().Info("file source starts", "file", orElse(c.path, "standard input"))
	return &connector{p, true}, nil
}

func openSink(_ context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
	var c sinkConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	h.Log().Info("file sink starts", "file", orElse(c.path, "standard output"))
	return &connector{p, false}, nil
}

// Tasks returns one task for a source, since a file is one stream, and as many
// as asked for of a sink.
func (c *connector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	if c.source {
		limit = 1
	}
	tasks := make([]connect.Props, limit)
	for i := range tasks {
		tasks[i] = c.props
	}
	return tasks, nil
}

// Close has nothing to release.
func (c *connector) Close() error { return nil }

func orElse(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

// exactlyOnce: a file that is only appended to can be read again from any
// position, standard input cannot.
func exactlyOnce(p connect.Props) (connect.Support, error) {
	var c sourceConfig
	if err := connect.Parse(p, &c); err != nil {
		return connect.SupportUnknown, err
	}
	if c.path == "" {
		return connect.Unsupported, nil
	}
	return connect.Supported, nil
}

// alterSourceOffsets checks offsets as Java's connector does, in its order and
// words. A reset is allowed for any partition, so that garbage can be removed.
func alterSourceOffsets(_ context.Context, p connect.Props, offsets []connect.PartitionOffset) (bool, error) {
	var c sourceConfig
	if err := connect.Parse(p, &c); err != nil {
		return false, err
	}
	if c.path == "" {
		return false, connect.Failf("Offsets cannot be modified if the 'file' configuration is unspecified. " +
			"This is because stdin is used for input and offsets are not tracked.")
	}
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		v, ok := o.Offset[positionField]
		if !ok {
			return false, connect.Failf("Offset objects should either be null or contain the key '%s'", positionField)
		}
		n, ok := v.(int64)
		if !ok {
			return false, connect.Failf("The value for the '%s' key in the offset is expected to be a Long value", positionField)
		}
		if n < 0 {
			return false, connect.Failf("The value for the '%s' key in the offset should be a non-negative value", positionField)
		}
		if o.Partition == nil {
			return false, connect.Failf("Partition objects cannot be null")
		}
		if _, ok := o.Partition[filenameField]; !ok {
			return false, connect.Failf("Partition objects should contain the key '%s'", filenameField)
		}
	}
	return true, nil
}

// alterSinkOffsets takes any offsets: the sink keeps none of its own.
func alterSinkOffsets(context.Context, connect.Props, map[connect.TopicPartition]*int64) (bool, error) {
	return true, nil
}
