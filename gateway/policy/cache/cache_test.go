package cache_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/policy/cache"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// request is an exchange whose field lines are separated by |.
func request(t testing.TB, method, target, fields string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	text := method + " " + target + " HTTP/1.1\r\nHost: h\r\n"
	if fields != "" {
		text += strings.ReplaceAll(fields, "|", "\r\n") + "\r\n"
	}
	if err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(text + "\r\n"))); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	path, query, ok := strings.Cut(target, "?")
	x.Path = []byte(path)
	if ok {
		x.Query = []byte(query)
	}
	return x
}

// reply is what an upstream answers: status, fields separated by |, and body; the
// body breaks after what is there when length is more.
type reply struct {
	status int
	fields string
	body   string
	length int // 0: that of body
}

// give is an upstream that gives these replies in turn, the last one for ever, and
// keeps what it was asked.
func give(asked *[]string, replies ...reply) exchange.Handler {
	return func(x *exchange.Exchange) error {
		r := replies[min(len(*asked), len(replies)-1)]
		*asked = append(*asked, strings.ReplaceAll(string(x.Head.AppendForward(nil)), "\r\n", "|"))
		r.write(x)
		return nil
	}
}

func (r reply) write(x *exchange.Exchange) {
	a := &x.Answer
	a.Status, a.Length = r.status, int64(max(r.length, len(r.body)))
	for _, field := range strings.Split(r.fields, "|") {
		if name, value, ok := strings.Cut(field, ": "); ok {
			a.Head.Add(name, value)
		}
	}
	a.Release = func(bool) {}
	if r.status != 304 && !x.HTTP.IsHead() {
		a.Body = new(wire.Body)
		a.Body.SetLength(bufio.NewReader(strings.NewReader(r.body)), a.Length)
	}
}

// ask plays a request and returns its answer: status, how the store was used, and
// body.
func ask(t testing.TB, h exchange.Handler, method, target, fields string) string {
	t.Helper()
	x := request(t, method, target, fields)
	err := h(x)
	return sent(x, err)
}

// sent is what a session makes of an answer.
func sent(x *exchange.Exchange, err error) string {
	defer x.Finish(exchange.End{})
	if err != nil {
		return err.Error()
	}
	a := &x.Answer
	var body []byte
	if a.Body != nil {
		for !a.Body.Done() {
			var piece [7]byte
			n, err := a.Body.Read(piece[:])
			body = append(body, piece[:n]...)
			if err != nil && err != io.EOF {
				body = append(body, "!"...)
				break
			}
		}
	}
	how := ""
	a.Head.Visit(func(name, value []byte) {
		if string(name) == "Cache-Status" {
			how = strings.TrimPrefix(string(value), "postern; ")
		}
	})
	if a.Release != nil {
		a.Release(true)
	}
	return fmt.Sprintf("%d %s [%s]", a.Status, body, how)
}

func section(change func(*config.Cache)) *config.Cache {
	cfg := &config.Cache{Mode: "standard", Size: 1 << 20, MaxEntry: 1 << 16, Collapse: &config.Collapse{Wait: config.Duration(time.Second), Max: 10}}
	cfg.Key.Caller = "each"
	if change != nil {
		change(cfg)
	}
	return cfg
}

