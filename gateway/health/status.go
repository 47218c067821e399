package health

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"postern/provisioning"
	"postern/provisioning/config"
)

// maxAssets bounds what is read of an answer: thousands of APIs.
const maxAssets = 64 << 20

// operator asks for one of the operator's resources.
type operator struct {
	provisioning.Options
	verbose bool
}

// NewStatus is the command that says whether a gateway on this host is active.
func NewStatus() *cobra.Command {
	var o operator
	made := &cobra.Command{
		Use: "status", Short: "Say whether the gateway on this host is active.", Args: cobra.NoArgs,
		Long: `With -p it asks on the port of the APIs, which needs admin_api.on_traffic_port,
else on the operator's listener; where that is, and who may ask, is read from the
configuration. Exit code 1: it is not active, or does not answer.`,
		Example: `	postern status -p 4485 | grep 'Server active'
	postern status -c postern.yaml -v`,
		RunE: func(called *cobra.Command, _ []string) error {
			body, err := o.ask(called, "/status")
			if err != nil {
				return err
			}
			return o.printStatus(called.OutOrStdout(), body)
		},
	}
	o.bind(made)
	return made
}

// NewAssets is the command that lists what a gateway on this host serves.
func NewAssets() *cobra.Command {
	var o operator
	made := &cobra.Command{
		Use: "assets", Short: "List the APIs and auth servers of the gateway on this host.", Args: cobra.NoArgs,
		Long: `It asks as status does and prints one name a line; -v prints the answer as it
came, with whatever else this caller may see.`,
		Example: `	postern assets -p 4485
	postern assets -c postern.yaml -v | jq '.apis[].apiName'`,
		RunE: func(called *cobra.Command, _ []string) error {
			body, err := o.ask(called, "/assets")
			if err != nil {
				return err
			}
			return o.printAssets(called.OutOrStdout(), body)
		},
	}
	o.bind(made)
	return made
}

func (o *operator) bind(to *cobra.Command) {
	o.BindFinding(to)
	to.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "Print the whole answer, as JSON.")
}

// ask returns the answer of one of the operator's resources.
func (o *operator) ask(called *cobra.Command, resource string) ([]byte, error) {
	cfg := provisioning.Glance(o.Sources(""))
	base, err := o.base(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(called.Context(), patience)
	defer cancel()
	address := base + strings.TrimSuffix(cfg.AdminAPI.AdminPath, "/") + resource
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %q: %w", address, err)
	}
	if cfg.AdminAPI.User != "" {
		request.SetBasicAuth(cfg.AdminAPI.User, cfg.AdminAPI.Password.Reveal())
	}
	response, err := send(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAssets))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", address, err)
	}
	return body, nil
}

// base is where the gateway is asked: on the port that was named, else on the
// operator's listener.
func (o *operator) base(cfg *config.Config) (string, error) {
	if !o.Stated("ports.http") {
		return loopback("admin_api.listen", cfg.AdminAPI.Listen)
	}
	address := string(cfg.Ports.HTTP)
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = "0.0.0.0:" + port
	}
	return loopback("-p", address)
}

func (o *operator) printStatus(out io.Writer, body []byte) error {
	var status struct {
		Active  bool     `json:"active"`
		Version string   `json:"version"`
		Reasons []string `json:"reasons"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return fmt.Errorf("the answer is no status: %w", err)
	}
	if !status.Active {
		return errors.New("Server not active: " + strings.Join(status.Reasons, "; ")) //nolint:staticcheck // the words scripts look for
	}
	fmt.Fprintf(out, "Server active\nVersion %s\n", status.Version)
	return o.whole(out, body)
}

func (o *operator) printAssets(out io.Writer, body []byte) error {
	if o.verbose {
		return o.whole(out, body)
	}
	var assets struct {
		APIs []struct {
			Name    string `json:"apiName"`
			Version string `json:"apiVersion"`
		} `json:"apis"`
		AuthServers []struct {
			Name string `json:"name"`
		} `json:"authserver"`
	}
	if err := json.Unmarshal(body, &assets); err != nil {
		return fmt.Errorf("the answer is no list of assets: %w", err)
	}
	for _, api := range assets.APIs {
		fmt.Fprintln(out, "API", strings.TrimSuffix(api.Name+"/"+api.Version, "/"))
	}
	for _, server := range assets.AuthServers {
		fmt.Fprintln(out, "auth server", server.Name)
	}
	return nil
}

// whole prints an answer so that it can be read, if that is asked for.
func (o *operator) whole(out io.Writer, body []byte) error {
	if !o.verbose {
		return nil
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	indented.WriteByte('\n')
	_, err := indented.WriteTo(out)
	return err
}
