package gateway

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"postern/gateway/exchange"
)

// marker begins everything that must not be seen.
const marker = "s3cr3tm4rk3r"

// flood is a deployment into which a secret goes on every way there is.
type flood struct {
	*deployment
	issuer  *issuer
	key     *signer
	apiKey  string
	store   string            // its address
	secrets map[string]string // and the way it went
	shown   map[string]string // what comes out, by where
	bulk    string            // address of a destination for events
	user    string            // alice's password
}

// secret is a new one, for one way in.
func (f *flood) secret(way string) string {
	return f.watch(way, fmt.Sprintf("%s%dx", marker, len(f.secrets)))
}

// watch adds a text that must not be seen.
func (f *flood) watch(way, text string) string {
	f.secrets[text] = way
	return text
}

// show keeps what was shown somewhere.
func (f *flood) show(where, text string) { f.shown[where] += text + "\n" }

// exchange sends a raw request and keeps what the gateway says.
func (f *flood) exchange(request string) { f.show("answers", f.do(request)) }

// token makes a token of claims that are good but for more, and watches it.
func (f *flood) token(way string, by *signer, more map[string]any) string {
	text := by.sign(f.t, claims(f.issuer.URL, more))
	for i, part := range strings.Split(text, ".") {
		if i > 0 { // the header is that of every token
			f.watch(way, part)
		}
	}
	return text
}

const adminUser = "op"

// flooded is the YAML of a gateway with everything that holds a secret; password
// is how the admin's is written.
func (f *flood) flooded(target, password, logging string) string {
	f.user = f.secret("password of a user")
	aliases := fmt.Sprintf("aliases: {text: {value: %q}, login: {type: httpTransportSecurityAlias, httpAuthCredentials: {userName: edge, password: %q}}}\n",
		f.secret("text of an alias"), f.secret("password of an alias"))
	return aliases + fmt.Sprintf(`
ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
tls: {certificates: [{certificate: server.crt, key: server.key}]}
logging: %s
admin_api: {listen: "127.0.0.1:0", on_traffic_port: true, user: op, password: %s}
auth_servers:
- {name: corp, issuer: %q, local_introspection: {jwks_uri: %q, refresh: 1h}, audience: {any: [orders]}}
- {name: partner, issuer: partner, local_introspection: {shared_key: "%s"}, audience: unchecked}
- {name: asked, remote_introspection: {endpoint: "https://127.0.0.1:1/introspect", client_id: edge, client_secret: "%s"}, audience: unchecked}
applications:
- {name: shop, apis: [orders], identify: {basic: [{user: shopper, password: "%s"}], api_keys: ["%s"]}, jwt: [{issuer: shop, algorithms: [HS256], shared_key: "%s"}]}
users: [{name: alice, password: "%s"}, {name: bob, password: "%s"}]
api_gateway: {dir: installation}
store: {redis: {address: %q, password: "%s"}}
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://%s/shop"}]}
  policies:
    identify: {by: [jwt, opaque], auth_servers: [corp, partner, asked], applications: none}
    authorize: {token_scopes: {any: ["orders:read"]}}
- {name: basic, base_path: /basic, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: {by: [basic], applications: none}}}
- {name: open, base_path: /open, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none, throttle: [{requests: 1000000, per: 1h, by: api, store: redis}], outbound: {api_key: {query: okey, value: "%s"}}, transform: {request: [{set_headers: {X-Set: "{encoded}%s"}}]}}}
- {name: keyed, base_path: /keyed, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: {by: [api_key], applications: all, api_key: {header: X-Api-Key, query: key}}}}
- {name: dead, base_path: /dead, upstream: {targets: [{url: "http://%s/x"}]}, policies: {identify: none, outbound: {basic: {user: edge, password: "%s"}}}}
`, logging, password, f.issuer.URL, f.issuer.URL+"/keys?key="+f.secret("query of jwks_uri"),
		f.secret("shared key")+strings.Repeat("-", 32), f.secret("client secret"), f.secret("password of an application"), f.keyed(), f.secret("shared key of an application")+strings.Repeat("-", 32), f.user, f.hash("hash of a user"), f.store, f.secret("password of a store"), target, target, target, f.secret("outbound key"), base64.StdEncoding.EncodeToString([]byte(f.secret("text of a transform"))), target, closedPort(f.t), f.secret("outbound password")) + f.destinations()
}

