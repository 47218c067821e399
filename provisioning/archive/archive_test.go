package archive_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/provisioning"
	"postern/provisioning/archive"
	"postern/provisioning/config"
)

// The assets of a small export, as the product writes them.
const (
	shopAPI = `{"apiName":"shop","apiVersion":"1.0","isActive":true,"type":"REST","policies":["p1"],"id":"a1",
"scopes":[{"name":"read","oAuth2ScopeName":"g1","policies":["p2"]},{"name":"idle","policies":["p3"]}],
"apiDefinition":{"paths":{"/orders":{"get":{"enabled":true,"scopes":["read"]},"post":{"scopes":["idle"]},"put":{"enabled":false},"scopes":[],"enabled":true,"displayName":"x","parameters":[]},
"/gone":{"get":{},"enabled":false}}}}`
	shopPolicy = `{"id":"p1","policyEnforcements":[{"enforcements":[{"enforcementObjectId":"route","order":"0"}],"stageKey":"routing"},
{"enforcements":[{"enforcementObjectId":"iam"}],"stageKey":"IAM"}],"active":false}`
	routeAction = `{"templateKey":"straightThroughRouting","parameters":[{"templateKey":"endpointUri","values":["${backend}/shop/${sys:resource_path}"]},{"templateKey":"method","values":["CUSTOM"]}]}`
	iamAction   = `{"templateKey":"evaluatePolicy","parameters":[{"templateKey":"logicalConnector","values":["OR"]},{"templateKey":"allowAnonymous","values":["false"]},
{"templateKey":"IdentificationRule","parameters":[{"templateKey":"applicationLookup","values":["strict"]},{"templateKey":"identificationType","values":["jwtClaims"]}]}]}`
	application  = `{"applicationID":"app1","name":"client","isSuspended":false,"authStrategyIds":["s1"],"accessTokens":{"apiAccessKey":{"apiAccessKey":"` + digest + `"}},"identifiers":[{"key":"jwtClaims","namedValues":[{"name":"set","values":["{\"client\":\"web\",\"level\":2}"]}]}]}`
	digest       = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	registration = `{"applicationId":"app1","apiIds":["a1"]}`
	strategy     = `{"id":"s1","type":"JWT_RSA","authServerAlias":"corp","name":"s","audience":"webmethods"}`
	mappedScope  = `{"id":"gs","scopeName":"corp:read","apiScopes":["g1"],"requiredAuthScopes":[{"authServerAlias":"corp","scopeName":"orders:read"},{"authServerAlias":"corp","scopeName":"orders:list"}]}`
	backend      = `{"id":"b","name":"backend","type":"simple","type":"simple","value":"http://orders:8080"}`
	authServer   = `{"id":"corp","name":"corp","type":"authServerAlias","localIntrospectionConfig":{"issuer":"https://idp.example.com","jwksuri":"https://idp.example.com/certs","useLocalClockSkew":true,"clockSkewInSeconds":7},"tokenGeneratorConfig":{"audience":"webmethods"}}`
	nothing      = `{"policyEnforcements":[]}`
)

func shop() map[string]string {
	return map[string]string{
		"API/API.a1/API.a1":                                                             shopAPI,
		"API/API.a1/Policy/Policy.p1/Policy.p1":                                         shopPolicy,
		"API/API.a1/Policy/Policy.p2/Policy.p2":                                         nothing,
		"API/API.a1/Policy/Policy.p3/Policy.p3":                                         nothing,
		"API/API.a1/Policy/Policy.p1/PolicyAction/PolicyAction.route":                   routeAction,
		"API/API.a1/Policy/Policy.p1/PolicyAction/PolicyAction.iam":                     iamAction,
		"Application/Application.app1/Application.app1":                                 application,
		"Application/Application.app1/RegisteredApplication/RegisteredApplication.app1": registration,
		"Strategy/Strategy/Strategy.s1/Strategy.s1":                                     strategy,
		"GatewayScope/GatewayScope.gs/GatewayScope.gs":                                  mappedScope,
		"Alias/Alias.b":         backend,
		"Alias/Alias.corp":      authServer,
		"APIGatewayAssets.acdl": "<asset_composite/>",
		"ExportReport.json":     "[]",
	}
}

