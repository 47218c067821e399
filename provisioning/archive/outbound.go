package archive

// outbound translates which credentials the service is shown.
func outbound(t *translation, at string, a *parameter) {
	security := a.first("transportSecurity")
	mode := security.text("authMode")
	switch kind := security.text("authType"); {
	case kind == "ALIAS":
		t.refuse(at, "credentials of alias %s are not supported: state policies.outbound", security.text("alias"))
	case mode == "INCOMING_HTTP_BASIC_AUTH":
		t.state(at, "outbound", "forward_basic")
	case mode == "INCOMING_OAUTH_TOKEN" || mode == "INCOMING_JWT":
		t.state(at, "outbound", "forward_token")
	case mode == "ANONYMOUS" || kind == "NONE":
		t.state(at, "outbound", "none")
	case mode == "NEW" && kind == "HTTP_BASIC":
		c := security.first("httpAuthCredentials")
		t.basic(at, c.text("userName"), c.text("password"))
	default:
		t.refuse(at, "credentials of type %s, mode %s, are not supported", kind, mode)
	}
	t.ignored(at, a, "transportSecurity")
}

// basic is a user whose password is often hidden in an export.
func (t *translation) basic(at, user, password string) {
	if password == "" || masked(password) {
		t.tell(at, "the password of %s is hidden in the export: state policies.outbound.basic.password", user)
		password = ""
	}
	m := mapping{{key: "user", value: user}}
	m.set("password", password)
	t.state(at, "outbound", mapping{{key: "basic", value: m}})
}
