package archive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// export is the assets of some archives, by their ids. Of several with one id the
// last one stands, in the place of the first.
type export struct {
	apis          list[api]
	policies      list[policy]
	actions       list[action]
	applications  list[application]
	registrations list[registration]
	strategies    list[strategy]
	scopes        list[gatewayScope]
	aliases       list[alias]
	unread        []string // kinds of assets that say nothing of a bundle
}

// list keeps assets in the order in which they came.
type list[T any] struct {
	ids  []string
	byID map[string]*T
	from map[string]string
}

func (l *list[T]) add(a asset) error {
	made := new(T)
	if err := json.Unmarshal(a.data, made); err != nil {
		return fmt.Errorf("%s: %w", a.from, err)
	}
	if l.byID == nil {
		l.byID, l.from = map[string]*T{}, map[string]string{}
	}
	if l.byID[a.id] == nil {
		l.ids = append(l.ids, a.id)
	}
	l.byID[a.id], l.from[a.id] = made, a.from
	return nil
}

// get is the asset of an id, or nil.
func (l *list[T]) get(id string) *T { return l.byID[id] }

// all are the assets.
func (l *list[T]) all(yield func(string, *T) bool) {
	for _, id := range l.ids {
		if !yield(id, l.byID[id]) {
			return
		}
	}
}

type api struct {
	Name       string     `json:"apiName"`
	Version    string     `json:"apiVersion"`
	Active     *bool      `json:"isActive"`
	Type       string     `json:"type"`
	Policies   []string   `json:"policies"`
	Scopes     []apiScope `json:"scopes"`
	Groups     []string   `json:"apiGroups"`
	Definition definition `json:"apiDefinition"`
	Native     []struct {
		URI string `json:"uri"`
	} `json:"nativeEndpoint"`
}

// fullName is how reports name it.
func (a *api) fullName() string { return a.Name + "/" + a.Version }

type apiScope struct {
	Name     string   `json:"name"`
	OAuth2   string   `json:"oAuth2ScopeName"`
	Policies []string `json:"policies"`
}

type definition struct {
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

type policy struct {
	Enforcements []struct {
		Stage        string `json:"stageKey"`
		Enforcements []struct {
			ID    string `json:"enforcementObjectId"`
			Order any    `json:"order"`
		} `json:"enforcements"`
	} `json:"policyEnforcements"`
	Names []struct {
		Value string `json:"value"`
	} `json:"names"`
	Global bool `json:"global"`
	Active bool `json:"active"`
	Scope  struct {
		Connector  string `json:"logicalConnector"`
		Conditions []struct {
			Filter     string `json:"filterType"`
			Attributes []struct {
				Name     string `json:"attributeName"`
				Operator string `json:"operator"`
				Value    any    `json:"value"`
			} `json:"attributes"`
		} `json:"scopeConditions"`
	} `json:"scope"`
}

// name is what people call it, else its id.
func (p *policy) name(id string) string {
	for _, n := range p.Names {
		if n.Value != "" {
			return n.Value
		}
	}
	return id
}

type action struct{ parameter }

type application struct {
	ID          string       `json:"applicationID"`
	Name        string       `json:"name"`
	Suspended   bool         `json:"isSuspended"`
	Identifiers []identifier `json:"identifiers"`
	Origins     []string     `json:"jsOrigins"`
	Strategies  []string     `json:"authStrategyIds"`
	Tokens      struct {
		APIKey struct {
			Key string `json:"apiAccessKey"`
		} `json:"apiAccessKey"`
	} `json:"accessTokens"`
}

// identifier has its values in one of three places, by who wrote it.
type identifier struct {
	Key     string `json:"key"`
	Name    string `json:"name"`
	Value   []any  `json:"value"`
	Swagger []any  `json:"swaggerValue"`
	Named   []struct {
		Name   string `json:"name"`
		Values []any  `json:"values"`
	} `json:"namedValues"`
}

// values are all of them.
func (i *identifier) values() (all []string) {
	for _, list := range [][]any{i.Value, i.Swagger} {
		for _, v := range list {
			all = append(all, asText(v))
		}
	}
	for _, named := range i.Named {
		for _, v := range named.Values {
			all = append(all, asText(v))
		}
	}
	return all
}

type registration struct {
	Application string   `json:"applicationId"`
	APIs        []string `json:"apiIds"`
}

type strategy struct {
	Type       string `json:"type"`
	AuthServer string `json:"authServerAlias"`
	Audience   string `json:"audience"`
	Name       string `json:"name"`
	Client     string `json:"clientId"`
}

type gatewayScope struct {
	Name      string   `json:"scopeName"`
	Audience  string   `json:"audience"`
	APIScopes []string `json:"apiScopes"`
	Required  []struct {
		AuthServer string `json:"authServerAlias"`
		Scope      string `json:"scopeName"`
	} `json:"requiredAuthScopes"`
}

type alias struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Value   string `json:"value"`
	URI     string `json:"endPointURI"`
	Auth    string `json:"authType"`
	Connect any    `json:"connectionTimeout"`
	Read    any    `json:"readTimeout"`
	Basic   struct {
		User     string `json:"userName"`
		Password string `json:"password"`
	} `json:"httpAuthCredentials"`
	Local struct {
		Issuer      string `json:"issuer"`
		JWKSURI     string `json:"jwksuri"`
		OwnSkew     bool   `json:"useLocalClockSkew"`
		SkewSeconds int    `json:"clockSkewInSeconds"`
	} `json:"localIntrospectionConfig"`
	Generator struct {
		Audience string `json:"audience"`
	} `json:"tokenGeneratorConfig"`
}

// link sorts assets by what they are.
func link(assets []asset) (*export, error) {
	e := &export{}
	add := map[string]func(asset) error{
		"API": e.apis.add, "Policy": e.policies.add, "PolicyAction": e.actions.add, "Application": e.applications.add,
		"RegisteredApplication": e.registrations.add, "Strategy": e.strategies.add, "GatewayScope": e.scopes.add, "Alias": e.aliases.add,
	}
	for _, a := range assets {
		if add[a.kind] == nil {
			if !slices.Contains(e.unread, a.kind) {
				e.unread = append(e.unread, a.kind)
			}
			continue
		}
		if err := add[a.kind](a); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// registered are the applications of an API, by their ids.
func (e *export) registered(id string) (all []string) {
	for _, r := range e.registrations.all {
		if slices.Contains(r.APIs, id) && e.applications.get(r.Application) != nil && !slices.Contains(all, r.Application) {
			all = append(all, r.Application)
		}
	}
	return all
}

// masked reports whether the product has hidden a value: 32 asterisks, or base64 of
// them.
func masked(value string) bool {
	return strings.HasPrefix(value, "********") || strings.HasPrefix(value, "KioqKioq")
}
