package gateway

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/provisioning/config"
)

// misbehaviours are what an upstream answers, by what the request asks for; %s is
// the secret.
var misbehaviours = map[string]string{
	"no HTTP":     "%s\r\n\r\n",
	"status":      "HTTP/1.1 %s\r\n\r\n",
	"version":     "HTTP/%s 200 OK\r\n\r\n",
	"no field":    "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
	"folded":      "HTTP/1.1 200 OK\r\nX: a\r\n %s\r\n\r\n",
	"bad name":    "HTTP/1.1 200 OK\r\nX %s: a\r\n\r\n",
	"bad value":   "HTTP/1.1 200 OK\r\nX: %s\x00\r\n\r\n",
	"length":      "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
	"two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2%s\r\n\r\n",
	"coding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
	"chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n",
	"cut":         "HTTP/1.1 200 OK\r\nX-Key: %s",
	"short":       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n%s",
	"unasked":     "HTTP/1.1 101 Switching\r\nUpgrade: %s\r\n\r\n",
}

// misbehaves is the script of an upstream that answers as its request asks.
func (f *flood) misbehaves(_ *target, p *peer) {
	for {
		request, err := http.ReadRequest(p.br) // however long it takes to come
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body) // a caller that leaves shows at the next one
		answer, asked := misbehaviours[request.Header.Get("X-Kind")]
		if !asked {
			p.send(ok)
			continue
		}
		p.send(strings.ReplaceAll(answer, "%s", request.Header.Get("X-Secret")))
		return
	}
}

// upstreams makes the upstream fail in every way. Only what the gateway says in
// its place is looked at.
func (f *flood) upstreams() {
	for kind := range misbehaviours {
		answer := f.do(lines("GET /open/x HTTP/1.1", "Host: h", "X-Kind: "+kind, "X-Secret: "+f.secret("told by an upstream: "+kind)))
		if status(answer) >= 500 {
			f.show("answers", answer)
		}
	}
}

// pages reads all that an operator can see.
func (f *flood) pages(password string) {
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/rest/microgateway/status", "/rest/microgateway/settings", "/rest/microgateway/assets"} {
		code, body := f.get(path, adminUser+":"+password)
		if code != 200 && path != "/readyz" {
			f.t.Errorf("%s: %d", path, code)
		}
		f.show(path, body)
	}
}

// refusedReloads loads configurations that are wrong near a secret.
func (f *flood) refusedReloads(text, password string) {
	const env, jwks = "{env: E2E_PASSWORD}", "local_introspection: {jwks_uri: "
	refuse := func(old, new string) {
		new = strings.ReplaceAll(new, "%s", f.secret("wrong configuration "+new))
		changed := strings.Replace(text, old, new, 1)
		if changed == text {
			f.t.Fatalf("nothing to replace: %s", old)
		}
		f.refused(func() { f.write("postern.yaml", changed) })
		f.pages(password)
	}
	for _, wrong := range []string{
		`"%s`, `'it''s %s`, "[%s]", "{%s: x}", "{%s}", `"{encoded}%s!"`, `"{sealed}%s"`, "!%s x", "%s: y", "*%s", "&a *%s", "@%s", "`%s", "|\n %s\n bad", "%s\n\tx",
		"%s, password: %s", "%s, pasword: x", "%s, user: u2", "%s, paswort: %s", "\"%s\\q\"", "%s}}", "%s\x01", "{<<: %s}", "? %s", "- %s",
	} {
		refuse("password: "+env, "password: "+wrong)
	}
	for _, wrong := range []string{`"%s"`, "[%s]", `"{encoded}%s"`} {
		refuse("local_introspection: {shared_key: ", "local_introspection: {shared_key: "+wrong+", x: ")
	}
	for _, wrong := range []string{`"https://u:%s@h/"`, `"http://h.example.com/?key=%s"`, `"ftp://h/?key=%s"`, `"https://h:%s/"`, `"://%s"`} {
		refuse(jwks, jwks+wrong+", x: ")
	}
	for _, wrong := range []string{`"http://u:%s@h"`, `"http://h/?key=%s"`, `"http://h:1%s"`} {
		refuse(`targets: [{url: "`, `targets: [{url: `+wrong+`}, {url: "`)
	}
	for _, kind := range []string{"public_key", "certificate", "jwks"} {
		for _, content := range []string{"%s", "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", `{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"%s","y":"%s","d":"%s"}]}`, `{"keys":["%s"]}`, `{"keys": %s`} {
			f.write("secret.pem", strings.ReplaceAll(content, "%s", f.secret("file of "+kind)))
			refuse(jwks, "local_introspection: {"+kind+": secret.pem, x: ")
		}
	}
	refuse("apis:\n- name: orders", "tracing: {endpoint: x, headers: [{name: X-Key, value: %s}, {name: a b, value: '%s'}]}\napis:\n- name: orders")
	refuse(jwks, "local_introspection: {truststore: {file: server.key, password: %s}, x: ")
	refuse("certificates: [", "certificates: [{keystore: {file: server.key, password: %s}}, ")
	refuse("aliases: {", "trust_store: {location: server.key, password: %s}\naliases: {bad: {type: endpoint, value: %s, endPointUri: %s}, ")
	f.write("secret.key", f.secret("key file"))
	refuse("key: server.key", "key: secret.key")
	f.applied(func() { f.write("postern.yaml", text+"\n") })
}

