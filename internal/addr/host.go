package addr

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Hosts in private networks (containers above all) carry underscores, which idna.Lookup refuses.
var (
	serverHosts = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))
	hostName    = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)
)

// Host gives the name of a server in the form it is dialed (A-labels, or an IP address without brackets), or says what is wrong with it. People paste URLs and "host:port" here.
// example is a name such as one would type.
func Host(raw, example string) (host, problem string) {
	host = strings.TrimSpace(raw)
	switch {
	case host == "":
		return "", "the host is missing, for example " + example
	case strings.ContainsFunc(raw, unicode.IsControl) || strings.ContainsFunc(host, unicode.IsSpace):
		return "", "the host must not contain spaces or line breaks"
	case strings.Contains(host, "://"):
		return "", "give the host alone, without \"" + shorten(host[:strings.Index(host, "://")+3]) + "\""
	case strings.Contains(host, "@"):
		return "", "this looks like an address; the host is the server's name, for example " + example
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil {
		return ip.String(), ""
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		return "", "give the host alone (" + shorten(h) + ") and put the port into its own field"
	}
	name, ok := ASCII(serverHosts, host)
	if !ok {
		return "", "\"" + shorten(host) + "\" is not a host name"
	}
	return name, ""
}

// ASCII gives a name in lower-case A-labels. It is asked twice: some characters become labels that are none.
func ASCII(profile *idna.Profile, name string) (string, bool) {
	ascii, err := profile.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || len(ascii) > 253 || !hostName.MatchString(ascii) {
		return "", false
	}
	again, err := profile.ToASCII(ascii)
	return ascii, err == nil && again == ascii
}

// IsLoopback reports whether a host is this machine by its very name.
func IsLoopback(host string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// shorten keeps what a person typed short enough to be shown back.
func shorten(s string) string {
	const limit = 100
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
