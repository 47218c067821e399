package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/valyala/fasthttp"

	"postern/introspect/jwk"
)

const (
	audience = "orders"
	subject  = "alice"
	lifetime = time.Hour
)

// key is a signing key under its kid.
type key struct {
	id      string
	private *ecdsa.PrivateKey
}

// issuer is an authorization server reduced to what a gateway needs of it:
// a discovery document, a key set, and tokens signed with its latest key.
type issuer struct {
	url      string
	listener net.Listener
	server   *fasthttp.Server
	publish  func(kids []string) []string // which of all keys made are in the key set

	mu   sync.Mutex
	keys []key // oldest first; the last one signs
}

// newIssuer listens on a free loopback port and makes the first key.
func newIssuer(publish func([]string) []string) (*issuer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the issuer: %w", err)
	}
	i := &issuer{url: "http://" + listener.Addr().String(), listener: listener, publish: publish}
	i.server = &fasthttp.Server{Handler: i.serve, Name: "issuer", ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	if err := i.rotate(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return i, nil
}

// rotate makes the key that signs from now on.
func (i *issuer) rotate() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key{id: fmt.Sprintf("demo-%d", len(i.keys)+1), private: private})
	return nil
}

// token signs a token that the demonstration's API accepts, changed by claims.
func (i *issuer) token(claims jwt.MapClaims) (string, error) {
	now := time.Now()
	all := jwt.MapClaims{
		"iss": i.url, "sub": subject, "aud": audience, "scope": "orders:read",
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	maps.Copy(all, claims)
	i.mu.Lock()
	latest := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = latest.id
	signed, err := token.SignedString(latest.private)
	if err != nil {
		return "", fmt.Errorf("sign token with key %q: %w", latest.id, err)
	}
	return signed, nil
}

func (i *issuer) serve(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Method()) + " " + string(ctx.Path()) {
	case "GET /.well-known/openid-configuration":
		answerJSON(ctx, map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	case "GET /keys":
		i.serveKeys(ctx)
	case "GET /token":
		i.serveToken(ctx)
	case "POST /rotate":
		if err := i.rotate(); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		}
	default:
		ctx.Error("not found", fasthttp.StatusNotFound)
	}
}

func (i *issuer) serveKeys(ctx *fasthttp.RequestCtx) {
	set := jwk.Set{Keys: []jwk.JWK{}}
	for _, k := range i.published() {
		member, err := jwk.Key{ID: k.id, Algorithm: "ES256", Public: &k.private.PublicKey}.JWK()
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		set.Keys = append(set.Keys, member)
	}
	answerJSON(ctx, set)
}

// published are the keys that are in the key set now.
func (i *issuer) published() (keys []key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var kids []string
	for _, k := range i.keys {
		kids = append(kids, k.id)
	}
	for _, kid := range i.publish(kids) {
		keys = append(keys, i.keys[slices.Index(kids, kid)])
	}
	return keys
}

// serveToken gives out a token to whoever asks, with the scope they ask for.
func (i *issuer) serveToken(ctx *fasthttp.RequestCtx) {
	claims := jwt.MapClaims{}
	if scope := ctx.QueryArgs().Peek("scope"); len(scope) > 0 {
		claims["scope"] = string(scope)
	}
	token, err := i.token(claims)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetBodyString(token)
}

func answerJSON(ctx *fasthttp.RequestCtx, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(text)
}
