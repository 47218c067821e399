package provisioning_test

import (
	"os"
	"strings"
	"testing"

	"postern/provisioning"
	"postern/provisioning/config"
	"postern/provisioning/settings"
)

// Variables of webMethods Microgateway: what they set, and what is said of them.
func TestVendorEnvironment(t *testing.T) {
	const onTraffic = ": warning: is true, as webMethods has it: status and assets are on the ports of the APIs too; say true or false"
	const stranger = ": warning: without a user every caller can see the status and the names of the APIs"
	for _, tt := range []struct {
		variable string
		holds    func(c *config.Config) bool
		says     []string // "" is the variable
		faulty   bool
	}{
		{variable: "mcgw_ports_http=4486", holds: func(c *config.Config) bool { return c.Ports.HTTP == ":4486" }, says: []string{onTraffic, stranger}},
		{variable: "mcgw_logging_level=TRACE", holds: func(c *config.Config) bool { return c.Logging.Level == "debug" }, says: []string{onTraffic, stranger, ": warning: TRACE is debug here"}},
		{variable: "mcgw_api_endpoint_base_path=/x", holds: func(c *config.Config) bool { return *c.APIEndpoint.BasePath == "/x" }, says: []string{onTraffic, stranger}},
		{variable: "mcgw_api_endpoint_access_url=http://x:1", says: []string{onTraffic, stranger, ": warning: not acted on: nobody is told under which address the APIs are reached"}},
		{variable: "mcgw_microgatewayPool_microgatewayPoolName=a", says: []string{onTraffic, stranger, ": warning: not acted on: this gateway is in no pool: it does not register with the central gateway"}},
		{variable: "MCGW_GATEWAY_DESTINATION_SENDERROREVENT=true", says: []string{onTraffic, stranger, ": warning: not acted on: no events go to the central gateway: say es_destination, or destinations"}},
		{variable: "mcgw_policies_user_auth=internal", says: []string{onTraffic, stranger}},
		{variable: "mcgw_policies_user_auth=delegated", says: []string{onTraffic, stranger, ": warning: nobody is asked about users: they are those of users, and of users.cnf in api_gateway.dir"}},
		{variable: "mcgw_policies_user_auth=both", faulty: true, says: []string{`: "both" is neither internal nor delegated`}},
		{variable: "mcgw_faults_default_error_message=no", holds: func(c *config.Config) bool { return c.Faults.Default.Body == `{"Exception":"no"}` }, says: []string{onTraffic, stranger}},
		{variable: "mcgw_es_destination_hostName=127.0.0.1", holds: func(c *config.Config) bool { return c.Destinations[0].Elasticsearch.URL == "http://127.0.0.1" }, says: []string{onTraffic, stranger}},
		{variable: "mcgw_api_gateway_url=central:5555", faulty: true, says: []string{`: "url" is not supported yet`}},
		{variable: "mcgw_downloads_apis=orders", faulty: true, says: []string{`: "downloads" is not supported yet`}},
		{variable: "mcgw_applications_sync_enabled=true", faulty: true, says: []string{`: "applications_sync" is not supported yet`}},
		{variable: "mcgw_aliases_be_url_value=http://other:1", holds: func(c *config.Config) bool {
			return c.Aliases[0].Name == "be_url" && c.Aliases[0].Value == "http://other:1"
		}, says: []string{onTraffic, stranger}},
		{variable: "mcgw_aliases_be_url_type=simpel", faulty: true, says: []string{`: "simpel" is not one of simple, endpoint or httpTransportSecurityAlias; did you mean "simple"?`}},
		{variable: "mcgw_aliases_be_url_color=red", faulty: true, says: []string{": names no setting"}},
		{
			variable: "mcgw_ports_https=7749", holds: func(c *config.Config) bool { return c.TLS.SelfSigned && c.Ports.HTTPS == ":7749" },
			says: []string{onTraffic, stranger, ": warning: is true, since there is no certificate: say key_store, or tls"},
		},
		{variable: "mggw_ports_http=4486", says: []string{`: warning: is not read; did you mean "mcgw_ports_http"?`}},
		{variable: "mggw_something=4486"},
		{variable: "mcgw_port_http=1", faulty: true, says: []string{`: names no setting; did you mean "mcgw_ports_http"?`}},
	} {
		t.Run(tt.variable, func(t *testing.T) {
			workIn(t, map[string]string{"a.yaml": oneAPI("a")})
			loaded, err := load([]string{tt.variable}, "a.yaml")
			if (err != nil) != tt.faulty {
				t.Fatalf("loading: %v", err)
			}
			name, _, _ := strings.Cut(tt.variable, "=")
			if !tt.faulty {
				err = loaded.Warnings
			}
			for _, want := range tt.says {
				if line := "environment: " + name + want; !strings.Contains(err.Error()+"\n", line+"\n") {
					t.Errorf("want %q in\n%v", line, err)
				}
			}
			if !tt.faulty && len(loaded.Warnings) != len(tt.says) {
				t.Errorf("%d warnings, want %d:\n%v", len(loaded.Warnings), len(tt.says), err)
			}
			if tt.holds != nil && !tt.holds(loaded.Config) {
				t.Errorf("not so: %+v", loaded.Config)
			}
		})
	}
}