// brokenIssuer lets an authorization server say secrets in every way it can go
// wrong, over discovery and at the address of the keys.
func (f *flood) brokenIssuer(text, password string) {
	credentials := base64.StdEncoding.EncodeToString([]byte(adminUser + ":" + password))
	var script atomic.Pointer[http.HandlerFunc]
	serve := func(h http.HandlerFunc) { script.Store(&h) }
	serve(away)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*script.Load())(w, r) }))
	defer server.Close()
	const jwks = "local_introspection: {jwks_uri: "
	for _, source := range []string{"discovery: true, refresh: 1h}, audience: {any: [orders]}}\n- {name: former, issuer: former, local_introspection: {jwks_uri: ", fmt.Sprintf("jwks_uri: %q, refresh: 1h}, audience: {any: [orders]}}\n- {name: former, issuer: former, local_introspection: {jwks_uri: ", server.URL)} {
		changed := strings.Replace(strings.Replace(text, jwks, "local_introspection: {"+source, 1), f.issuer.URL, server.URL, 1)
		f.applied(func() { f.write("postern.yaml", changed) })
		for _, says := range []string{
			"%s", `{"issuer":"https://other.example.com","jwks_uri":"%s"}`, `{"issuer":"ISSUER","jwks_uri":"%s"}`, `{"issuer":"ISSUER","jwks_uri":"http://u:%s@h/?k=%s"}`,
			`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys?key=%s"}`, `{"keys":["%s"]}`, `{"keys":"%s"}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"%s"}]}`,
			`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"%s","y":"%s","d":"%s"}]}`, `{"keys":[{"kty":"oct","kid":"a","k":"%s"}]}`,
			`{"keys":[{"kty":"RSA","kid":"a","n":"%s","e":"AQAB"}]}`, `{"keys":[{"kty":"RSA","kid":"a","x5c":["%s"]}]}`, "redirect", "500", "cut",
		} {
			secret := f.secret("an issuer says " + says)
			serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Key", secret)
				switch says {
				case "redirect":
					http.Redirect(w, r, "http://u:"+secret+"@elsewhere.example.com/?key="+secret, http.StatusFound)
				case "cut":
					w.Header().Set("Content-Length", "1000")
				case "500":
					w.WriteHeader(500)
				}
				fmt.Fprint(w, strings.NewReplacer("%s", secret, "ISSUER", server.URL).Replace(says))
			})
			f.refreshes.mu.Lock()
			clear(f.refreshes.last) // as if the pause had passed
			f.refreshes.mu.Unlock()
			code, body := f.post("/rest/microgateway/auth_servers/corp/refresh", "Authorization: Basic "+credentials)
			if code != 502 && code != 200 {
				f.t.Errorf("refresh: %d %s", code, body)
			}
			f.show("refresh", body)
			f.pages(password)
		}
	}
	f.applied(func() { f.write("postern.yaml", text) })
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the access log is made to tell of a request is in its line, and is in no
// other place: not in the log, in metrics or on a page.
func TestWhatTheLogTells(t *testing.T) {
	key, u := newSigner(t, "k1"), newTarget(t, always(ok))
	i := openIssuer(t, key)
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))+"logging: {level: debug}\n")
	told := map[string]string{"host": "tellhost.example.com", "path": "/gateway/orders/1.0/tellpath", "id": "tellid", "agent": "tellagent", "sub": "tellsub"}
	d.do(lines("GET "+told["path"]+"?tellquery HTTP/1.1", "Host: "+told["host"], "X-Request-Id: "+told["id"], "User-Agent: "+told["agent"],
		"Authorization: Bearer "+key.sign(t, claims(i.URL, map[string]any{"sub": told["sub"]}))))
	d.do(strings.Replace(ask(key.sign(t, claims(i.URL, map[string]any{"sub": told["sub"]}))), "\r\n\r\n", "\r\nX-Request-Id: tellsub\r\n\r\n", 1))
	line := d.accessLine(told["id"])
	for key, want := range told {
		if key != "sub" && line[key] != want {
			t.Errorf("%s is %v, want %q", key, line[key], want)
		}
	}
	if line["query"] != "" {
		t.Errorf("query is %v", line["query"])
	}
	if got := d.accessLine(told["sub"])["sub"]; got != told["sub"] {
		t.Errorf("sub is %v", got)
	}
	others := map[string]string{"log": strings.ReplaceAll(d.log.String(), `"id":"tellid"`, "")}
	for _, path := range []string{"/", "/metrics", "/rest/microgateway/status", "/rest/microgateway/settings", "/rest/microgateway/assets"} {
		_, others[path] = d.get(path, "")
	}
	for where, text := range others {
		if at := strings.Index(text, "tell"); at >= 0 && !strings.HasPrefix(text[at:], "tells") {
			t.Errorf("%s tells of it, too: ...%s", where, text[at:min(at+80, len(text))])
		}
	}
}

