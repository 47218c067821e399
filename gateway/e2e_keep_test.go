package gateway

import (
	"fmt"
	"testing"
)

// A gateway that starts while its issuer is away goes on with the keys that the
// one before has kept.
func TestRestartWhileTheIssuerIsAway(t *testing.T) {
	key := newSigner(t, "k1")
	i, u, dir := openIssuer(t, key), newTarget(t, always(ok)), t.TempDir()
	text := "bundle: {keep: state}\n" + orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q, refresh: 1s", i.URL+"/keys"))
	token := key.sign(t, claims(i.URL, nil))
	t.Run("while it is there", func(t *testing.T) {
		wantStatus(t, deploy(t, dir, text).do(ask(token)), 200)
	})
	i.serve(away)
	d := deploy(t, dir, text)
	wantStatus(t, d.do(ask(token)), 200)
	wantStatus(t, d.do(ask(newSigner(t, "k1").sign(t, claims(i.URL, nil)))), 401)
	next := newSigner(t, "k2")
	i.publish(next)
	eventually(t, "the issuer's new keys", func() bool {
		return status(d.do(ask(next.sign(t, claims(i.URL, nil))))) == 200 && status(d.do(ask(token))) == 401
	})
}
