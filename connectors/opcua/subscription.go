package opcua

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopcua/opcua/ua"
)

const (
	publishRequests = 3                      // under way at once
	reorderWait     = 200 * time.Millisecond // for answers that passed each other
	mostRepublished = 100                    // messages asked for again in one gap
	badRetry        = time.Minute            // between tries of nodes that the server does not give
	mostPerMessage  = 5000                   // values of one notification
)

// errGone ends the service of a subscription that the server has no more.
var errGone = errors.New("the server ended the subscription")

// A subscription is one subscription on the server and how far it has come.
type subscription struct {
	id       uint32
	set      *nodeSet
	interval time.Duration // as the server has it
	alive    time.Duration // longest time between answers
	sequence
	bad   []*node      // not monitored
	heard atomic.Int64 // when the last answer came, in nanoseconds

	mu   sync.Mutex
	acks []*ua.SubscriptionAcknowledgement
}

// subscribe keeps a subscription, over from the last connection if the server
// still has it, until the connection ends.
func (d *device) subscribe(ctx context.Context, l *link, resumed bool) error {
	if d.sub != nil {
		err := d.takeOver(ctx, l, d.sub, resumed)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			d.gone(ctx, l, err)
		}
	}
	for {
		if d.sub == nil {
			s, err := d.create(ctx, l)
			if err != nil {
				return err
			}
			d.sub, d.ready = s, true
		}
		err := d.receive(ctx, l, d.sub)
		if !errors.Is(err, errGone) {
			return err
		}
		d.gone(ctx, l, err)
	}
}

// gone forgets a subscription, and says for which time changes are missing.
func (d *device) gone(ctx context.Context, l *link, err error) {
	for d.sub.gap() { // what has come is good, though something before it has not
		lost, due := d.sub.skip()
		d.losses.messages.Add(int64(lost))
		for _, m := range due {
			_ = d.deliver(d.sub, m) // the end of the task shows elsewhere
		}
	}
	d.log.Warn("the subscription is lost, a new one is made; changes since the last notification are missing, but for each node's last",
		"endpoint", d.endpoint, "reason", reason(err), "last", time.Unix(0, d.sub.heard.Load()).UTC().Format(time.RFC3339Nano))
	d.losses.subscriptions.Add(1)
	d.remove(ctx, l, d.sub)
	d.sub = nil
}

// remove ends a subscription on the server, which may have it still and would
// keep it until its lifetime is over.
func (d *device) remove(ctx context.Context, l *link, s *subscription) {
	// An error is of no interest: most often it says that it is gone.
	_, _ = call[*ua.DeleteSubscriptionsResponse](ctx, l, d.requestTimeout, &ua.DeleteSubscriptionsRequest{SubscriptionIDs: []uint32{s.id}})
}

// create makes a subscription with all nodes in it.
func (d *device) create(ctx context.Context, l *link) (*subscription, error) {
	set, bad, err := d.prepare(ctx, l)
	if err != nil {
		return nil, err
	}
	interval := max(d.publishing, time.Millisecond)
	aliveCount := max(1, count(d.keepAlive, interval))
	res, err := call[*ua.CreateSubscriptionResponse](ctx, l, d.requestTimeout, &ua.CreateSubscriptionRequest{
		RequestedPublishingInterval: millis(interval), RequestedMaxKeepAliveCount: aliveCount,
		RequestedLifetimeCount:     max(3*aliveCount, count(d.sessionTimeout, interval)),
		MaxNotificationsPerPublish: mostPerMessage, PublishingEnabled: true,
	})
	if err != nil {
		return nil, fmt.Errorf("subscription: %w", err)
	}
	s := &subscription{id: res.SubscriptionID, set: set, interval: duration(res.RevisedPublishingInterval), sequence: sequence{next: 1}}
	s.heard.Store(time.Now().UnixNano())
	s.alive = s.interval * time.Duration(max(1, res.RevisedMaxKeepAliveCount))
	if s.interval != interval {
		d.log.Info("the server chose another publishing interval", "endpoint", d.endpoint, "asked", interval, "chosen", s.interval)
	}
	refused, err := d.monitor(ctx, l, s, set.nodes, true)
	if err == nil {
		err = d.report(append(bad, refused...))
	}
	if err != nil {
		d.remove(ctx, l, s)
		return nil, err
	}
	d.log.Info("OPC UA subscription made", "endpoint", d.endpoint, "nodes", len(set.nodes)-len(refused), "interval", s.interval)
	return s, nil
}

