package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// kept is how many key generations stay published: tokens of the one before
// last are still believed.
const kept = 3

// key signs tokens.
type key struct {
	id      string
	private *ecdsa.PrivateKey
}

// issuer publishes keys and signs tokens with the newest.
type issuer struct {
	url    string
	server *http.Server

	mu   sync.Mutex
	keys []key // oldest first
	made int
}

func newIssuer() (*issuer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &issuer{url: "http://" + l.Addr().String()}
	if err := i.rotate(); err != nil {
		return nil, err
	}
	i.server = &http.Server{Handler: http.HandlerFunc(i.publish)}
	go func() { _ = i.server.Serve(l) }() // until Close
	return i, nil
}

// rotate makes the key that signs from now on.
func (i *issuer) rotate() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.made++
	i.keys = append(i.keys, key{fmt.Sprintf("soak-%d", i.made), private})
	i.keys = i.keys[max(0, len(i.keys)-kept):]
	return nil
}

func (i *issuer) publish(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	encode := base64.RawURLEncoding.EncodeToString
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	for _, k := range i.keys {
		point, err := k.private.PublicKey.Bytes()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		set.Keys = append(set.Keys, map[string]string{
			"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": k.id, "x": encode(point[1:33]), "y": encode(point[33:]),
		})
	}
	_ = json.NewEncoder(w).Encode(set) // a gateway that went away is not ours to mend
}

// token signs one for subject.
func (i *issuer) token(subject, scope string) (string, error) {
	i.mu.Lock()
	newest := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.url, "sub": subject, "aud": "soak", "scope": scope, "exp": time.Now().Add(time.Minute).Unix(),
	})
	token.Header["kid"] = newest.id
	return token.SignedString(newest.private)
}
