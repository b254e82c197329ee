package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncACLs gives remote topics the access rules of their sources, but for rules
// that allow to write: only the mirror writes there.
func (c *sourceConnector) syncACLs(ctx context.Context) error {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, c.here.requestor)
	if err == nil {
		err = brokerErrorCode(resp.ErrorCode, resp.ErrorMessage)
	}
	if errors.Is(err, kerr.SecurityDisabled) {
		if !c.noACLs {
			c.noACLs = true
			c.log.Info("No ACL authorizer is configured on the source Kafka cluster, so no topic ACL syncing will take place. " +
				"Consider disabling topic ACL syncing by setting sync.topic.acls.enabled to 'false'.")
		}
		return nil
	}
	if err != nil {
		return adminError(err, "describe ACLs on %s cluster", c.source)
	}
	create := kmsg.NewPtrCreateACLsRequest()
	for _, r := range resp.Resources {
		if r.ResourceType != kmsg.ACLResourceTypeTopic || r.ResourcePatternType != kmsg.ACLResourcePatternTypeLiteral || !c.wants(r.ResourceName) {
			continue
		}
		for _, rule := range r.ACLs {
			if rule.PermissionType == kmsg.ACLPermissionTypeAllow {
				switch rule.Operation {
				case kmsg.ACLOperationWrite:
					continue
				case kmsg.ACLOperationAll:
					rule.Operation = kmsg.ACLOperationRead
				}
			}
			n := kmsg.NewCreateACLsRequestCreation()
			n.ResourceType, n.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeLiteral
			n.ResourceName, n.Principal, n.Host = c.remoteName(r.ResourceName), rule.Principal, rule.Host
			n.Operation, n.PermissionType = rule.Operation, rule.PermissionType
			create.Creations = append(create.Creations, n)
		}
	}
	if len(create.Creations) == 0 {
		return nil
	}
	created, err := create.RequestWith(ctx, c.there.requestor)
	if err != nil {
		return adminError(err, "create ACLs on %s cluster", c.target)
	}
	for i, r := range created.Results {
		if err := brokerErrorCode(r.ErrorCode, r.ErrorMessage); err != nil {
			c.log.Warn(fmt.Sprintf("Could not sync ACL of topic %s.", create.Creations[i].ResourceName), "error", err)
		}
	}
	return nil
}

func brokerErrorCode(code int16, message *string) error {
	if err := kerr.ErrorForCode(code); err != nil {
		return brokerError(err, message)
	}
	return nil
}