func count(d, interval time.Duration) uint32 {
	return uint32(min((d+interval-1)/interval, 1<<30)) //nolint:gosec // cut to fit
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func duration(ms float64) time.Duration {
	return time.Duration(min(max(ms, 1), float64(24*time.Hour/time.Millisecond)) * float64(time.Millisecond))
}

// monitor adds nodes to a subscription and returns those that the server
// refuses. Nodes are handled by their place in the set.
func (d *device) monitor(ctx context.Context, l *link, s *subscription, nodes []*node, first bool) (bad []badNode, err error) {
	place := make(map[*node]int, len(s.set.nodes))
	for i, n := range s.set.nodes {
		place[n] = i
	}
	s.bad = nil
	shorter, slower := 0, 0
	most := s.set.monitor
	for done := 0; done < len(nodes); {
		part := nodes[done:min(done+most, len(nodes))]
		req := &ua.CreateMonitoredItemsRequest{SubscriptionID: s.id, TimestampsToReturn: ua.TimestampsToReturnBoth}
		for _, n := range part {
			req.ItemsToCreate = append(req.ItemsToCreate, d.item(n, handle(place[n])))
		}
		res, err := call[*ua.CreateMonitoredItemsResponse](ctx, l, d.requestTimeout, req)
		if tooMuch(err) && most > 1 {
			most = (most + 1) / 2
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("monitored items: %w", err)
		}
		if len(res.Results) != len(part) {
			return nil, fmt.Errorf("the server answered %d monitored items to %d", len(res.Results), len(part))
		}
		for i, r := range res.Results {
			switch n := part[i]; {
			case r.StatusCode&ua.StatusBad != 0:
				bad = append(bad, badStatus(n, r.StatusCode))
				s.bad = append(s.bad, n)
			case int64(r.RevisedQueueSize) < d.queue:
				shorter++
			case d.sampling != 0 && r.RevisedSamplingInterval > millis(d.samplingInterval()):
				slower++
			}
		}
		done += len(part)
	}
	if first && shorter+slower > 0 {
		d.log.Info("the server keeps fewer changes, or looks at values less often, than asked", "endpoint", d.endpoint, "nodes with shorter queue", shorter, "nodes with longer sampling interval", slower)
	}
	return bad, nil
}

func (d *device) samplingInterval() time.Duration {
	if d.sampling < 0 {
		return d.publishing
	}
	return time.Duration(d.sampling) * time.Millisecond
}

func (d *device) item(n *node, handle uint32) *ua.MonitoredItemCreateRequest {
	p := &ua.MonitoringParameters{ClientHandle: handle, SamplingInterval: millis(d.samplingInterval()), QueueSize: uint32(d.queue), DiscardOldest: d.discardOldest} //nolint:gosec // checked
	f := &ua.DataChangeFilter{Trigger: ua.DataChangeTriggerStatusValue}
	switch d.trigger {
	case "status":
		f.Trigger = ua.DataChangeTriggerStatus
	case "status.value.timestamp":
		f.Trigger = ua.DataChangeTriggerStatusValueTimestamp
	}
	if kind := n.declared.kind; kind == 0 || kind >= ua.TypeIDSByte && kind <= ua.TypeIDDouble {
		switch d.deadband {
		case absoluteDeadband:
			f.DeadbandType, f.DeadbandValue = uint32(ua.DeadbandTypeAbsolute), d.deadbandValue
		case percentDeadband:
			f.DeadbandType, f.DeadbandValue = uint32(ua.DeadbandTypePercent), d.deadbandValue
		}
	}
	if f.Trigger != ua.DataChangeTriggerStatusValue || f.DeadbandType != 0 { // some servers know no filters at all
		p.Filter = ua.NewExtensionObject(f)
	}
	return &ua.MonitoredItemCreateRequest{ItemToMonitor: valueOf(n.id), MonitoringMode: ua.MonitoringModeReporting, RequestedParameters: p}
}

// published is the answer to a publish request.
type published struct {
	res *ua.PublishResponse
	err error
}

// receive hands notifications on until the subscription or the connection ends.
func (d *device) receive(ctx context.Context, l *link, s *subscription) (err error) {
	pctx, stop := context.WithCancel(ctx)
	// A permit allows one request, and is given back when its answer has been
	// handed on; so what is not taken is not asked for.
	results, permits := make(chan published, publishRequests), make(chan struct{}, publishRequests)
	var publishers sync.WaitGroup
	var active atomic.Int32
	for range publishRequests {
		active.Add(1)
		permits <- struct{}{}
		publishers.Go(func() { d.publish(pctx, l, s, &active, permits, results) })
	}
	defer func() {
		stop()
		publishers.Wait()
		close(results)
		for r := range results { // what has come is not to be lost
			if due := s.take(r); len(due) > 0 {
				err = errors.Join(err, d.deliverAll(s, due))
			}
		}
	}()
	gap := time.NewTimer(time.Hour)
	gap.Stop()
	defer gap.Stop()
	retry := time.NewTicker(badRetry)
	defer retry.Stop()
	for {
		var due []*ua.NotificationMessage
		answered := false
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case r := <-results:
			if r.err != nil {
				return publishFault(r.err)
			}
			waited := s.gap()
			answered, due = true, s.take(r)
			switch {
			case len(s.held) > mostHeld:
				gap.Reset(0)
			case s.gap() && !waited:
				gap.Reset(reorderWait)
			}
		case <-gap.C:
			if due, err = d.closeGap(ctx, l, s); err != nil {
				return err
			}
		case <-retry.C:
			if len(s.bad) > 0 {
				if _, err := d.monitor(ctx, l, s, s.bad, false); err != nil {
					return err
				}
			}
		}
		if err := d.deliverAll(s, due); err != nil {
			return err
		}
		if answered {
			permits <- struct{}{}
		}
	}
}

