package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// settings is the configuration the demonstration runs with.
const settings = `# Edit and save: the running gateway takes it over, or says what is wrong with
# it and goes on as before.
ports: {http: "127.0.0.1:0"}              # 0 takes a free port
admin_api: {listen: "127.0.0.1:0"}
logging: {level: warn, access: false}     # info tells of edits taken over too, access: true of every request

auth_servers:
- name: demo
  issuer: %[1]s
  local_introspection: {discovery: true}  # finds the key set, keeps it fresh
  audience: {any: [orders]}

apis:
- name: orders
  version: "1.0"                          # answers below /gateway/orders/1.0
  upstream: {targets: [{url: "%[2]s"}]}
  resources:
  - {path: /orders, methods: [GET, POST]}
  - {path: "/orders/{id}", methods: [GET, DELETE]}
  policies:
    identify: {by: [jwt], applications: none, claim_headers: {X-User: sub}}
    authorize: {token_scopes: {any: ["orders:read"]}}
`

// lastResource is the line below which addStock adds one.
const lastResource = `  - {path: "/orders/{id}", methods: [GET, DELETE]}` + "\n"

// addStock is the live edit: one more resource.
func addStock(text string) string {
	return strings.Replace(text, lastResource, lastResource+"  - {path: /stock, methods: [GET]}\n", 1)
}

// writeSettings puts text at path in one step, as an editor does: whoever reads
// meanwhile sees the old file or the new one.
func writeSettings(path, text string) error {
	next := path + "~"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("replace settings: %w", err)
	}
	return nil
}

// newSettings writes the first version into a directory of its own.
func newSettings(text string) (path string, err error) {
	dir, err := os.MkdirTemp("", "postern-demo-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the settings: %w", err)
	}
	path = filepath.Join(dir, "postern.yaml")
	return path, writeSettings(path, text)
}
