package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// client talks to a running service as any program or browser does: the demo takes no short cuts.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) *client {
	jar, _ := cookiejar.New(nil) // nil options never fail
	return &client{base: base, http: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call sends in as JSON (nil: nothing) and reads the answer into out (nil: nowhere). A problem answer becomes an error with the server's words.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, out)
}

// upload sends a file in the way a browser's form does.
func (c *client) upload(ctx context.Context, path string, fields map[string]string, filename string, content []byte, out any) error {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			return err
		}
	}
	part, err := w.CreateFormFile("file", filename)
	if err != nil {
		return err
	}
	if _, err := part.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1"+path, &buf)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(req, out)
}

// uploadFrom is upload of a file of any size, which is sent while it is read.
func (c *client) uploadFrom(ctx context.Context, path string, fields map[string]string, filename string, content io.Reader, out any) error {
	r, pipe := io.Pipe()
	w := multipart.NewWriter(pipe)
	go func() { pipe.CloseWithError(writeForm(w, fields, filename, content)) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1"+path, r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	err = c.do(req, out)
	_ = r.Close() // ends the writer when the server did not want all of it
	return err
}

func writeForm(w *multipart.Writer, fields map[string]string, filename string, content io.Reader) error {
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			return err
		}
	}
	part, err := w.CreateFormFile("file", filename)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, content); err != nil {
		return err
	}
	return w.Close()
}

func (c *client) do(req *http.Request, out any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p struct {
			Detail string
			Errors []struct{ Location, Message string }
		}
		_ = json.Unmarshal(b, &p) // a body that is no problem document leaves the status to speak
		return fmt.Errorf("%s %s: %s %s %v", req.Method, req.URL.Path, resp.Status, p.Detail, p.Errors)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// visit fetches an address from a mail, as a mail program does, and gives the status.
func (c *client) visit(ctx context.Context, agent, method, url, form string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(form))
	if err != nil {
		return 0, err
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("User-Agent", agent)
	resp, err := (&http.Client{Timeout: 10 * time.Second, CheckRedirect: c.http.CheckRedirect}).Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, resp.Body.Close()
}
