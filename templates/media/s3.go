package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"postrider/internal/errs"
)

// s3Timeout bounds one request with its body, at about 350 kB a second for the largest file.
const s3Timeout = time.Minute

// bucket is a place in an S3 service.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // with a slash at its end, or ""
}

func newBucket(s Storage, secretKey string, transport http.RoundTripper) (bucket, error) {
	scheme, host, _ := strings.Cut(s.Endpoint, "://")
	if s.Endpoint == "" {
		scheme, host = "https", "s3."+s.Region+".amazonaws.com"
	}
	lookup := minio.BucketLookupDNS
	if s.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(host, &minio.Options{
		Creds: credentials.NewStaticV4(s.AccessKey, secretKey, ""), Secure: scheme == "https", Region: s.Region, BucketLookup: lookup, Transport: transport, MaxRetries: 3,
	})
	if err != nil {
		return bucket{}, errs.Because(errs.Invalid, err, "the endpoint %s cannot be used", s.Endpoint)
	}
	b := bucket{client: client, name: s.Bucket}
	if s.Prefix != "" {
		b.prefix = s.Prefix + "/"
	}
	return b, nil
}

// newTransport is for requests to S3: the connections are kept, and no server can let us wait without an answer.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true, DisableCompression: true,
	}
}

func (p bucket) put(ctx context.Context, object, contentType string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s3Timeout)
	defer cancel()
	_, err := p.client.PutObject(ctx, p.name, p.prefix+object, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{
		ContentType: contentType, CacheControl: "public, max-age=31536000, immutable", DisableMultipart: true, ContentDisposition: disposition(contentType),
	})
	return s3Error("storing a media file", err)
}

// disposition keeps a bucket that is public from showing documents as pages of its own.
func disposition(contentType string) string {
	if contentType == PDF {
		return "attachment"
	}
	return ""
}

// open reads the whole object: what is kept has at most MaxBytes.
func (p bucket) open(ctx context.Context, object string) (io.ReadSeekCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, s3Timeout)
	defer cancel()
	o, err := p.client.GetObject(ctx, p.name, p.prefix+object, minio.GetObjectOptions{})
	if err != nil {
		return nil, s3Error("reading a media file", err)
	}
	defer o.Close()
	body, err := io.ReadAll(io.LimitReader(o, MaxBytes+1))
	if err != nil {
		return nil, s3Error("reading a media file", err)
	}
	return wholeObject{bytes.NewReader(body)}, nil
}

type wholeObject struct{ *bytes.Reader }

func (wholeObject) Close() error { return nil }

func (p bucket) remove(ctx context.Context, object string) error {
	ctx, cancel := context.WithTimeout(ctx, s3Timeout)
	defer cancel()
	return s3Error("removing a media file", p.client.RemoveObject(ctx, p.name, p.prefix+object, minio.RemoveObjectOptions{}))
}

// s3Error makes an Unavailable error with the words of the service; an object that is not there is fs.ErrNotExist.
func s3Error(doing string, err error) error {
	if err == nil {
		return nil
	}
	if s3Answer(err).Code == minio.NoSuchKey {
		return fmt.Errorf("%s: %w", doing, fs.ErrNotExist)
	}
	return errs.Because(errs.Unavailable, fmt.Errorf("%s: %w", doing, err), "the storage did not do it: %s", s3Words(err))
}

// s3Answer is what the service answered; its zero value when it was never heard.
func s3Answer(err error) minio.ErrorResponse {
	var answer minio.ErrorResponse
	errors.As(err, &answer)
	return answer
}

// s3Words are what the service has said, or what has happened instead.
func s3Words(err error) string {
	var dns *net.DNSError
	answer := s3Answer(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.As(err, &dns):
		return "there is no host " + dns.Name
	case answer.StatusCode == 0:
		return err.Error()
	case answer.Message == "":
		return answer.Code
	}
	return answer.Code + ": " + answer.Message
}

// remedies say what a person can do about an answer of an S3 service.
var remedies = map[string]string{
	minio.NoSuchBucket:             "Make the bucket, or correct its name, its region, or whether it stands in the path.",
	minio.AccessDenied:             "Give the access key the rights s3:PutObject, s3:GetObject and s3:DeleteObject in this bucket.",
	"InvalidAccessKeyId":           "Correct the access key: the service does not know it.",
	"SignatureDoesNotMatch":        "Correct the secret key: it does not belong to the access key.",
	"AuthorizationHeaderMalformed": "Correct the region: the bucket is in another one.",
	"PermanentRedirect":            "Correct the endpoint or the region: the bucket is in another one.",
	"RequestTimeTooSkewed":         "Let this machine keep time by NTP: its clock is wrong.",
}

func s3Remedy(err error) string {
	answer := s3Answer(err)
	if r := remedies[answer.Code]; r != "" {
		return r
	}
	if answer.StatusCode == 0 {
		return "See that the endpoint is right and that this machine reaches it."
	}
	return ""
}
