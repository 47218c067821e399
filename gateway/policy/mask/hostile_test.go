package mask_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// wide is s in UTF-16, or UTF-32 with four bytes each, without a mark.
func wide(s string, size int, bigEndian bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		one := make([]byte, size)
		if bigEndian {
			one[size-2], one[size-1] = byte(unit>>8), byte(unit)
		} else {
			one[0], one[1] = byte(unit), byte(unit>>8)
		}
		b.Write(one)
	}
	return b.String()
}

// What a body is said to be does not choose the rules that hide parts of it: its
// reader may go by the body.
func TestNoLabelGetsPastRules(t *testing.T) {
	const secret, json, xml = "4111222233334444", `{"card":"4111222233334444"}`, `<o><card>4111222233334444</card></o>`
	card, xcard, digits := config.MaskRule{JSONPath: "$.card"}, config.MaskRule{XPath: "//card"}, config.MaskRule{Regex: "[0-9]{16}"}
	other := config.MaskRule{Regex: "never"}
	for _, tt := range []struct {
		name  string
		rules []config.MaskRule
		head  string
		body  string
	}{
		{"JSON as XML", []config.MaskRule{card, other}, "Content-Type: application/xml\r\n", json},
		{"XML as JSON", []config.MaskRule{xcard, other}, "Content-Type: application/json\r\n", xml},
		{"of two types, the second", []config.MaskRule{card, other}, "Content-Type: application/xml\r\nContent-Type: application/json\r\n", json},
		{"JSON as UTF-16", []config.MaskRule{digits}, "Content-Type: application/json; charset=utf-16le\r\n", json + " "},
		{"XML as UTF-16", []config.MaskRule{digits}, "Content-Type: text/xml; charset=utf-16be\r\n", xml},
		{"a text as UTF-16", []config.MaskRule{digits}, "Content-Type: text/plain; charset=utf-16\r\n", json + " "},
		{"a text with a mark of UTF-16", []config.MaskRule{digits}, "Content-Type: text/plain\r\n", "\xff\xfe" + json + " "},
		{"JSON in UTF-16", []config.MaskRule{digits}, "Content-Type: application/json\r\n", wide(json, 2, true)},
		{"a text in UTF-16 that says nothing", []config.MaskRule{digits}, "Content-Type: Text/Plain\r\n", wide(secret, 2, true)},
		{"JSON in UTF-16LE", []config.MaskRule{digits}, "Content-Type: application/json; charset=utf-8\r\n", wide(json, 2, false)},
		{"JSON in UTF-32", []config.MaskRule{digits}, "Content-Type: application/json\r\n", wide(json, 4, true)},
		{"JSON in UTF-32, marked", []config.MaskRule{digits}, "Content-Type: application/json\r\n", "\xff\xfe\x00\x00" + wide(json, 4, false)},
		{"JSON in UTF-16 as a text", []config.MaskRule{card, other}, "Content-Type: text/plain\r\n", wide(json, 2, true)},
		{"JSON in UTF-32 as a text, marked", []config.MaskRule{card, other}, "Content-Type: text/plain\r\n", "\x00\x00\xfe\xff" + wide(json, 4, true)},
		{"XML in UTF-16", []config.MaskRule{digits}, "Content-Type: application/xml\r\n", wide(xml, 2, false)},
		{"XML in UTF-7", []config.MaskRule{digits, xcard}, "Content-Type: application/xml; charset=utf-8\r\n", `<?xml version="1.0" encoding="UTF-7"?><o>+ADw-card+AD4-` + "4111" + `</o>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent := ""
			h, _ := policy(t, config.Mask{Request: tt.rules}, func(x *exchange.Exchange) error {
				b, err := io.ReadAll(x.Body)
				sent = string(b)
				return err
			})
			err := h(received(t, "POST", tt.head, tt.body))
			var p *problem.Problem
			if sent != "" && (strings.Contains(strings.ReplaceAll(sent, "\x00", ""), secret) || sent == tt.body) {
				t.Errorf("sent %q", sent)
			} else if sent == "" && !errors.As(err, &p) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What follows a coded body is a part of no body.
func TestNothingFollowsACodedBody(t *testing.T) {
	const tail = `{"card":"4111222233334444"}`
	for coding, body := range map[string]string{
		"gzip":    string(fasthttp.AppendGzipBytes(nil, []byte(`{}`))),
		"deflate": string(fasthttp.AppendDeflateBytes(nil, []byte(`{}`))),
		"br":      string(fasthttp.AppendBrotliBytes(nil, []byte(`{}`))),
		"zstd":    string(fasthttp.AppendZstdBytes(nil, []byte(`{}`))),
	} {
		t.Run(coding, func(t *testing.T) {
			sent := ""
			h, _ := policy(t, config.Mask{Request: []config.MaskRule{{JSONPath: "$.card"}}}, func(x *exchange.Exchange) error {
				b, err := io.ReadAll(x.Body)
				sent = string(b)
				return err
			})
			err := h(received(t, "POST", "Content-Type: application/json\r\nContent-Encoding: "+coding+"\r\n", body+tail))
			if !errors.Is(err, problem.BadRequest) || sent != "" {
				t.Errorf("%v, sent %q", err, sent)
			}
		})
	}
}
