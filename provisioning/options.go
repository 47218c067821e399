package provisioning

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern/provisioning/commandline"
	"postern/provisioning/settings"
)

// option is one of webMethods Microgateway's: it states a setting.
type option struct{ name, short, oneDash, path, usage string }

// options are those of start; the first ones also find a running gateway.
func options() []option {
	return []option{
		{"port", "p", "", "ports.http", "`PORT` of the APIs, as ports.http."},
		{"admin_user", "", "adu", "admin_api.user", "`USER` of the operator, as admin_api.user."},
		{"admin_password", "", "adp", "admin_api.password", "Its `PASSWORD`, as admin_api.password."},
		{"log_level", "", "lv", "logging.level", "`LEVEL` of the log, as logging.level."},
		{"user_auth", "", "ua", "policies.user_auth", "`internal`: users are those of users.cnf."},
		{"api_gateway_dir", "", "gwd", "api_gateway.dir", "`FOLDER` of the central gateway's installation, as api_gateway.dir."},
		{"api_gateway", "", "gw", "api_gateway.url", "Not supported yet: `ADDRESS` of the central gateway."},
		{"api_gateway_user", "", "gwu", "api_gateway.user", "Not supported yet: `USER` there."},
		{"api_gateway_password", "", "gwp", "api_gateway.password", "Not supported yet: its `PASSWORD`."},
		{"apis", "", "apis", "downloads.apis", "Not supported yet: `NAMES` of APIs to download."},
		{"applications", "", "apps", "downloads.applications", "Not supported yet: `NAMES` of applications to download."},
		{"policies", "", "pols", "downloads.policies", "Not supported yet: `NAMES` of policies to download."},
		{"download_settings", "", "ds", "api_gateway.download_settings", "Not supported yet: `true`: download the settings too."},
	}
}

// finding are the options that say where a gateway runs.
const finding = 3

// Options are the flags of webMethods Microgateway, beside those of every command.
type Options struct {
	Flags
	arguments []settings.Argument
	vendor    bool
}

// Bind adds all of them to a command.
func (o *Options) Bind(to *cobra.Command) {
	o.Flags.Bind(to)
	o.bind(to, options())
}

// BindFinding adds those that say where a gateway runs.
func (o *Options) BindFinding(to *cobra.Command) {
	o.Flags.Bind(to)
	o.bind(to, options()[:finding])
}

func (o *Options) bind(to *cobra.Command, all []option) {
	for _, one := range all {
		flag := to.Flags().VarPF(&argument{option: one, to: o}, one.name, one.short, one.usage)
		if one.oneDash != "" {
			commandline.OneDash(flag, one.oneDash)
		}
	}
}

// Sources are what the flags name and state, with the environment of this
// process. verb is what the command was called.
func (o *Options) Sources(verb string) Sources {
	from := o.Flags.Sources()
	from.Arguments, from.Vendor = o.arguments, o.vendor || verb == "start"
	return from
}

// Stated reports whether an option stated the setting at path.
func (o *Options) Stated(path string) bool {
	for _, a := range o.arguments {
		if a.Path == path {
			return true
		}
	}
	return false
}

// argument takes the value of one option.
type argument struct {
	option
	to *Options
}

var _ pflag.Value = (*argument)(nil)

// Set implements pflag.Value.
func (a *argument) Set(value string) error {
	written := "--" + a.name
	if a.oneDash != "" {
		written = "-" + a.oneDash
	} else if a.short != "" {
		written = "-" + a.short
	}
	a.to.vendor = true
	a.to.arguments = append(a.to.arguments, settings.Argument{Option: written, Path: a.path, Value: value})
	return nil
}

// String implements pflag.Value: nothing is the default of any of them.
func (a *argument) String() string { return "" }

// Type implements pflag.Value.
func (a *argument) Type() string { return "text" }
