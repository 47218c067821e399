package config

import (
	"slices"
	"strings"
)

// clientAuths are the ways in which the gateway can identify itself to an
// authorization server (RFC 6749 2.3, RFC 7523, RFC 8705).
var clientAuths = []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"}

func (v *checker) remoteIntrospection(path []any, r *RemoteIntrospection) {
	if r.Endpoint == "" {
		v.add(at(path, "endpoint"), "missing: the address that says whether a token is active")
	} else {
		v.secureURL(at(path, "endpoint"), r.Endpoint, r.AllowHTTP)
	}
	if r.ClientID == "" {
		v.add(at(path, "client_id"), "missing: the endpoint answers clients that it knows only")
	}
	if slices.Contains(clientAuths, r.ClientAuthentication) {
		v.clientCredentials(path, r)
	} else {
		v.oneOf(at(path, "client_authentication"), r.ClientAuthentication, clientAuths...)
	}
	if r.TLS != nil {
		v.clientTLS(at(path, "tls"), r.TLS)
		if strings.HasPrefix(r.Endpoint, "http://") {
			v.add(at(path, "tls"), "the endpoint is not https")
		}
	}
	if r.Concurrency < 1 {
		v.add(at(path, "concurrency"), "must be at least 1")
	}
	if r.Cache.Entries < 1 {
		v.add(at(path, "cache", "entries"), "must be at least 1")
	}
	if r.Stale != None && r.Cache.Active == None {
		v.add(at(path, "stale"), "needs cache.active: what is not kept cannot serve later")
	}
}

// clientCredentials checks that what client_authentication needs is there, and nothing
// that it would not use.
func (v *checker) clientCredentials(path []any, r *RemoteIntrospection) {
	secret := r.ClientAuthentication == "client_secret_basic" || r.ClientAuthentication == "client_secret_post"
	if secret == r.ClientSecret.IsZero() {
		if secret {
			v.add(at(path, "client_secret"), "missing: client_authentication: %s shows it", r.ClientAuthentication)
		} else {
			v.add(at(path, "client_secret"), "client_authentication: %s has no secret", r.ClientAuthentication)
		}
	}
	signs := r.ClientAuthentication == "private_key_jwt"
	if signs && r.ClientKey.IsZero() {
		v.add(at(path, "client_key"), "missing: client_authentication: private_key_jwt signs with it")
	}
	if !signs {
		for _, stated := range []struct {
			key string
			set bool
		}{
			{"client_key", !r.ClientKey.IsZero()},
			{"client_key_id", r.ClientKeyID != ""},
			{"client_algorithm", r.ClientAlgorithm != ""},
		} {
			if stated.set {
				v.add(at(path, stated.key), "needs client_authentication: private_key_jwt")
			}
		}
	}
	if r.ClientAlgorithm != "" {
		v.oneOf(at(path, "client_algorithm"), r.ClientAlgorithm, asymmetric...)
	}
	if r.ClientAuthentication == "tls_client_auth" && (r.TLS == nil || r.TLS.Certificate.IsZero()) {
		v.add(at(path, "tls"), "missing: client_authentication: tls_client_auth shows tls.certificate")
	}
}
