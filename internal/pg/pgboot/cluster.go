package pgboot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clusterMajor gives the major version that made the cluster, 0 when there is none yet.
func clusterMajor(cluster string) (int, error) {
	b, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(cluster); err == nil {
			return 0, fmt.Errorf("%s exists and is not a Postgres data directory (it has no PG_VERSION); move it away", cluster)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the version of the Postgres data: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION holds %q, not a version number", cluster, b)
	}
	return major, nil
}

// ensureCluster makes the cluster if there is none. initdb works in a directory beside it that is renamed at the end, so that a run that was
// cut short leaves nothing that looks like a cluster.
func (b *boot) ensureCluster(ctx context.Context, bins binaries) error {
	leftovers, _ := filepath.Glob(filepath.Join(b.dir, "initdb-*"))
	for _, dir := range leftovers {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing what an interrupted start left: %w", err)
		}
	}
	if _, err := os.Lstat(b.cluster); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(b.dir, "initdb-")
	if err != nil {
		return fmt.Errorf("making the Postgres data directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := b.acct.give(tmp); err != nil {
		return fmt.Errorf("giving %s to the user %s: %w", tmp, b.acct.name, err)
	}
	b.log.Info("making a new Postgres data directory", "dir", b.cluster, "postgres", bins.major)
	if err := b.initdb(ctx, bins, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, b.cluster); err != nil {
		return fmt.Errorf("putting the Postgres data directory in place: %w", err)
	}
	return syncDir(b.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening %s: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

// initdb tries the locales from the best to the one every system has.
func (b *boot) initdb(ctx context.Context, bins binaries, dir string) error {
	var out []byte
	var err error
	for _, locale := range localeArgs(bins.major) {
		args := append([]string{"--pgdata", dir, "--username", roleName, "--auth", "trust", "--encoding", "UTF8", "--data-checksums"}, locale...)
		if b.cfg.Settings["fsync"] == "off" {
			args = append(args, "--no-sync")
		}
		out, err = b.run(ctx, bins, "initdb", args)
		if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "locale") {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("making the Postgres data directory with %s: %w\n%s", bins.path("initdb"), err, bytes.TrimSpace(out))
	}
	return nil
}

// localeArgs: text sorts by code point, which is fast and never changes with a system update (a changed collation corrupts indexes), while upper
// and lower case work for every script.
func localeArgs(major int) [][]string {
	if major >= 17 {
		return [][]string{{"--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"}}
	}
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "UTF-8"
	}
	return [][]string{{"--locale", "C", "--lc-ctype", ctype}, {"--locale", "C"}}
}

// run runs one of the programs to its end and gives what it printed.
func (b *boot) run(ctx context.Context, bins binaries, program string, args []string) ([]byte, error) {
	var out bytes.Buffer
	cmd := bins.command(program, args, b.acct, syscall.SIGKILL)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	p, err := spawn(cmd)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
		return out.Bytes(), p.err
	case <-ctx.Done():
		_ = cmd.Process.Signal(syscall.SIGTERM) // initdb then ends its own children
		<-p.done
		return out.Bytes(), ctx.Err()
	}
}

// command prepares a program of these binaries, to run as the account in a clean environment: PG* variables of the caller would change what
// the programs do.
func (bins binaries) command(program string, args []string, acct account, deathSignal syscall.Signal) *exec.Cmd {
	cmd := exec.Command(bins.path(program), args...)
	cmd.Env = []string{"PATH=" + bins.dir + ":/usr/bin:/bin", "LC_MESSAGES=C", "TZ=UTC"}
	if bins.lib != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+bins.lib)
	}
	cmd.SysProcAttr = procAttr(acct, deathSignal)
	return cmd
}

// maxSocketDir keeps "<dir>/.s.PGSQL.5432" under 104 bytes, the smallest limit among the systems we run on.
const maxSocketDir = 103 - len("/.s.PGSQL."+socketPort)

// ensureSocketDir makes the directory of the socket, which only the account (and root) can enter: that is what guards the server, not a password.
func ensureSocketDir(dataDir string, acct account) (string, error) {
	dir := filepath.Join(dataDir, "run")
	if len(dir) > maxSocketDir {
		sum := sha256.Sum256([]byte(dataDir))
		name := "postrider-pg-" + hex.EncodeToString(sum[:6])
		if dir = filepath.Join(os.TempDir(), name); len(dir) > maxSocketDir {
			dir = filepath.Join("/tmp", name)
		}
		if err := acct.checkReach(filepath.Dir(dir)); err != nil {
			return "", err
		}
	}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = acct.give(dir)
	} else if errors.Is(err, fs.ErrExist) {
		err = checkOwnDir(dir, acct)
	}
	if err != nil {
		return "", fmt.Errorf("making the socket directory of the private Postgres: %w", err)
	}
	return dir, nil
}

// checkOwnDir accepts an existing socket directory only when nobody else could have put it there: other users can write to the temp directory.
func checkOwnDir(dir string, acct account) error {
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st := fi.Sys().(*syscall.Stat_t)
	if st.Uid == 0 && acct.drop && fi.IsDir() { // a run that ended between making the directory and giving it away
		if err := acct.give(dir); err != nil {
			return err
		}
		st.Uid = acct.uid
	}
	if !fi.IsDir() || st.Uid != acct.uid || fi.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s exists and is not a directory of the user %s with mode 0700; remove it", dir, acct.name)
	}
	return nil
}
