package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No command repeats a secret, however the configuration or the environment
// around it is wrong.
func TestCommandsShowNoSecret(t *testing.T) {
	const marker = "s3cr3tm4rk3r"
	admin := func(password string) string {
		return strings.Replace(open, `{listen: "127.0.0.1:0"}`, `{listen: "127.0.0.1:0", user: op, password: `+password+"}", 1)
	}
	for _, tt := range []struct{ name, text, environ string }{
		{"plain", admin(marker) + "more: x\n", ""},
		{"quote left open", admin(`"` + marker), ""},
		{"in braces", admin("{" + marker + ": x}"), ""},
		{"a tag", admin("!" + marker + " x"), ""},
		{"an anchor", admin("*" + marker), ""},
		{"not base64", admin(`"{encoded}` + marker + `!"`), ""},
		{"a key beside it", admin(marker + ", pasword: x"), ""},
		{"a tab after it", admin("|\n  " + marker + "\n\tx"), ""},
		{"a list", admin("[" + marker + "]"), ""},
		{"an address", strings.Replace(open, "http://127.0.0.1:9", "http://u:"+marker+"@h/", 1), ""},
		{"an address' port", strings.Replace(open, "http://127.0.0.1:9", "http://h:"+marker, 1), ""},
		{"a warning beside it", admin(marker+", on_traffic_port: true") + "logging: {mask: [x]}\n", ""},
		{"a variable that names no setting", open, "POSTERN_ADMIN_API_PASWORD"},
		{"a variable for a section", open, "POSTERN_ADMIN_API"},
		{"a variable without its user", open, "POSTERN_ADMIN_API_PASSWORD"},
		{"a variable twice", open, "mcgw_ADMIN_API_PASSWORD POSTERN_ADMIN_API_PASSWORD"},
		{"another variable", open + "more: x\n", "UNRELATED"},
		{"a key file", open + "tls: {certificates: [{certificate: broken.pem, key: broken.pem}]}\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "broken.pem"), []byte("-----BEGIN PRIVATE KEY-----\n"+marker+"\n-----END PRIVATE KEY-----\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for name := range strings.FieldsSeq(tt.environ) {
				t.Setenv(name, marker)
			}
			for _, args := range [][]string{{"check"}, {"check", "--json"}, {"check", "--strict"}, {"run"}} {
				if args[0] == "run" && strings.Contains(tt.name, "warning") {
					continue // it would serve
				}
				code, out, stderr := command(t, append(args, "-c", path)...)
				if out+stderr == "" || code != 1 && args[0] == "run" {
					t.Errorf("%v: exit code %d, nothing to look at: %q", args, code, out+stderr)
				}
				if strings.Contains(out+stderr, marker) {
					t.Errorf("%v shows the secret: %s%s", args, out, stderr)
				}
			}
		})
	}
}
