package admin_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

// FuzzBasic admits nobody whose header does not hold exactly the credentials.
func FuzzBasic(f *testing.F) {
	for _, header := range []string{basic("admin", "x"), basic("admin", ""), "Basic", "basic  ", "Bearer x", basic("", "x"), basic("admin:", "x")} {
		f.Add(header)
	}
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("x")
	h := admin.Handler(g.sources())
	f.Fuzz(func(t *testing.T, header string) {
		if do(h, "GET", "/metrics", "Authorization", header).StatusCode() == 401 {
			return
		}
		fields := strings.Fields(header)
		pair, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
		if err != nil || string(pair) != "admin:x" || !strings.EqualFold(fields[0], "Basic") {
			t.Errorf("admitted %q", header)
		}
	})
}
