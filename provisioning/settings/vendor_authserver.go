package settings

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// Keys of an authServerAlias: those that say nothing, those that are warned of,
// and our own that may stand among them.
var (
	silentKeys = []string{"id", "name", "description", "type", "owner", "localIntrospectionConfig", "remoteIntrospectionConfig", "tokenGeneratorConfig", "discoveryURL"}
	inertKeys  = []string{
		"sslConfig", "metadata", "scopes", "supportedGrantTypes", "authServerType", "providerName",
		"dcrEndpoint", "remoteISConfig", "extendedValues", "extendedValuesV2", "stage",
	}
	ownKeys       = []string{"audience", "subject", "required"}
	localKeys     = []string{"issuer", "jwksuri", "trustStoreAlias", "certificateAlias", "description", "useLocalClockSkew", "clockSkewInSeconds"}
	remoteKeys    = []string{"introspectionEndpoint", "clientId", "clientSecret", "user"}
	generatorKeys = []string{"audience", "expiry", "algorithm", "accessTokenExpInterval", "authCodeExpInterval", "enforcePKCE"}
)

// authServers says webMethods' auth servers in our words.
func (v *vendor) authServers() {
	all := v.root.get("auth_servers")
	if all == nil || all.Kind != List {
		return
	}
	made := *all
	made.Items = nil
	kept := []int{}
	for i, item := range all.Items {
		at := v.tree.text(path{"auth_servers", i})
		if isAuthServerAlias(item) {
			v.tree.asVendor(item)
			s := serverAlias{vendor: v, from: item, made: item.mapping(), at: at}
			item = s.translate()
		}
		if item == nil {
			continue
		}
		made.Items = append(made.Items, item)
		if local := v.tree.local["auth_servers"]; i < len(local) {
			kept = append(kept, local[i])
		}
	}
	v.tree.local["auth_servers"] = kept
	v.root.set(v.root.Keys[v.root.find("auth_servers")], &made)
	if len(made.Items) == 0 && len(all.Items) > 0 {
		v.root.drop("auth_servers")
	}
}

func isAuthServerAlias(n *Node) bool {
	return n.Kind == Mapping && (n.tag == authServerAlias || n.words("type") == authServerAlias ||
		n.get("localIntrospectionConfig") != nil || n.get("remoteIntrospectionConfig") != nil)
}

// serverAlias is one authServerAlias on its way.
type serverAlias struct {
	*vendor
	from, made *Node
	at         string
}

// translate returns nil for a server that cannot judge a token.
func (s *serverAlias) translate() *Node {
	s.judgeKeys(s.from, s.at, slices.Concat(silentKeys, ownKeys), inertKeys)
	name := s.from.get("name")
	if s.from.words("name") == "" {
		name = s.from.get("id")
	}
	if name != nil {
		s.made.put("name", name)
	}
	for _, key := range ownKeys {
		if i := s.from.find(key); i >= 0 {
			s.made.set(s.from.Keys[i], s.from.Items[i])
		}
	}
	local, remote := s.local(), s.remote()
	if !local && !remote {
		s.warn(s.from, s.at, "not used: it has neither a jwksuri nor a remote introspection with a secret, so no token can be judged by it")
		return nil
	}
	s.audience()
	return s.made
}

// judgeKeys tells of keys that mean nothing here.
func (s *serverAlias) judgeKeys(n *Node, at string, known, ignored []string) {
	for i, key := range n.Keys {
		at := at + "." + key.Text
		switch {
		case slices.Contains(known, key.Text) || n.Items[i].Null:
		case slices.Contains(ignored, key.Text):
			s.warn(key, at, "not acted on")
		default:
			s.fault(key, at, fmt.Sprintf("unknown field %q%s", key.Text, config.DidYouMean(key.Text, slices.Concat(known, ignored))))
		}
	}
}

// part is a mapping of the server; nil: there is none.
func (s *serverAlias) part(key string) (part *Node, at string) {
	part, at = s.from.get(key), s.at+"."+key
	if part == nil || part.Null {
		return nil, at
	}
	if part.Kind != Mapping {
		s.fault(part, at, "must be a mapping, is "+part.Kind.String())
		return nil, at
	}
	return part, at
}

