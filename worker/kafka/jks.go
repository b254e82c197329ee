package kafka

import (
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
)

// jksUnchecked reads the certificates of a JKS file without its password. The
// format: magic, version, count; then per entry a tag (1 key, 2 certificate),
// alias, time, for a key its bytes and a chain, for a certificate one; numbers
// are big-endian, texts have two bytes of length, blobs four.
func jksUnchecked(b []byte) (certs []*x509.Certificate, err error) {
	r := jksReader{b: b}
	if r.u32() != jksMagic {
		return nil, errors.New("it is no JKS file")
	}
	version, count := r.u32(), r.u32()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("version %d of JKS is not supported", version)
	}
	for range count {
		tag := r.u32()
		r.text()
		r.take(8)
		n := uint32(1)
		switch {
		case r.bad:
		case tag == 1:
			r.blob()
			n = r.u32()
		case tag != 2:
			return nil, fmt.Errorf("entry of unknown kind %d", tag)
		}
		for i := range n {
			if version == 2 {
				r.text() // X.509
			}
			raw := r.blob()
			if r.bad {
				return nil, errors.New("the file is cut short")
			}
			if i > 0 {
				continue
			}
			c, err := x509.ParseCertificate(raw)
			if err != nil {
				return nil, err
			}
			certs = append(certs, c)
		}
	}
	return certs, nil
}

type jksReader struct {
	b   []byte
	bad bool
}

func (r *jksReader) take(n uint32) []byte {
	if r.bad || uint64(n) > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *jksReader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *jksReader) text() {
	if b := r.take(2); b != nil {
		r.take(uint32(binary.BigEndian.Uint16(b)))
	}
}

func (r *jksReader) blob() []byte { return r.take(r.u32()) }
