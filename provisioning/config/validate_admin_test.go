package config_test

import (
	"testing"

	"postern/provisioning/config"
)

// Nobody beyond this host reaches the admin listener without credentials,
// however its address is written.
func TestAdminListenerBeyondLoopback(t *testing.T) {
	for listen, reachable := range map[string]bool{
		"127.0.0.1:9485": false, "127.0.0.2:9485": false, "[::1]:9485": false, "[::ffff:127.0.0.1]:9485": false,
		"0.0.0.0:9485": true, "[::]:9485": true, "[::ffff:0.0.0.0]:9485": true, "[0:0:0:0:0:0:0:0]:9485": true,
		"10.0.0.1:9485": true, "[fe80::1%eth0]:9485": true, "169.254.1.1:9485": true,
		// Not an address that is listened on at all, with or without credentials.
		":9485": true, "localhost:9485": true, "gateway.internal:9485": true, "9485": true, "*:9485": true, "0:9485": true, "127.1:9485": true,
	} {
		t.Run(listen, func(t *testing.T) {
			c := &config.Config{AdminAPI: config.AdminAPI{Listen: listen}}
			c.SetDefaults()
			refused := false
			for _, fault := range c.Validate() {
				refused = refused || config.PathString(fault.Path) == "admin_api.listen" && !fault.Warning
			}
			if refused != reachable {
				t.Errorf("refused: %v, want %v", refused, reachable)
			}
		})
	}
}
