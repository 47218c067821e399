package settings

import (
	"slices"
	"strings"

	"postern/provisioning/config"
)

// esKeys are those of es_destination; flags choose the events that are sent.
var (
	esKeys  = []string{"protocol", "hostName", "port", "indexName", "userName", "password", "metricsPublishInterval", "sendErrorEvent", "sendLifecycleEvent", "sendPerformanceMetrics", "sendPolicyViolationEvent"}
	esFlags = map[string]string{
		"sendErrorEvent": "error", "sendLifecycleEvent": "lifecycle",
		"sendPerformanceMetrics": "performance_metrics", "sendPolicyViolationEvent": "policy_violation",
	}
)

// esDestination becomes one of the destinations; policies know it by this name.
func (v *vendor) esDestination() {
	named, from := v.section("es_destination")
	if from == nil {
		return
	}
	v.tree.asVendor(named)
	v.root.drop("es_destination")
	v.esJudge(from)
	if from.words("hostName") == "" {
		v.warn(named, "es_destination", "not used: it has no hostName")
		return
	}
	search := from.mapping()
	v.esAddress(search, from)
	index := from.get("indexName")
	if from.words("indexName") == "" {
		index = named.scalar("default") // its name in webMethods
	}
	search.put("index", index.scalar(strings.ToLower(index.Text)))
	for theirs, ours := range map[string]string{"userName": "user", "password": "password"} {
		if value := from.get(theirs); value != nil && !value.Null && value.Text != "" {
			search.put(ours, value)
		}
	}
	made := named.mapping()
	made.put("name", named.scalar("es_destination"))
	made.put("elasticsearch", search)
	made.put("events", v.esEvents(named, from))
	v.addDestination(made)
}

func (v *vendor) addDestination(made *Node) {
	all := v.root.get("destinations")
	switch {
	case all == nil:
		v.root.put("destinations", made.list(made))
	case all.Kind == List:
		joined := *all
		joined.Items = append(slices.Clip(all.Items), made)
		v.root.set(v.root.Keys[v.root.find("destinations")], &joined)
	}
}

func (v *vendor) esJudge(from *Node) {
	for _, key := range from.Keys {
		at := "es_destination." + key.Text
		switch {
		case key.Text == "metricsPublishInterval", strings.HasPrefix(key.Text, "sendAuditlog"):
			v.warn(key, at, "not acted on")
		case !slices.Contains(esKeys, key.Text):
			v.fault(key, at, "unknown field "+quoted(key.Text)+config.DidYouMean(key.Text, esKeys))
		}
	}
}

func (v *vendor) esAddress(search, from *Node) {
	protocol, host := from.words("protocol"), from.get("hostName")
	if protocol == "" {
		protocol = "http" // the default of webMethods
	}
	address := strings.ToLower(protocol) + "://" + host.Text
	if port := from.words("port"); port != "" {
		address += ":" + port
	}
	v.address(search, "url", host.scalar(address), "es_destination.hostName")
}

// esEvents are those that are not switched off; the values of the flags are text.
func (v *vendor) esEvents(named, from *Node) *Node {
	list := named.list()
	for _, kind := range config.EventKinds() {
		off := false
		for flag, sends := range esFlags {
			off = off || sends == kind && strings.EqualFold(from.words(flag), "false")
		}
		if !off {
			list.Items = append(list.Items, named.scalar(kind))
		}
	}
	return list
}