const shopBundle = `aliases:
    backend:
        type: simple
        value: http://orders:8080
auth_servers:
    # FROM
    - name: corp
      issuer: https://idp.example.com
      local_introspection:
        jwks_uri: https://idp.example.com/certs
        clock_skew: 7s
      audience:
        any: [webmethods]
        required: false
applications:
    # FROM
    - name: client
      id: app1
      apis: [shop/1.0]
      identify:
        claims:
            - client: web
              level: "2"
        api_keys:
            - sha256: ` + digest + `
      jwt:
        - auth_server: corp
          audience: webmethods
faults:
    format: webmethods
apis:
    # FROM
    - name: shop
      version: "1.0"
      upstream:
        targets:
            - url: ${backend}/shop
      resources:
        - path: /orders
          methods: [POST]
        - path: /orders
          methods: [GET]
          scopes: [read]
      scopes:
        - name: read
          policies:
            authorize:
                token_scopes:
                    all: ['orders:read', 'orders:list']
      policies:
        identify:
            by: [jwt]
            auth_servers: [corp]
`

// zipped is an archive of files.
func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// withoutOrigin is a bundle whose comments do not say which file they are about.
func withoutOrigin(bundle []byte) string {
	var lines []string
	for line := range strings.Lines(string(bundle)) {
		if at := strings.Index(line, "# "); at >= 0 {
			line = line[:at] + "# FROM\n"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// believed is what is told of every auth server whose audience is known.
const believed = ": auth server corp: tokens without an audience are believed, as there: say audience.required: true unless some have none"

// TestLayouts: versions put the same assets into other places; what they say is one.
func TestLayouts(t *testing.T) {
	flat := map[string]string{}
	for name, text := range shop() {
		flat["x/"+strings.ReplaceAll(filepath.Base(name), "app1", "app%31")] = text
	}
	for _, tt := range []struct {
		name string
		make func(dir string) []string
	}{
		{"archive", func(dir string) []string { return []string{put(t, dir, "a.zip", zipped(t, shop()))} }},
		{"other folders, escaped names", func(dir string) []string { return []string{put(t, dir, "a.zip", zipped(t, flat))} }},
		{"folder of archives", func(dir string) []string { put(t, dir, "a.zip", zipped(t, shop())); return []string{dir} }},
		{"archive in an archive", func(dir string) []string {
			return []string{put(t, dir, "a.zip", zipped(t, map[string]string{"b.zip": string(zipped(t, shop()))}))}
		}},
		{"unpacked", func(dir string) []string {
			for name, text := range shop() {
				put(t, dir, name, []byte(text))
			}
			return []string{dir}
		}},
		{"the later one stands", func(dir string) []string {
			old := map[string]string{"Alias/Alias.b": strings.Replace(backend, "8080", "1", 1), "Alias/Alias.corp": authServer}
			return []string{put(t, dir, "old.zip", zipped(t, old)), put(t, dir, "a.zip", zipped(t, shop()))}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made, err := archive.Convert(tt.make(t.TempDir())...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shopBundle, withoutOrigin(made.Bundle)); diff != "" {
				t.Errorf("bundle (-want +got):\n%s", diff)
			}
			if len(made.Findings) != 1 || !strings.HasSuffix(made.Findings[0].String(), believed) {
				t.Errorf("findings %v", made.Findings)
			}
			if cfg := load(t, made.Bundle); cfg.APIs[0].Upstream.Targets[0].URL != "http://orders:8080/shop" {
				t.Errorf("target %q", cfg.APIs[0].Upstream.Targets[0].URL)
			}
		})
	}
}

func load(t *testing.T, bundle []byte) *config.Config {
	t.Helper()
	path := put(t, t.TempDir(), "postern.yaml", bundle)
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{path}}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, bundle)
	}
	return loaded.Config
}

