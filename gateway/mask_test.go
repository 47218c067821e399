package gateway

import (
	"bytes"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

func TestMask(t *testing.T) {
	m := newMasker([]string{"Code", "x-key"})
	for query, want := range map[string]string{
		"":                                 "",
		"a=b&c":                            "a=b&c",
		"access_token=s":                   "access_token=***",
		"a=b&access_token=s&c=d":           "a=b&access_token=***&c=d",
		"access_token=s&access_token=s":    "access_token=***&access_token=***",
		"a=b;access_token=s;c=d":           "a=b;access_token=***;c=d",
		"ACCESS_Token=s":                   "ACCESS_Token=***",
		"access%5Ftoken=s":                 "access%5Ftoken=***",
		"%61%63%63%65ss_token=s":           "%61%63%63%65ss_token=***",
		"%2561ccess_token=s":               "%2561ccess_token=***",
		"%25252525252561ccess_token=s":     "***",
		"access_token=s=s":                 "access_token=***",
		"access_token=":                    "access_token=***",
		"access_token[]=s":                 "access_token[]=***",
		"user[access_token]=s":             "user[access_token]=***",
		"access_token%5B0%5D=s":            "access_token%5B0%5D=***",
		"access_token%3Ds":                 "***",
		"access_token%3Ds=s":               "***",
		"+access_token+=s":                 "***",
		"to=https%3A%2F%2Fh%2F%3Fcode%3Ds": "to=***",
		`j={"code":"s"}`:                   "j=***",
		"a=1%26access_token=s":             "a=***",
		"a=1%3baccess_token%3Ds":           "a=***",
		"code=s&CODE=s":                    "code=***&CODE=***",
		"X-Key=s":                          "X-Key=***",
		"scope=access_token":               "scope=access_token",
		"encode=x&codes=y&my_code=z":       "encode=x&codes=y&my_code=z",
		"access_token":                     "access_token",
		"%":                                "%",
		"&&;":                              "&&;",
		"access.token=s&access+token=s":    "access.token=***&***",
		"+access%20token=s&access[token=s": "***&access[token=***",
		"access%u005Ftoken=s":              "access%u005Ftoken=***",
		"access%u005=s&%u&%u00":            "access%u005=s&%u&%u00",
		"xaccess_token=s&a=access-token=b": "xaccess_token=s&a=access-token=b",
	} {
		var room []byte
		if got := string(m.append(nil, []byte(query), &room)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestMaskPath(t *testing.T) {
	m := newMasker([]string{"code"})
	for path, want := range map[string]string{
		"/a/b":                        "/a/b",
		"/code/7/access_token/x":      "/code/7/access_token/x",
		"/a%20b/code/7":               "/a%20b/code/7",
		"/a;v=1/code/7":               "/a;v=***",
		"/a;access_token=s":           "/a;access_token=***",
		"/a;v=1;code=s/b":             "/a;v=1;code=***",
		"/a%3Fcode=s":                 "/a***",
		"/a%3fcode%3ds":               "/a***",
		"/a%253Fcode%253Ds":           "/a***",
		"/a/b%3Bv=1&access%5Ftoken=s": "/a/b%3Bv=1&access%5Ftoken=***",
		"/a;v=1/x%20y;access_token=":  "/a;v=1/x%20y;access_token=***",
		"/%ff%":                       "/%ff%",
	} {
		var room []byte
		if got := string(m.appendPath(nil, []byte(path), &room)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestLinesHideParametersOfThePath(t *testing.T) {
	for _, format := range []string{"json", "combined"} {
		f := newLineFormat(config.Logging{Format: format}, "key")
		x := &exchange.Exchange{HTTP: &fasthttp.RequestCtx{}, Path: []byte("/a;key=S3CR3T")}
		x.HTTP.Request.Header.Set("Referer", "https://h/b;key=S3CR3T")
		line := string(f.append(nil, x, exchange.End{Status: 200}, new(scratch)))
		if strings.Contains(line, "S3CR3T") || !strings.Contains(line, "/a;key=***") {
			t.Errorf("%s: %s", format, line)
		}
	}
}

// What is not hidden is as it was, and a value that belongs to a hidden name is
// never there, however both are written.
func FuzzMask(f *testing.F) {
	for _, seed := range []string{"a=b", "access_token", "%61ccess_token=", "a;b=%25", "x=%3F", "[", "=access%5ftoken"} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(3))
	}
	m := newMasker(nil)
	f.Fuzz(func(t *testing.T, around string, escapes uint8) {
		const secret = "S3CR3T"
		if strings.Contains(around, secret) {
			t.Skip()
		}
		var room []byte
		if got := m.append(nil, []byte(around), &room); !bytes.Contains(got, []byte(hidden)) && string(got) != around {
			t.Errorf("%q became %q", around, got)
		}
		name := "access_token"
		for range escapes % 7 {
			name = strings.NewReplacer("%", "%25", "a", "%61", "_", "%5F").Replace(name)
		}
		query := around + "&" + name + "=" + secret + "&" + around
		if got := m.append(nil, []byte(query), &room); bytes.Contains(got, []byte(secret)) {
			t.Errorf("%q became %q", query, got)
		}
	})
}
