package group

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The headers of a request from one worker to another (KIP-507). The members
// of a sessioned group sign such requests with the session key that the leader
// has written to the config topic.
const (
	SignatureHeader          = "X-Connect-Authorization"
	SignatureAlgorithmHeader = "X-Connect-Request-Signature-Algorithm"
)

// macs are the algorithms that Java's security provider has for keys of any
// kind, by their lower-case name. Names are compared regardless of case.
var macs = map[string]func() hash.Hash{
	"hmacmd5":        md5.New,
	"hmacsha1":       sha1.New,
	"hmacsha224":     sha256.New224,
	"hmacsha256":     sha256.New,
	"hmacsha384":     sha512.New384,
	"hmacsha512":     sha512.New,
	"hmacsha512/224": sha512.New512_224,
	"hmacsha512/256": sha512.New512_256,
	"hmacsha3-224":   func() hash.Hash { return sha3.New224() },
	"hmacsha3-256":   func() hash.Hash { return sha3.New256() },
	"hmacsha3-384":   func() hash.Hash { return sha3.New384() },
	"hmacsha3-512":   func() hash.Hash { return sha3.New512() },
}

// KnownMAC reports whether requests can be signed with the algorithm, a Java
// name such as HmacSHA256.
func KnownMAC(algorithm string) bool { return macs[strings.ToLower(algorithm)] != nil }

// Sign puts the signature of body into the headers of a request. It panics if
// the algorithm is not known: check it when the configuration is read.
func Sign(h http.Header, algorithm string, key, body []byte) {
	h.Set(SignatureHeader, base64.StdEncoding.EncodeToString(mac(algorithm, key, body)))
	h.Set(SignatureAlgorithmHeader, algorithm)
}

func mac(algorithm string, key, body []byte) []byte {
	m := hmac.New(macs[strings.ToLower(algorithm)], key)
	m.Write(body)
	return m.Sum(nil)
}

// A Signature is what a request carries; a nil one stands for none.
type Signature struct {
	algorithm string
	mac       []byte
}

// A SignatureError is the answer to a request that is not signed well: an HTTP
// status and Java's message.
type SignatureError struct {
	Status  int
	Message string
}

func (e *SignatureError) Error() string { return e.Message }

// ReadSignature takes the signature from the headers. Without one, or with a
// part of one, it returns nil and no error: a group that is not sessioned does
// not sign. An error is a [*SignatureError] with status 400.
func ReadSignature(h http.Header) (*Signature, error) {
	algorithm, encoded := h.Get(SignatureAlgorithmHeader), h.Get(SignatureHeader)
	if len(h.Values(SignatureAlgorithmHeader)) == 0 || len(h.Values(SignatureHeader)) == 0 {
		return nil, nil
	}
	if !KnownMAC(algorithm) {
		return nil, &SignatureError{http.StatusBadRequest, "Algorithm " + algorithm + " not available"}
	}
	decoded, problem := decodeBase64(encoded)
	if problem != "" {
		return nil, &SignatureError{http.StatusBadRequest, problem}
	}
	return &Signature{algorithm, decoded}, nil
}

// Check verifies that the body was signed with the session key, and with one
// of the algorithms of inter.worker.verification.algorithms. A nil key is one
// that this worker has not read yet. An error is a [*SignatureError].
func (s *Signature) Check(key, body []byte, permitted []string) error {
	switch {
	case s == nil:
		return &SignatureError{http.StatusBadRequest, "Internal request missing required signature"}
	case !slices.Contains(permitted, s.algorithm):
		return &SignatureError{http.StatusBadRequest, fmt.Sprintf("This worker does not support the '%s' key signing algorithm used by other workers. "+
			"This worker is currently configured to use: [%s]. "+
			"Check that all workers' configuration files permit the same set of signature algorithms, "+
			"and correct any misconfigured worker and restart it.", s.algorithm, strings.Join(permitted, ", "))}
	case key == nil:
		return &SignatureError{http.StatusServiceUnavailable, "This worker is still starting up and has not been able to read a session key from the config topic yet"}
	case !hmac.Equal(mac(s.algorithm, key, body), s.mac):
		return &SignatureError{http.StatusForbidden, "Internal request contained invalid signature."}
	}
	return nil
}

// decodeBase64 decodes as java.util.Base64 does, which takes the padding as
// optional, and has its messages.
func decodeBase64(s string) (decoded []byte, problem string) {
	const ending = "Input byte array has wrong 4-byte ending unit"
	if len(s) == 1 {
		return nil, "Input byte[] should at least have 2 bytes for base64 bytes"
	}
	body := strings.TrimRight(s, "=")
	padding := len(s) - len(body)
	for i := range len(body) {
		switch c := body[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
		case c == '=' && (i%4 == 3 || i%4 == 2 && body[i+1] == '='): // complete, but there is more
			return nil, "Input byte array has incorrect ending byte at " + strconv.Itoa(i/4*4+4)
		case c == '=':
			return nil, ending
		default:
			return nil, "Illegal base64 character " + strconv.FormatInt(int64(int8(c)), 16)
		}
	}
	switch {
	case len(body)%4 == 1:
		return nil, "Last unit does not have enough valid bits"
	case padding > 0 && (len(body)+padding)%4 != 0 || padding > 2:
		return nil, ending
	}
	decoded, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		return nil, ending
	}
	return decoded, ""
}
