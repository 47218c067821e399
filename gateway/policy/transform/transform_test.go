package transform_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/policy/transform"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// site holds bodies of 1000 bytes and heads of 100.
func site() transform.Site {
	return transform.Site{Bodies: message.New(1000, 1<<20), HeaderSize: 100, Secrets: []string{"X-Token"}}
}

// policy is one around an upstream that answers; nil: it says nothing.
func policy(t testing.TB, cfg config.Transform, answer func(*exchange.Exchange)) exchange.Handler {
	t.Helper()
	p, err := transform.New(&cfg, site())
	if err != nil {
		t.Fatal(err)
	}
	return p(func(x *exchange.Exchange) error {
		if answer != nil {
			answer(x)
		}
		return nil
	})
}

// received is an exchange as the gateway has it; head is without Host.
func received(t testing.TB, method, rest, head, body string) *exchange.Exchange {
	t.Helper()
	x := new(exchange.Exchange)
	x.HTTP = new(fasthttp.RequestCtx)
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	br := bufio.NewReaderSize(strings.NewReader(method+" /api"+rest+" HTTP/1.1\r\nHost: h\r\n"+head+"\r\n"+body), 4096)
	if err := x.HTTP.Request.Header.Read(br); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	if body != "" {
		x.Body = new(wire.Body)
		x.Body.SetLength(br, int64(len(body)))
	}
	path, query, found := strings.Cut(rest, "?")
	x.API, x.Path = "orders/1", []byte("/api"+path)
	if x.Rest = x.Path[len("/api"):]; found {
		x.Query = []byte(query)
	}
	return x
}

// answers makes an upstream that answers so.
func answers(status int, kind, body string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) {
		a := &x.Answer
		a.Status, a.Length, a.Release = status, int64(len(body)), func(bool) {}
		if kind != "" {
			a.Head.Add("Content-Type", kind)
		}
		a.Body = new(wire.Body)
		a.Body.SetLength(bufio.NewReader(strings.NewReader(body)), int64(len(body)))
	}
}

func sent(t testing.TB, body *wire.Body) string {
	t.Helper()
	if body == nil {
		return ""
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func set(pairs ...string) (list []config.Setting) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, config.Setting{Name: pairs[i], Text: pairs[i+1]})
	}
	return list
}

func request(steps ...config.RequestStep) config.Transform { return config.Transform{Request: steps} }

