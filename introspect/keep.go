package introspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
)

// keptKeys is a key set as it was last fetched, in a file that a later process
// may read while the issuer is away. Key sets are public, so nothing in it is
// secret; who may write the file may decide which tokens are good, so it is the
// operator's own.
type keptKeys struct {
	Server  string          `json:"auth_server"`
	Issuer  string          `json:"issuer"`
	Address string          `json:"address"` // of the key set
	ETag    string          `json:"etag,omitempty"`
	Fetched time.Time       `json:"fetched"`
	Keys    json.RawMessage `json:"key_set"`
}

// maxKept is what a kept key set may have at the most.
const maxKept = 4 << 20

// keptFile is where the keys of s are kept below dir.
func keptFile(dir string, s *source) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t", s.server, s.issuer, s.jwksURI, s.discovery))
	return filepath.Join(dir, "keys", hex.EncodeToString(sum[:16])+".json")
}

// restore takes over the keys that an earlier process has kept, as old as they
// are. The caller holds life, and no goroutine runs.
func (k *keySet) restore(dir string, log *zap.Logger) {
	if dir == "" || k.load() != nil {
		return
	}
	server := zap.String("auth_server", k.source.server)
	kept, content, err := readKept(keptFile(dir, &k.source), &k.source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		log.Warn("kept key set not used", server, zap.Error(err))
		return
	}
	fetched := kept.Fetched
	if now := time.Now(); fetched.After(now) {
		fetched = now // a clock was wrong; it is not older than now
	}
	k.last = document{address: kept.Address, etag: kept.ETag, body: kept.Keys}
	k.replace(content)
	k.fetched.Store(fetched.UnixNano())
	log.Info("key set restored", server, zap.Time("fetched", fetched))
}

func readKept(file string, s *source) (kept keptKeys, content *keys, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return kept, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKept {
		return kept, nil, fmt.Errorf("%s is no file of at most %d bytes", file, maxKept)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return kept, nil, err
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return kept, nil, fmt.Errorf("read %s: %w", file, err)
	}
	if kept.Server != s.server || kept.Issuer != s.issuer {
		return kept, nil, fmt.Errorf("%s is of another auth server", file)
	}
	if content, err = parseJWKS(kept.Keys); err != nil {
		return kept, nil, fmt.Errorf("read %s: %w", file, err)
	}
	return kept, content, nil
}

// store keeps the keys that were just fetched. That it cannot is told once, and
// again when it could in between.
func (k *keySet) store(dir string, fetched time.Time, log *zap.Logger) {
	if dir == "" || k.last.body == nil {
		return
	}
	err := writeKept(keptFile(dir, &k.source), &keptKeys{
		Server: k.source.server, Issuer: k.source.issuer, Address: k.last.address, ETag: k.last.etag,
		Fetched: fetched.UTC(), Keys: k.last.body,
	})
	if err != nil && !k.unkept {
		log.Warn("key set not kept", zap.String("auth_server", k.source.server), zap.Error(err))
	}
	k.unkept = err != nil
}

// writeKept replaces a file as a whole: whoever reads it sees the old or the new
// one.
func writeKept(file string, kept *keptKeys) error {
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	fresh, err := os.CreateTemp(folder, ".fresh-*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(text)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return nil
}