// TestFindings: what cannot be taken over is told, with where it is and what to do.
func TestFindings(t *testing.T) {
	const iam, route = "API/API.a1/Policy/Policy.p1/PolicyAction/PolicyAction.iam", "API/API.a1/Policy/Policy.p1/PolicyAction/PolicyAction.route"
	const inIAM = "a.zip: API shop/1.0, stage IAM, evaluatePolicy: "
	for _, tt := range []struct{ name, file, old, now, want string }{
		{"a policy that is not known", iam, "evaluatePolicy", "kerberos", "a.zip: API shop/1.0, stage IAM, kerberos: left out: this policy is not supported"},
		{"a way that is not known", iam, "jwtClaims", "kerberosToken", inIAM + "left out: callers cannot be identified by kerberosToken"},
		{"lookup", iam, "strict", "open", inIAM + "applicationLookup open lets callers of no application through as a default application; here they are refused"},
		{"a parameter", iam, "allowAnonymous", "allowAll", inIAM + "nothing is done for allowAll"},
		{"an endpoint with a query", route, "${sys:resource_path}", "x?y=${sys:resource_path}", "a.zip: API shop/1.0, stage routing, straightThroughRouting: left out: its endpoint has the path in its query, which is not supported"},
		{"inactive", "API/API.a1/API.a1", `"isActive":true`, `"isActive":false`, "a.zip: API shop/1.0: left out: it is not active in the central gateway"},
		{"no path", "API/API.a1/API.a1", `"scopes":[],"enabled":true`, `"scopes":[],"enabled":false`, "a.zip: API shop/1.0: left out: it has no path that is enabled"},
		{"SOAP", "API/API.a1/API.a1", `"REST"`, `"SOAP"`, "a.zip: API shop/1.0: left out: APIs of type SOAP are not served"},
		{"a hidden key", "Application/Application.app1/Application.app1", digest, "********************************", "a.zip: application client: its API key is hidden in the export: state identify.api_keys, if callers use one"},
		{"a claim set that is none", "Application/Application.app1/Application.app1", `{\"client\":\"web\",\"level\":2}`, "web", "a.zip: application client: a claim set is no JSON object of claims: nobody is found by it"},
		{"a shared secret", "Strategy/Strategy/Strategy.s1/Strategy.s1", "JWT_RSA", "JWT_HSA", "a.zip: application client: strategy s has a shared secret, which is not in the export: state jwt with shared_key"},
		{"no auth server", "Strategy/Strategy/Strategy.s1/Strategy.s1", `"corp"`, `"away"`, `a.zip: application client: auth server "away" is not in the export: add it to auth_servers with its issuer and its keys`},
		{"nobody is asked", "API/API.a1/Policy/Policy.p1/Policy.p1", `{"enforcementObjectId":"iam"}`, "", "a.zip: API shop/1.0: it has no Identify & Authorize policy: everybody may call it"},
		{"an idle global policy", "API/API.a1/Policy/Policy.p3/Policy.p3", "{", `{"global":true,`, "a.zip: global policy p3: it is not active, and is left out"},
		{"a global policy for more than is known", "API/API.a1/Policy/Policy.p3/Policy.p3", "{", `{"global":true,"active":true,"scope":{"scopeConditions":[{"filterType":"MOON"}]},`, "a.zip: global policy p3: left out: a condition of type MOON is not supported"},
		{"an action that is missing", "API/API.a1/Policy/Policy.p1/Policy.p1", `"iam"`, `"gone"`, "a.zip: API shop/1.0, stage IAM: left out: policy action gone is not in the export"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := shop()
			if !strings.Contains(files[tt.file], tt.old) {
				t.Fatalf("%q is not there", tt.old)
			}
			files[tt.file] = strings.Replace(files[tt.file], tt.old, tt.now, 1)
			made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, f := range made.Findings {
				told = append(told, f.String())
				if served := strings.Contains(string(made.Bundle), "- name: shop"); f.Rejected && served {
					t.Error("the API is served all the same")
				}
			}
			if !strings.Contains(strings.Join(told, "\n")+"\n", tt.want+"\n") {
				t.Errorf("told\n%s\nwant %s", strings.Join(told, "\n"), tt.want)
			}
		})
	}
}

