package media

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postrider/internal/errs"
)

// Kinds of storages.
const (
	KindFolder = "folder" // the folder media of the data folder, or Config.Folder
	KindS3     = "s3"     // a bucket of Amazon S3, or of a service that speaks its protocol
)

// Storage is a place for files. It never holds a secret in the clear.
type Storage struct {
	ID        int64
	Kind      string
	Name      string
	Current   bool // new files go here
	Endpoint  string
	Region    string
	Bucket    string
	Prefix    string
	PathStyle bool
	AccessKey string
	HasSecret bool
	PublicURL string
	Files     int64
	Bytes     int64
	CreatedAt time.Time
	UpdatedAt time.Time

	sealed []byte
}

// StorageInput is what a person says about a bucket.
type StorageInput struct {
	Name      string
	Endpoint  string // an origin: https://s3.example.org
	Region    string
	Bucket    string
	Prefix    string // of all names, without a slash at its ends
	PathStyle bool   // the bucket stands in the path and not in the host name
	AccessKey string
	SecretKey *string // nil in an update: the stored one stays
	// PublicURL is where everybody can read what is in the bucket under Prefix; readers are then sent there. "" serves files from here.
	PublicURL string
}

var (
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	regionForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,50}$`)
)

// clean trims and checks an input. old is the stored storage, its zero value for a new one.
func (in StorageInput) clean(old Storage) (StorageInput, error) {
	var f errs.Fields
	for _, s := range []*string{&in.Name, &in.Endpoint, &in.Region, &in.Bucket, &in.Prefix, &in.AccessKey, &in.PublicURL} {
		*s = strings.TrimSpace(*s)
	}
	in.Prefix = strings.Trim(in.Prefix, "/")
	if in.Region == "" {
		in.Region = "us-east-1" // what services without regions answer to
	}
	if in.Name == "" || utf8.RuneCountInString(in.Name) > maxName || !utf8.ValidString(in.Name) || strings.ContainsFunc(in.Name, unicode.IsControl) {
		f.Add("name", "give the storage a name of one line, with at most %d characters", maxName)
	}
	in.Endpoint = checkEndpoint(&f, in.Endpoint)
	if !regionForm.MatchString(in.Region) {
		f.Add("region", "this is no region such as eu-central-1")
	}
	if !bucketForm.MatchString(in.Bucket) {
		f.Add("bucket", "the name of a bucket has 3 to 63 small letters, digits, dots and hyphens")
	}
	if len(in.Prefix) > 200 || in.Prefix != "" && !prefixForm.MatchString(in.Prefix) || strings.Contains("/"+in.Prefix+"/", "/../") || strings.Contains("/"+in.Prefix+"/", "/./") {
		f.Add("prefix", "use letters, digits, dots, hyphens and underscores, with slashes between")
	}
	if in.AccessKey == "" || len(in.AccessKey) > 200 || strings.ContainsFunc(in.AccessKey, notPrintable) {
		f.Add("access_key", "give the access key as the service shows it")
	}
	switch {
	case in.SecretKey == nil && !old.HasSecret, in.SecretKey != nil && (*in.SecretKey == "" || len(*in.SecretKey) > 500 || strings.ContainsFunc(*in.SecretKey, notPrintable)):
		f.Add("secret_key", "give the secret key that belongs to the access key")
	case in.SecretKey == nil && in.Endpoint != old.Endpoint:
		f.Add("secret_key", "the stored secret key is for another server: enter it again")
	}
	if in.PublicURL != "" {
		u, err := url.Parse(in.PublicURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			f.Add("public_url", "this must be an address such as https://cdn.example.org/media")
		}
		in.PublicURL = strings.TrimRight(in.PublicURL, "/")
	}
	return in, f.Err("the storage cannot be saved")
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

// checkEndpoint gives an endpoint as an origin. "" is Amazon's own, which the region names.
func checkEndpoint(f *errs.Fields, s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		f.Add("endpoint", "this must be the address of the service without a path, such as https://s3.example.org; leave it empty for Amazon")
		return s
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host
}

// moved reports whether an input is about another place than before, where the files would not be.
func (in StorageInput) moved(old Storage) bool {
	return in.Endpoint != old.Endpoint || in.Region != old.Region || in.Bucket != old.Bucket || in.Prefix != old.Prefix
}
