package kafka

import (
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// errorClasses are Java's exceptions of Kafka's error codes, from 1 on, without
// their package and "Exception"; in the order of Kafka 4.3.
var errorClasses = strings.Fields(`
	OffsetOutOfRange CorruptRecord UnknownTopicOrPartition InvalidFetchSize LeaderNotAvailable NotLeaderOrFollower
	Timeout BrokerNotAvailable ReplicaNotAvailable RecordTooLarge ControllerMoved OffsetMetadataTooLarge Network
	CoordinatorLoadInProgress CoordinatorNotAvailable NotCoordinator InvalidTopic RecordBatchTooLarge
	NotEnoughReplicas NotEnoughReplicasAfterAppend InvalidRequiredAcks IllegalGeneration InconsistentGroupProtocol
	InvalidGroupId UnknownMemberId InvalidSessionTimeout RebalanceInProgress InvalidCommitOffsetSize
	TopicAuthorization GroupAuthorization ClusterAuthorization InvalidTimestamp UnsupportedSaslMechanism
	IllegalSaslState UnsupportedVersion TopicExists InvalidPartitions InvalidReplicationFactor
	InvalidReplicaAssignment InvalidConfiguration NotController InvalidRequest UnsupportedForMessageFormat
	PolicyViolation OutOfOrderSequence DuplicateSequence InvalidProducerEpoch InvalidTxnState InvalidPidMapping
	InvalidTxnTimeout ConcurrentTransactions TransactionCoordinatorFenced TransactionalIdAuthorization
	SecurityDisabled OperationNotAttempted KafkaStorage LogDirNotFound SaslAuthentication UnknownProducerId
	ReassignmentInProgress DelegationTokenDisabled DelegationTokenNotFound DelegationTokenOwnerMismatch
	UnsupportedByAuthentication DelegationTokenAuthorization DelegationTokenExpired InvalidPrincipalType
	GroupNotEmpty GroupIdNotFound FetchSessionIdNotFound InvalidFetchSessionEpoch ListenerNotFound
	TopicDeletionDisabled FencedLeaderEpoch UnknownLeaderEpoch UnsupportedCompressionType StaleBrokerEpoch
	OffsetNotAvailable MemberIdRequired PreferredLeaderNotAvailable GroupMaxSizeReached FencedInstanceId
	EligibleLeadersNotAvailable ElectionNotNeeded NoReassignmentInProgress GroupSubscribedToTopic InvalidRecord
	UnstableOffsetCommit ThrottlingQuotaExceeded ProducerFenced ResourceNotFound DuplicateResource
	UnacceptableCredential InconsistentVoterSet InvalidUpdateVersion FeatureUpdateFailed PrincipalDeserialization
	SnapshotNotFound PositionOutOfRange UnknownTopicId DuplicateBrokerRegistration BrokerIdNotRegistered
	InconsistentTopicId InconsistentClusterId TransactionalIdNotFound FetchSessionTopicId IneligibleReplica
	NewLeaderElected OffsetMovedToTieredStorage FencedMemberEpoch UnreleasedInstanceId UnsupportedAssignor
	StaleMemberEpoch MismatchedEndpointType UnsupportedEndpointType UnknownControllerId UnknownSubscriptionId
	TelemetryTooLarge InvalidRegistration TransactionAbortable InvalidRecordState ShareSessionNotFound
	InvalidShareSessionEpoch FencedStateEpoch InvalidVoterKey DuplicateVoter VoterNotFound
	InvalidRegularExpression RebootstrapRequired StreamsInvalidTopology StreamsInvalidTopologyEpoch
	StreamsTopologyFenced ShareSessionLimitReached
`)

const (
	commonErrors     = "org.apache.kafka.common.errors."
	timeoutException = commonErrors + "TimeoutException"
)

// JavaError gives an error of Kafka, or of the client, the class of the
// exception that Java's clients throw in its place. Other errors are returned
// as they are; nil is nil.
func JavaError(err error) error {
	var known *connect.Error
	var broker *kerr.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &broker):
		return &connect.Error{Class: classOf(broker.Code), Message: broker.Description, Cause: err}
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, kgo.ErrRecordRetries), errors.Is(err, context.DeadlineExceeded):
		return &connect.Error{Class: timeoutException, Message: err.Error(), Cause: err}
	case errors.Is(err, kgo.ErrClientClosed):
		return &connect.Error{Class: "java.lang.IllegalStateException", Message: "Cannot perform operation after producer has been closed", Cause: err}
	}
	return err
}

func classOf(code int16) string {
	switch n := int(code); {
	case n == 12, n == 128: // two are not called exceptions, and one is elsewhere
		return commonErrors + errorClasses[n-1]
	case n == 87:
		return "org.apache.kafka.common.InvalidRecordException"
	case n > 0 && n <= len(errorClasses):
		return commonErrors + errorClasses[n-1] + "Exception"
	}
	return commonErrors + "UnknownServerException"
}