// What strangers send must not become more than a value in its place.
func TestAttacks(t *testing.T) {
	header := request(config.RequestStep{SetHeaders: set("X-A", "<${request.query.a}>")})
	path := request(config.RequestStep{Path: "/v2/${request.query.a}/end"})
	whole := request(config.RequestStep{Path: "${request.query.a}"})
	query := request(config.RequestStep{SetQuery: set("b", "${request.query.a}")})
	inJSON := request(config.RequestStep{Body: &config.TransformBody{JSON: set("$.a", "${request.query.a}", "$.b", `{"c": ["${request.query.a}"]}`)}})
	for _, tt := range []struct {
		name string
		cfg  config.Transform
		a    string // as it stands in the query
		want string
	}{
		{"lines in a field", header, "x%0d%0aX-Evil:%201", "X-A: <x  X-Evil: 1>\r\n"},
		{"NUL and DEL in a field", header, "x%00y%7f", "X-A: <x y>\r\n"},
		{"nothing but white space in a field", request(config.RequestStep{SetHeaders: set("X-A", "${request.query.a}")}), "%20%0a", ""},
		{"a field that would be too long", header, strings.Repeat("x", 101), "header_too_large"},
		{"dot segments", path, "..", "bad_path"},
		{"dot segments with more", path, "..%2f..%2fetc", "bad_path"},
		{"dot segments twice escaped", path, "%252e%252e", "/v2/%252e%252e/end"},
		{"a parameter in a path", path, "..%3bx", "bad_path"},
		{"slash", path, "a%2fb", "bad_path"},
		{"backslash", path, "a%5cb", "bad_path"},
		{"NUL in a path", path, "a%00b", "bad_path"},
		{"a query in a path", path, "a?b%23c", "/v2/a%3Fb%23c/end"},
		{"a space and a line in a path", path, "a%20HTTP/1.1%0d%0aHost:%20b", "bad_path"},
		{"another authority", whole, "//evil.example/x", "bad_path"},
		{"an address", whole, "http:x", "/http%3Ax"},
		{"no path at all", whole, "", "/"},
		{"more parameters", query, "1%26admin%3dtrue%23", "?b=1%26admin%3Dtrue%23"},
		{"a parameter that would be too long", query, strings.Repeat("x", 101), "uri_too_long"},
		{"members in JSON", inJSON, `%22,%22admin%22:true,%22x%22:%22%0a%5c`, `{"a":"\",\"admin\":true,\"x\":\"\u000a\\","b":{"c": ["\",\"admin\":true,\"x\":\"\u000a\\"]}}`},
		{"what is not UTF-8 in JSON", inJSON, "%ff", "{\"a\":\"\ufffd\",\"b\":{\"c\": [\"\ufffd\"]}}"},
		{"a body that would be too long", inJSON, strings.Repeat("x", 501), "content_too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := received(t, "POST", "/items?a="+tt.a, "Content-Type: application/json\r\n", "{}")
			err := policy(t, tt.cfg, nil)(x)
			defer x.Finish(exchange.End{})
			var p *problem.Problem
			got := ""
			switch {
			case errors.As(err, &p):
				got = p.Code
			case err != nil:
				got = err.Error()
			case strings.HasPrefix(tt.want, "/"):
				got = string(x.SentRest())
			case strings.HasPrefix(tt.want, "?"):
				_, b, _ := bytes.Cut(x.Query, []byte("&"))
				got = "?" + string(b)
			case strings.HasPrefix(tt.want, "{"):
				got = sent(t, x.Body)
			default:
				lines, _ := strings.CutPrefix(string(x.Head.Append(nil)), "Host: h\r\nContent-Type: application/json\r\n")
				got = lines
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// What the configuration cannot mean is told when it is loaded, with its place.
func TestFaults(t *testing.T) {
	answer := func(s config.ResponseStep) config.Transform {
		return config.Transform{Response: []config.ResponseStep{s}}
	}
	exists := true
	for _, tt := range []struct {
		cfg  config.Transform
		want string
	}{
		{request(config.RequestStep{SetHeaders: set("A", "${request.heders.X}")}), `request[0].set_headers.A: at character 1: ${request.heders.X} is no variable; did you mean "request.headers.X"?`},
		{request(config.RequestStep{SetHeaders: set("A", "${response.statusCode}")}), "request[0].set_headers.A: at character 1: ${response.statusCode}: there is no answer yet"},
		{request(config.RequestStep{SetHeaders: set("A", "${problem.code}")}), "request[0].set_headers.A: at character 1: ${problem.code} is no variable"},
		{request(config.RequestStep{SetHeaders: set("A", "a\nB: c")}), "request[0].set_headers.A: holds a control character, which cannot stand in a head"},
		{request(config.RequestStep{AddQuery: set("a", "${request.payload.jsonPath[$.a")}), "request[0].add_query.a: at character 1: ${ without }; write $${ for these two characters"},
		{request(config.RequestStep{Path: "/a/../b"}), "request[0].path: path holds a dot segment"},
		{request(config.RequestStep{Path: "/a?b=${apiName}"}), "request[0].path: holds a question mark: set_query sets parameters"},
		{request(config.RequestStep{Path: "${request.path}%2f"}), "request[0].path: path holds an escaped slash"},
		{request(config.RequestStep{Path: "/a b"}), "request[0].path: path holds a byte that is not visible ASCII, a backslash or a number sign"},
		{request(config.RequestStep{Body: &config.TransformBody{Text: "{", ContentType: "json"}}), "request[0].body.text: is not JSON: unexpected end of JSON input"},
		{request(config.RequestStep{Body: &config.TransformBody{Text: "{${request.payload}: 1}", ContentType: "json"}}), "request[0].body.text: is not JSON: invalid character '[' looking for beginning of object key string"},
		{request(config.RequestStep{Body: &config.TransformBody{Text: "${apiName}", ContentType: "text/html"}}), "request[0].body.text: at character 1: ${apiName} cannot be escaped in a text of this type: json, xml and text can hold variables"},
		{request(config.RequestStep{Body: &config.TransformBody{JSON: set("$..a", "b")}}), "request[0].body.json.$..a: only names, indexes from 0 and [*] can say where something is to be changed"},
		{request(config.RequestStep{Body: &config.TransformBody{JSON: set("$.a", "${apNme}")}}), `request[0].body.json.$.a: at character 1: ${apNme} is no variable`},
		{request(config.RequestStep{Body: &config.TransformBody{Remove: []string{"$"}}}), "request[0].body.remove[0]: a body cannot be without a value"},
		{request(config.RequestStep{When: &config.TransformWhen{Any: []config.Condition{{Variable: "${a}", Exists: &exists}}}}), "request[0].when.any[0].variable: at character 1: ${a} is no variable"},
		{request(config.RequestStep{When: &config.TransformWhen{All: []config.Condition{{Variable: "request.httpMethod", Exists: &exists}}}}), "request[0].when.all[0].variable: is a text that is always the same; the variable is ${request.httpMethod}"},
		{answer(config.ResponseStep{SetHeaders: set("A", "${request.headers.Authorization}")}), "response[0].set_headers.A: at character 1: ${request.headers.Authorization} is a secret, which no answer may show"},
		{answer(config.ResponseStep{Body: &config.TransformBody{JSON: set("$.a", "${request.query.x-token}")}}), "response[0].body.json.$.a: at character 1: ${request.query.x-token} is a secret, which no answer may show"},
		{answer(config.ResponseStep{Reason: "a\rb"}), "response[0].reason: holds a control character, which cannot stand in a head"},
		{answer(config.ResponseStep{When: &config.TransformWhen{All: []config.Condition{{Variable: "${request.headers.Authorization}", Exists: &exists}}}}), ""},
	} {
		_, err := transform.New(&tt.cfg, site())
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// Each comparison, for what fits and what does not.
func TestConditions(t *testing.T) {
	text := func(s string) *string { return &s }
	yes, no := true, false
	for _, tt := range []struct {
		name      string
		condition config.Condition
		fits, not string
	}{
		{"exists", config.Condition{Exists: &yes}, "x", ""},
		{"does not exist", config.Condition{Exists: &no}, "", "x"},
		{"equals", config.Condition{Equals: text("Post")}, "Post", "POST"},
		{"equals nothing", config.Condition{Equals: text("")}, "", "x"},
		{"equals in any case", config.Condition{EqualsIgnoreCase: text("Post")}, "POST", "Put"},
		{"differs", config.Condition{NotEquals: text("Post")}, "POST", "Post"},
		{"differs in every case", config.Condition{NotEqualsIgnoreCase: text("Post")}, "Put", "POST"},
		{"contains", config.Condition{Contains: "os"}, "Post", "POST"},
		{"matches", config.Condition{Matches: "^P.*t$"}, "Post", "Posts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.condition.Variable = "${request.headers.X-A}"
			h := policy(t, request(config.RequestStep{When: &config.TransformWhen{All: []config.Condition{tt.condition}}, SetHeaders: set("X-Done", "1")}), nil)
			for value, want := range map[string]string{tt.fits: "1", tt.not: ""} {
				x := received(t, "GET", "/", "X-A: "+value+"\r\n", "")
				if err := h(x); err != nil || string(x.Head.Get("X-Done")) != want {
					t.Errorf("%q: done %q, %v", value, x.Head.Get("X-Done"), err)
				}
			}
		})
	}
}

// A secret is what it is, whatever stands in it.
func TestSecrets(t *testing.T) {
	const secret = `$${apiName} "a" ${b}`
	one := func(name string) []config.Setting {
		return []config.Setting{{Name: name, Secret: config.NewSecret(secret)}}
	}
	x := received(t, "POST", "/", "Content-Type: application/json\r\n", "{}")
	if err := policy(t, request(config.RequestStep{SetHeaders: one("X-A"), SetQuery: one("a"), Body: &config.TransformBody{JSON: one("$.a")}}), nil)(x); err != nil {
		t.Fatal(err)
	}
	if got := string(x.Head.Get("X-A")); got != secret {
		t.Errorf("field %q", got)
	}
	if got := string(x.Query); got != "a=%24%24%7BapiName%7D%20%22a%22%20%24%7Bb%7D" {
		t.Errorf("query %q", got)
	}
	if got := sent(t, x.Body); got != `{"a":"$${apiName} \"a\" ${b}"}` {
		t.Errorf("body %q", got)
	}
	_, err := transform.New(&config.Transform{Request: []config.RequestStep{{SetHeaders: []config.Setting{{Name: "X-A", Secret: config.NewSecret("s3cret\n")}}}}}, site())
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("fault %v", err)
	}
}

// A failure of the upstream, an answer of the gateway's own and a tunnel are not
// answers to change.
func TestOnlyAnswersAreChanged(t *testing.T) {
	cfg := config.Transform{Response: []config.ResponseStep{{Status: 500, SetHeaders: set("X-A", "1")}}}
	p, err := transform.New(&cfg, site())
	if err != nil {
		t.Fatal(err)
	}
	x := received(t, "GET", "/", "", "")
	if err := p(func(*exchange.Exchange) error { return problem.NotFound })(x); !errors.Is(err, problem.NotFound) || x.Answer.Head.Get("X-A") != nil {
		t.Error(err)
	}
	if err := policy(t, cfg, nil)(x); err != nil || x.Answer.Status != 0 || x.Answer.Head.Get("X-A") != nil {
		t.Error(err, x.Answer.Status)
	}
	tunnel := func(x *exchange.Exchange) {
		x.Answer.Status, x.Answer.Tunnel = 101, func(*wire.Readers) exchange.Tunnelled { return exchange.Tunnelled{} }
	}
	if err := policy(t, cfg, tunnel)(x); err != nil || x.Answer.Status != 101 || x.Answer.Head.Get("X-A") != nil {
		t.Error(err, x.Answer.Status)
	}
}

// Bodies that cannot be read or changed end the exchange; those that need not be
// are not looked at.
func TestBodiesThatCannotBe(t *testing.T) {
	edit := &config.TransformBody{JSON: set("$.a", "${request.query.a}")}
	named := set("X-A", "${request.payload}")
	for _, tt := range []struct {
		name string
		cfg  config.Transform
		kind string
		body string
		want *problem.Problem // nil: none
	}{
		{"not JSON", request(config.RequestStep{Body: edit}), "application/json", "{", problem.BadRequest},
		{"members twice", request(config.RequestStep{Body: edit}), "application/json", `{"a":1,"a":2}`, problem.BadRequest},
		{"too long", request(config.RequestStep{Body: edit}), "application/json", strings.Repeat(" ", 1001), problem.ContentTooLarge},
		{"unknown charset", request(config.RequestStep{SetHeaders: named}), "text/plain; charset=koi8-r", "a", problem.UnsupportedMediaType},
		{"of another type", request(config.RequestStep{Body: edit}), "text/plain", "{", nil},
		{"named where nothing is done", request(config.RequestStep{When: &config.TransformWhen{All: []config.Condition{{Variable: "${request.headers.Z}", Equals: new(string)}, {Variable: "x", Contains: "y"}}}, SetHeaders: named}), "text/plain; charset=koi8-r", "a", nil},
		{"named in an answer", config.Transform{Response: []config.ResponseStep{{SetHeaders: named}}}, "text/plain; charset=koi8-r", "a", problem.UnsupportedMediaType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := received(t, "POST", "/", "Content-Type: "+tt.kind+"\r\n", tt.body)
			err := policy(t, tt.cfg, nil)(x)
			if tt.want == nil && err != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.want == nil && x.Body.Held() {
				t.Error("the body was read")
			}
			x.Finish(exchange.End{})
		})
	}
	for _, tt := range []struct {
		name   string
		step   config.ResponseStep
		kind   string
		body   string
		reason string
	}{
		{"not JSON", config.ResponseStep{Body: edit}, "application/json", "{", "body is malformed: not JSON"},
		{"becomes too long", config.ResponseStep{Body: &config.TransformBody{ContentType: "text/plain", Text: strings.Repeat("${response.payload}", 11)}}, "text/plain", strings.Repeat("x", 100), "what comes of a transform is longer than limits.buffered_body"},
		{"a field becomes too long", config.ResponseStep{SetHeaders: set("X-A", "${response.payload}")}, "text/plain", strings.Repeat("x", 101), "what comes of a transform is longer than limits.header_size"},
	} {
		t.Run("answer "+tt.name, func(t *testing.T) {
			x := received(t, "GET", "/", "", "")
			err := policy(t, config.Transform{Response: []config.ResponseStep{tt.step}}, answers(200, tt.kind, tt.body))(x)
			var p *problem.Problem
			if !errors.As(err, &p) || !p.Is(problem.AnswerUnreadable) || p.Cause.Error() != tt.reason {
				t.Errorf("%v", err)
			}
			x.Finish(exchange.End{})
		})
	}
}

// All that is taken of the memory for bodies is given back.
func TestMemoryIsGivenBack(t *testing.T) {
	at := site()
	cfg := config.Transform{
		Request:  []config.RequestStep{{Method: "PUT", Body: &config.TransformBody{ContentType: "json", Text: `{"a": "${request.query.a}"}`}}, {Body: &config.TransformBody{JSON: set("$.b", "2")}}},
		Response: []config.ResponseStep{{Body: &config.TransformBody{Remove: []string{"$.a"}}}, {Status: 204}},
	}
	p, err := transform.New(&cfg, at)
	if err != nil {
		t.Fatal(err)
	}
	released := 0
	h := p(func(x *exchange.Exchange) error {
		if got := sent(t, x.Body); got != `{"a": "1","b":2}` || x.Request.Length != int64(len(got)) || string(x.Head.Get("Content-Type")) != "application/json" {
			t.Errorf("%q, length %d", got, x.Request.Length)
		}
		answers(200, "application/json", `{"a":1}`)(x)
		x.Answer.Release = func(clean bool) {
			if released++; !clean {
				t.Error("the connection is lost")
			}
		}
		return nil
	})
	for range 3 {
		x := received(t, "GET", "/?a=1", "", "")
		if err := h(x); err != nil || x.Answer.Status != 204 || x.Answer.Body != nil || x.Answer.Length != -1 {
			t.Errorf("%v, %d", err, x.Answer.Status)
		}
		x.Answer.Release(true)
		x.Finish(exchange.End{})
	}
	if held := at.Bodies.Held(); held != 0 || released != 3 {
		t.Errorf("%d bytes are still held, %d answers released", held, released)
	}
}

// A body that is dropped before it has arrived takes its connection along.
func TestDroppedBodyEndsItsConnection(t *testing.T) {
	h := policy(t, config.Transform{Response: []config.ResponseStep{{Status: 204}}}, func(x *exchange.Exchange) {
		answers(200, "", "")(x)
		reader, _ := io.Pipe()
		x.Answer.Body.SetLength(bufio.NewReader(reader), 10)
		x.Answer.Release = func(clean bool) {
			if clean {
				t.Error("a connection is kept that has bytes to come")
			}
		}
	})
	x := received(t, "GET", "/", "", "")
	if err := h(x); err != nil || x.Answer.Body != nil {
		t.Error(err)
	}
	x.Answer.Release(true)
}
