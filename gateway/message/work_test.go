package message_test

import (
	"errors"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// What patterns within expressions look at is bounded as that of patterns alone,
// and long attributes are counted as long texts are.
func TestPatternsInExpressionsAreBounded(t *testing.T) {
	const heavy = "(a?){60}b{60}"
	text := strings.Repeat("a", 400_000)
	nested := "<r>" + strings.Repeat("<a>", 90) + text + strings.Repeat("</a>", 90) + "</r>"
	for _, tt := range []struct {
		name string
		rule config.MaskRule
		as   message.Form
		body string
		want error
	}{
		{"matches", config.MaskRule{XPath: "//*[matches(., '" + heavy + "')]"}, message.AsXML, nested, message.ErrTooMuch},
		{"matches of little", config.MaskRule{XPath: "//*[matches(., '^[0-9]{4}$')]"}, message.AsXML, "<r><a>1234</a></r>", nil},
		{"an attribute", config.MaskRule{XPath: "//x[contains(/r/@ids, 'b')]"}, message.AsXML, `<r ids="` + text + `">` + strings.Repeat("<x/>", 10_000) + "</r>", message.ErrTooMuch},
		{"match", config.MaskRule{JSONPath: "$[?search(@.a, '" + heavy + heavy + heavy + "')]"}, message.AsJSON, `[{"a":"` + text + `"}]`, message.ErrTooMuch},
		{"an operator", config.MaskRule{JSONPath: "$[?(@.a =~ /" + heavy + heavy + heavy + "/)]"}, message.AsJSON, `[{"a":"` + text + `"}]`, message.ErrTooMuch},
		{"match of little", config.MaskRule{JSONPath: "$[?match(@.a, '[0-9]{4}')]"}, message.AsJSON, `[{"a":"1234"}]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := message.New(1<<20, 1<<26)
			x := posted(t, "text/plain", tt.body)
			m, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			if _, n, err := m.Mask(masking(t, tt.rule), tt.as); !errors.Is(err, tt.want) || tt.want == nil && n != 1 {
				t.Errorf("%d values, %v", n, err)
			}
			x.Finish(exchange.End{})
		})
	}
	for _, rule := range []config.MaskRule{
		{XPath: "//*[matches(., 'a{1000}b{1000}')]", With: "x"},
		{JSONPath: "$[?match(@.a, 'a{1000}b{1000}')]", With: "x"},
	} {
		if _, err := message.NewMasking(&rule); err == nil || !strings.HasSuffix(err.Error(), "too large a regular expression") {
			t.Errorf("%v: %v", rule, err)
		}
	}
}
