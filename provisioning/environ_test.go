package provisioning_test

import (
	"testing"

	"postern/provisioning/config"
)

func TestEnvironment(t *testing.T) {
	workIn(t, map[string]string{
		"a.yaml": "limits: {connections: 5, header_size: 2KiB}\ntrusted_proxies: [192.0.2.0/24]\nadmin_api: {user: a, password: {env: POSTERN_PASSWORD}}\n",
	})
	loaded, err := load([]string{
		"mcgw_ports_http=4486", "POSTERN_LIMITS_CONNECTIONS=9", "Mcgw_Logging_LEVEL=ERROR", "POSTERN_LOGGING_ACCESS=false",
		"POSTERN_TRUSTED_PROXIES=10.0.0.0/8, 10.1.2.3", "POSTERN_TOKENS_CACHE_SIZE=1MiB", "POSTERN_API_ENDPOINT_BASE_PATH=",
		"POSTERN_SHUTDOWN_DELAY=none", "POSTERN_PASSWORD=" + marker, "UNRELATED=1", "mcgw=1",
	}, "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg := loaded.Config
	checks := map[string]bool{
		"port":                       cfg.Ports.HTTP == ":4486",
		"beats the file":             cfg.Limits.Connections == 9,
		"leaves the rest alone":      cfg.Limits.HeaderSize == 2<<10,
		"any case":                   cfg.Logging.Level == "error" && cfg.Logging.Access == config.AccessNone,
		"a list replaces the file's": len(cfg.TrustedProxies) == 2 && cfg.TrustedProxies[1].String() == "10.1.2.3/32",
		"nested":                     cfg.Tokens.Cache.Size == 1<<20,
		"empty where that counts":    *cfg.APIEndpoint.BasePath == "",
		"a word":                     cfg.Shutdown.Delay == config.None,
		"asked for by env":           cfg.AdminAPI.Password.Equal(marker),
	}
	for name, ok := range checks {
		if !ok {
			t.Errorf("%s: got %+v", name, cfg)
		}
	}
}

func TestEnvironmentFaults(t *testing.T) {
	workIn(t, map[string]string{"a.yaml": "limits: {connections: 5}\n", "b.yaml": "limits: fast\n"})
	for name, test := range environments() {
		t.Run(name, func(t *testing.T) {
			_, err := load(test.environ, test.file)
			wantReport(t, err, test.want...)
		})
	}
}

// environment is what variables, beside a file, should be reported as.
type environment struct {
	environ []string
	file    string
	want    []string
}

func environments() map[string]environment {
	return map[string]environment{
		"no such setting": {
			[]string{"mcgw_port_http=1"},
			"a.yaml",
			[]string{`environment: mcgw_port_http: names no setting; did you mean "mcgw_ports_http"?`},
		},
		"not reachable without an index": {
			[]string{"POSTERN_APIS=x", "POSTERN_APIS_0_NAME=x"},
			"a.yaml",
			[]string{"environment: POSTERN_APIS: names no setting", "environment: POSTERN_APIS_0_NAME: names no setting"},
		},
		"twice": {
			[]string{"mcgw_ports_http=1", "POSTERN_PORTS_HTTP=1"},
			"a.yaml",
			[]string{"environment: mcgw_ports_http: POSTERN_PORTS_HTTP sets the same"},
		},
		"a bad value": {
			[]string{"POSTERN_LIMITS_CONNECTIONS=many", "POSTERN_LIMITS_IDLE_TIMEOUT="},
			"a.yaml",
			[]string{`environment: POSTERN_LIMITS_CONNECTIONS: "many" is not a number`, "environment: POSTERN_LIMITS_IDLE_TIMEOUT: is empty"},
		},
		"a bad item of a list": {
			[]string{"POSTERN_TRUSTED_PROXIES=10.0.0.0/8,x"},
			"a.yaml",
			[]string{`environment: POSTERN_TRUSTED_PROXIES: "x" is not an address or a range such as 10.0.0.0/8`},
		},
		"a value that does not go with others": {
			[]string{"POSTERN_PORTS_HTTPS=8443", "POSTERN_LOGGING_LEVEL=loud"},
			"a.yaml",
			[]string{
				`environment: POSTERN_LOGGING_LEVEL: "loud" is not one of debug, info, warn or error`,
				"environment: POSTERN_PORTS_HTTPS: https needs tls.certificates",
			},
		},
		"a fault of a file is not papered over": {
			[]string{"POSTERN_LIMITS_CONNECTIONS=9"},
			"b.yaml",
			[]string{"b.yaml:1:9: limits: must be a mapping, {key: value} or lines of key: value, is text"},
		},
		"what Kubernetes makes for a Service of our name": {
			[]string{
				"POSTERN_SERVICE_HOST=10.0.0.1", "POSTERN_SERVICE_PORT=80", "POSTERN_SERVICE_PORT_HTTP=80", "POSTERN_PORT=tcp://10.0.0.1:80",
				"POSTERN_PORT_80_TCP=tcp://10.0.0.1:80", "POSTERN_PORT_80_TCP_PROTO=tcp", "POSTERN_PORT_80_TCP_PORT=80", "POSTERN_PORT_80_TCP_ADDR=10.0.0.1",
				"MCGW_PORT_53_UDP=udp://10.0.0.1:53", "POSTERN_EDGE_PORT=sctp://10.0.0.1:9",
			}, "a.yaml", nil,
		},
		"what only looks like it": {
			[]string{"POSTERN_PORT=80", "POSTERN_PORT_80_HTTP=x"},
			"a.yaml",
			[]string{"environment: POSTERN_PORT: names no setting", `environment: POSTERN_PORT_80_HTTP: names no setting; did you mean "POSTERN_PORTS_HTTP"?`},
		},
	}
}
