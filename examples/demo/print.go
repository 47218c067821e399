package demo

import (
	"fmt"
	"io"
	"strings"
)

// introduce prints what is running, and the same requests that play makes as
// lines to paste into a shell.
func (s *stage) introduce(out io.Writer) error {
	t, err := newTokens(s.issuer)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Gateway   %s\nAdmin     %s/readyz  /metrics  /rest/microgateway/status\n", s.traffic(), s.admin())
	fmt.Fprintf(&b, "Issuer    %s\nUpstream  %s\nSettings  %s\n", s.issuer.url, s.upstream.url, s.path)
	b.WriteString("\nEdit the settings while it runs; Ctrl-C ends it. Paste:\n")
	for _, step := range requests(t) {
		fmt.Fprintf(&b, "\n# %s: %s\n%s\n", step.name, step.want, curl(s.traffic()+step.path, step.token))
	}
	fmt.Fprintf(&b, "\n# a new signing key, and a token of it: the tokens above end\n")
	fmt.Fprintf(&b, "curl -s -X POST %[1]s/rotate; TOKEN=$(curl -s '%[1]s/token?scope=orders:read')\n%s\n",
		s.issuer.url, curl(s.traffic()+"/gateway/orders/1.0/orders/7", "$TOKEN"))
	_, err = io.WriteString(out, b.String())
	return err
}

func curl(url, token string) string {
	if token == "" {
		return "curl -i " + url
	}
	return fmt.Sprintf(`curl -i -H "Authorization: Bearer %s" %s`, token, url)
}
