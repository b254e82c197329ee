package mirror

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rules describes the access rules of topics as "topic pattern principal operation permission".
func (s site) rules(t *testing.T) (all []string) {
	t.Helper()
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(t.Context(), s.cl)
	if err != nil || resp.ErrorCode != 0 {
		t.Fatal(err, resp.ErrorCode)
	}
	for _, r := range resp.Resources {
		for _, a := range r.ACLs {
			all = append(all, fmt.Sprintf("%s %s %s %s %s", r.ResourceName, r.ResourcePatternType, a.Principal, a.Operation, a.PermissionType))
		}
	}
	slices.Sort(all)
	return all
}

// TestACLs copies access rules, but for the right to write.
func TestACLs(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b site) {
		a.topic(t, "plant", 1)
		req := kmsg.NewPtrCreateACLsRequest()
		for _, rule := range []struct {
			topic   string
			pattern kmsg.ACLResourcePatternType
			who     string
			may     kmsg.ACLOperation
			allow   kmsg.ACLPermissionType
		}{
			{"plant", kmsg.ACLResourcePatternTypeLiteral, "User:reader", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow},
			{"plant", kmsg.ACLResourcePatternTypeLiteral, "User:writer", kmsg.ACLOperationWrite, kmsg.ACLPermissionTypeAllow},
			{"plant", kmsg.ACLResourcePatternTypeLiteral, "User:all", kmsg.ACLOperationAll, kmsg.ACLPermissionTypeAllow},
			{"plant", kmsg.ACLResourcePatternTypeLiteral, "User:evil", kmsg.ACLOperationWrite, kmsg.ACLPermissionTypeDeny},
			{"plan", kmsg.ACLResourcePatternTypePrefixed, "User:prefix", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow},
			{"__own", kmsg.ACLResourcePatternTypeLiteral, "User:reader", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow},
		} {
			c := kmsg.NewCreateACLsRequestCreation()
			c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceTypeTopic, rule.topic, rule.pattern
			c.Principal, c.Host, c.Operation, c.PermissionType = rule.who, "*", rule.may, rule.allow
			req.Creations = append(req.Creations, c)
		}
		if _, err := req.RequestWith(t.Context(), a.cl); err != nil {
			t.Fatal(err)
		}
		m := run(t, b, Source, props(a, b), 1)
		defer m.stop()
		time.Sleep(time.Minute)
		want := []string{
			"a.plant LITERAL User:all READ ALLOW",
			"a.plant LITERAL User:evil WRITE DENY",
			"a.plant LITERAL User:reader READ ALLOW",
		}
		if got := b.rules(t); !slices.Equal(got, want) {
			t.Errorf("rules at the target:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
