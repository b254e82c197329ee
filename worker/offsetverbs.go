package worker

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/stage"
	"github.com/millwright-connect/millwright/worker/state"
)

// Offset is one entry of a connector's offsets in the REST API's form.
type Offset struct {
	Partition connect.Object `json:"partition"`
	Offset    connect.Object `json:"offset"`
}

// Offsets returns what a connector has committed: source positions, or the
// offsets of its consumer group (KIP-875).
func (w *Worker) Offsets(ctx context.Context, name string) ([]Offset, error) {
	c, err := w.find(name)
	if err != nil {
		return nil, err
	}
	props, err := w.resolved(ctx, c.Props)
	if err != nil {
		return nil, err
	}
	switch w.TypeOf(props) {
	case string(connect.Sink):
		return w.sinkOffsets(ctx, name, props)
	case string(connect.Source):
		return w.sourceOffsets(ctx, name, props)
	}
	return nil, connect.Failf("Failed to find any class that implements Connector and which name matches %s", props["connector.class"])
}

func (w *Worker) sinkOffsets(ctx context.Context, name string, props connect.Props) ([]Offset, error) {
	cluster, err := w.connectorCluster(name, props)
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	committed, err := cluster.GroupOffsets(ctx, w.kafka.SinkGroupID(name, props))
	if err != nil {
		return nil, connect.Failf("Failed to retrieve consumer group offsets for connector %s: %w", name, err)
	}
	list := make([]Offset, 0, len(committed))
	for _, tp := range slices.SortedFunc(maps.Keys(committed), cmpTP) {
		list = append(list, Offset{connect.Object{offsets.SinkTopic: tp.Topic, offsets.SinkPartition: tp.Partition}, connect.Object{offsets.SinkOffset: committed[tp]}})
	}
	return list, nil
}

func (w *Worker) sourceOffsets(ctx context.Context, name string, props connect.Props) ([]Offset, error) {
	o, err := w.offsetsOf(ctx, name, name, props)
	if err != nil {
		return nil, err
	}
	defer o.close()
	list := []Offset{}
	for _, p := range o.All() {
		if p.Offset != nil {
			list = append(list, Offset{p.Partition, p.Offset})
		}
	}
	return list, nil
}

func (w *Worker) connectorCluster(name string, props connect.Props) (*kafka.Cluster, error) {
	cluster, unsupported, err := kafka.OpenCluster(w.kafka.WorkerAdmin(name, props), w.log, w.counting(metrics.AdminClient))
	w.reports.Log(w.log, kafka.Admin, unsupported)
	return cluster, err
}

// AlterOffsets sets what a STOPPED connector has committed. It returns what
// happened, in Java's words.
func (w *Worker) AlterOffsets(ctx context.Context, name string, changes []connect.PartitionOffset) (string, error) {
	return w.modifyOffsets(ctx, name, changes, false)
}

// ResetOffsets forgets what a STOPPED connector has committed.
func (w *Worker) ResetOffsets(ctx context.Context, name string) (string, error) {
	return w.modifyOffsets(ctx, name, nil, true)
}

func (w *Worker) modifyOffsets(ctx context.Context, name string, changes []connect.PartitionOffset, reset bool) (string, error) {
	c, err := w.stoppedConnector(ctx, name)
	if err != nil {
		return "", err
	}
	source := w.TypeOf(c.Props) == string(connect.Source)
	if source && w.settings.ExactlyOnceEnabled() {
		if err := w.Fence(ctx, name); err != nil {
			return "", connect.Failf("Failed to perform zombie fencing for source connector prior to modifying offsets: %w", err)
		}
		if c, err = w.stoppedConnector(ctx, name); err != nil {
			return "", err
		}
	}
	props, err := w.resolved(ctx, c.Props)
	if err != nil {
		return "", err
	}
	defer stage.Enter(ctx, "modifying offsets for connector %s", name)()
	modify := w.modifySink
	if source {
		modify = w.modifySource
	}
	known, err := modify(ctx, name, props, changes, reset)
	if err != nil {
		return "", err
	}
	done := "altered"
	if reset {
		done = "reset"
	}
	if known {
		return "The offsets for this connector have been " + done + " successfully", nil
	}
	return "The Connect framework-managed offsets for this connector have been " + done + " successfully. However, if this connector manages offsets " +
		"externally, they will need to be manually " + done + " in the system that the connector uses.", nil
}

