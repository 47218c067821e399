package archive_test

import (
	"strings"
	"testing"

	"postern/provisioning/archive"
)

// TestNoStrategy: an application whose strategies are unknown is found by no token;
// by nothing would be by those of every auth server.
func TestNoStrategy(t *testing.T) {
	const file = "Application/Application.app1/Application.app1"
	for name, change := range map[string]func(map[string]string){
		"not in the export": func(files map[string]string) { files[file] = strings.Replace(files[file], `["s1"]`, `["gone"]`, 1) },
		"a shared secret": func(files map[string]string) {
			files["Strategy/Strategy/Strategy.s1/Strategy.s1"] = strings.Replace(strategy, "JWT_RSA", "JWT_HSA", 1)
		},
		"of a client": func(files map[string]string) {
			files["Strategy/Strategy/Strategy.s1/Strategy.s1"] = `{"id":"s1","type":"OAUTH2_LOCAL_HSA","clientId":"c-1","authServerAlias":"corp"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := shop()
			change(files)
			made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
			if err != nil {
				t.Fatal(err)
			}
			app := load(t, made.Bundle).Applications[0]
			if app.Identify.Claims != nil || app.JWT != nil || len(app.Identify.APIKeys) != 1 {
				t.Errorf("it is found by %+v, %+v", app.Identify, app.JWT)
			}
			const want = "a.zip: application client: no strategy of it could be taken over, so no token speaks for it: state jwt, and identify.claims"
			if !told(made, want) {
				t.Errorf("told %v, want %s", made.Findings, want)
			}
		})
	}
}

func told(made *archive.Converted, text string) bool {
	for _, f := range made.Findings {
		if f.String() == text {
			return true
		}
	}
	return false
}

// TestSeveralValues: what would show the first of several values leaves the API out:
// a mask for the list would not know it again.
func TestSeveralValues(t *testing.T) {
	for path, served := range map[string]bool{
		"$.a": true, "$['a']": true, "$[0]": true, "[*]['id','title']": false, "$..id": false, "$[?(@.a)]": false, "$[0:2]": false,
	} {
		t.Run(path, func(t *testing.T) {
			files := shop()
			const policy = "API/API.a1/Policy/Policy.p1/Policy.p1"
			files[policy] = strings.Replace(files[policy], `{"enforcementObjectId":"iam"}`, `{"enforcementObjectId":"iam"},{"enforcementObjectId":"extra"}`, 1)
			files["PolicyAction.extra"] = actionOf(t, "responseTransformation",
				`[{"responseTransformationConfiguration":[{"payloadTransformation":[{"payload":["${response.payload.jsonPath[`+path+`]}"]}]}]}]`)
			made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(made.Bundle), "- name: shop"); got != served {
				t.Errorf("served: %v, want %v; told %v", got, served, made.Findings)
			}
		})
	}
}
