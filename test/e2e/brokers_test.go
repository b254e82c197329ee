package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// brokersWithProxies starts a cluster of n brokers that can be reached directly,
// and each through a proxy: who comes through one is sent to the others' ones.
// Topics have as many replicas as there are brokers, up to three. With two
// brokers the second is no controller, so that the first can do without it.
func brokersWithProxies(t testing.TB, n int, settings ...string) ([]*broker, []*proxy) {
	t.Helper()
	ports := freePorts(t, 4*n)
	direct, behind, front, controller := ports[:n], ports[n:2*n], ports[2*n:3*n], ports[3*n:]
	var voters []string
	for i := range n {
		if n != 2 || i == 0 {
			voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", i+1, controller[i]))
		}
	}
	replicas, insync := min(n, 3), 1+min(n, 3)/3
	brokers, proxies := make([]*broker, n), make([]*proxy, n)
	for i := range n {
		own := []string{
			fmt.Sprintf("node.id=%d", i+1),
			"controller.quorum.voters=" + strings.Join(voters, ","),
			fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,PROXIED://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", direct[i], behind[i], controller[i]),
			fmt.Sprintf("advertised.listeners=PLAINTEXT://127.0.0.1:%d,PROXIED://127.0.0.1:%d", direct[i], front[i]),
			"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT", "inter.broker.listener.name=PLAINTEXT",
			fmt.Sprintf("default.replication.factor=%d", replicas), fmt.Sprintf("min.insync.replicas=%d", insync),
			fmt.Sprintf("offsets.topic.replication.factor=%d", replicas),
			fmt.Sprintf("transaction.state.log.replication.factor=%d", replicas), fmt.Sprintf("transaction.state.log.min.isr=%d", insync),
		}
		if n == 2 && i == 1 {
			own = append(own, "process.roles=broker", fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,PROXIED://127.0.0.1:%d", direct[i], behind[i]))
		}
		brokers[i] = prepareBroker(t, direct[i], append(own, settings...)...)
		proxies[i] = newProxy(t, front[i], fmt.Sprintf("127.0.0.1:%d", behind[i]))
	}
	var starting sync.WaitGroup // none is up before most of the controllers are
	for _, b := range brokers {
		starting.Go(b.up)
	}
	starting.Wait()
	for _, b := range brokers {
		b.reach()
	}
	return brokers, proxies
}