func build(t testing.TB, cfg *config.Cache, next exchange.Handler) (*cache.Store, exchange.Handler) {
	t.Helper()
	s := cache.New(cfg)
	policy, err := s.Policy(cfg, message.New(1<<20, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return s, policy(next)
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

const fresh = "Cache-Control: max-age=60|ETag: \"1\""

// A stale answer is asked for again by its validators, and made fresh or replaced.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		_, h := build(t, section(nil), give(&asked,
			reply{200, fresh + "|X-Kept: a|X-Old: a|Content-Type: text/plain", "hello", 0},
			reply{304, fresh + "|X-Kept: b|Content-Type: text/html", "", 0},
			reply{200, "Cache-Control: max-age=60", "other", 0},
			reply{500, "", "broken", 0},
		))
		want(t, ask(t, h, "GET", "/a", ""), "200 hello [fwd=uri-miss; stored]")
		time.Sleep(59 * time.Second)
		want(t, ask(t, h, "GET", "/a", ""), "200 hello [hit; ttl=1]")
		want(t, ask(t, h, "GET", "/a", "Cache-Control: max-age=59"), "200 hello [hit; ttl=1]")
		time.Sleep(time.Second)
		x := request(t, "GET", "/a", `If-None-Match: "0"|If-Modified-Since: Wed, 25 Nov 2026 03:00:00 GMT`)
		err := h(x)
		if got := string(x.Answer.Head.Get("X-Kept")) + string(x.Answer.Head.Get("X-Old")) + string(x.Answer.Head.Get("Content-Type")); got != "batext/plain" {
			t.Errorf("the fields became %s", got)
		}
		want(t, sent(x, err), "200 hello [fwd=stale; fwd-status=304; stored]")
		want(t, asked[1], `If-None-Match: "1"|`)
		time.Sleep(59 * time.Second)
		want(t, ask(t, h, "GET", "/a", `If-None-Match: "1"`), "304  [hit; ttl=1]")
		time.Sleep(time.Second)
		want(t, ask(t, h, "GET", "/a", ""), "200 other [fwd=stale; stored]")
		want(t, ask(t, h, "GET", "/a", "Cache-Control: no-cache"), "500 broken [fwd=request]")
		want(t, asked[3], "Cache-Control: no-cache|")
		want(t, ask(t, h, "GET", "/a", ""), "200 other [hit; ttl=60]")
	})
}

// In mode ttl the section decides for how long an answer is fresh, whatever the
// upstream says.
func TestTTL(t *testing.T) {
	for ttl, again := range map[time.Duration]string{10 * time.Second: "200 b [fwd=stale; stored]", 20 * time.Second: "200 a [hit; ttl=9]"} {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			_, h := build(t, section(func(c *config.Cache) { c.Mode, c.TTL = "ttl", config.TTL(ttl) }), give(&asked,
				reply{200, "Cache-Control: max-age=1", "a", 0}, reply{200, "Cache-Control: max-age=60", "b", 0},
			))
			want(t, ask(t, h, "GET", "/a", ""), "200 a [fwd=uri-miss; stored]")
			time.Sleep(9 * time.Second)
			want(t, ask(t, h, "GET", "/a", ""), fmt.Sprintf("200 a [hit; ttl=%d]", ttl/time.Second-9))
			time.Sleep(2 * time.Second)
			want(t, ask(t, h, "GET", "/a", ""), again)
		})
	}
}

// The caller that has what the upstream confirms is told so.
func TestConfirmedForACallerThatHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		_, h := build(t, section(nil), give(&asked, reply{200, fresh, "hello", 0}, reply{304, "", "", 0}))
		ask(t, h, "GET", "/a", "")
		time.Sleep(time.Minute)
		want(t, ask(t, h, "GET", "/a", `If-None-Match: W/"1"`), "304  [fwd=stale; fwd-status=304; stored]")
		want(t, ask(t, h, "GET", "/a", ""), "200 hello [hit; ttl=60]")
	})
}

// Answers that did not come whole are not kept, nor is anything else of them.
func TestOnlyWholeAnswersAreKept(t *testing.T) {
	var asked []string
	s, h := build(t, section(nil), give(&asked, reply{200, fresh, "hel", 5}))
	want(t, ask(t, h, "GET", "/a", ""), "200 hel! [fwd=uri-miss; stored]")
	want(t, ask(t, h, "GET", "/a", ""), "200 hel! [fwd=uri-miss; stored]")
	if c := s.Counts(); c.Entries != 0 || c.Bytes != 0 {
		t.Errorf("left over: %+v", c)
	}
}

// A caller that leaves keeps nothing of what it has not taken.
func TestALeavingCaller(t *testing.T) {
	var asked []string
	s, h := build(t, section(nil), give(&asked, reply{200, fresh, "hello", 0}))
	x := request(t, "GET", "/a", "")
	if err := h(x); err != nil {
		t.Fatal(err)
	}
	if c := s.Counts(); c.Bytes == 0 {
		t.Error("what is being read does not count")
	}
	x.Finish(exchange.End{Err: io.ErrClosedPipe})
	if c := s.Counts(); c.Entries != 0 || c.Bytes != 0 {
		t.Errorf("left over: %+v", c)
	}
}

