package media

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	s3Access = "AKIDEXAMPLE"
	s3Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	s3Region = "eu-test-1"
	s3Bucket = "pictures"
)

// s3Server is a bucket behind the real protocol. It works every signature out by itself, from the description of AWS Signature Version 4, and takes nothing that is not signed.
type s3Server struct {
	*httptest.Server
	t testing.TB

	mu      sync.Mutex
	objects map[string][]byte // by name in the bucket
	headers map[string]http.Header
	gets    int
	refuse  map[string]string // by method: the code of an error instead of an answer
}

func newS3Server(t testing.TB) *s3Server {
	s := &s3Server{t: t, objects: map[string][]byte{}, headers: map[string]http.Header{}, refuse: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *s3Server) input() StorageInput {
	key := s3Secret
	return StorageInput{Name: "Bucket", Endpoint: s.URL, Region: s3Region, Bucket: s3Bucket, Prefix: "mail/2026", PathStyle: true, AccessKey: s3Access, SecretKey: &key}
}

func (s *s3Server) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name := range s.objects {
		all = append(all, name)
	}
	return all
}

func (s *s3Server) reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets
}

func (s *s3Server) fail(method, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[method] = code
}

func s3Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>said the server</Message></Error>", code)
}

func (s *s3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, code := verifySigV4(r)
	if code != "" {
		s3Refuse(w, http.StatusForbidden, code)
		return
	}
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.refuse[r.Method]; code != "" {
		s3Refuse(w, http.StatusForbidden, code)
		return
	}
	if bucket != s3Bucket {
		s3Refuse(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	object, known := s.objects[name]
	switch r.Method {
	case http.MethodPut:
		s.objects[name], s.headers[name] = body, r.Header.Clone()
		w.Header().Set("ETag", `"x"`)
	case http.MethodGet, http.MethodHead:
		if !known {
			s3Refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		s.gets++
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Last-Modified", "Fri, 01 May 2026 00:00:00 GMT")
		w.Header().Set("Content-Length", strconv.Itoa(len(object)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(object)
		}
	case http.MethodDelete:
		delete(s.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.t.Errorf("%s was asked for", r.Method)
	}
}

func hmacOf(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexSum(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

// sigV4 is what an Authorization header says.
type sigV4 struct{ date, scope, signature string }

// verifySigV4 gives the body of a request whose signature is good, or the code of the refusal (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
func verifySigV4(r *http.Request) (body []byte, code string) {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, "AccessDenied"
	}
	parts := map[string]string{}
	for p := range strings.SplitSeq(auth, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[name] = value
	}
	access, scope, _ := strings.Cut(parts["Credential"], "/")
	date := r.Header.Get("X-Amz-Date")
	if access != s3Access {
		return nil, "InvalidAccessKeyId"
	}
	if len(date) != 16 || scope != date[:8]+"/"+s3Region+"/s3/aws4_request" {
		return nil, "AuthorizationHeaderMalformed"
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-content-sha256", "x-amz-date"} {
		if !slices.Contains(signed, must) {
			return nil, "AccessDenied"
		}
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, (&url.URL{Path: r.URL.Path}).EscapedPath(), strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20"))
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	said := r.Header.Get("X-Amz-Content-Sha256")
	fmt.Fprintf(&canonical, "\n%s\n%s", parts["SignedHeaders"], said)
	key := hmacOf(hmacOf(hmacOf(hmacOf([]byte("AWS4"+s3Secret), date[:8]), s3Region), "s3"), "aws4_request")
	want := hex.EncodeToString(hmacOf(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hexSum([]byte(canonical.String()))))
	if want != parts["Signature"] {
		return nil, "SignatureDoesNotMatch"
	}
	if said == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" {
		body, err := signedChunks(r.Body, key, sigV4{date, scope, want})
		if err != nil || strconv.Itoa(len(body)) != r.Header.Get("X-Amz-Decoded-Content-Length") {
			return nil, "SignatureDoesNotMatch"
		}
		return body, ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || said != hexSum(body) {
		return nil, "XAmzContentSHA256Mismatch"
	}
	return body, ""
}

// signedChunks reads a body of which each chunk is signed, together with the one before (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
func signedChunks(r io.Reader, key []byte, seed sigV4) ([]byte, error) {
	in := bufio.NewReader(r)
	var out bytes.Buffer
	for before := seed.signature; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, signature, ok := strings.Cut(strings.TrimSpace(line), ";chunk-signature=")
		n, err := strconv.ParseUint(size, 16, 24)
		if !ok || err != nil {
			return nil, errors.New("no chunk")
		}
		chunk := make([]byte, n)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, err
		}
		if _, err := in.Discard(2); err != nil {
			return nil, err
		}
		text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", seed.date, seed.scope, before, hexSum(nil), hexSum(chunk)}, "\n")
		if hex.EncodeToString(hmacOf(key, text)) != signature {
			return nil, errors.New("a chunk is not signed")
		}
		if before = signature; n == 0 {
			return out.Bytes(), nil
		}
		out.Write(chunk)
	}
}
