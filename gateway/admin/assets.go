package admin

import "postern/provisioning/config"

// Assets is the answer of <admin_path>/assets, in the words of the central
// gateway's own answer.
type Assets struct {
	APIs         []APIAsset         `json:"apis"`
	Applications []ApplicationAsset `json:"applications,omitempty"`
	AuthServers  []AuthServerAsset  `json:"authserver"`
}

// APIAsset is one API with what may be called.
type APIAsset struct {
	Name      string          `json:"apiName"`
	Version   string          `json:"apiVersion"`
	Resources []ResourceAsset `json:"resources,omitempty"` // none: everything may
	Scopes    []string        `json:"scopes,omitempty"`
}

// ResourceAsset is one path of an API; without methods, all may be used.
type ResourceAsset struct {
	Path    string   `json:"path"`
	Methods []string `json:"methods,omitempty"`
}

// ApplicationAsset is one application, with the APIs it is registered for.
type ApplicationAsset struct {
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	Suspended bool     `json:"isSuspended"`
	APIs      []string `json:"apis,omitempty"`
}

// AuthServerAsset is one auth server.
type AuthServerAsset struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer,omitempty"`
}

func assets(cfg *config.Config) Assets {
	all := publicAssets(cfg)
	for i := range cfg.APIs {
		for _, r := range cfg.APIs[i].Resources {
			all.APIs[i].Resources = append(all.APIs[i].Resources, ResourceAsset{r.Path, r.Methods})
		}
		for _, scope := range cfg.APIs[i].Scopes {
			all.APIs[i].Scopes = append(all.APIs[i].Scopes, scope.Name)
		}
	}
	for i := range cfg.AuthServers {
		all.AuthServers[i].Issuer = cfg.AuthServers[i].Issuer.Value
	}
	for i := range cfg.Applications {
		a := &cfg.Applications[i]
		all.Applications = append(all.Applications, ApplicationAsset{a.Name, a.ID, a.Suspended, a.APIs})
	}
	return all
}

// publicAssets is names only.
func publicAssets(cfg *config.Config) Assets {
	all := Assets{
		APIs:        make([]APIAsset, len(cfg.APIs)),
		AuthServers: make([]AuthServerAsset, len(cfg.AuthServers)),
	}
	for i := range cfg.APIs {
		all.APIs[i] = APIAsset{Name: cfg.APIs[i].Name, Version: cfg.APIs[i].Version}
	}
	for i := range cfg.AuthServers {
		all.AuthServers[i].Name = cfg.AuthServers[i].Name
	}
	return all
}
