package config

import (
	"mime"
	"regexp"
	"slices"
	"strings"
)

// framing are the fields that say where a message ends, whose it is, or how it
// came: the gateway writes them itself.
var framing = []string{
	"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
	"transfer-encoding", "upgrade", "http2-settings", "content-length", "content-encoding", "host", "expect", "via",
	"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "traceparent", "tracestate",
}

// single are fields whose readers would choose one of two each.
var single = []string{"authorization", "content-type", "content-location", "content-range", "location", "origin", "user-agent"}

// maxTransformText is how long the text of a body may be.
const maxTransformText = 64 << 10

func (v *checker) transform(path []any, t *Transform) {
	if t == nil {
		return
	}
	if len(t.Request)+len(t.Response) == 0 {
		v.add(path, "state request or response: without them nothing is changed")
	}
	for i := range t.Request {
		v.requestStep(at(path, "request", i), &t.Request[i])
	}
	for i := range t.Response {
		v.responseStep(at(path, "response", i), &t.Response[i])
	}
}

// idle is said of a step that changes nothing.
const idle = "changes nothing: say what it does"

func (v *checker) requestStep(item []any, s *RequestStep) {
	v.transformWhen(item, s.When)
	v.transformBody(item, s.Body, s.SetHeaders)
	switch {
	case s.Method == "":
	case s.Method == "HEAD":
		v.add(at(item, "method"), "HEAD is not for a policy to ask with: its caller waits for a body")
	default:
		v.method(at(item, "method"), s.Method)
	}
	if s.Path != "" && !strings.HasPrefix(s.Path, "/") && !strings.HasPrefix(s.Path, "${") {
		v.add(at(item, "path"), "%q must begin with a slash or with a variable", s.Path)
	}
	query := changes{s.RenameQuery, s.SetQuery, s.AddQuery, s.RemoveQuery}
	headers := changes{s.RenameHeaders, s.SetHeaders, s.AddHeaders, s.RemoveHeaders}
	if s.Method == "" && s.Path == "" && s.Body == nil && query.empty() && headers.empty() {
		v.add(item, idle)
	}
	v.changes(item, "query", query, func([]any, string) {})
	v.changes(item, "headers", headers, v.changedHeader)
}

func (v *checker) responseStep(item []any, s *ResponseStep) {
	v.transformWhen(item, s.When)
	v.transformBody(item, s.Body, s.SetHeaders)
	if s.Status != 0 && (s.Status < 200 || s.Status > 599) {
		v.add(at(item, "status"), "%d is not from 200 to 599", s.Status)
	}
	headers := changes{s.RenameHeaders, s.SetHeaders, s.AddHeaders, s.RemoveHeaders}
	if s.Status == 0 && s.Reason == "" && s.Body == nil && headers.empty() {
		v.add(item, idle)
	}
	v.changes(item, "headers", headers, v.changedHeader)
}

// changes are those of fields or parameters in one step.
type changes struct {
	rename, set, add []Setting
	remove           []string
}

func (c changes) empty() bool {
	return c.rename == nil && c.set == nil && c.add == nil && c.remove == nil
}

// changes checks that each name is meant once: a step has no order of its own.
func (v *checker) changes(item []any, what string, c changes, check func(path []any, name string)) {
	seen := map[string][]any{}
	once := func(path []any, name string) {
		if name == "" {
			v.add(path, "a name is missing")
			return
		}
		check(path, name)
		plain := name
		if what == "headers" {
			plain = twin(name)
		}
		if first := seen[plain]; first != nil {
			v.clash(path, first, "%s is changed twice in one step", name)
		}
		seen[plain] = path
	}
	for _, s := range c.rename {
		place := at(item, "rename_"+what, s.Name)
		if !s.Secret.IsZero() {
			v.add(place, "a name is no secret")
			continue
		}
		once(place, s.Name)
		once(place, s.Text)
	}
	for _, s := range c.set {
		once(at(item, "set_"+what, s.Name), s.Name)
	}
	for _, s := range c.add {
		place := at(item, "add_"+what, s.Name)
		if once(place, s.Name); what == "headers" && slices.Contains(single, twin(s.Name)) {
			v.add(place, "a message has one %s: set_headers sets it", s.Name)
		}
	}
	for i, name := range c.remove {
		once(at(item, "remove_"+what, i), name)
	}
}

// twin is a field's name as servers may read it: in small letters, and with every
// mark as a hyphen.
func twin(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && isAlphanumeric(byte(r)) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

// changedHeader checks a field that a policy sets or removes.
func (v *checker) changedHeader(path []any, name string) {
	switch plain := twin(name); {
	case !isToken(name):
		v.add(path, "%q is not a header name", name)
	case slices.Contains(framing, plain):
		v.add(path, "%s is not for a policy to change", name)
	}
}

func (v *checker) transformWhen(item []any, w *TransformWhen) {
	if w == nil {
		return
	}
	if len(w.All)+len(w.Any) == 0 {
		v.add(at(item, "when"), "state all or any: without when a step is always done")
	}
	for i := range w.All {
		v.condition(at(item, "when", "all", i), &w.All[i])
	}
	for i := range w.Any {
		v.condition(at(item, "when", "any", i), &w.Any[i])
	}
}

func (v *checker) condition(path []any, c *Condition) {
	if c.Variable == "" {
		v.add(at(path, "variable"), "missing: what is compared, such as ${request.headers.X-Client}")
	}
	stated := 0
	for _, is := range []bool{
		c.Exists != nil, c.Equals != nil, c.EqualsIgnoreCase != nil, c.NotEquals != nil, c.NotEqualsIgnoreCase != nil,
		c.Contains != "", c.Matches != "",
	} {
		if is {
			stated++
		}
	}
	if stated != 1 {
		v.add(path, "state one of exists, equals, equals_ignore_case, not_equals, not_equals_ignore_case, contains and matches")
	}
	if _, err := regexp.Compile(c.Matches); err != nil {
		v.add(at(path, "matches"), "is no regular expression: %v", err)
	}
}

func (v *checker) transformBody(item []any, b *TransformBody, headers []Setting) {
	if b == nil {
		return
	}
	path := at(item, "body")
	for _, s := range headers {
		if b.Text != "" && strings.EqualFold(s.Name, "Content-Type") {
			v.clash(at(item, "set_headers", s.Name), at(path, "text"), "content_type says what the text is")
		}
	}
	parts := len(b.JSON) + len(b.Remove)
	switch {
	case b.Text == "" && parts == 0:
		v.add(path, "state text, json or remove")
	case b.Text != "" && parts > 0:
		v.add(path, "state text, which is the whole body, or json and remove, which change it: two steps do both")
	case b.ContentType != "" && b.Text == "":
		v.add(at(path, "content_type"), "is that of text; set_headers changes it alone")
	}
	if len(b.Text) > maxTransformText {
		v.add(at(path, "text"), "is longer than 64KiB")
	}
	if b.ContentType != "" {
		v.transformType(at(path, "content_type"), b.ContentType)
	}
}

func (v *checker) transformType(path []any, contentType string) {
	media, parameters, err := mime.ParseMediaType(MediaType(contentType))
	switch charset := parameters["charset"]; {
	case err != nil || strings.Count(media, "/") != 1 || strings.Contains(media, "*"):
		v.add(path, "%q is not json, xml, text or a media type such as text/html%s", contentType, DidYouMean(contentType, []string{"json", "xml", "text"}))
	case charset != "" && !strings.EqualFold(charset, "utf-8"):
		v.add(path, "the text is written in UTF-8, not in %s", charset)
	}
}