// local is how JWTs are verified; false: they are not.
func (s *serverAlias) local() bool {
	from, at := s.part("localIntrospectionConfig")
	if from == nil {
		return false
	}
	s.judgeKeys(from, at, localKeys, nil)
	issuer := from.words("issuer")
	if issuer != "" {
		s.made.put("issuer", from.get("issuer"))
	}
	made := from.mapping()
	switch keys := from.get("jwksuri"); {
	case from.words("jwksuri") != "":
		s.address(made, "jwks_uri", keys, at+".jwksuri")
	case s.from.words("discoveryURL") != "" && issuer != "":
		made.put("discovery", s.from.get("discoveryURL").scalar("true"))
		s.warn(s.from.get("discoveryURL"), s.at+".discoveryURL", "the document is looked for below the issuer")
	default:
		why := "no jwksuri: JWTs of this issuer are refused; say where its keys are"
		if from.words("trustStoreAlias") != "" {
			why = "trustStoreAlias names a store of the central gateway: say local_introspection: {truststore: {file: ...}} of our own grammar, or a jwksuri; until then its JWTs are refused"
		}
		s.warn(from, at, why)
		return false
	}
	if issuer == "" {
		s.made.put("issuer", from.scalar("unchecked"))
		s.warn(from, at, "no issuer: any iss is believed that these keys have signed")
	}
	if from.words("useLocalClockSkew") == "true" {
		made.put("clock_skew", clockSkew(from))
	}
	s.made.put("local_introspection", made)
	return true
}

func clockSkew(from *Node) *Node {
	seconds := from.get("clockSkewInSeconds")
	if text := from.words("clockSkewInSeconds"); text != "" && text != "0" {
		if onlyDigits(text) {
			text += "s"
		}
		return seconds.scalar(text)
	}
	return from.get("useLocalClockSkew").scalar("none")
}

// remote is who is asked about other tokens; false: nobody.
func (s *serverAlias) remote() bool {
	from, at := s.part("remoteIntrospectionConfig")
	if from == nil || from.words("introspectionEndpoint") == "" {
		return false
	}
	s.judgeKeys(from, at, remoteKeys[:3], remoteKeys[3:])
	secret := from.words("clientSecret")
	if isMasked(secret) {
		s.warn(from.get("clientSecret"), at+".clientSecret", "is masked: say the secret itself, or {env: NAME} or {file: PATH}; until then nobody is asked about tokens")
		return false
	}
	made := from.mapping()
	s.address(made, "endpoint", from.get("introspectionEndpoint"), at+".introspectionEndpoint")
	for theirs, ours := range map[string]string{"clientId": "client_id", "clientSecret": "client_secret"} {
		if value := from.get(theirs); value != nil && !value.Null {
			made.put(ours, value)
		}
	}
	s.made.put("remote_introspection", made)
	return true
}

// isMasked reports whether a secret has been replaced by asterisks, plainly or
// in base64.
func isMasked(secret string) bool {
	return secret != "" && (strings.Trim(secret, "*") == "" || strings.HasPrefix(strings.TrimPrefix(secret, "{encoded}"), "KioqKioq"))
}

// address allows http, with a warning.
func (v *vendor) address(made *Node, key string, value *Node, at string) {
	made.put(key, value)
	u, err := url.Parse(value.Text)
	if err != nil || u.Scheme != "http" || isLoopback(u.Hostname()) {
		return
	}
	made.put("allow_http", value.scalar("true"))
	v.warn(value, at, "is not https: whoever is on the way can say what is believed")
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// audience is that of the gateway's own tokens. As in webMethods it counts only
// for tokens that have one.
func (s *serverAlias) audience() {
	generator, at := s.part("tokenGeneratorConfig")
	word := ""
	if generator != nil {
		s.judgeKeys(generator, at, generatorKeys[:1], generatorKeys[1:])
		word = generator.words("audience")
	}
	switch {
	case s.made.get("audience") != nil:
	case word != "":
		n := generator.get("audience")
		audience := n.mapping()
		audience.put("any", n.list(n))
		audience.put("required", n.scalar("false"))
		s.made.put("audience", audience)
	default:
		s.made.put("audience", s.from.scalar("unchecked"))
		s.warn(s.from, s.at, "the audience of its tokens is not checked: say audience: {any: [...]} here")
	}
}
