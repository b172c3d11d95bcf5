package safehttp

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// forbidden are networks that nothing of the public Internet is in (IANA special-purpose registries for IPv4 and IPv6, RFC 6890), and an address of a cloud's
// metadata that is not in one of them. Loopback, private, link-local, multicast and unspecified addresses are told by netip.
var forbidden = func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"168.63.129.16/32", // Azure
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// nat64 is the prefix behind which a translator puts IPv4 addresses (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Internal reports whether an address is not one of the public Internet, in whichever way it is written.
func Internal(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		return Internal(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() {
		return true
	}
	for _, p := range forbidden {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// InternalHost reports whether the host of an address is internal as far as that is known without asking DNS. It is for saying so early: what counts is the guard.
func InternalHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return err == nil && Internal(ip) || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// RefusedError says that a name leads to an address that is not to be connected to.
type RefusedError struct{ IP string }

func (e RefusedError) Error() string {
	return fmt.Sprintf("%s is an address of this machine or of a private network", e.IP)
}

// guard is the Control function of a dialer. It sees the address that is about to be connected to, after all names were resolved, so that no name, redirect or answer
// of DNS that changes gets around it.
func guard(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return RefusedError{IP: address}
	}
	if Internal(ap.Addr()) {
		return RefusedError{IP: ap.Addr().String()}
	}
	return nil
}
