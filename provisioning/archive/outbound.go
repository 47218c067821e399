package archive

// outbound translates which credentials the service is shown.
func outbound(t *translation, at string, a *parameter) {
	security := a.first("transportSecurity")
	mode := security.text("authMode")
	switch kind := security.text("authType"); {
	case kind == "ALIAS":
		t.aliased(at, security.text("alias"))
	case mode == "INCOMING_HTTP_BASIC_AUTH":
		t.state(at, "outbound", "forward_basic")
	case mode == "INCOMING_OAUTH_TOKEN" || mode == "INCOMING_JWT":
		t.state(at, "outbound", "forward_token")
	case mode == "ANONYMOUS" || kind == "NONE":
		t.state(at, "outbound", "none")
	case mode == "NEW" && kind == "HTTP_BASIC":
		c := security.first("httpAuthCredentials")
		t.basic(at, c.text("userName"), c.text("password"))
	case mode == "NEW" && kind == "OAUTH2":
		t.token(at, security.text("oauth2Token"))
	default:
		t.refuse(at, "credentials of type %s, mode %s, are not supported", kind, mode)
	}
	t.ignored(at, a, "transportSecurity")
}

// aliased are credentials that an alias has.
func (t *translation) aliased(at, text string) {
	for _, a := range t.aliases.all {
		if text == "${"+a.Name+"}" && a.isPassword() {
			t.state(at, "outbound", text)
			return
		}
	}
	t.refuse(at, "credentials of %s are not supported: it is no alias of the export with a user and a password", shorten(text))
}

// token is one that does not change, which is often hidden in an export.
func (t *translation) token(at, token string) {
	m := mapping{{key: "header", value: "Authorization"}}
	if token == "" || masked(token) {
		t.tell(at, "the token is hidden in the export: state policies.outbound.api_key.value, Bearer and the token")
	} else {
		m.set("value", "Bearer "+token)
	}
	t.state(at, "outbound", mapping{{key: "api_key", value: m}})
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
