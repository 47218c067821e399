package gateway

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unsafe"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// resources are the metadata of protected resources (RFC 9728), by host and
// path; they are written at load.
type resources map[string][]byte

// resourceMetadata is a document as RFC 9728 2 has it.
type resourceMetadata struct {
	Resource      string   `json:"resource"`
	Servers       []string `json:"authorization_servers,omitempty"`
	Scopes        []string `json:"scopes_supported,omitempty"`
	Methods       []string `json:"bearer_methods_supported"`
	Name          string   `json:"resource_name,omitempty"`
	Documentation string   `json:"resource_documentation,omitempty"`
	Certificates  bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	Proofs        []string `json:"dpop_signing_alg_values_supported"`
	Bound         bool     `json:"dpop_bound_access_tokens_required,omitempty"`
}

func newResources(cfg *config.Config) (resources, error) {
	all := resources{}
	for i := range cfg.APIs {
		p := cfg.APIs[i].ProtectedResource
		if p == nil || cfg.TokenRules(i) == nil {
			continue
		}
		text, err := json.Marshal(metadataOf(cfg, i))
		if err != nil {
			return nil, err
		}
		host, path := p.Metadata()
		all[host+path] = text
	}
	return all, nil
}

func metadataOf(cfg *config.Config, index int) resourceMetadata {
	api, id := &cfg.APIs[index], cfg.TokenRules(index)
	p := api.ProtectedResource
	m := resourceMetadata{
		Resource: p.Resource, Name: p.Name, Documentation: p.Documentation, Scopes: p.Scopes,
		Methods: []string{}, Proofs: config.ProofAlgorithms(), Bound: slices.Equal(id.SenderConstrained, []string{"dpop"}),
		Certificates: slices.Contains(id.SenderConstrained, "mtls"),
	}
	if m.Scopes == nil {
		m.Scopes = scopesOf(api)
	}
	if id.Token.Header == "Authorization" {
		m.Methods = append(m.Methods, "header")
	}
	if id.Token.Query == "access_token" {
		m.Methods = append(m.Methods, "query")
	}
	for i := range cfg.AuthServers {
		if s := &cfg.AuthServers[i]; s.Issuer.Value != "" && slices.Contains(id.AuthServers, s.Name) {
			m.Servers = append(m.Servers, s.Issuer.Value)
		}
	}
	return m
}

// scopesOf are the scopes that an API and its scopes ask for.
func scopesOf(api *config.API) (names []string) {
	rules := []*config.Authorize{api.Policies.Authorize}
	for i := range api.Scopes {
		rules = append(rules, api.Scopes[i].Policies.Authorize)
	}
	for _, rule := range rules {
		if rule != nil && rule.TokenScopes != nil {
			names = append(append(names, rule.TokenScopes.All...), rule.TokenScopes.Any...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// answer answers a request for metadata; false: it is not one.
func (r resources) answer(x *exchange.Exchange) bool {
	if len(r) == 0 || !bytes.HasPrefix(x.Path, wellKnown) || !(x.HTTP.IsGet() || x.HTTP.IsHead()) {
		return false
	}
	document := r[hostKey(x)+string(bytes.TrimSuffix(x.Path, []byte("/")))]
	if document == nil {
		return false
	}
	x.HTTP.SetContentType("application/json")
	x.HTTP.Response.Header.Set("Cache-Control", "public, max-age=300")
	x.HTTP.SetBody(document)
	return true
}

var wellKnown = []byte(config.WellKnown)

// hostKey is the host that was asked, as an address has it.
func hostKey(x *exchange.Exchange) string {
	field := x.HTTP.Request.Header.Host()
	host := strings.ToLower(unsafe.String(unsafe.SliceData(field), len(field)))
	if x.Secure {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}