// destinations is the YAML that lets events of all requests go to the log, and to
// somebody who answers with what was sent. Fields are not stored: what they hold is
// told on purpose.
func (f *flood) destinations() string {
	return fmt.Sprintf(`
destinations:
- {name: bulk, elasticsearch: {url: %[1]q, index: events, user: gateway, password: "%[2]s", retries: 1}}
- {name: keyed, elasticsearch: {url: %[1]q, index: events, api_key: "%[3]s", retries: 1}}
policies:
- name: stored
  policies:
    invocationlog: [{destinations: [log, bulk, keyed], when: always}]
`, f.bulk, f.secret("password of a destination"), f.secret("API key of a destination"))
}

// echoes answers whatever is sent with an error that repeats it.
func echoes(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusBadRequest)
	_ = r.Header.Write(w)
	_, _ = io.Copy(w, r.Body)
}

// keyed makes the key of an application, and watches its digest too.
func (f *flood) keyed() string {
	f.apiKey = f.secret("API key of an application")
	digest := sha256.Sum256([]byte(f.apiKey))
	f.watch("digest of an API key", hex.EncodeToString(digest[:]))
	f.watch("digest of an API key, in base64", base64.StdEncoding.EncodeToString(digest[:]))
	return f.apiKey
}

// hash makes a password's hash, and watches both.
func (f *flood) hash(way string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(f.secret("password, "+way)), bcrypt.MinCost)
	if err != nil {
		f.t.Fatal(err)
	}
	f.watch(way, string(hash[len("$2b$04$"):]))
	return string(hash)
}

