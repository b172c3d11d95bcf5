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
	key  string // of the API, "" for none
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

// stream sends a file as upload does, while it is read. fields come before it.
func (c *client) stream(ctx context.Context, path string, fields map[string]string, filename string, content io.Reader, out any) error {
	body, pipe := io.Pipe()
	defer body.Close() // an answer before the end stops the writer
	w := multipart.NewWriter(pipe)
	go func() {
		for k, v := range fields {
			if err := w.WriteField(k, v); err != nil {
				pipe.CloseWithError(err)
				return
			}
		}
		part, err := w.CreateFormFile("file", filename)
		if err == nil {
			_, err = io.Copy(part, content)
		}
		if err == nil {
			err = w.Close()
		}
		pipe.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(req, out)
}

// download writes an answer that is not JSON to w.
func (c *client) download(ctx context.Context, path string, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1"+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

// send gives an answer that is no problem; its body is to be closed.
func (c *client) send(req *http.Request) (*http.Response, error) {
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var p struct {
		Detail string
		Errors []struct{ Location, Message string }
	}
	_ = json.Unmarshal(b, &p) // a body that is no problem document leaves the status to speak
	return nil, fmt.Errorf("%s %s: %s %s %v", req.Method, req.URL.Path, resp.Status, p.Detail, p.Errors)
}

func (c *client) do(req *http.Request, out any) error {
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
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
