//go:build !race

package transform_test

import (
	"bufio"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/policy/transform"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// fields is a transform that reads no body.
func fields() config.Transform {
	post := "POST"
	return config.Transform{
		Request: []config.RequestStep{{
			When:       &config.TransformWhen{Any: []config.Condition{{Variable: "${request.httpMethod}", Equals: &post}}},
			Method:     "PUT",
			SetHeaders: set("X-Correlation", "${request.correlationID}", "X-Client", "${request.headers.X-A} of ${apiName}"),
			AddHeaders: set("X-More", "1"), RenameHeaders: set("X-A", "X-B"), RemoveHeaders: []string{"X-Gateway-APIKey"},
		}},
		Response: []config.ResponseStep{{SetHeaders: set("X-Was", "${response.statusCode}"), RemoveHeaders: []string{"Server"}}},
	}
}

// replayed plays the same request over and over; again makes the exchange fresh.
func replayed(tb testing.TB, cfg config.Transform, raw string, answer func(*exchange.Exchange)) func() {
	p, err := transform.New(&cfg, site())
	if err != nil {
		tb.Fatal(err)
	}
	h := p(func(x *exchange.Exchange) error { answer(x); return nil })
	x := received(tb, "GET", "/", "", "")
	text, br, body := strings.NewReader(raw), bufio.NewReader(nil), new(wire.Body)
	return func() {
		x.Reset()
		text.Reset(raw)
		br.Reset(text)
		_ = x.HTTP.Request.Header.Read(br)
		x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
		if x.Request.HasBody() {
			body.SetLength(br, x.Request.Length)
			x.Body = body
		}
		if err := h(x); err != nil {
			tb.Fatal(err)
		}
		x.Finish(exchange.End{})
	}
}

const plain = "POST /api/x HTTP/1.1\r\nHost: h\r\nX-A: b\r\nX-Gateway-APIKey: k\r\n\r\n"

func bare(x *exchange.Exchange) { x.Answer.Status = 200; x.Answer.Head.Add("Server", "s") }

func TestFieldsAllocateNothing(t *testing.T) {
	play := replayed(t, fields(), plain, bare)
	play()
	if n := testing.AllocsPerRun(200, play); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFields(b *testing.B) {
	play := replayed(b, fields(), plain, bare)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}

// BenchmarkNothing is what the exchange itself takes.
func BenchmarkNothing(b *testing.B) {
	play := replayed(b, config.Transform{}, plain, bare)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}

func BenchmarkAddress(b *testing.B) {
	play := replayed(b, request(config.RequestStep{Path: "/v2/${request.headers.X-A}", SetQuery: set("a", "${request.headers.X-A}")}), plain, bare)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}

const posted = "POST /api/x HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Type: application/json\r\nContent-Length: 59\r\n\r\n" + `{"a":{"b":1},"items":[{"id":1,"qty":2},{"id":2}],"debug":1}`

func BenchmarkJSON(b *testing.B) {
	play := replayed(b, request(config.RequestStep{Body: &config.TransformBody{JSON: set("$.a.c", "${request.headers.X-A}", "$.n", "7"), Remove: []string{"$.debug"}}}), posted, bare)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}

func BenchmarkText(b *testing.B) {
	play := replayed(b, request(config.RequestStep{Body: &config.TransformBody{ContentType: "json", Text: `{"first": ${request.payload.jsonPath[$.items[0]]}, "who": "${request.headers.X-A}"}`}}), posted, bare)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}
