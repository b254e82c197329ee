package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Signing is how workers sign what they ask of each other (KIP-507).
type Signing struct {
	KeyTTL       time.Duration // 0: a key is for ever
	KeyAlgorithm string
	KeySize      int // bits; 0: the algorithm's own
	Algorithm    string
	Accepted     []string // algorithms that are accepted from others
}

// Define declares the settings.
func (s *Signing) Define(d *connect.ConfigDef) {
	d.IntMillis(&s.KeyTTL, "inter.worker.key.ttl.ms").Default(time.Hour).Is(low).Check(connect.Between(0, maxInt*time.Millisecond)).
		Doc("Life of the key that internal requests are signed with.")
	d.String(&s.KeyAlgorithm, "inter.worker.key.generation.algorithm").Default("HmacSHA256").Is(low).
		Check(connect.Check[string]{Text: "Any KeyGenerator algorithm supported by the worker JVM", Valid: func(v string) error {
			return supported(v, keyGenerators, keyBytes)
		}}).Doc("Algorithm that the key is made for.")
	d.Int(&s.KeySize, "inter.worker.key.size").OrNone().Is(low).Doc("Size of the key, in bits.")
	d.String(&s.Algorithm, "inter.worker.signature.algorithm").Default("HmacSHA256").Is(low).
		Check(connect.Check[string]{Text: "Any MAC algorithm supported by the worker JVM", Valid: supportedMAC}).Doc("Algorithm that internal requests are signed with.")
	d.List(&s.Accepted, "inter.worker.verification.algorithms").Default([]string{"HmacSHA256"}).Is(low).
		Check(connect.Check[[]string]{Text: "A list of one or more MAC algorithms, each supported by the worker JVM", Valid: func(v []string) error {
			if len(v) == 0 {
				return errText("At least one signature verification algorithm must be provided")
			}
			for _, a := range v {
				if err := supportedMAC(a); err != nil {
					return connect.PropertyError("Invalid value " + a + " for configuration {name}: " + err.Error())
				}
			}
			return nil
		}}).Doc("Algorithms that signatures of internal requests may have.")
}

// check is what Java's DistributedConfig finds beyond single properties.
func (s *Signing) check(sized bool) error {
	if fault := keySizeFault(s.KeyAlgorithm, s.KeySize); sized && fault != "" {
		return connect.ConfigErrorf("Unable to create key generator with algorithm %s and key size %d: %s", s.KeyAlgorithm, s.KeySize, fault)
	}
	if !slices.Contains(s.Accepted, s.Algorithm) {
		return connect.ConfigErrorf("Invalid value %s for configuration inter.worker.signature.algorithm: "+
			"Signature algorithm must be present in inter.worker.verification.algorithms list", s.Algorithm)
	}
	return nil
}

// KeyLength returns the length in bytes of the key to make.
func (s *Signing) KeyLength() int {
	n, _ := fold(keyBytes, s.KeyAlgorithm)
	if a := strings.ToLower(s.KeyAlgorithm); s.KeySize == 0 || a == "des" || a == "desede" { // whose bits have parity beside them
		return n
	}
	return (s.KeySize + 7) / 8
}

// keySizeFault is what Java's key generators say about a size.
func keySizeFault(algorithm string, bits int) string {
	name, _ := canonical(keyBytes, algorithm)
	switch {
	case name == "HmacMD5" || name == "HmacSHA1":
		if bits < 1 {
			return "Empty key"
		}
	case strings.HasPrefix(name, "Hmac"):
		if bits < 40 {
			return "Key length must be at least 40 bits"
		}
	case name == "AES" && bits != 128 && bits != 192 && bits != 256:
		return "Wrong keysize: must be equal to 128, 192 or 256"
	case (name == "ARCFOUR" || name == "RC2") && (bits < 40 || bits > 1024):
		return "Key length for " + name + " must be between 40 and 1024 bits"
	case name == "Blowfish" && (bits%8 != 0 || bits < 32 || bits > 448):
		return "Keysize must be multiple of 8, and can only range from 32 to 448 (inclusive)"
	case name == "ChaCha20" && bits != 256:
		return "Key length for ChaCha20 must be 256 bits"
	case name == "DES" && bits != 56:
		return "Wrong keysize: must be equal to 56"
	case name == "DESede" && bits != 112 && bits != 168:
		return "Wrong keysize: must be equal to 112 or 168"
	}
	return ""
}

func canonical[V any](m map[string]V, name string) (string, bool) {
	for k := range m {
		if strings.EqualFold(k, name) {
			return k, true
		}
	}
	return "", false
}

func fold[V any](m map[string]V, name string) (v V, ok bool) {
	k, ok := canonical(m, name)
	return m[k], ok
}

func supported[V any](name, all string, known map[string]V) error {
	if _, ok := fold(known, name); !ok {
		return fmt.Errorf("the algorithm is not supported by this JVM; the supported algorithms are: %s", all)
	}
	return nil
}

// supportedMAC accepts the algorithms that sign with a key of any kind; Java
// makes keys for each of them.
func supportedMAC(name string) error {
	if !strings.HasPrefix(strings.ToLower(name), "hmac") {
		return supported[int](name, macs, nil)
	}
	return supported(name, macs, keyBytes)
}

// keyBytes are the lengths of the keys that Java makes for an algorithm.
var keyBytes = map[string]int{
	"HmacMD5": 64, "HmacSHA1": 64, "HmacSHA224": 28, "HmacSHA256": 32, "HmacSHA384": 48, "HmacSHA512": 64, "HmacSHA512/224": 28, "HmacSHA512/256": 32,
	"HmacSHA3-224": 28, "HmacSHA3-256": 32, "HmacSHA3-384": 48, "HmacSHA3-512": 64,
	"AES": 16, "ARCFOUR": 16, "Blowfish": 16, "ChaCha20": 32, "DES": 8, "DESede": 24, "RC2": 16,
}

// The algorithms as a Java 17 lists them in the message about one it does not
// know; tools match the text. Those of TLS and of passwords are of no use for
// signing and not known here.
const (
	keyGenerators = "[RC2, HmacSHA3-384, ChaCha20, SunTlsRsaPremasterSecret, HmacSHA3-512, HmacSHA3-256, HmacSHA3-224, SunTlsKeyMaterial, DESede, ARCFOUR, " +
		"HmacSHA512, AES, SunTlsPrf, HmacSHA512/256, HmacSHA512/224, HmacSHA224, HmacMD5, HmacSHA256, DES, HmacSHA384, HmacSHA1, SunTlsMasterSecret, SunTls12Prf, Blowfish]"
	macs = "[SslMacSHA1, HmacSHA3-512, HmacSHA3-256, HmacSHA512, HmacPBESHA384, HmacPBESHA1, HmacSHA512/256, HmacMD5, HmacSHA256, PBEWithHmacSHA384, " +
		"HmacPBESHA224, HmacSHA1, HmacPBESHA512/224, PBEWithHmacSHA224, HmacSHA3-384, HmacSHA3-224, PBEWithHmacSHA1, PBEWithHmacSHA256, HmacSHA512/224, " +
		"HmacPBESHA256, HmacSHA224, HmacSHA384, HmacPBESHA512, SslMacMD5, PBEWithHmacSHA512, HmacPBESHA512/256]"
)
