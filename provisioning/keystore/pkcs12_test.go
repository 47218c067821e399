package keystore_test

import (
	"os"
	"strings"
	"testing"

	"postern/provisioning/keystore"
)

// TestSeveralKeys: keytool has written the file; which key is meant cannot be told.
func TestSeveralKeys(t *testing.T) {
	data, err := os.ReadFile("testdata/two-keys.p12")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.PrivateKey(data, "changeit", "first"); err == nil || !strings.Contains(err.Error(), "keytool -importkeystore -srcalias") {
		t.Errorf("%v, want what helps", err)
	}
}
