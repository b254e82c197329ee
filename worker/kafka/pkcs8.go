package kafka

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds the work that a key file can ask for.
const maxIterations = 10_000_000

var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
	oidAES128CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidDES3CBC    = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
)

// decryptPKCS8 opens an "ENCRYPTED PRIVATE KEY" of the form that OpenSSL and
// Java write today: PBES2 with PBKDF2 (RFC 8018).
func decryptPKCS8(der, password []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("encryption %v is not supported; convert with openssl pkcs8 -topk8 -v2 aes256", info.Algorithm.Algorithm)
	}
	var pbes struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &pbes); err != nil {
		return nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	block, iv, err := pbes2Cipher(pbes.KDF, pbes.Cipher, password)
	if err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(info.Data) == 0 || len(info.Data)%block.BlockSize() != 0 {
		return nil, errors.New("the encrypted key is malformed")
	}
	clear := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(clear, info.Data)
	pad := int(clear[len(clear)-1])
	if pad == 0 || pad > block.BlockSize() {
		return nil, errors.New("the key cannot be decrypted; is ssl.key.password right?")
	}
	for _, b := range clear[len(clear)-pad:] {
		if int(b) != pad {
			return nil, errors.New("the key cannot be decrypted; is ssl.key.password right?")
		}
	}
	return clear[:len(clear)-pad], nil
}

func pbes2Cipher(kdf, enc pkix.AlgorithmIdentifier, password []byte) (cipher.Block, []byte, error) {
	if !kdf.Algorithm.Equal(oidPBKDF2) {
		return nil, nil, fmt.Errorf("key derivation %v is not supported", kdf.Algorithm)
	}
	var p struct {
		Salt       []byte
		Iterations int
		Length     int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
		return nil, nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	if p.Iterations < 1 || p.Iterations > maxIterations {
		return nil, nil, fmt.Errorf("%d iterations of key derivation are not supported", p.Iterations)
	}
	var h func() hash.Hash
	switch o := p.PRF.Algorithm; {
	case len(o) == 0, o.Equal(oidHMACSHA1):
		h = sha1.New
	case o.Equal(oidHMACSHA256):
		h = sha256.New
	case o.Equal(oidHMACSHA384):
		h = sha512.New384
	case o.Equal(oidHMACSHA512):
		h = sha512.New
	default:
		return nil, nil, fmt.Errorf("key derivation with %v is not supported", o)
	}
	size, make := 0, aes.NewCipher
	switch o := enc.Algorithm; {
	case o.Equal(oidAES128CBC):
		size = 16
	case o.Equal(oidAES192CBC):
		size = 24
	case o.Equal(oidAES256CBC):
		size = 32
	case o.Equal(oidDES3CBC):
		size, make = 24, des.NewTripleDESCipher
	default:
		return nil, nil, fmt.Errorf("encryption %v is not supported", o)
	}
	var iv []byte
	if _, err := asn1.Unmarshal(enc.Parameters.FullBytes, &iv); err != nil {
		return nil, nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	key, err := pbkdf2.Key(h, string(password), p.Salt, p.Iterations, size)
	if err != nil {
		return nil, nil, err
	}
	block, err := make(key)
	return block, iv, err
}