// take puts an answer in order and returns what is due.
func (s *subscription) take(r published) []*ua.NotificationMessage {
	if r.err != nil || r.res.SubscriptionID != s.id { // the latter: of one that was given up
		return nil
	}
	s.heard.Store(time.Now().UnixNano())
	m := r.res.NotificationMessage
	switch {
	case m == nil:
		return nil
	case len(m.NotificationData) == 0: // a sign of life
		s.sent(m.SequenceNumber)
		return nil
	}
	return s.add(m)
}

func (d *device) deliverAll(s *subscription, due []*ua.NotificationMessage) (err error) {
	for _, m := range due {
		if e := d.deliver(s, m); e != nil && err == nil {
			err = e
		}
	}
	return err
}

// publishFault tells a subscription that is gone from a broken connection.
func publishFault(err error) error {
	if isStatus(err, ua.StatusBadNoSubscription, ua.StatusBadSubscriptionIDInvalid) {
		return fmt.Errorf("%w (%s)", errGone, reason(err))
	}
	if isTimeout(err) {
		return fmt.Errorf("%w: it sends nothing", errGone)
	}
	return err
}

// publish keeps one request for notifications under way.
func (d *device) publish(ctx context.Context, l *link, s *subscription, active *atomic.Int32, permits <-chan struct{}, results chan<- published) {
	// The server answers requests in turn, so one may wait for all the others.
	limit := time.Duration(publishRequests+1)*2*s.alive + d.requestTimeout
	for {
		select {
		case <-permits:
		case <-ctx.Done():
			return
		}
		for {
			req := &ua.PublishRequest{SubscriptionAcknowledgements: s.takeAcks()}
			res, err := call[*ua.PublishResponse](ctx, l, limit, req)
			if err == nil {
				results <- published{res: res}
				break
			}
			s.ack(req.SubscriptionAcknowledgements...) // perhaps not received
			if ctx.Err() != nil {
				return
			}
			if isTimeout(err) && time.Since(time.Unix(0, s.heard.Load())) < limit {
				continue // this answer got lost, others came
			}
			if !isStatus(err, ua.StatusBadTooManyPublishRequests) {
				results <- published{err: err}
				return
			}
			if active.Add(-1) > 0 {
				return // the others suffice
			}
			active.Add(1)
			if !sleep(ctx, s.interval) {
				return
			}
		}
	}
}

