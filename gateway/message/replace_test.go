package message_test

import (
	"errors"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
)

func TestMake(t *testing.T) {
	bodies := message.New(100, 1<<20)
	x := request(t, "", "")
	m, err := bodies.Make(x)
	if err != nil || m.None() || x.Request.Length != 0 || x.Request.Chunked {
		t.Fatalf("%v, length %d", err, x.Request.Length)
	}
	if err := m.Replace([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if again, err := bodies.Make(x); err != nil || string(again.Raw()) != "new" || x.Request.Length != 3 {
		t.Errorf("%q, %v, length %d", again.Raw(), err, x.Request.Length)
	}
	if got := rest(t, x.Body); got != "new" {
		t.Errorf("%q is sent", got)
	}
	x.Finish(exchange.End{})
	if held := bodies.Held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

// What replaces a body is bounded like the body, and counts as held.
func TestReplacementsAreBounded(t *testing.T) {
	bodies := message.New(20_000, 60_000)
	x := posted(t, "text/plain", "short")
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Replace(make([]byte, 20_001)); !errors.Is(err, problem.ContentTooLarge) || string(m.Raw()) != "short" {
		t.Errorf("%v, %q", err, m.Raw())
	}
	before := bodies.Held()
	for range 5 {
		if err := m.Replace(make([]byte, 20_000)); err != nil || bodies.Held() != before+20_000 {
			t.Errorf("%v, %d bytes are held, %d before", err, bodies.Held(), before)
		}
	}
	other, err := bodies.Request(posted(t, "text/plain", "second"))
	if err == nil {
		err = other.Replace(make([]byte, 20_000))
	}
	if !errors.Is(err, problem.Overloaded) {
		t.Error(err)
	}
	x.Finish(exchange.End{})
}

// Of an answer that has no body for its caller, the head says nothing that would be
// wrong of the one that is not sent.
func TestDisclaim(t *testing.T) {
	bodies := message.New(100, 1<<20)
	x := request(t, "", "")
	x.Answer.Status, x.Answer.Length = 200, 7
	x.Answer.Head.Add("ETag", `"e"`)
	x.Answer.Head.Add("Content-Encoding", "gzip")
	m, err := bodies.Answer(x)
	if err != nil || !m.None() {
		t.Fatal(err)
	}
	if err := m.Replace([]byte("x")); err != nil || x.Answer.Length != 7 || x.Answer.Body != nil {
		t.Errorf("%v, length %d", err, x.Answer.Length)
	}
	if m.Disclaim(); x.Answer.Length != -1 || len(x.Answer.Head.Append(nil)) != 0 {
		t.Errorf("length %d, head %q", x.Answer.Length, x.Answer.Head.Append(nil))
	}
	x = request(t, "", "")
	answered(x, "hello")
	if m, err = bodies.Answer(x); err != nil || m.None() {
		t.Fatal(err)
	}
	if m.Disclaim(); x.Answer.Length != 5 {
		t.Errorf("length %d", x.Answer.Length)
	}
	if x.Answer.Body = nil; !m.None() || m.Replace([]byte("x")) != nil || x.Answer.Length != 5 {
		t.Error("a body that was dropped is back")
	}
}

// Values of any kind are found by JSONPath, and by nothing else.
func TestValue(t *testing.T) {
	m, err := message.New(1000, 1<<20).Request(posted(t, "application/json", `{"a":[ {"z":1.50, "b":"<"} ,2],"n":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{"$.a[0]", `{"z":1.50, "b":"<"}`},
		{"$.a[*].z", "1.50"},
		{"$.n", "null"},
		{"$", `{"a":[ {"z":1.50, "b":"<"} ,2],"n":null}`},
		{"$..b", `"<"`},
		{"$.a[?(@.z > 1)]", `{"b":"<","z":1.5}`},
		{"$.a[-1]", "2"},
		{"$.none", ""},
		{"$.none.at.all", ""},
	} {
		path, err := message.JSONPath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		value, found, err := path.Value(m)
		if err != nil || found != (tt.want != "") || string(value) != tt.want {
			t.Errorf("%s is %s, %v, %v, want %s", tt.path, value, found, err, tt.want)
		}
	}
	regex, err := message.Regex("b")
	if err != nil {
		t.Fatal(err)
	}
	if value, found, err := regex.Value(m); err != nil || found {
		t.Errorf("a text is a value: %s, %v", value, err)
	}
	path, err := message.JSONPath("$.a")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := message.New(100, 1<<20).Request(posted(t, "application/json", "["))
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := path.Value(broken); found || !errors.Is(err, message.ErrMalformed) {
		t.Error(err)
	}
}
