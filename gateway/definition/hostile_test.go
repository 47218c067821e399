package definition_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/schema"
)

const open = `
openapi: 3.0.3
paths:
  /a:
    post:
      responses: {default: {description: x}}
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, properties: {tags: {type: array, items: {type: string}}, meta: {type: object}}}
            encoding: {tags: {explode: false}, meta: {contentType: application/json}}
          multipart/form-data:
            schema: {type: object, properties: {meta: {type: array, items: {type: object}}}, additionalProperties: {type: string, maxLength: 3}}
`

func judged(t *testing.T, bodies *message.Bodies, kind, body string) (faults string, err error) {
	t.Helper()
	m, err := requestIn(bodies, kind, body)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	found, _ := compile(t, open).Find("POST", "/a")
	media, _ := found.Body().Content.Find([]byte(kind))
	c := schema.NewCheck(schema.Request)
	err = media.Check(c, m)
	for _, f := range c.Faults {
		faults += f.Pointer + ": " + f.Detail + "\n"
	}
	return faults, err
}

const formed, parted = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"

func partOf(name, content string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n"
}

// Of a part that stands twice, each reader takes another one.
func TestPartsOfOneName(t *testing.T) {
	faults, err := judged(t, message.New(1<<20, 1<<26), parted, partOf("more", "much too long")+partOf("more", "ok")+"--b--\r\n")
	if faults != "/more: stands there more than once\n" || err != nil {
		t.Errorf("%q, %v", faults, err)
	}
}

// A form is no way around what JSON may take of the memory for bodies.
func TestJSONInFormsIsCounted(t *testing.T) {
	many := "[" + strings.Repeat(`{"":0},`, 10_000) + `{}]`
	for kind, body := range map[string]string{
		formed: "meta=" + many,
		parted: "--b\r\nContent-Disposition: form-data; name=meta\r\nContent-Type: application/json\r\n\r\n" + many + "\r\n--b--\r\n",
	} {
		bodies := message.New(1<<20, 1<<20)
		if _, err := judged(t, bodies, kind, body); !errors.Is(err, problem.Overloaded) {
			t.Errorf("%s: %v", kind, err)
		}
		if held := bodies.Held(); held != 0 {
			t.Errorf("%s: %d bytes are still held", kind, held)
		}
	}
}

// A list in one field is bounded before it is taken apart.
func TestListsInForms(t *testing.T) {
	body := "tags=" + strings.Repeat(",", 1<<20-10)
	bodies := message.New(1<<20, 1<<26)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	faults, err := judged(t, bodies, formed, body)
	runtime.ReadMemStats(&after)
	if faults != "/tags: holds too many items\n" || err != nil {
		t.Errorf("%q, %v", faults, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("took %d bytes", took)
	}
}

// Parameters in pieces (RFC 2231) are read by some only: the others read another
// name or boundary.
func TestParametersInPieces(t *testing.T) {
	good, evil := "--b\r\n", "--e\r\n"
	for name, tt := range map[string][2]string{
		"a boundary": {
			"multipart/form-data; boundary=e; boundary*0=b",
			evil + "Content-Disposition: form-data; name=more\r\n\r\nmuch too long\r\n--e--\r\n" + partOf("more", "ok") + "--b--\r\n",
		},
		"a boundary in another charset": {
			"multipart/form-data; boundary=e; Boundary*=utf-8''b",
			evil + "Content-Disposition: form-data; name=more\r\n\r\nmuch too long\r\n--e--\r\n" + partOf("more", "ok") + "--b--\r\n",
		},
		"a name":      {parted, good + "Content-Disposition: form-data; name=meta; name*=utf-8''x\r\n\r\n1\r\n--b--\r\n"},
		"a name, too": {parted, good + "Content-Disposition: form-data; name=meta; NAME*0=x\r\n\r\n1\r\n--b--\r\n"},
	} {
		if faults, err := judged(t, message.New(1<<20, 1<<26), tt[0], tt[1]); faults == "" || err != nil {
			t.Errorf("%s: %q, %v", name, faults, err)
		}
	}
	if faults, err := judged(t, message.New(1<<20, 1<<26), parted, good+"Content-Disposition: form-data; name=x; filename*=utf-8''a\r\n\r\n1\r\n--b--\r\n"); faults != "" || err != nil {
		t.Errorf("a file's name: %q, %v", faults, err)
	}
}