func (s *subscription) ack(a ...*ua.SubscriptionAcknowledgement) {
	s.mu.Lock()
	s.acks = append(s.acks, a...)
	s.mu.Unlock()
}

func (s *subscription) takeAcks() []*ua.SubscriptionAcknowledgement {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.acks
	s.acks = nil
	if a == nil {
		a = []*ua.SubscriptionAcknowledgement{}
	}
	return a
}

// closeGap asks the server for the messages that did not come. Those that it
// has no more are lost; that is counted and logged.
func (d *device) closeGap(ctx context.Context, l *link, s *subscription) (due []*ua.NotificationMessage, err error) {
	for asked := 0; s.gap() && asked < mostRepublished; asked++ {
		m, err := d.republish(ctx, l, s)
		if isStatus(err, ua.StatusBadMessageNotAvailable, ua.StatusBadServiceUnsupported) {
			break
		}
		if err != nil {
			return nil, publishFault(err)
		}
		more := s.add(m)
		if len(more) == 0 {
			break // not what was asked for
		}
		due = append(due, more...)
	}
	if !s.gap() {
		return due, nil
	}
	first := s.next
	lost, more := s.skip()
	d.losses.messages.Add(int64(lost))
	d.log.Warn("notifications of the OPC UA server were lost", "endpoint", d.endpoint, "first", first, "count", lost, "total", d.losses.messages.Load())
	return append(due, more...), nil
}

// republish asks for the message that is due once more.
func (d *device) republish(ctx context.Context, l *link, s *subscription) (*ua.NotificationMessage, error) {
	res, err := call[*ua.RepublishResponse](ctx, l, d.requestTimeout, &ua.RepublishRequest{SubscriptionID: s.id, RetransmitSequenceNumber: s.next})
	if err != nil {
		return nil, err
	}
	if res.NotificationMessage == nil {
		return nil, ua.StatusBadMessageNotAvailable
	}
	return res.NotificationMessage, nil
}

// deliver hands one notification to Poll and then tells the server that it has
// arrived.
func (d *device) deliver(s *subscription, m *ua.NotificationMessage) error {
	for _, part := range m.NotificationData {
		if part == nil {
			continue
		}
		switch n := part.Value.(type) {
		case *ua.DataChangeNotification:
			readings := make([]reading, 0, len(n.MonitoredItems))
			for _, item := range n.MonitoredItems {
				if int64(item.ClientHandle) < int64(len(s.set.nodes)) {
					readings = append(readings, reading{s.set.nodes[item.ClientHandle], item.Value})
				}
			}
			if err := d.hand(readings); err != nil {
				return err
			}
		case *ua.StatusChangeNotification:
			if n.Status != ua.StatusGood {
				return fmt.Errorf("%w (%s)", errGone, statusName(n.Status))
			}
		}
	}
	s.ack(&ua.SubscriptionAcknowledgement{SubscriptionID: s.id, SequenceNumber: m.SequenceNumber})
	return nil
}

// takeOver goes on with a subscription of a connection that broke: first with
// the messages that were under way then.
func (d *device) takeOver(ctx context.Context, l *link, s *subscription, resumed bool) error {
	if !resumed {
		res, err := call[*ua.TransferSubscriptionsResponse](ctx, l, d.requestTimeout, &ua.TransferSubscriptionsRequest{SubscriptionIDs: []uint32{s.id}})
		switch {
		case err != nil:
			return fmt.Errorf("transfer: %w", err)
		case len(res.Results) != 1:
			return errors.New("transfer: no answer")
		case res.Results[0].StatusCode&ua.StatusBad != 0:
			return fmt.Errorf("transfer: %w", res.Results[0].StatusCode)
		}
	}
	again := 0
	for {
		m, err := d.republish(ctx, l, s)
		if isStatus(err, ua.StatusBadMessageNotAvailable, ua.StatusBadServiceUnsupported) {
			d.log.Info("OPC UA subscription goes on", "endpoint", d.endpoint, "notifications sent again", again)
			return nil
		}
		if err != nil {
			return fmt.Errorf("republish: %w", err)
		}
		if m.SequenceNumber != s.next {
			return nil // the publish answers show what is missing
		}
		for _, due := range s.add(m) {
			if err := d.deliver(s, due); err != nil {
				return err
			}
		}
		again++
	}
}
