package gateway

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The pictures of the page in README.md; PICTURES=1 takes them anew.
func TestPagePictures(t *testing.T) {
	if os.Getenv("PICTURES") == "" {
		t.Skip("PICTURES is not set")
	}
	b, d := openBrowser(t), busyShop(t)
	shoot := func(name, scheme string) {
		path, err := filepath.Abs(filepath.Join("admin", "page", name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		b.do(command{Do: "scheme", Scheme: scheme}, nil)
		b.do(command{Do: "shoot", Path: path}, nil)
		reduce(t, path)
	}
	v := operator(d)
	v.Height = 800
	b.open(v)
	for _, lasts := range []string{"2", "4", "6", "8"} { // in steps that a browser waits for
		b.do(command{Do: "sees", Selector: `#span:text-matches("the last ` + lasts + `\\d s")`}, nil)
	}
	shoot("light", "light")
	shoot("dark", "dark")
	v.Width, v.Height, v.Touch = 360, 1400, true
	b.open(v)
	b.do(command{Do: "sees", Selector: `#span:text-matches("the last 2\\d s")`}, nil)
	shoot("phone", "light")
}

// reduce rewrites a picture with its 256 most frequent colours, and so in a
// third of its size.
func reduce(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[color.Color]int{}
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			seen[full.At(x, y)]++
		}
	}
	palette := slices.SortedFunc(maps.Keys(seen), func(a, b color.Color) int { return seen[b] - seen[a] })
	small := image.NewPaletted(full.Bounds(), palette[:min(256, len(palette))])
	draw.Draw(small, small.Rect, full, image.Point{}, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	put(t, path, out.String())
}

// busyShop is a gateway with traffic of all kinds, an issuer that has failed
// and a configuration that was refused.
func busyShop(t *testing.T) *deployment {
	good, other := newSigner(t, "2026-11"), newRSASigner(t, "partner-1")
	corp, partner := openIssuer(t, newSigner(t, "2026-10"), good), openIssuer(t, other)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pause(time.Duration(2+rand.ExpFloat64()*12) * time.Millisecond)
		if strings.HasSuffix(r.URL.Path, "/old") {
			w.WriteHeader(304)
		}
	}))
	t.Cleanup(upstream.Close)
	api := func(name, more string) string {
		return fmt.Sprintf("- {name: %s, upstream: {targets: [{url: %q}]}, policies: {identify: {by: [jwt], auth_servers: [corp, partner], applications: none}%s}}\n", name, upstream.URL, more)
	}
	text := fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0", admin_path: /ops, user: operator, password: "pass:word"}
auth_servers:
- name: corp
  issuer: %q
  local_introspection: {jwks_uri: %q}
  audience: {any: [orders]}
- name: partner
  issuer: %q
  local_introspection: {jwks_uri: %q, refresh: 20s}
  audience: {any: [orders]}
apis:
- {name: payments, version: "1", upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}
`, corp.URL, corp.URL+"/keys", partner.URL, partner.URL+"/keys", closedPort(t)) +
		api(`orders, version: "1.0", hosts: [api.example.com]`, ", authorize: {claims: [{name: sub, equals: alice}]}") +
		api(`orders, version: "2.0", hosts: [api.example.com]`, "") + api(`catalogue, version: "1.2"`, ", protocols: [http, https]") + api(`invoices, version: "3"`, "")
	d := deploy(t, t.TempDir(), text)
	d.refused(func() { d.write("postern.yaml", strings.Replace(text, "upstream:", "upstraem:", 1)) })
	d.applied(func() { d.write("postern.yaml", text+"# corrected\n") })
	token := good.sign(t, claims(corp.URL, nil))
	eventually(t, "keys", func() bool { return d.send("api.example.com", "/orders/1.0/", token) == 200 })
	partner.serve(fails(503))
	d.visit(func() {
		switch n := rand.IntN(100); {
		case n < 50:
			d.send("api.example.com", "/orders/1.0/7", token)
		case n < 75:
			d.send("a", "/catalogue/1.2/shoes", token)
		case n < 84:
			d.send("api.example.com", "/orders/2.0/old", token)
		case n < 92:
			d.send("a", "/invoices/3/", "")
		case n < 95:
			d.send("a", "/nowhere", "")
		case n < 98:
			d.send("a", "/payments/1/", "")
		default:
			d.send("a", "/catalogue/1.2/", newSigner(t, "forged").sign(t, claims(corp.URL, nil)))
		}
	})
	return d
}

// send asks the http listener and returns the status.
func (d *deployment) send(host, path, token string) int {
	d.t.Helper()
	request, err := http.NewRequest("GET", "http://"+d.http+"/gateway"+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Host = host
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// visit sends requests at an uneven pace until the test ends.
func (d *deployment) visit(one func()) {
	quit, ended := make(chan struct{}), sync.WaitGroup{}
	for range 3 {
		ended.Go(func() {
			for begun := time.Now(); ; {
				tide := 1 + 0.8*float64(time.Since(begun).Seconds()/15-float64(int(time.Since(begun).Seconds()/15)))
				select {
				case <-quit:
					return
				case <-time.After(time.Duration(rand.ExpFloat64() * 40 / tide * float64(time.Millisecond))):
					one()
				}
			}
		})
	}
	d.t.Cleanup(func() { close(quit); ended.Wait() })
}
