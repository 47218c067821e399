package explain

import (
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"

	"postern/gateway"
)

// caller is who asks.
type caller = gateway.Caller

func newCaller(from string, secure bool, certificate string) (c caller, err error) {
	if c.Address, err = netip.ParseAddr(from); err != nil {
		return c, fmt.Errorf("--from: %w", err)
	}
	c.Secure = secure
	if certificate == "" {
		return c, nil
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		return c, fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return c, fmt.Errorf("%s holds no certificate", certificate)
	}
	c.Certificate, c.Secure = block.Bytes, true
	return c, nil
}
