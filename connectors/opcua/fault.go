package opcua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A fatal error is one that trying again does not mend: the task fails.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

func fatalf(format string, args ...any) error { return fatal{connect.Failf(format, args...)} }

// statusName returns OPC UA's name of a status code: BadNodeIdUnknown. The
// library spells some of them its own way.
func statusName(code ua.StatusCode) string {
	base := code & 0xffff0000
	switch base {
	case ua.StatusGood:
		return "Good"
	case ua.StatusUncertain:
		return "Uncertain"
	case ua.StatusBad:
		return "Bad"
	}
	d, ok := ua.StatusCodes[base]
	if !ok {
		return fmt.Sprintf("0x%08X", uint32(base))
	}
	return specName.Replace(strings.TrimPrefix(d.Name, "Status"))
}

var specName = strings.NewReplacer("ID", "Id", "URI", "Uri", "URL", "Url", "TCP", "Tcp")

// reason words an error of the protocol: a status code by its name.
func reason(err error) string {
	var code ua.StatusCode
	switch {
	case errors.As(err, &code):
		return statusName(code)
	case errors.Is(err, io.EOF):
		return "the server closed the connection"
	case isTimeout(err):
		return "no answer in time"
	}
	return err.Error()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ua.StatusBadTimeout) ||
		errors.As(err, &n) && n.Timeout()
}

// isStatus reports whether err is one of the codes.
func isStatus(err error, codes ...ua.StatusCode) bool {
	var code ua.StatusCode
	if !errors.As(err, &code) {
		return false
	}
	for _, c := range codes {
		if code == c {
			return true
		}
	}
	return false
}

// dialFault says why there is no connection and what to do.
func (c *config) dialFault(err error, limit time.Duration) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dns):
		return fmt.Errorf("the host name in %s is not known to this computer's DNS: %w", c.endpoint, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: the server is off or still starts, or the port is another one", c.host)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("there is no way to %s: the server is off or unplugged, or the network is down", c.host)
	case isStatus(err, ua.StatusBadTCPEndpointURLInvalid):
		return fmt.Errorf("the server at %s does not know the URL %s; correct the path in %s", c.host, c.endpoint, endpointProperty)
	case isTimeout(err):
		return fmt.Errorf("%s does not answer within %v: the server is off or unplugged, or a firewall is in between", c.host, limit)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%s closed the connection at once: it is no OPC UA server, or takes no more connections", c.host)
	}
	return fmt.Errorf("connection to %s: %s", c.host, reason(err))
}

// channelFault says why there is no secure channel. Servers that do not trust a
// certificate often just close the connection.
func (c *config) channelFault(err error, client *identity) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case client != nil && c.policy != noneMode && (errors.Is(err, io.EOF) || isCertificateFault(err)):
		return c.untrusted(err, client)
	}
	return fmt.Errorf("secure channel to %s: %s", c.endpoint, reason(err))
}

// untrusted is not fatal: the server's administrator can mend it.
func (c *config) untrusted(err error, client *identity) error {
	print1, _ := thumbprints(client.cert)
	return fmt.Errorf("the server refused this client's certificate (%s): move the certificate %s, SHA-1 %s, in the server's administration from the rejected to the trusted ones; no restart is needed here",
		reason(err), c.certFile, print1)
}

func isCertificateFault(err error) bool {
	return isStatus(err, ua.StatusBadSecurityChecksFailed, ua.StatusBadCertificateUntrusted, ua.StatusBadCertificateInvalid, ua.StatusBadCertificateTimeInvalid,
		ua.StatusBadCertificateUseNotAllowed, ua.StatusBadCertificateChainIncomplete, ua.StatusBadCertificateRevoked, ua.StatusBadCertificatePolicyCheckFailed,
		ua.StatusBadCertificateIssuerUseNotAllowed, ua.StatusBadCertificateIssuerRevocationUnknown, ua.StatusBadCertificateRevocationUnknown)
}

// sessionFault says why there is no session.
func (c *config) sessionFault(err error, client *identity) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case isStatus(err, ua.StatusBadUserAccessDenied, ua.StatusBadIdentityTokenRejected, ua.StatusBadIdentityTokenInvalid):
		switch {
		case c.user != "":
			return fatalf("%s refused user %s (%s): the name or the password is wrong, or the user may not log in; correct %s and %s", c.endpoint, c.user, reason(err), userProperty, passwordProperty)
		case c.userCert != "":
			return fatalf("%s refused the user of %s (%s): make the server trust this user certificate, or correct %s", c.endpoint, c.userCert, reason(err), userCertProperty)
		}
		return fatalf("%s refused an anonymous user (%s): set %s and %s", c.endpoint, reason(err), userProperty, passwordProperty)
	case isStatus(err, ua.StatusBadCertificateURIInvalid):
		return fatalf("%s refused the application URI of this client: make it the one in the certificate %s", c.endpoint, c.certFile)
	case isStatus(err, ua.StatusBadTooManySessions, ua.StatusBadTCPServerTooBusy, ua.StatusBadTCPNotEnoughResources):
		return fmt.Errorf("%s has no session left (%s): end other clients, raise its limit, or lower tasks.max", c.endpoint, reason(err))
	case client != nil && c.policy != noneMode && isCertificateFault(err):
		return c.untrusted(err, client)
	}
	return fmt.Errorf("session with %s: %s", c.endpoint, reason(err))
}

// nodeMend says what to do about a node that the server refuses, or nothing.
func nodeMend(code ua.StatusCode) string {
	switch code {
	case ua.StatusBadNodeIDUnknown, ua.StatusBadNodeIDInvalid:
		return "the server has no such node"
	case ua.StatusBadAttributeIDInvalid:
		return "it is no variable"
	case ua.StatusBadNotReadable:
		return "it cannot be read"
	case ua.StatusBadUserAccessDenied:
		return "this user may not read it"
	case ua.StatusBadDeadbandFilterInvalid, ua.StatusBadFilterNotAllowed, ua.StatusBadMonitoredItemFilterUnsupported, ua.StatusBadMonitoredItemFilterInvalid:
		return "it takes no such deadband; percent needs a numeric node with an EURange"
	case ua.StatusBadTooManyMonitoredItems:
		return "the server monitors no more nodes"
	}
	return ""
}
