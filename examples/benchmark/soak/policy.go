package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// policy is what the gateway does to bodies on a path.
type policy uint8

const (
	passes policy = iota
	rewrites
	compresses
	keeps
)

// masked stands for what the gateway hides.
const masked = "********"

// sends is the body of a request.
func (e expectation) sends() []byte {
	if e.policy == rewrites {
		return fmt.Appendf(nil, `{"secret": %d, "id": %q}`, rand.Int(), e.id)
	}
	return bytes.Repeat([]byte{byte(rand.IntN(256))}, e.size)
}

// sees is what the upstream must have been sent, as its answer tells the caller.
// An answer that was kept tells of an earlier request of the same caller.
func (e expectation) sees(got seen, response *http.Response, body []byte) seen {
	want := seen{Method: e.method, Target: e.path, User: e.user, ID: e.id}
	switch {
	case e.policy == rewrites:
		want.ID = masked
		body = fmt.Appendf(nil, `{"id": %q,"by":%q}`, e.id, e.user)
	case e.policy == keeps && response.Header.Get("Age") != "" && strings.HasPrefix(got.ID, e.user+"-"):
		want.ID = got.ID
	}
	sum := sha256.Sum256(body)
	want.Body = hex.EncodeToString(sum[:])
	return want
}

// acted is what a policy has left undone in an answer.
func (e expectation) acted(response *http.Response, text []byte) error {
	switch {
	case e.policy == rewrites && response.Header.Get("X-Changed") != e.id:
		return fmt.Errorf("X-Changed is %q", response.Header.Get("X-Changed"))
	case e.policy == compresses && !response.Uncompressed:
		return fmt.Errorf("%d bytes were not compressed", len(text))
	case e.policy == compresses && len(text) != packed:
		return fmt.Errorf("%d bytes, want %d", len(text), packed)
	}
	return nil
}
