package pgboot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minMajor is the oldest Postgres our SQL runs on.
const minMajor = 15

// binaries is a directory with postgres and initdb of one version.
type binaries struct {
	dir   string
	lib   string // libraries that came with a downloaded copy; empty for installed ones
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// finder looks for binaries. Its fields are what the machine offers, so that a test can offer something else.
type finder struct {
	override string   // from Config.BinDir: this or nothing
	path     []string // directories of PATH
	globs    []string // where packages put Postgres
	fetch    fetcher
	acct     account
	version  func(ctx context.Context, b binaries) (int, error)
	looked   []string // what was looked at and why it will not do, for the error
}

func (b *boot) findBinaries(ctx context.Context) (binaries, error) {
	want, err := clusterMajor(b.cluster)
	if err != nil {
		return binaries{}, err
	}
	f := &finder{
		override: b.cfg.BinDir,
		path:     filepath.SplitList(os.Getenv("PATH")),
		globs: []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
			"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"},
		fetch:   newFetcher(b.cfg.CacheDir, b.log),
		acct:    b.acct,
		version: askVersion,
	}
	return f.find(ctx, want)
}

// find gives the first binaries that fit. want is the version that made the data, 0 when there is none yet.
func (f *finder) find(ctx context.Context, want int) (binaries, error) {
	if f.override != "" {
		b, ok := f.try(ctx, binaries{dir: f.override}, want)
		if !ok {
			return binaries{}, fmt.Errorf("the Postgres binaries set with POSTRIDER_PG_BIN cannot be used: %s", strings.Join(f.looked, "; "))
		}
		return b, nil
	}
	for _, dir := range f.installed() {
		if b, ok := f.try(ctx, binaries{dir: dir}, want); ok {
			return b, nil
		}
	}
	b, err := f.downloaded(ctx, want)
	if err != nil {
		f.note("download: %v", err)
		return binaries{}, f.nothing(want)
	}
	return b, nil
}

// installed lists the directories worth a look, in order and once each.
func (f *finder) installed() []string {
	var dirs []string
	for _, dir := range f.path {
		if home, ok := f.onPath(dir); ok {
			dirs = append(dirs, home)
		}
	}
	for _, glob := range f.globs {
		found, _ := filepath.Glob(glob)
		slices.SortFunc(found, func(a, b string) int { return versionIn(b) - versionIn(a) })
		if len(found) == 0 {
			f.note("%s: nothing there", glob)
		}
		dirs = append(dirs, found...)
	}
	var once []string
	for _, d := range dirs {
		if !slices.Contains(once, d) {
			once = append(once, d)
		}
	}
	return once
}

// onPath follows the link of a postgres on PATH to its real home. A script called postgres is a wrapper of somebody's making: what it would do
// with our arguments, user and signals is unknown.
func (f *finder) onPath(dir string) (string, bool) {
	program := filepath.Join(dir, "postgres")
	if dir == "" || !executable(program) {
		return "", false
	}
	home, err := filepath.EvalSymlinks(program)
	if err != nil || isScript(home) {
		f.note("%s: a script, not the server itself", program)
		return "", false
	}
	for _, d := range []string{filepath.Dir(home), dir} {
		if executable(filepath.Join(d, "initdb")) {
			return d, true
		}
	}
	f.note("%s: no initdb beside it", program)
	return "", false
}

func (f *finder) try(ctx context.Context, b binaries, want int) (binaries, bool) {
	for _, program := range []string{"postgres", "initdb"} {
		if !executable(b.path(program)) {
			f.note("%s: no %s", b.dir, program)
			return b, false
		}
	}
	if err := f.acct.checkReach(b.dir); err != nil {
		f.note("%s: the user %s cannot get there", b.dir, f.acct.name)
		return b, false
	}
	major, err := f.version(ctx, b)
	switch {
	case err != nil:
		f.note("%s: does not run here: %v", b.dir, err)
	case want != 0 && major != want:
		f.note("%s: Postgres %d, but the data needs %d", b.dir, major, want)
	case major < minMajor:
		f.note("%s: Postgres %d, too old (%d or newer)", b.dir, major, minMajor)
	default:
		b.major = major
		return b, true
	}
	return b, false
}

// downloaded gives the cached copy, fetching it first if need be.
func (f *finder) downloaded(ctx context.Context, want int) (binaries, error) {
	if want != 0 && want != pinnedMajor {
		return binaries{}, fmt.Errorf("only Postgres %d can be downloaded, but the data needs %d", pinnedMajor, want)
	}
	dir, err := f.fetch.ensure(ctx, f.acct)
	if err != nil {
		return binaries{}, err
	}
	b, ok := f.try(ctx, binaries{dir: filepath.Join(dir, "bin"), lib: filepath.Join(dir, "lib")}, want)
	if !ok {
		return b, errors.New("the downloaded Postgres cannot be used on this machine")
	}
	return b, nil
}

func (f *finder) note(format string, args ...any) {
	f.looked = append(f.looked, fmt.Sprintf(format, args...))
}

func (f *finder) nothing(want int) error {
	version, install := "", "apt-get install postgresql"
	if want != 0 {
		version, install = fmt.Sprintf(" %d, which made the existing data,", want), fmt.Sprintf("apt-get install postgresql-%d", want)
	}
	return fmt.Errorf("no usable Postgres%s was found. Install it (%s, or your system's way), name its bin directory in POSTRIDER_PG_BIN, "+
		"or set DATABASE_URL to a server you have. Looked at:\n  PATH\n  %s", version, install, strings.Join(f.looked, "\n  "))
}

var (
	dirVersion  = regexp.MustCompile(`(\d+)(?:\.\d+)*/bin/?$`)
	saidVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)
)

func versionIn(dir string) int {
	if m := dirVersion.FindStringSubmatch(dir); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// askVersion runs "postgres -V", which also shows that the program runs on this machine at all.
func askVersion(ctx context.Context, b binaries) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.path("postgres"), "-V")
	cmd.Env = []string{"LD_LIBRARY_PATH=" + b.lib}
	if b.lib == "" {
		cmd.Env = []string{}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w %s", err, strings.TrimSpace(string(out)))
	}
	m := saidVersion.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("it says %q instead of its version", strings.TrimSpace(string(out)))
	}
	return strconv.Atoi(string(m[1]))
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 2)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "#!"
}
