package group

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/test/vectors"
)

func TestSignatureIsJavas(t *testing.T) {
	vectors.Run(t, "misc", []string{"internal.signature"}, func(t *testing.T, v *vectors.Vector) error {
		var config struct{ Algorithm string }
		var in struct{ Key, Body []byte }
		var want string
		v.BindConfig(&config)
		v.BindInput(&in)
		v.BindOutput(&want)
		h := http.Header{}
		Sign(h, config.Algorithm, in.Key, in.Body)
		if got := h.Get(SignatureHeader); got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
		s, err := ReadSignature(h)
		if err != nil {
			return err
		}
		if err := s.Check(in.Key, in.Body, []string{config.Algorithm}); err != nil {
			return err
		}
		var bad *SignatureError
		if err := s.Check(in.Key, append(in.Body, '!'), []string{config.Algorithm}); !errors.As(err, &bad) || bad.Status != http.StatusForbidden {
			return fmt.Errorf("another body is judged %w", err)
		}
		return nil
	})
}

func TestCheckOfSignatures(t *testing.T) {
	key, body := []byte("0123456789abcdef"), []byte("[]")
	signed := http.Header{}
	Sign(signed, "HmacSHA256", key, body)
	with := func(algorithm, mac string) http.Header {
		h := http.Header{}
		h.Set(SignatureAlgorithmHeader, algorithm)
		h.Set(SignatureHeader, mac)
		return h
	}
	good := signed.Get(SignatureHeader)
	for name, tt := range map[string]struct {
		header  http.Header
		key     []byte
		allowed string
		status  int
		message string
	}{
		"good":              {signed, key, "HmacSHA256", 0, ""},
		"without padding":   {with("HmacSHA256", strings.TrimRight(good, "=")), key, "HmacSHA256", 0, ""},
		"none":              {http.Header{}, key, "HmacSHA256", 400, "Internal request missing required signature"},
		"half of one":       {http.Header{SignatureHeader: {good}}, key, "HmacSHA256", 400, "Internal request missing required signature"},
		"not allowed":       {signed, key, "HmacSHA512,HmacSHA1", 400, "This worker is currently configured to use: [HmacSHA512, HmacSHA1]."},
		"other case":        {with("hmacsha256", good), key, "HmacSHA256", 400, "does not support the 'hmacsha256' key signing algorithm"},
		"no key yet":        {signed, nil, "HmacSHA256", 503, "has not been able to read a session key"},
		"other key":         {signed, []byte("x"), "HmacSHA256", 403, "Internal request contained invalid signature."},
		"empty":             {with("HmacSHA256", ""), key, "HmacSHA256", 403, "invalid signature"},
		"other algorithm":   {with("HmacSHA1", good), key, "HmacSHA1", 403, "invalid signature"},
		"unknown algorithm": {with("HmacMD9", good), key, "HmacMD9", 400, "Algorithm HmacMD9 not available"},
		"no base64":         {with("HmacSHA256", "*abc"), key, "HmacSHA256", 400, "Illegal base64 character 2a"},
		"a rest":            {with("HmacSHA256", "abcde"), key, "HmacSHA256", 400, "Last unit does not have enough valid bits"},
		"half a padding":    {with("HmacSHA256", "YQ="), key, "HmacSHA256", 400, "Input byte array has wrong 4-byte ending unit"},
		"two encodings":     {with("HmacSHA256", "YQ==YQ=="), key, "HmacSHA256", 400, "Input byte array has incorrect ending byte at 4"},
		"too much padding":  {with("HmacSHA256", "a==="), key, "HmacSHA256", 400, "Last unit does not have enough valid bits"},
		"one character":     {with("HmacSHA256", "Y"), key, "HmacSHA256", 400, "Input byte[] should at least have 2 bytes for base64 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ReadSignature(tt.header)
			if err == nil {
				err = s.Check(tt.key, body, strings.Split(tt.allowed, ","))
			}
			if tt.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var bad *SignatureError
			if !errors.As(err, &bad) || bad.Status != tt.status || !strings.Contains(bad.Message, tt.message) {
				t.Errorf("judged %#v, want %d with %q", err, tt.status, tt.message)
			}
		})
	}
}