// stoppedConnector returns a connector whose offsets may be changed: nothing of
// it runs, and this worker leads.
func (w *Worker) stoppedConnector(ctx context.Context, name string) (*state.Connector, error) {
	if err := w.lead(ctx, "Only the leader can process external offsets modification requests"); err != nil {
		return nil, err
	}
	if err := w.configs.Sync(ctx); err != nil {
		return nil, connect.Failf("Failed to read to end of config topic before modifying connector offsets: %w", err)
	}
	c, err := w.find(name)
	if err != nil {
		return nil, err
	}
	if c.Target != state.Stopped || len(c.Tasks) != 0 {
		return nil, refuse(BadRequest, "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified "+
			"connector by issuing a 'PUT' request to the '/connectors/%s/stop' endpoint", name)
	}
	return c, nil
}

func (w *Worker) modifySource(ctx context.Context, name string, props connect.Props, changes []connect.PartitionOffset, reset bool) (known bool, err error) {
	p, _ := w.plugins.Sources.Find(props["connector.class"])
	o, err := w.offsetsOf(ctx, name, name, props)
	if err != nil {
		return false, err
	}
	defer o.close()
	if reset {
		for _, at := range o.All() {
			changes = append(changes, connect.PartitionOffset{Partition: at.Partition})
		}
	}
	for _, c := range changes {
		for _, part := range []connect.Object{c.Partition, c.Offset} {
			if err := offsets.Validate(part); err != nil {
				return false, err
			}
		}
	}
	if p.AlterOffsets != nil {
		if known, err = guardedAlter(func() (bool, error) { return p.AlterOffsets(ctx, props, changes) }); err != nil {
			return false, err
		}
	}
	if len(changes) == 0 {
		return known, nil
	}
	if !w.settings.ExactlyOnceEnabled() {
		return known, w.failedToModify(name, o.Set(ctx, changes))
	}
	producerProps, _ := w.kafka.ExactlyOnceProducer(name, 0, props)
	producer, _, err := w.client(producerProps, kafka.Producer)
	if err != nil {
		return false, err
	}
	defer producer.Close()
	return known, w.failedToModify(name, o.SetIn(ctx, producer, changes))
}

func (w *Worker) failedToModify(name string, err error) error {
	if err == nil {
		return nil
	}
	return connect.Failf("Failed to modify offsets for source connector %s: %w", name, err)
}

func (w *Worker) modifySink(ctx context.Context, name string, props connect.Props, changes []connect.PartitionOffset, reset bool) (known bool, err error) {
	p, _ := w.plugins.Sinks.Find(props["connector.class"])
	cluster, err := w.connectorCluster(name, props)
	if err != nil {
		return false, err
	}
	defer cluster.Close()
	group := w.kafka.SinkGroupID(name, props)
	var set map[connect.TopicPartition]*int64
	if reset {
		committed, err := cluster.GroupOffsets(ctx, group)
		if err != nil {
			return false, connect.Failf("Failed to list offsets prior to resetting offsets for sink connector %s: %w", name, err)
		}
		set = make(map[connect.TopicPartition]*int64, len(committed))
		for tp := range committed {
			set[tp] = nil
		}
	} else if set, err = offsets.SinkOffsets(changes); err != nil {
		return false, err
	}
	for tp, at := range set {
		if at != nil && *at < 0 {
			return false, &connect.Error{
				Class: connect.ConnectException, Message: "Failed to modify offsets for sink connector " + name,
				Cause: connect.Errorf("java.lang.IllegalArgumentException", "Invalid negative offset %d for partition %s-%d", *at, tp.Topic, tp.Partition),
			}
		}
	}
	if p.AlterOffsets != nil {
		if known, err = guardedAlter(func() (bool, error) { return p.AlterOffsets(ctx, props, set) }); err != nil {
			return false, err
		}
	}
	if reset {
		return known, cluster.DeleteGroup(ctx, name, group)
	}
	return known, cluster.AlterGroupOffsets(ctx, name, group, set)
}

func guardedAlter(f func() (bool, error)) (known bool, err error) {
	defer recovered(&err, "altering offsets")
	known, err = f()
	if errors.Is(err, errors.ErrUnsupported) {
		err = connect.Failf("Failed to modify offsets for connector because it doesn't support external modification of offsets: %w", err)
	}
	return known, err
}
