package worker

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A topic that is deleted is unknown to the broker, as a new one is for a
// moment. Java's consumer gives up the partitions of a topic that its next
// metadata does not show, and reads a new topic of the same name under its new
// id; the client does neither by itself.

// unknownTopics are topics that brokers did not know when records were fetched.
type unknownTopics struct {
	topics map[string]unknownTopic
	asked  time.Time // of the last look at the cluster
}

type unknownTopic struct{ first, last time.Time }

// How often the cluster is asked for unknown topics, and how long one that is
// there may be unknown before it counts as another one of the same name.
const (
	unknownEvery = time.Second
	unknownLong  = 10 * time.Second
)

func (u *unknownTopics) note(topic string, now time.Time) {
	if u.topics == nil {
		u.topics = map[string]unknownTopic{}
	}
	t, known := u.topics[topic]
	if !known || now.Sub(t.last) > unknownLong { // it was there again in between
		t.first = now
	}
	t.last = now
	u.topics[topic] = t
}

// deleted picks the topics that are gone for good, given those that the cluster
// still has, and forgets them.
func (u *unknownTopics) deleted(exists map[string]bool, now time.Time) []string {
	var gone []string
	for topic, t := range u.topics {
		switch {
		case !exists[topic], t.last.Sub(t.first) >= unknownLong:
			gone = append(gone, topic)
			delete(u.topics, topic)
		case now.Sub(t.last) >= unknownLong: // it is there
			delete(u.topics, topic)
		}
	}
	slices.Sort(gone)
	return gone
}

// dropDeleted subscribes anew to topics that were deleted: the group takes
// their partitions away, and gives them again once there are topics of the same
// names.
func (r *sinkRunner) dropDeleted(ctx context.Context) {
	if len(r.unknown.topics) == 0 || time.Since(r.unknown.asked) < unknownEvery {
		return
	}
	r.unknown.asked = time.Now()
	cl := r.consumer.get()
	exists, err := r.existing(ctx, cl)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the cluster could not be asked whether topics were deleted; asked again", "error", err)
		}
		return
	}
	if gone := r.unknown.deleted(exists, time.Now()); len(gone) > 0 {
		r.log.Warn("topics were deleted", "topics", gone)
		cl.PurgeTopicsFromConsuming(gone...)
		cl.AddConsumeTopics(gone...) // a consumer of a pattern takes none, and finds them by itself
	}
}

// existing asks the cluster, and not the client's memory, for unknown topics.
func (r *sinkRunner) existing(ctx context.Context, cl *kgo.Client) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	for topic := range r.unknown.topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topic)
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, err
	}
	exists := map[string]bool{}
	for _, t := range res.Topics {
		if t.Topic != nil && t.ErrorCode != kerr.UnknownTopicOrPartition.Code {
			exists[*t.Topic] = true
		}
	}
	return exists, nil
}
