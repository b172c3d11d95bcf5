package pgboot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user the server runs as. Postgres refuses to run as root.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // this process is root and the child has to change to the account
}

func (a account) credential() *syscall.Credential {
	if !a.drop {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// chooseAccount gives the current user, or for root an unprivileged one: the owner of a cluster that exists, else "postgres", else "nobody".
// The owner comes first so that a user "postgres" installed later does not lock the server out of what "nobody" made.
func chooseAccount(cluster string) (account, error) {
	owner, exists, err := ownerOf(cluster)
	if err != nil {
		return account{}, err
	}
	euid := uint32(os.Geteuid())
	if euid != 0 {
		if exists && owner.uid != euid {
			return account{}, fmt.Errorf("the Postgres data in %s belongs to user %s; run as that user, or give another data directory", cluster, owner.name)
		}
		return account{name: strconv.Itoa(int(euid)), uid: euid, gid: uint32(os.Getegid())}, nil
	}
	if exists && owner.uid != 0 {
		owner.drop = true
		return owner, nil
	}
	a, err := unprivileged()
	if err == nil && exists {
		err = a.chownTree(cluster)
	}
	return a, err
}

func ownerOf(path string) (account, bool, error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return account{}, false, nil
	}
	if err != nil {
		return account{}, false, fmt.Errorf("looking at the Postgres data: %w", err)
	}
	st := fi.Sys().(*syscall.Stat_t)
	a := account{name: strconv.Itoa(int(st.Uid)), uid: st.Uid, gid: st.Gid}
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a, true, nil
}

func unprivileged() (account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid), drop: true}, nil
		}
	}
	return account{}, errors.New("a Postgres must not run as root, and this system has neither a user postgres nor nobody; " +
		"add one (useradd --system postgres), run Postrider as another user, or set DATABASE_URL")
}

func (a account) chownTree(root string) error {
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.uid), int(a.gid))
	})
	if err != nil {
		return fmt.Errorf("giving %s to the user %s: %w", root, a.name, err)
	}
	return nil
}

// give makes a path the account's own.
func (a account) give(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// checkReach says which directory on the way keeps the account out. Access lists are not looked at.
func (a account) checkReach(dir string) error {
	if !a.drop {
		return nil
	}
	for _, p := range ancestors(dir) {
		fi, err := os.Stat(p)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", p, err)
		}
		if !a.mayEnter(fi) {
			return fmt.Errorf("the private Postgres runs as the user %s, who cannot enter %s on the way to %s; "+
				"use a directory elsewhere, such as one under /var/lib, or run: chmod o+x %s", a.name, p, dir, p)
		}
	}
	return nil
}

func (a account) mayEnter(fi fs.FileInfo) bool {
	st := fi.Sys().(*syscall.Stat_t)
	switch {
	case st.Uid == a.uid:
		return fi.Mode()&0o100 != 0
	case st.Gid == a.gid:
		return fi.Mode()&0o010 != 0
	default:
		return fi.Mode()&0o001 != 0
	}
}

// ancestors lists an absolute path's directories from the root down to itself.
func ancestors(dir string) []string {
	out := []string{"/"}
	at := "/"
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		at = filepath.Join(at, part)
		out = append(out, at)
	}
	return out
}