// TestGlobalPolicies: those that are active hold for the APIs and methods they name.
func TestGlobalPolicies(t *testing.T) {
	files := shop()
	files["Global Policy/Global Policy.GlobalLog/Policy.GlobalLog"] = `{"names":[{"value":"All calls"}],"global":true,"active":true,
"scope":{"applicableAPITypes":["REST"],"scopeConditions":[{"filterType":"HTTP_METHOD","attributes":[{"attributeName":"GET","value":"true"},{"attributeName":"PUT","value":"false"}],"logicalConnector":"OR"}],"logicalConnector":"AND"},
"policyEnforcements":[{"enforcements":[{"enforcementObjectId":"extra"}],"stageKey":"LMT"}]}`
	files["Global Policy/Global Policy.GlobalLog/PolicyAction/PolicyAction.extra"] = actionOf(t, "logInvocation", `[{"storeRequestHeaders":["true"]}]`)
	made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
	if err != nil || len(made.Findings) != 1 {
		t.Fatal(err, made.Findings)
	}
	got := load(t, made.Bundle).Policies
	if len(got) != 1 || got[0].Name != "All calls" || !cmp.Equal(got[0].When.Methods, []string{"GET"}) || !got[0].Policies.InvocationLog[0].Request.Headers {
		t.Errorf("%+v\n%s", got, made.Bundle)
	}
}

// TestHostileArchives: nothing is written, and little is read.
func TestHostileArchives(t *testing.T) {
	deep := zipped(t, shop())
	for range 3 {
		deep = zipped(t, map[string]string{"a.zip": string(deep)})
	}
	for name, tt := range map[string]struct {
		data []byte
		want string // of the error; "": none
	}{
		"no archive":           {[]byte("PK?"), "not a valid zip file"},
		"archives all along":   {deep, "archives in archives in archives"},
		"a large asset":        {zipped(t, map[string]string{"Alias.b": strings.Repeat(" ", 33<<20)}), "unpacks to more"},
		"no JSON":              {zipped(t, map[string]string{"Alias.b": "{"}), "Alias.b: unexpected end of JSON input"},
		"names that lead out":  {zipped(t, map[string]string{"../../Alias.b": backend, `..\..\Alias.c`: backend}), ""},
		"a name of a kilobyte": {zipped(t, map[string]string{strings.Repeat("x", 1<<10) + "/Alias.b": "{"}), "Alias.b: unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := archive.Convert(put(t, dir, "a.zip", tt.data))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 500) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%d files are left, %v", len(left), err)
			}
		})
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(zipped(f, shop()))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, data []byte) {
		made, err := archive.Convert(put(t, t.TempDir(), "a.zip", data))
		if err == nil && made == nil {
			t.Error("nothing was made")
		}
	})
}

// FuzzPolicyAction: whatever a policy holds, the rest of the export is converted.
func FuzzPolicyAction(f *testing.F) {
	f.Add(iamAction)
	f.Add(routeAction)
	for key, short := range map[string]string{
		"throttle":                        `[{"throttleRule":[{"value":["5"]}]},{"alertInterval":["2"]},{"alertIntervalUnit":["weeks"]},{"consumerIds":["app1"]}]`,
		"requestTransformation":           `[{"requestTransformationConfiguration":[{"commonTransformation":[{"remove":["${request.headers.A}"]},{"addOrModify":[{"transformationVariable":["${request.payload.jsonPath[$.a]}"]}]}]}]}]`,
		"contextBasedRouting":             `[{"routeTo":[{"endpointUri":["http://a?b=c"]}]},{"contextRules":[{"contextCondition":[{"conditionVariable":["Date"]}]}]}]`,
		"contentBasedRouting":             `[{"contentRules":[{"routeTo":[{"endpointUri":["http://a"]}]},{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["${request.payload}"]}]}]}]`,
		"outboundTransportAuthentication": `[{"transportSecurity":[{"authType":["ALIAS"]},{"alias":["${backend}"]}]}]`,
		"validateAPISpec":                 `[{"headersValidationFlag":["true"]},{"validateHTTPHeaders":[{"httpHeaderNonReqValue":[{"headerKey":["A"]}]}]}]`,
		"conditionalErrorProcessing":      `[{"customFailureMessages":[{"failureMessage":[{"contentType":["json"]}]}]},{"faultCriteria":[{"statusCodeCriteria":[{"statusCode":[401]}]}]}]`,
		"globalipdos":                     `[{"limitBy":["IP"]},{"maximumRequests":[5]}]`,
	} {
		f.Add(actionOf(f, key, short))
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := shop()
		files["PolicyAction.iam"] = text
		_, _ = archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
	})
}
