package listener

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// openTCP listens on an address that a flag gave.
func openTCP(ctx context.Context, flag, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: another program listens on %s, perhaps the mail server of this machine: stop it, give another address, "+
			"or let it pass the bounces on to --bounce-lmtp (docs/bounce-listener.md)", flag, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: this user may not listen on %s: allow the program low ports (setcap cap_net_bind_service=+ep), "+
			"or listen on a high port and redirect port 25 to it (docs/bounce-listener.md)", flag, address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w; give an address of this machine, such as :25 or 127.0.0.1:2525", flag, err)
	}
	return ln, nil
}

// socketMode lets mail servers of other users write to the socket; who may reach it is decided by the folder that it is in.
const socketMode = 0o666

func openLMTP(ctx context.Context, address string) (net.Listener, error) {
	path, is := unixPath(address)
	if !is {
		return openTCP(ctx, "--bounce-lmtp", address)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("--bounce-lmtp: %w; the folder of the socket must exist, and this user must be able to write to it", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("--bounce-lmtp: %w", err), ln.Close())
	}
	return ln, nil
}

// removeStale removes the socket that a crash left behind, and nothing else.
func removeStale(ctx context.Context, path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--bounce-lmtp: %w", err)
	}
	if st.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("--bounce-lmtp: there is something at %s that is not a socket; remove it or give another path", path)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("--bounce-lmtp: another program listens on %s; stop it or give another path", path), c.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("--bounce-lmtp: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("--bounce-lmtp: removing the socket of an earlier process: %w", err)
	}
	return nil
}