// repeater is a store that answers every line with an error that repeats it.
func repeater(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for from := bufio.NewScanner(conn); from.Scan(); {
					fmt.Fprintf(conn, "-ERR %s\r\n", from.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// installation writes the users of a central gateway.
func (f *flood) installation(dir string) {
	folder := filepath.Join(dir, "installation/config")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		f.t.Fatal(err)
	}
	put(f.t, filepath.Join(folder, "users.cnf"), fmt.Sprintf(
		`<Values><record name="users"><record name="carol"><value name="password">%s</value></record><record name="dave"><value name="password">{sha-256_v2}%s</value></record></record></Values>`,
		f.hash("hash in users.cnf"), f.secret("another hash in users.cnf")))
}

// Whatever is secret goes into the gateway on every way there is, and comes out
// on none. Exempt is what the access log is made to tell, and only there: path,
// Host, method, X-Request-Id, User-Agent, Referer without its query, and the
// subject of a verified token (see TestWhatTheLogTells). So are kid, typ and iss
// of a token and what an issuer publishes of itself and its keys, short of keys and
// addresses, since without them nobody could tell why a token was refused; and
// the names of files and variables, where secrets are and which are none.
func TestSecretsAreNeverShown(t *testing.T) {
	f := &flood{deployment: &deployment{t: t}, key: newSigner(t, "k1"), secrets: map[string]string{}, shown: map[string]string{}}
	f.issuer = openIssuer(t, f.key)
	u := newTarget(t, f.misbehaves)
	ca := newAuthority(t)
	_, keyFile, _ := ca.issue("server", "localhost")
	f.watchKey(keyFile)
	password := f.secret("password in the environment")
	const env = "{env: E2E_PASSWORD}"
	f.installation(ca.dir)
	f.store = repeater(t)
	bulk := httptest.NewServer(http.HandlerFunc(echoes))
	t.Cleanup(bulk.Close)
	f.bulk = bulk.URL
	text := f.flooded(u.address, env, "{level: debug, query: true, mask: [code]}")
	f.deployment = deploy(t, ca.dir, text, "E2E_PASSWORD="+password, "UNRELATED="+f.secret("unrelated environment"))
	f.panics()

	f.requests(password)
	f.refusedReloads(text, password)
	f.brokenIssuer(text, password)
	for _, written := range []struct{ way, format string }{{"plain", "%s"}, {"encoded", `"{encoded}%s"`}, {"file", "{file: password}"}} {
		next := f.secret("password, " + written.way)
		f.write("password", next)
		value := next
		if written.way == "encoded" {
			value = f.watch("password, encoded", base64.StdEncoding.EncodeToString([]byte(next)))
		}
		format := strings.Replace(written.format, "%s", value, 1)
		f.applied(func() {
			f.write("postern.yaml", f.flooded(u.address, format, "{level: debug, query: true, mask: [code], format: combined}"))
		})
		f.pages(next)
		password = next
	}
	f.requests(password)
	f.pages(password)
	f.settled()
	f.judge()
}

// settled waits until the last access line has been written.
func (f *flood) settled() {
	f.exchange(lines("GET /nowhere HTTP/1.1", "Host: h", "X-Request-Id: the-last-one"))
	eventually(f.t, "the last line", func() bool { return strings.Contains(f.access.String(), "the-last-one") })
}

// judge looks for every secret everywhere.
func (f *flood) judge() {
	f.show("log", f.log.String())
	f.show("access log", f.access.String())
	for _, line := range []string{`"level":"debug"`, "panic while serving", "upstream_invalid", "configuration refused"} {
		if !strings.Contains(f.shown["log"], line) {
			f.t.Errorf("the log is without %s: nothing went wrong there", line)
		}
	}
	faults := 0
	for where, text := range f.shown {
		for secret, way := range f.secrets {
			if at := strings.Index(text, secret); at >= 0 && faults < 40 {
				faults++
				f.t.Errorf("%s shows what came as %s: ...%s...", where, way, text[max(at-200, 0):min(at+len(secret)+40, len(text))])
			}
		}
		if at := strings.Index(text, marker); at >= 0 && faults == 0 {
			f.t.Errorf("%s shows a secret: ...%s", where, text[max(at-200, 0):])
		}
	}
}

// panics makes the gateway panic with what it was sent.
func (f *flood) panics() {
	s := f.server.Load()
	handle := s.handle
	s.handle = func(x *exchange.Exchange) {
		handle(x)
		if string(x.Path) == "/panic" {
			panic(fmt.Sprintf("cannot do %s", x.HTTP.Request.Header.Peek("X-Secret")))
		}
	}
}

// watchKey makes the lines of a PEM file secrets.
func (f *flood) watchKey(file string) {
	for line := range strings.Lines(readFile(f.t, file)) {
		if !strings.HasPrefix(line, "-----") {
			f.watch("private key", strings.TrimSpace(line))
		}
	}
}

// requests sends secrets as callers do.
func (f *flood) requests(password string) {
	good := f.token("good token", f.key, map[string]any{"scope": "orders:read", "note": f.secret("claim")})
	wantStatus(f.t, f.do(ask(good)), 200)
	for _, field := range callerFields {
		for _, path := range []string{"/gateway/orders/1.0/x", "/keyed/x", "/dead/x", "/open/x", "/basic/x", "/nowhere", "/panic", "/rest/microgateway/status"} {
			f.exchange(lines("GET "+path+" HTTP/1.1", "Host: h", field+": "+f.secret(field+" of "+path)))
		}
	}
	for _, token := range f.tokens(good) {
		f.exchange(ask(token))
		f.exchange(lines("GET /open/x?access_token="+token+"&code="+token+" HTTP/1.1", "Host: h", "Cookie: t="+token))
	}
	wantStatus(f.t, f.do(lines("GET /keyed/x?a=1&%6bey="+f.apiKey+" HTTP/1.1", "Host: h")), 200)
	for _, key := range []string{f.apiKey, f.secret("wrong API key")} {
		f.exchange(lines("GET /keyed/x?key="+key+"&code="+key+" HTTP/1.1", "Host: h", "X-Api-Key: "+key))
		f.exchange(lines("GET /keyed/x?key="+key+" HTTP/1.1", "Host: h", "Referer: https://h/x?Key="+key))
	}
	f.queries()
	f.wrongHeads()
	f.upstreams()
	basic := f.watch("Basic credentials", base64.StdEncoding.EncodeToString([]byte(adminUser+":"+password)))
	for _, credentials := range []string{basic, f.watch("wrong Basic credentials", base64.StdEncoding.EncodeToString([]byte(adminUser+":"+f.secret("wrong password")))), f.secret("no Basic credentials")} {
		for _, path := range []string{"/rest/microgateway/status", "/rest/microgateway/settings", "/metrics", "/rest/microgateway/auth_servers/corp/refresh"} {
			f.exchange(lines("GET "+path+"?access_token="+f.secret("query of "+path)+" HTTP/1.1", "Host: h", "Authorization: Basic "+credentials))
			f.post(path, "Authorization: Basic "+credentials)
		}
	}
	f.basic()
	f.exchange(lines("POST /open/x HTTP/1.1", "Host: h", "Content-Length: 16") + (f.secret("body") + "................")[:16])
	f.exchange(lines("POST /dead/x HTTP/1.1", "Host: h", "Transfer-Encoding: chunked") + f.secret("chunk") + "\r\n")
	if c, err := tls.Dial("tcp", f.https, &tls.Config{InsecureSkipVerify: true, ServerName: f.secret("SNI")}); err == nil {
		c.Close()
	}
	p := dial(f.t, f.https)
	p.send(f.secret("bytes instead of TLS") + "\r\n\r\n")
	p.ended()
}

// basic shows passwords, good ones and others.
func (f *flood) basic() {
	good := "Authorization: Basic " + f.watch("credentials of a user", base64.StdEncoding.EncodeToString([]byte("alice:"+f.user)))
	wantStatus(f.t, f.do(lines("GET /basic/x HTTP/1.1", "Host: h", good)), 200)
	for _, user := range []string{"alice", "bob", "nobody", "al:ice", "bob", "bob", "bob", "bob", "bob"} {
		text := f.watch("wrong credentials of "+user, base64.StdEncoding.EncodeToString([]byte(user+":"+f.secret("wrong password of "+user))))
		f.exchange(lines("GET /basic/x HTTP/1.1", "Host: h", "Authorization: Basic "+text))
		f.exchange(lines("GET /basic/x HTTP/1.1", "Host: h", "Authorization: Basic "+text[1:]))
	}
}

// callerFields are what callers put secrets into, or anything.
var callerFields = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token", "X-Csrf-Token", "X-Secret",
	"X-Request-Id: bad id", "Traceparent", "Tracestate", "Baggage", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"X-Real-Ip", "X-Original-Url", "X-User", "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type", "Content-Encoding",
	"Origin", "From", "If-Match", "If-None-Match", "Range", "Expect", "Upgrade", "Via", "Warning", "Te", "Trailer", "Transfer-Encoding",
	"Content-Length", "Connection", "Keep-Alive", "Referer: /x?access_token=", "Sec-Websocket-Key", "Dpop", "Date", "Pragma",
}

// tokens are wrong in every part.
func (f *flood) tokens(good string) []string {
	encode := func(way, text string) string {
		return f.watch(way, base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	header, payload, signature := split3(good)
	all := []string{
		good + f.secret("end of a token"), header + "." + payload + "." + f.secret("signature"), header + "." + f.secret("payload") + "." + signature,
		f.secret("header") + "." + payload + "." + signature, f.secret("no token"), "", ".." + f.secret("token of dots"), good + " " + f.secret("second token"),
		strings.Repeat(f.secret("long token"), 700),
		f.token("foreign token", newSigner(f.t, "k1"), nil),
		f.token("token of an unknown key", newSigner(f.t, "k2"), nil),
		f.token("token without scope", f.key, map[string]any{"scope": f.secret("scope")}),
	}
	for _, name := range []string{"aud", "exp", "nbf", "iat", "scope", "jti", "azp"} {
		secret := f.secret("claim " + name)
		all = append(all, f.token("token with a bad "+name, f.key, map[string]any{name: secret}), f.token("token with a list as "+name, f.key, map[string]any{name: []any{secret, 1}}))
	}
	for _, name := range []string{"alg", "jku", "x5u", "crit", "cty", "enc"} {
		head := encode("header with "+name, fmt.Sprintf(`{"alg":"ES256","kid":"k1",%q:%q}`, name, f.secret("header's "+name)))
		all = append(all, head+"."+payload+"."+signature)
	}
	for _, broken := range []string{`{"sub":"%s"`, `{"sub":"%s","sub":"%s"}`, `["%s"]`, `"%s"`, `%s`} {
		text := encode("broken claims", strings.ReplaceAll(broken, "%s", f.secret("broken claims "+broken)))
		all = append(all, header+"."+text+"."+signature, text+"."+payload+"."+signature)
	}
	return all
}

func split3(token string) (header, payload, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

// queries spell the names that are masked in every way.
func (f *flood) queries() {
	for _, name := range []string{"access_token", "ACCESS_TOKEN", "access%5ftoken", "%61ccess_token", "%2561ccess_token", "access_token[]", "u[access_token]", "code", "C%6fde"} {
		for _, around := range []string{"%s", "a=b&%s", "a=b;%s", "%s&%s", "a=%%26%s", "%s&c=d"} {
			query := strings.ReplaceAll(strings.ReplaceAll(around, "%s", name+"="+f.secret("query "+name)), "%%", "%")
			f.exchange(lines("GET /open/x?"+query+" HTTP/1.1", "Host: h", "Referer: https://u:"+f.secret("password of a Referer")+"@h/?"+query))
			f.exchange(lines("GET /dead/x?"+query+" HTTP/1.1", "Host: h"))
		}
	}
}

// wrongHeads are no HTTP.
func (f *flood) wrongHeads() {
	for _, head := range []string{
		"GET /open/x HTTP/1.1|Host: h|Authorization: %s|Authorization: %s", "GET /open/x HTTP/1.1|Host: h|Authorization: %s\x00",
		"GET /open/x HTTP/1.1|Host: h| Authorization: %s", "GET /open/x HTTP/1.1|Host: h|Authorization %s", "GET /open/x HTTP/1.1|Host: h|%s",
		"GET /open/x HTTP/1.1|Host: h|%s : x", "GET /open/x HTTP/1.1|Host: %s@h", "GET /open/x HTTP/1.1|Host: h|Host: %s",
		"GET /open/x?%s HTTP/7.7|Host: h", "GET http://u:%s@h/open/x HTTP/1.1|Host: h", "GET /open/x HTTP/1.1|Host: h|Content-Length: 1|Content-Length: %s",
		"GET /open/x HTTP/1.1 %s|Host: h", "%s", "%s /open/x HTTP/1.1|Host: h", "GET /open/x HTTP/%s|Host: h", "GET /open/x?%s\x00 HTTP/1.1|Host: h",
		"GET /open/x HTTP/1.1|Host: h|X-Long: %s" + strings.Repeat("a", 20000),
	} {
		f.exchange(lines(strings.Split(strings.ReplaceAll(head, "%s", f.secret("wrong head "+head[:min(len(head), 60)])), "|")...))
	}
}
