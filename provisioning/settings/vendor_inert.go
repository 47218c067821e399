package settings

import (
	"reflect"
	"strings"

	"postern/provisioning/config"
)

// inert are the settings of webMethods that nothing here acts on, and why. Each
// is warned of where it stands, once.
var inert = []struct{ path, why string }{
	{"microgatewayPool", "this gateway is in no pool: it does not register with the central gateway"},
	{"gateway_destination", "no events go to the central gateway: say es_destination, or destinations"},
	{"publish", "APIs are published to no service registry"},
	{"service_registries", "APIs are published to no service registry"},
	{"extended_settings", "no extended setting of webMethods is acted on"},
	{"system", "these are settings of webMethods' own process"},
	{"api_endpoint.access_url", "nobody is told under which address the APIs are reached"},
	{"security_settings.providers", "clients are registered at no auth server"},
	{"security_settings", "only its auth_servers are acted on"},
}

// inert takes these settings out of the tree.
func (v *vendor) inert() {
	for _, one := range inert {
		key, below, nested := strings.Cut(one.path, ".")
		i := v.root.find(key)
		if i < 0 {
			continue
		}
		named, value := v.root.Keys[i], v.root.Items[i]
		if nested {
			v.inertBelow(key, below, one.why)
			continue
		}
		v.tree.asVendor(named)
		v.root.drop(key)
		if key == "security_settings" && len(value.Keys) == 0 {
			continue // what it held has been taken
		}
		v.warn(named, one.path, "not acted on: "+one.why)
	}
}

func (v *vendor) inertBelow(key, below, why string) {
	_, value := v.section(key)
	if value == nil || value.find(below) < 0 {
		return
	}
	named := value.Keys[value.find(below)]
	v.tree.asVendor(named)
	v.own(key, named).drop(below)
	v.warn(named, key+"."+below, "not acted on: "+why)
}

// vendorSettings are the settings of webMethods that variables can give and that
// have no place in our own types.
func vendorSettings() reach {
	r := reach{}
	for _, one := range inert {
		keys := strings.Split(one.path, ".")
		r.add(keys, setting{open: len(keys) == 1})
	}
	for _, path := range []string{"policies.user_auth", "faults.default_error_message", "microgatewayPool.microgatewayPoolName", "microgatewayPool.microgatewayPoolDescription"} {
		r.add(strings.Split(path, "."), setting{})
	}
	for _, key := range storeKeys {
		r.add([]string{"key_store", key}, setting{})
		r.add([]string{"trust_store", key}, setting{})
	}
	for _, key := range esKeys {
		r.add([]string{"es_destination", key}, setting{})
	}
	for typ, keys := range later {
		for _, key := range keys {
			switch typ {
			case reflect.TypeFor[config.Config]():
				r.add([]string{key}, setting{open: true})
			case reflect.TypeFor[config.APIGateway]():
				r.add([]string{"api_gateway", key}, setting{})
			}
		}
	}
	return r
}