// However many answers come, size bounds them, and the used ones stay.
func TestSize(t *testing.T) {
	var asked []string
	s, h := build(t, section(func(c *config.Cache) { c.Size = 100 << 10 }), give(&asked, reply{200, fresh, strings.Repeat("a", 1000), 0}))
	for i := range 1000 {
		ask(t, h, "GET", fmt.Sprintf("/%d", i), "")
		if c := s.Counts(); c.Bytes > 100<<10 {
			t.Fatalf("%d bytes after %d answers", c.Bytes, i)
		}
	}
	c := s.Counts()
	if c.Entries < 20 || c.Evictions != 1000-c.Entries {
		t.Errorf("%+v", c)
	}
	if entries, bytes := s.Purge(); entries != c.Entries || bytes != c.Bytes {
		t.Errorf("purged %d and %d bytes of %+v", entries, bytes, c)
	}
	if c := s.Counts(); c.Entries != 0 || c.Bytes != 0 {
		t.Errorf("left over: %+v", c)
	}
}

// One key has room for some variants only.
func TestVariants(t *testing.T) {
	synctest.Test(t, variants)
}

func variants(t *testing.T) {
	var asked []string
	s, h := build(t, section(nil), give(&asked, reply{200, fresh + "|Vary: Accept", "a", 0}))
	for i := range 100 {
		ask(t, h, "GET", "/a", fmt.Sprintf("Accept: a/%d", i))
	}
	if c := s.Counts(); c.Entries != 16 || c.Evictions != 84 {
		t.Errorf("%+v", c)
	}
	want(t, ask(t, h, "GET", "/a", "Accept: a/0"), "200 a [fwd=vary-miss; stored]")
	want(t, ask(t, h, "GET", "/a", "Accept: a/99"), "200 a [hit; ttl=60]")
}

// A change that succeeds ends what is kept, and what was asked for before it.
func TestChanges(t *testing.T) {
	for _, tt := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"PUT", "/a", 204, "200 a [fwd=uri-miss; stored]"},
		{"DELETE", "/a?x", 302, "200 a [fwd=uri-miss; stored]"},
		{"PURGE", "/a", 200, "200 a [fwd=uri-miss; stored]"},
		{"POST", "/a", 400, "200 a [hit; ttl=60]"},
		{"POST", "/b", 200, "200 a [hit; ttl=60]"},
		{"OPTIONS", "/a", 200, "200 a [hit; ttl=60]"},
	} {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, h := build(t, section(nil), func(x *exchange.Exchange) error {
					r := reply{200, fresh, "a", 0}
					if string(x.HTTP.Method()) != "GET" {
						r = reply{tt.status, "", "", 0}
					}
					r.write(x)
					return nil
				})
				ask(t, h, "GET", "/a", "")
				late := request(t, "GET", "/a?late", "")
				if err := h(late); err != nil {
					t.Fatal(err)
				}
				ask(t, h, tt.method, tt.target, "")
				want(t, ask(t, h, "GET", "/a", ""), tt.want)
				sent(late, nil)
				want(t, ask(t, h, "GET", "/a?late", ""), tt.want)
			})
		})
	}
}

// What policies before it have made of a request's fields tells answers apart,
// however they did it.
func TestWrittenFieldsTellApart(t *testing.T) {
	tenant := ""
	for _, tt := range []struct {
		name  string
		write func(*wire.Head)
	}{
		{"set", func(h *wire.Head) { h.Set("X-Tenant", tenant) }},
		{"added", func(h *wire.Head) { h.Add("X-Tenant", tenant) }},
		{"renamed", func(h *wire.Head) { h.Rename("X-From", "X-Tenant") }},
		{"edited", func(h *wire.Head) {
			h.Edit("X-From", func(dst, _ []byte) []byte { return append(dst, tenant...) })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			_, h := build(t, section(nil), give(&asked, reply{200, fresh, "a", 0}))
			for _, tenant = range []string{"a", "b", "a", "b"} {
				x := request(t, "GET", "/a", "X-From: "+tenant)
				tt.write(&x.Head)
				sent(x, h(x))
			}
			if len(asked) != 2 {
				t.Errorf("asked %d times, want 2", len(asked))
			}
		})
	}
}
