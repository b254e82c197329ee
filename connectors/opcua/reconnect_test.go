//go:build !race

package opcua

import (
	"context"
	"testing"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
)

// TestLibraryReconnect: the library's own client loses what it asks the server
// to send again after the line broke, or gets nothing at all any more;
// TestBrokenLine shows ours. It has a data race as well, for which this test is
// left out when the race detector looks.
func TestLibraryReconnect(t *testing.T) {
	p, endpoint := between(t, nodeServer(t))
	client, err := opcua.NewClient(endpoint, opcua.ReconnectInterval(50*time.Millisecond), opcua.SecurityMode(ua.MessageSecurityModeNone))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := client.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	defer client.Close(context.Background())
	notifications := make(chan *opcua.PublishNotificationData, 1000)
	sub, err := client.Subscribe(ctx, &opcua.SubscriptionParameters{Interval: 100 * time.Millisecond}, notifications)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := parseNode(testURI + "Counter")
	if err != nil {
		t.Fatal(err)
	}
	counter, err := ref.in(client.Namespaces())
	if err != nil {
		t.Fatal(err)
	}
	item := opcua.NewMonitoredItemCreateRequestWithDefaults(counter, ua.AttributeIDValue, 1)
	item.RequestedParameters.QueueSize = 1000
	if _, err := sub.Monitor(ctx, ua.TimestampsToReturnBoth, item); err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	read := func(n int, limit time.Duration) (missing int64, silent bool) {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		for got := 0; got < n; {
			select {
			case m := <-notifications:
				change, ok := m.Value.(*ua.DataChangeNotification)
				if !ok {
					continue
				}
				for _, v := range change.MonitoredItems {
					now := v.Value.Value.Int()
					if last != 0 && now > last+1 {
						missing += now - last - 1
					}
					last = now
					got++
				}
			case <-timer.C:
				return missing, true
			}
		}
		return missing, false
	}
	if missing, silent := read(5, patience); missing != 0 || silent {
		t.Fatalf("%d missing before the line broke", missing)
	}
	p.cut()
	w := dialTest(t, nodeServer(t))
	for began := w.counter(t); w.counter(t) < began+5; {
		if err := wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	p.mend()
	missing, silent := read(20, 5*time.Second)
	t.Logf("%d values are missing, silent %v", missing, silent)
	if missing == 0 && !silent {
		t.Error("the library's client goes on without a loss")
	}
}
