package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"

	"postern/gateway/exchange"
	"postern/introspect"
)

// certify finds out which certificate the caller has shown to a trusted proxy.
// What others say in that field is removed, in every spelling.
func (n *generation) certify(x *exchange.Exchange) {
	name := n.config.ClientCertificateHeader
	if name == "" {
		return
	}
	if !x.Trusted {
		x.Head.Del(name)
		return
	}
	x.Certificate = "" // that of the connection is the proxy's
	shown := 0
	x.Head.Visit(func(line, value []byte) {
		if !bytes.EqualFold(line, []byte(name)) {
			return
		}
		shown++
		der, err := certificateOf(value)
		if x.Certificate = ""; err == nil && shown == 1 {
			x.Certificate = introspect.Thumbprint(der)
		}
	})
}

var errNoCertificate = errors.New("holds no certificate")

const pemBegin = "-----BEGIN CERTIFICATE-----"

// certificateOf reads a certificate as RFC 9440 2.1 writes it, or as PEM with
// escapes, which is what nginx, HAProxy and Traefik send.
func certificateOf(value []byte) (der []byte, err error) {
	value = bytes.TrimSpace(value)
	if len(value) > 2 && value[0] == ':' && value[len(value)-1] == ':' {
		return base64.StdEncoding.AppendDecode(nil, value[1:len(value)-1])
	}
	text, err := url.PathUnescape(string(value))
	if err != nil {
		return nil, errNoCertificate
	}
	if strings.HasPrefix(text, pemBegin) {
		// Behind it the chain may follow, and nothing else: a proxy that adds to what
		// its caller sent puts that first.
		block, rest := pem.Decode([]byte(text))
		rest = bytes.TrimSpace(rest)
		if block == nil || len(rest) > 0 && !bytes.HasPrefix(rest, []byte(pemBegin)) {
			return nil, errNoCertificate
		}
		return block.Bytes, nil
	}
	if der, err := base64.StdEncoding.DecodeString(text); err == nil && len(der) > 0 {
		return der, nil
	}
	return nil, errNoCertificate
}