// The command line wins over the environment, and that over files.
func TestPrecedence(t *testing.T) {
	workIn(t, map[string]string{"a.yaml": "ports: {http: 1}\nlogging: {level: debug}\nadmin_api: {user: file, password: x}\n" + oneAPI("a")})
	loaded, err := provisioning.Load(provisioning.Sources{
		Paths:     []string{"a.yaml"},
		Environ:   []string{"POSTERN_PORTS_HTTP=2", "POSTERN_LOGGING_LEVEL=error"},
		Arguments: []settings.Argument{{Option: "-p", Path: "ports.http", Value: "3"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := loaded.Config; c.Ports.HTTP != ":3" || c.Logging.Level != "error" || c.AdminAPI.User != "file" || c.AdminAPI.OnTrafficPort {
		t.Errorf("got %+v", c)
	}

	_, err = provisioning.Load(provisioning.Sources{
		Paths:     []string{"a.yaml"},
		Arguments: []settings.Argument{{Option: "-p", Path: "ports.http", Value: "many"}, {Option: "-x", Path: "ports.htp", Value: "1"}},
	}, nil)
	wantReport(t, err, `command line: -p: "many" is not a port, ip:port or none`, "command line: -x: names no setting")
}

// Variables of webMethods need no file; those of a Kubernetes Service are none.
func TestVendorWithoutFile(t *testing.T) {
	for variable, want := range map[string]bool{"mcgw_ports_http=1": true, "MCGW_SERVICE_HOST=10.0.0.1": false, "POSTERN_PORTS_HTTP=1": false} {
		t.Run(variable, func(t *testing.T) {
			workIn(t, nil)
			if _, err := load([]string{variable}); (err == nil) != want {
				t.Errorf("loaded: %v", err)
			}
		})
	}
}

// A folder that is emptied takes no API along, whoever's settings these are.
func TestVendorFolderIsEmptied(t *testing.T) {
	workIn(t, map[string]string{"d/a.yaml": oneAPI("a")})
	from := provisioning.Sources{Paths: []string{"d"}, Environ: []string{"mcgw_ports_http=1"}}
	loaded, err := provisioning.Load(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("d/a.yaml"); err != nil {
		t.Fatal(err)
	}
	_, err = provisioning.Load(from, loaded.Config)
	wantReport(t, err, "d: the directory holds no *.yaml or *.yml file")
	if _, err := provisioning.Load(from, nil); err != nil {
		t.Errorf("at the start: %v", err)
	}
}

// A command line of webMethods has the operator's paths where that has them.
func TestVendorCommandLine(t *testing.T) {
	for file, want := range map[string]bool{"open.yaml": true, "said.yaml": false} {
		workIn(t, map[string]string{"open.yaml": oneAPI("a"), "said.yaml": "admin_api: {on_traffic_port: false}\n" + oneAPI("a")})
		loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{file}, Vendor: true}, nil)
		if err != nil || loaded.Config.AdminAPI.OnTrafficPort != want {
			t.Errorf("%s: %v, %v", file, loaded.Config, err)
		}
	}
}
