// Package assembly joins the rooms: provisioning says what the gateway shall be,
// gateway serves, and neither knows the other.
package assembly

import (
	"errors"
	"io"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"postern/gateway"
	"postern/gateway/admin"
	"postern/provisioning"
	"postern/provisioning/config"
)

// Join makes a gateway, the reloader that keeps it at what its sources say, and
// a log at the level they say. Nothing is read and nothing runs yet; with the first
// configuration the listeners open.
func Join(version string, from provisioning.Sources, logTo io.Writer) (*gateway.Gateway, *provisioning.Reloader, *zap.Logger) {
	level := zap.NewAtomicLevel()
	log := newLogger(logTo, level)
	var reloader *provisioning.Reloader
	g := gateway.New(log, gateway.Version(version), gateway.Reload(func() admin.Reload { return reloadStatus(reloader.Last()) }))
	reloader = provisioning.NewReloader(from, func(cfg *config.Config) error {
		if err := g.Apply(cfg); err != nil {
			return err
		}
		// A port that is taken is a configuration that cannot be applied.
		return errors.Join(level.UnmarshalText([]byte(cfg.Logging.Level)), g.Listen())
	}, log)
	return g, reloader, log
}

// newLogger writes JSON lines, every one of them: what repeats is sampled where
// it is known to repeat.
func newLogger(w io.Writer, level zap.AtomicLevel) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time" // as in the access log
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.Lock(zapcore.AddSync(w)), level))
}

// reloadStatus is the outcome of the last attempt as the operator sees it.
func reloadStatus(o provisioning.Outcome) admin.Reload {
	r := admin.Reload{
		Success: o.Success, When: o.When, LastSuccess: o.LastSuccess, Since: o.Since,
		Generation: o.Generation, Applied: o.Applied, Refused: o.Refused, Files: o.Files,
	}
	if o.LastErr != nil {
		r.LastFailure = &admin.Failure{When: o.LastFailed, Report: strings.Split(o.LastErr.Error(), "\n")}
	}
	if o.Err != nil {
		r.Report = r.LastFailure.Report
	}
	for _, warning := range o.Warnings {
		r.Warnings = append(r.Warnings, warning.String())
	}
	return r
}
