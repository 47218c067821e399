package introspect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// denying makes the denylist of a configuration.
func denying(t testing.TB, transport http.RoundTripper, cfg config.Denylist) (*introspect.Set, *introspect.Denylist) {
	t.Helper()
	tokens := defaults
	tokens.Denylist = &cfg
	c := &config.Config{Tokens: tokens}
	c.SetDefaults()
	set, err := introspect.NewOver(transport, nil, c.Tokens, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set, set.Denylist()
}

func denyFile(text string) config.Denylist {
	return config.Denylist{File: config.File{Path: "/denied.json", Data: []byte(text)}}
}

func TestDenylist(t *testing.T) {
	_, list := denying(t, noNetwork(t), denyFile(`{"denied":[
		{"jti":"j1"}, {"sid":"17"}, {"client_id":"42"}, {"sub":"mallory"}, {"sid":"s1"}, {"client_id":"shop"},
		{"iss":"https://a","sub":"alice"}, {"sub":"bob","client_id":"web"}, {"iss":"https://a","jti":"j2"}, {"iss":"https://b","jti":"j2"}
	]}`))
	for _, tt := range []struct {
		name   string
		token  introspect.Token
		denied string // what the error names; "": it passes
	}{
		{"nothing", introspect.Token{}, ""},
		{"others", introspect.Token{Issuer: "https://a", Subject: "carol", Claims: map[string]any{"jti": "j", "sid": "s", "client_id": "c"}}, ""},
		{"jti", introspect.Token{Claims: map[string]any{"jti": "j1"}}, `jti "j1"`},
		{"jti in another spelling", introspect.Token{Claims: map[string]any{"jti": "J1"}}, ""},
		{"sub", introspect.Token{Subject: "mallory"}, `sub "mallory"`},
		{"sid", introspect.Token{Claims: map[string]any{"sid": "s1"}}, `sid "s1"`},
		{"client_id", introspect.Token{Subject: "x", Claims: map[string]any{"client_id": "shop"}}, `client_id "shop"`},
		{"value under another claim", introspect.Token{Subject: "j1", Claims: map[string]any{"jti": "mallory", "sid": "shop", "client_id": "s1"}}, ""},
		{"sub of an issuer", introspect.Token{Issuer: "https://a", Subject: "alice"}, `sub "alice"`},
		{"the same of another issuer", introspect.Token{Issuer: "https://b", Subject: "alice"}, ""},
		{"both of two", introspect.Token{Subject: "bob", Claims: map[string]any{"client_id": "web"}}, `sub "bob"`},
		{"one of two", introspect.Token{Subject: "bob", Claims: map[string]any{"client_id": "app"}}, ""},
		{"second entry of the same", introspect.Token{Issuer: "https://b", Claims: map[string]any{"jti": "j2"}}, `jti "j2"`},
		{"number", introspect.Token{Claims: map[string]any{"sid": json.Number("17")}}, `sid "17"`},
		{"client_id that is a number", introspect.Token{Claims: map[string]any{"client_id": json.Number("42")}}, `client_id "42"`},
		{"azp instead of client_id", introspect.Token{Claims: map[string]any{"azp": "shop"}}, `client_id "shop"`},
		{"azp beside client_id", introspect.Token{Claims: map[string]any{"azp": "shop", "client_id": "desk"}}, ""},
		{"claim that is no text", introspect.Token{Claims: map[string]any{"jti": []any{"j1"}}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := list.Check(&tt.token, time.Now())
			switch {
			case tt.denied == "" && err != nil:
				t.Error(err)
			case tt.denied != "" && (!errors.Is(err, introspect.ErrRevoked) || !strings.HasSuffix(err.Error(), tt.denied)):
				t.Errorf("%v, want %s", err, tt.denied)
			}
		})
	}
	if s := list.Status(); s.Entries != 10 || !s.Usable || s.Source != "/denied.json" {
		t.Errorf("%+v", s)
	}
	var none *introspect.Denylist
	if err := none.Check(&introspect.Token{Subject: "mallory"}, time.Now()); err != nil || none.Status() != nil {
		t.Errorf("without a denylist: %v", err)
	}
}

func TestDenylistFaults(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "parse denylist: JSON at byte 0: not an object"},
		{"[]", "parse denylist: JSON at byte 0: not an object"},
		{"{}", `denylist is not of the form {"denied":[{"jti":"..."}]}`},
		{`{"denied":{}}`, `denylist is not of the form {"denied":[{"jti":"..."}]}`},
		{`{"denied":[],"other":1}`, `denylist is not of the form {"denied":[{"jti":"..."}]}`},
		{`{"denied":[{"jti":"a"},{}]}`, "denied[1]: has none of jti, sub, sid and client_id"},
		{`{"denied":["a"]}`, "denied[0]: has none of jti, sub, sid and client_id"},
		{`{"denied":[{"iss":"a"}]}`, "denied[0]: has none of jti, sub, sid and client_id"},
		{`{"denied":[{"jti":1}]}`, "denied[0]: jti is not a text"},
		{`{"denied":[{"jti":""}]}`, "denied[0]: jti is not a text"},
		{`{"denied":[{"jti":"a","iss":1}]}`, `denied[0]: "iss" is not one of iss, jti, sub, sid and client_id with a text`},
		{`{"denied":[{"jti":"a","user":"b"}]}`, `denied[0]: "user" is not one of iss, jti, sub, sid and client_id with a text`},
		{`{"denied":[{"jti":"a","jti":"b"}]}`, `parse denylist: JSON at byte 27: member stands twice`},
	} {
		tokens := defaults
		cfg := denyFile(tt.text)
		tokens.Denylist = &cfg
		_, err := introspect.New(introspect.Rules{Tokens: tokens}, nil, zap.NewNop())
		if want := "tokens.denylist.file: " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", tt.text, err, want)
		}
	}
}

