package archive

import "strings"

// ways are how the identification types are called here.
var ways = map[string]string{
	"apiKey": "api_key", "httpBasicAuth": "basic", "jwtClaims": "jwt", "openIdClaims": "jwt", "oAuth2Token": "jwt",
	"ipAddressRange": "ip", "hostNameAddress": "hostname", "httpsCertificate": "certificate",
}

func identify(t *translation, at string, a *parameter) {
	if t.identified != nil {
		t.refuse(at, "a second one at the same place is not supported")
		return
	}
	t.identified = a
	var by []string
	var lookups []string
	for _, rule := range a.of("IdentificationRule") {
		kind := rule.text("identificationType")
		way, known := ways[kind]
		if !known {
			t.refuse(at, "callers cannot be identified by %s", kind)
			return
		}
		if !contains(by, way) {
			by = append(by, way)
		}
		lookup := rule.text("applicationLookup")
		if lookup == "" || kind == "oAuth2Token" { // which has no choice
			lookup = "strict"
		}
		if !contains(lookups, lookup) {
			lookups = append(lookups, lookup)
		}
		if kind == "oAuth2Token" {
			t.tell(at, "OAuth2 tokens are verified here as JWTs; for opaque ones add opaque to identify.by and remote_introspection to the auth server")
		}
	}
	if len(by) == 0 {
		t.refuse(at, "it has no rule, so nobody could be identified")
		return
	}
	var m mapping
	m.set("by", by)
	if strings.EqualFold(a.text("logicalConnector"), "AND") && len(by) > 1 {
		m.set("combine", "and")
	}
	if !t.lookup(at, lookups, &m) {
		return
	}
	if contains(by, "basic") {
		t.tell(at, "passwords are not in the export: state users with theirs")
	}
	if contains(by, "certificate") {
		t.tell(at, "certificates are asked for by tls.client_ca, or client_certificate_header: state one")
	}
	m.set("anonymous", a.truth("allowAnonymous", false))
	if contains(by, "jwt") {
		m.set("auth_servers", t.believed())
	}
	t.state(at, "identify", m)
	t.ignored(at, a, "logicalConnector", "allowAnonymous", "IdentificationRule", "triggerPolicyViolationOnMissingAuthorizationHeader")
}

// lookup says among which applications callers are found.
func (t *translation) lookup(at string, lookups []string, m *mapping) bool {
	if len(lookups) > 1 { // what some ways ask for must not be lost through others
		t.tell(at, "its rules find applications in different ways (%s); here all are found among those that are registered", shorten(strings.Join(lookups, ", ")))
		return true
	}
	switch lookups[0] {
	case "strict":
	case "relax":
		m.set("applications", "all")
	case "open":
		m.set("applications", "all")
		t.tell(at, "applicationLookup open lets callers of no application through as a default application; here they are refused")
	default:
		t.refuse(at, "applicationLookup %q is not known", shorten(lookups[0]))
		return false
	}
	return true
}

// believed are the auth servers whose tokens speak for the applications of the API.
func (t *translation) believed() (names []string) {
	add := func(name string) {
		if name != "" && !contains(names, name) {
			names = append(names, name)
		}
	}
	for _, id := range t.registered(t.api) {
		for _, strategy := range t.applications.get(id).Strategies {
			if s := t.strategies.get(strategy); s != nil {
				add(s.AuthServer)
			}
		}
	}
	if names == nil {
		for _, a := range t.aliases.all {
			if a.Type == "authServerAlias" {
				add(a.Name)
			}
		}
	}
	if names == nil {
		t.tell(t.at, "no auth server is known, so every caller is refused: add one to auth_servers, and its name to identify.auth_servers")
	}
	return names
}