// Every place of the grammar that holds a secret has been thought of here.
func TestSecretsOfTheGrammar(t *testing.T) {
	var found []string
	var look func(v reflect.Type, path string)
	look = func(v reflect.Type, path string) {
		switch {
		case v == reflect.TypeFor[config.Secret](), v == reflect.TypeFor[config.APIKey]():
			found = append(found, strings.TrimPrefix(path, "."))
		case v == reflect.TypeFor[config.Setting]():
			if setting := "a config.Setting"; !slices.Contains(found, setting) {
				found = append(found, setting)
			}
		case v.Kind() == reflect.Pointer:
			look(v.Elem(), path)
		case v.Kind() == reflect.Slice:
			look(v.Elem(), path+"[]")
		case v.Kind() == reflect.Struct && v.PkgPath() == reflect.TypeFor[config.Config]().PkgPath():
			for n := range v.NumField() {
				look(v.Field(n).Type, path+"."+v.Field(n).Tag.Get("yaml"))
			}
		}
	}
	look(reflect.TypeFor[config.Config](), "")
	want := []string{
		"tls.certificates[].keystore.password", "admin_api.password", "store.redis.password", "tracing.headers[].value", "destinations[].elasticsearch.password", "destinations[].elasticsearch.api_key", "auth_servers[].local_introspection.truststore.password",
		"auth_servers[].local_introspection.shared_key", "auth_servers[].remote_introspection.client_secret", "applications[].identify.api_keys[]", "applications[].identify.basic[].password", "applications[].jwt[].shared_key", "users[].password", "api_gateway.dir.[].password", "a config.Setting",
		"policies[].policies.outbound.basic.password", "policies[].policies.outbound.api_key.value", "apis[].scopes[].policies.outbound.basic.password", "apis[].scopes[].policies.outbound.api_key.value",
		"apis[].policies.outbound.basic.password", "apis[].policies.outbound.api_key.value",
		"aliases[].httpAuthCredentials.password", "trust_store.password",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("put new ones into flooded (-want +got):\n%s", diff)
	}
}
