package archive_test

import (
	"strings"
	"testing"

	"postern/provisioning/archive"
)

// second is a policy of the shop with two actions more.
const second = `{"enforcementObjectId":"iam"},{"enforcementObjectId":"extra"},{"enforcementObjectId":"more"}`

// TestTwoOfAKind: of two actions at one place both are in force, or the API is left
// out.
func TestTwoOfAKind(t *testing.T) {
	const (
		origins = `[{"corsAttributes":[{"allowedOrigins":["https://a"]}]}]`
		log     = `[{"storeRequestHeaders":["true"]}]`
		masks   = `[{"jpathMasking":[{"maskingCriteria":[{"action":["$.a"]}]}]}`
		nobody  = `[{"transportSecurity":[{"authType":["NONE"]}]}]`
	)
	for _, tt := range []struct {
		name, key, one, two string
		want                string // of the bundle; "": the API is left out
	}{
		{"cors", "cors", origins, origins, ""},
		{"users", "authorizeUser", `[{"users":["a"]}]`, `[{"users":["b"]}]`, ""},
		{"no users", "authorizeUser", `[]`, `[]`, ""},
		{"protocols", "entryProtocolPolicy", `[{"protocol":["http"]}]`, `[{"protocol":["https"]}]`, ""},
		{"endpoints", "straightThroughRouting", `[{"endpointUri":["http://b"]}]`, `[{"endpointUri":["http://c"]}]`, ""},
		{"ways", "evaluatePolicy", `[{"IdentificationRule":[{"identificationType":["apiKey"]}]}]`, `[]`, ""},
		{"caches", "serviceResultCache", `[{"ttl":["1m"]}]`, `[{"ttl":["2m"]}]`, ""},
		{"credentials", "outboundTransportAuthentication", nobody, nobody, ""},
		{"masks", "requestDataMasking", masks + `]`, masks + `,{"applyForPayload":["false"]}]`, ""},
		{"logs", "logInvocation", log, log, "invocationlog:\n            - when: always\n              request:\n                headers: true\n            - when: always"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := shop()
			const policy = "API/API.a1/Policy/Policy.p1/Policy.p1"
			files[policy] = strings.Replace(files[policy], `{"enforcementObjectId":"iam"}`, second, 1)
			files["PolicyAction.extra"], files["PolicyAction.more"] = actionOf(t, tt.key, tt.one), actionOf(t, tt.key, tt.two)
			bundle, told := converted(t, files)
			if served := strings.Contains(bundle, "- name: shop"); served != (tt.want != "") || !strings.Contains(bundle, tt.want) {
				t.Errorf("%s\n%s\nwant %s", told, bundle, tt.want)
			}
			if tt.want != "" {
				load(t, []byte(bundle))
			}
		})
	}
}

// TestGlobalAuthorization: whom a policy for several APIs admits is not forgotten.
func TestGlobalAuthorization(t *testing.T) {
	bundle, told := converted(t, global(t, "IAM", "authorizeUser", `[{"users":["a"]}]`))
	if want := "policies:\n        authorize:\n            users:\n                any: [a]\n"; !strings.Contains(bundle, want) {
		t.Errorf("%s\n%s", told, bundle)
	}
}

// TestRoutingOfParts: a service of its own for a part of an API, or for several, is
// not passed over.
func TestRoutingOfParts(t *testing.T) {
	files := shop()
	files["API/API.a1/Policy/Policy.p2/Policy.p2"] = `{"policyEnforcements":[{"enforcements":[{"enforcementObjectId":"extra"}],"stageKey":"routing"}]}`
	files["PolicyAction.extra"] = actionOf(t, "straightThroughRouting", `[{"endpointUri":["http://b"]}]`)
	for want, files := range map[string]map[string]string{
		"a.zip: API shop/1.0, scope read, stage routing, straightThroughRouting: left out: routing for a part of an API is not supported": files,
		"a.zip: global policy g, stage routing, contextBasedRouting: left out: routing for several APIs is not supported":                 global(t, "routing", "contextBasedRouting", `[]`),
	} {
		if bundle, told := converted(t, files); strings.Contains(bundle, "- name: shop") || !strings.Contains(told, want) {
			t.Errorf("%s\n%s", told, bundle)
		}
	}
}

// TestAliases: credentials and times of aliases come along.
func TestAliases(t *testing.T) {
	files := shop()
	const policy = "API/API.a1/Policy/Policy.p1/Policy.p1"
	files[policy] = strings.Replace(files[policy], `{"enforcementObjectId":"iam"}`, second, 1)
	files["PolicyAction.extra"] = actionOf(t, "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["ALIAS"]},{"alias":["${login}"]}]}]`)
	files["PolicyAction.more"] = actionOf(t, "logInvocation", `[{"storeRequestHeaders":["true"]}]`)
	files["Alias/Alias.b"] = `{"name":"backend","type":"endpoint","endPointURI":"http://orders:8080","connectionTimeout":3,"readTimeout":"4"}`
	files["Alias/Alias.l"] = `{"name":"login","type":"httpTransportSecurityAlias","authType":"HTTP_BASIC","authMode":"NEW","httpAuthCredentials":{"userName":"u","password":"c2VjcmV0"}}`
	bundle, _ := converted(t, files)
	cfg := load(t, []byte(bundle))
	up, out := cfg.APIs[0].Upstream, cfg.APIs[0].Policies.Outbound
	if up.Targets[0].URL != "http://orders:8080/shop" || up.ConnectTimeout.Limit().Seconds() != 3 || up.Timeout.Limit().Seconds() != 4 {
		t.Errorf("upstream %+v", up)
	}
	if out == nil || out.Basic == nil || out.Basic.User != "u" || out.Basic.Password.Reveal() != "secret" {
		t.Errorf("outbound %+v", out)
	}
	files["Alias/Alias.l"] = strings.Replace(files["Alias/Alias.l"], "HTTP_BASIC", "KERBEROS", 1)
	if bundle, _ := converted(t, files); strings.Contains(bundle, "- name: shop") {
		t.Errorf("credentials are lost:\n%s", bundle)
	}
}

// global is the shop with a policy for several APIs.
func global(t *testing.T, stage, key, action string) map[string]string {
	t.Helper()
	files := shop()
	files["Policy.g"] = `{"global":true,"active":true,"policyEnforcements":[{"enforcements":[{"enforcementObjectId":"extra"}],"stageKey":"` + stage + `"}]}`
	files["PolicyAction.extra"] = actionOf(t, key, action)
	return files
}

// converted is what becomes of an export, and what is told of it.
func converted(t *testing.T, files map[string]string) (bundle, told string) {
	t.Helper()
	made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range made.Findings {
		told += f.String() + "\n"
	}
	return string(made.Bundle), told
}