// TestDenylistAddress: a list that is fetched is seen within its poll, serves
// through an outage for max_stale, and is then missed.
func TestDenylistAddress(t *testing.T) {
	for _, word := range []string{"deny", "allow"} {
		t.Run(word, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &idp{status: 0}
				set, list := denying(t, p, config.Denylist{
					URL: "https://idp.example.com/denied", Poll: config.Duration(10 * time.Second), MaxStale: config.Duration(time.Minute), OnUnavailable: word,
				})
				missing := introspect.ErrDenylist
				if word == "allow" {
					missing = nil
				}
				check := func(what, subject string, want error) {
					t.Helper()
					if err := list.Check(&introspect.Token{Subject: subject}, time.Now()); !errors.Is(err, want) || want == nil && err != nil {
						t.Errorf("%s: %v, want %v", what, err, want)
					}
				}
				set.Start()
				defer set.Close()
				synctest.Wait()
				check("before the first fetch", "mallory", missing)
				p.change(func(p *idp) { p.status, p.body, p.etag = 200, `{"denied":[{"sub":"mallory"}]}`, `"1"` })
				time.Sleep(15 * time.Second)
				check("denied", "mallory", introspect.ErrRevoked)
				check("not denied", "alice", nil)
				p.change(func(p *idp) { p.body, p.etag = `{"denied":[{"sub":"alice"}]}`, `"2"` })
				time.Sleep(15 * time.Second)
				check("no longer denied", "mallory", nil)
				check("denied now", "alice", introspect.ErrRevoked)
				p.change(func(p *idp) { p.body, p.etag = `nonsense`, `"3"` })
				time.Sleep(30 * time.Second)
				check("through an outage", "alice", introspect.ErrRevoked)
				check("through an outage", "mallory", nil)
				time.Sleep(time.Minute)
				check("after max_stale", "mallory", missing)
				if word == "allow" {
					check("the last list that was seen still denies", "alice", introspect.ErrRevoked)
				}
				if s := list.Status(); s.Usable || s.LastError == "" || s.Fetched.IsZero() {
					t.Errorf("%+v", s)
				}
				p.change(func(p *idp) { p.body = `{"denied":[]}` })
				time.Sleep(15 * time.Second)
				check("recovered", "alice", nil)
				asked := p.count()
				time.Sleep(time.Minute)
				if n := p.count() - asked; n < 5 || n > 7 {
					t.Errorf("%d fetches in a minute, want about 6", n)
				}
			})
		})
	}
}

// TestDenylistSurvivesReload: what is fetched is not fetched anew, and ends with
// the last set that has it.
func TestDenylistSurvivesReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &idp{status: 200, body: `{"denied":[{"sub":"mallory"}]}`}
		cfg := config.Denylist{URL: "https://idp.example.com/denied", Poll: config.Duration(time.Hour)}
		first, list := denying(t, p, cfg)
		first.Start()
		synctest.Wait()
		tokens := defaults
		tokens.Denylist = &cfg
		c := &config.Config{Tokens: tokens}
		c.SetDefaults()
		second, err := introspect.New(introspect.Rules{Tokens: c.Tokens}, first, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		second.Start()
		first.Close()
		if second.Denylist() != list || p.count() != 1 {
			t.Errorf("fetched %d times", p.count())
		}
		time.Sleep(2 * time.Hour)
		if p.count() < 2 {
			t.Error("it is not fetched any more")
		}
		second.Close()
		before := p.count()
		time.Sleep(10 * time.Hour)
		if p.count() != before {
			t.Error("it is fetched for nobody")
		}
	})
}

func TestDenylistPassesWithoutAllocating(t *testing.T) {
	_, list := denying(t, noNetwork(t), denyFile(`{"denied":[{"jti":"a"},{"sub":"b"},{"sid":"c"},{"client_id":"d"}]}`))
	token := &introspect.Token{Subject: "alice", Claims: map[string]any{"jti": "x", "sid": "y", "client_id": "z"}}
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() { _ = list.Check(token, now) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDenylist(f *testing.F) {
	f.Add([]byte(`{"denied":[{"jti":"a","iss":"b"},{"sub":"c"}]}`))
	f.Add([]byte(`{"denied":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens := defaults
		cfg := denyFile(string(text))
		tokens.Denylist = &cfg
		set, err := introspect.New(introspect.Rules{Tokens: tokens}, nil, zap.NewNop())
		if err == nil {
			_ = set.Denylist().Check(&introspect.Token{Subject: "c"}, time.Time{})
		}
	})
}

func BenchmarkDenylist(b *testing.B) {
	for _, size := range []int{10, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var entries []string
			for n := range size {
				entries = append(entries, fmt.Sprintf(`{"jti":"id-%d"},{"sub":"user-%d"}`, n, n))
			}
			_, list := denying(b, noNetwork(b), denyFile(`{"denied":[`+strings.Join(entries, ",")+`]}`))
			token := &introspect.Token{Subject: "alice", Claims: map[string]any{"jti": "x"}}
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				if err := list.Check(token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
