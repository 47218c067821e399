package main

import (
	"strings"
	"testing"
)

// TestKeysTellHowToSign: private.pem does not hold the algorithm, so a key that
// shall not sign as its kind usually does says so.
func TestKeysTellHowToSign(t *testing.T) {
	for alg, want := range map[string]bool{"RS256": false, "PS256": true, "RS384": true, "ES384": false, "EdDSA": false} {
		t.Run(alg, func(t *testing.T) {
			code, _, stderr := command(t, "keys", "--alg", alg, "--out", t.TempDir())
			if code != 0 || strings.Contains(stderr, ": sign with --alg "+alg) != want {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
}
