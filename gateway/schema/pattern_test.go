package schema_test

import (
	"encoding/json"
	"testing"

	"postern/gateway/schema"
)

// good reports whether a text is good by a schema of one keyword.
func good(t *testing.T, keyword, value, text string) bool {
	t.Helper()
	source, err := json.Marshal(map[string]string{keyword: value})
	if err != nil {
		t.Fatal(err)
	}
	return schema.NewCheck(schema.Request).Value(mustCompile(t, string(source), false), "", text)
}

func TestPatternsOfECMA262(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{`^\/a\-b$`, "/a-b", true},
		{`^\u00e9$`, "é", true},
		{`^\u{1F600}$`, "😀", true},
		{`^\ud83d\ude00$`, "😀", true},
		{`^\cJ$`, "\n", true},
		{`^\s$`, "\u00a0", true},
		{`^[\s]$`, "\ufeff", true},
		{`^\S$`, "\u2003", false},
		{`^a.b$`, "a\rb", false},
		{`^a.b$`, "aéb", true},
		{`^[.]$`, "x", false},
		{`^[^]$`, "\n", true},
		{`[]`, "a", false},
		{`^[[]$`, "[", true},
		{`^[[:alpha:]]$`, "a]", true},
		{`^[^a\]]$`, "]", false},
		{`^(?<year>\d{4})$`, "2026", true},
		{`^(?:ab)+$`, "abab", true},
		{`^a$`, "a\n", false},
		{`^\0$`, "\x00", true},
		{`^[\b]$`, "\b", true},
		{`^\p{Lu}$`, "Ä", true},
		{`^\w$`, "ä", false},
		{`\.`, "a", false},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			if got := good(t, "pattern", tt.pattern, tt.text); got != tt.want {
				t.Errorf("%q: %v", tt.text, got)
			}
		})
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for _, pattern := range []string{
		`(?!a)b`, `(?<=a)b`, `(?<!a)b`, `(?i)a`, `(?P<a>b)`, `\k<a>`, `\a`, `\Qa`, `\z`, `a\`, `\u12`, `\u{110000}`, `\u{12`, `\c1`,
		`[\S]`, `(`, `a**`, `[b-a]`, `\x{41}\`,
	} {
		source, _ := json.Marshal(map[string]string{"pattern": pattern})
		if _, problems := compile(t, string(source), false); len(problems) != 1 {
			t.Errorf("%s: %v", pattern, problems)
		}
	}
}

func TestFormats(t *testing.T) {
	for format, texts := range map[string]struct{ good, bad []string }{
		"date-time": {
			[]string{"2026-11-25T02:00:00Z", "2026-11-25t02:00:00.123456789+01:00", "1998-12-31T23:59:60Z", "1998-12-31T15:59:60.1-08:00"},
			[]string{"", "2026-11-25", "2026-11-25T02:00Z", "2026-11-25T02:00:00", "2026-11-25T02:00:00,5Z", "2026-13-01T00:00:00Z", "1998-12-31T22:59:60Z", "2026-11-25 02:00:00Z"},
		},
		"date":          {[]string{"2024-02-29"}, []string{"2026-02-29", "26-01-01", "2026-1-1"}},
		"time":          {[]string{"02:00:00Z", "23:59:59.5+00:30"}, []string{"02:00:00", "24:00:00Z"}},
		"email":         {[]string{"a@example.com", "a.b+c@x", `"a b"@example.com`, "a@[127.0.0.1]", "a@[IPv6:::1]"}, []string{"", "a", "@a", "a@", "a..b@c", ".a@b", "a b@c", "a@b_c", "a@[1]", "a@b@c d"}},
		"hostname":      {[]string{"example.com", "a", "1.2"}, []string{"", "-a", "a-.b", "a..b", "a_b", "ä.de", "a."}},
		"ipv4":          {[]string{"127.0.0.1"}, []string{"127.0.0.01", "1.2.3", "::1", "1.2.3.256"}},
		"ipv6":          {[]string{"::1", "::ffff:1.2.3.4"}, []string{"1.2.3.4", "fe80::1%a", ":::"}},
		"uri":           {[]string{"https://a.example/b?c#d", "urn:a:b"}, []string{"/a", "a b:c", "http://a/ä", "http://[::1"}},
		"uri-reference": {[]string{"/a", "", "https://a"}, []string{"a b", "\\a", "%zz"}},
		"uuid":          {[]string{"2EB8AA08-AA98-11EA-B4AA-73B441D16380"}, []string{"2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g"}},
		"json-pointer":  {[]string{"", "/a/b~1c~0"}, []string{"a", "/~2", "/~"}},
		"byte":          {[]string{"", "YWI="}, []string{"YWI", "YW I=", "_-=="}},
	} {
		for _, text := range texts.good {
			if !good(t, "format", format, text) {
				t.Errorf("%q is no %s", text, format)
			}
		}
		for _, text := range texts.bad {
			if good(t, "format", format, text) {
				t.Errorf("%q is a %s", text, format)
			}
		}
	}
}

func TestFormatsOfNumbers(t *testing.T) {
	for _, tt := range []struct {
		format, value string
		want          bool
	}{
		{"int32", "-2147483648", true},
		{"int32", "-2147483649", false},
		{"int32", "1.5", false},
		{"int64", "9223372036854775807", true},
		{"int64", "9223372036854775808", false},
		{"double", "1e308", true},
		{"double", "1e309", false},
		{"float", "1e39", false},
		{"int32", `"99999999999"`, true},
		{"date", "5", true},
	} {
		s := mustCompile(t, `{"format": "`+tt.format+`"}`, false)
		if got := schema.NewCheck(schema.Request).Value(s, "", parse(t, tt.value)); got != tt.want {
			t.Errorf("%s as %s: %v", tt.value, tt.format, got)
		}
	}
}
