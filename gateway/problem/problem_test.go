package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/problem"
)

// written is the answer that a caller reads, without what the server adds.
func written(p *problem.Problem) string {
	var r fasthttp.Response
	p.Write(&r, []byte("id-1"))
	var lines []string
	for line := range strings.Lines(r.String()) {
		if line = strings.TrimRight(line, "\r\n"); !strings.HasPrefix(line, "Date: ") && !strings.HasPrefix(line, "Content-Length: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestWrite(t *testing.T) {
	detailed := problem.BadRequest.Because(errors.New("a secret of the house"))
	detailed.Detail = `a "quoted" reason`
	allowed := problem.MethodNotAllowed.Because(nil)
	allowed.Allow = "GET, HEAD"
	listed := problem.RequestInvalid.Because(nil)
	listed.Errors = []problem.Fault{{In: "body", Pointer: `/a"b`, Detail: "is\nmissing"}, {In: "query"}}
	slow := problem.Overloaded.Because(nil)
	slow.RetryAfter = 1500 * time.Millisecond
	bare := &problem.Problem{Code: "other", Status: 401, Title: "Other"}
	for _, tt := range []struct {
		name string
		p    *problem.Problem
		want string
	}{
		{"bare", problem.NotFound, `HTTP/1.1 404 Not Found
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1

{"type":"urn:postern:problem:not_found","title":"There is nothing here","status":404,"instance":"urn:postern:request:id-1","code":"not_found"}
`},
		{"detail, but never the cause", detailed, `HTTP/1.1 400 Bad Request
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1

{"type":"urn:postern:problem:bad_request","title":"The request is malformed","status":400,"detail":"a \"quoted\" reason","instance":"urn:postern:request:id-1","code":"bad_request"}
`},
		{"missing token", problem.TokenMissing, `HTTP/1.1 401 Unauthorized
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Bearer realm="postern"

{"type":"urn:postern:problem:token_missing","title":"A token is required","status":401,"instance":"urn:postern:request:id-1","code":"token_missing"}
`},
		{"invalid token", problem.InvalidToken, `HTTP/1.1 401 Unauthorized
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Bearer realm="postern", error="invalid_token"

{"type":"urn:postern:problem:invalid_token","title":"The token is not acceptable","status":401,"instance":"urn:postern:request:id-1","code":"invalid_token"}
`},
		{"scope", problem.InsufficientScope, `HTTP/1.1 403 Forbidden
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Bearer realm="postern", error="insufficient_scope"

{"type":"urn:postern:problem:insufficient_scope","title":"The token does not allow this","status":403,"instance":"urn:postern:request:id-1","code":"insufficient_scope"}
`},
		{"method", allowed, `HTTP/1.1 405 Method Not Allowed
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Allow: GET, HEAD

{"type":"urn:postern:problem:method_not_allowed","title":"The method is not allowed here","status":405,"instance":"urn:postern:request:id-1","code":"method_not_allowed"}
`},
		{"faults", listed, `HTTP/1.1 400 Bad Request
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1

{"type":"urn:postern:problem:request_invalid","title":"The request is not as the API defines it","status":400,"instance":"urn:postern:request:id-1","code":"request_invalid","errors":[{"in":"body","pointer":"/a\"b","detail":"is\u000amissing"},{"in":"query","pointer":"","detail":""}]}
`},
		{"retry rounds up", slow, `HTTP/1.1 503 Service Unavailable
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Retry-After: 2

{"type":"urn:postern:problem:overloaded","title":"The gateway has too much to do","status":503,"instance":"urn:postern:request:id-1","code":"overloaded"}
`},
		{"every 401 has a challenge", bare, `HTTP/1.1 401 Unauthorized
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Bearer realm="postern"

{"type":"urn:postern:problem:other","title":"Other","status":401,"instance":"urn:postern:request:id-1","code":"other"}
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimSuffix(tt.want, "\n"), written(tt.p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryProblemIsTold(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range problem.Table() {
		var r fasthttp.Response
		p.Write(&r, []byte("x"))
		var body struct {
			Type, Title, Detail, Instance, Code string
			Status                              int
		}
		if err := json.Unmarshal(r.Body(), &body); err != nil {
			t.Fatalf("%s: %v", p.Code, err)
		}
		if body.Type != "urn:postern:problem:"+p.Code || body.Title != p.Title || body.Status != p.Status || body.Code != p.Code ||
			body.Instance != "urn:postern:request:x" || r.StatusCode() != p.Status {
			t.Errorf("%s: told %+v", p.Code, body)
		}
		retry := len(r.Header.Peek("Retry-After")) > 0
		if retry != (p.Status == 503) {
			t.Errorf("%s: Retry-After %v", p.Code, retry)
		}
		if seen[p.Code] || p.Title == "" || p.Status < 400 {
			t.Errorf("%s is told twice or has no title or status", p.Code)
		}
		seen[p.Code] = true
	}
}

func TestTheTableHoldsEverySentinel(t *testing.T) {
	source, err := os.ReadFile("problem.go")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{problem.CallerGone.Code: true}
	for _, p := range problem.Table() {
		told[p.Code] = true
	}
	codes := regexp.MustCompile(`Code: "([a-z_]+)"`).FindAllSubmatch(source, -1)
	for _, code := range codes {
		if !told[string(code[1])] {
			t.Errorf("Table lacks %s", code[1])
		}
	}
	if len(codes) != len(told) {
		t.Errorf("%d sentinels, %d in Table", len(codes), len(told))
	}
}

func TestReadmeTellsTheSame(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, ok := strings.Cut(string(text), "### Problems\n")
	if !ok {
		t.Fatal("README.md has no chapter Problems")
	}
	chapter, _, _ = strings.Cut(chapter, "\n#")
	var got, want []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+) \\|").FindAllStringSubmatch(chapter, -1) {
		got = append(got, row[1]+" "+row[2])
	}
	for _, p := range problem.Table() {
		want = append(want, fmt.Sprintf("%s %d", p.Code, p.Status))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md (-gateway/problem +README.md):\n%s", diff)
	}
}

func TestBecauseIsStillTheProblem(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("forward: %w", problem.UpstreamFailed.Because(cause))
	if !errors.Is(err, problem.UpstreamFailed) || !errors.Is(err, cause) || errors.Is(err, problem.UpstreamTimeout) {
		t.Errorf("%v is not what it was made of", err)
	}
	if problem.UpstreamFailed.Cause != nil || problem.UpstreamFailed.Error() != "upstream_failed" {
		t.Error("the table was changed")
	}
	if got, want := problem.UpstreamFailed.Because(cause).Error(), "upstream_failed: cause"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkWrite(b *testing.B) {
	var r fasthttp.Response
	id := []byte("0123456789abcdef-1")
	b.ReportAllocs()
	for b.Loop() {
		problem.InvalidToken.Write(&r, id)
	}
}
