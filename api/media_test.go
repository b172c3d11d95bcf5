package api

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

const (
	mediaKeys   = "id name alt url content_type size_bytes width height animated sha256 thumbnail_url storage_id storage_name created_at updated_at"
	storageKeys = "id kind name endpoint region bucket prefix path_style access_key public_url has_secret_key current file_count size_bytes created_at updated_at"
)

func picturePNG(t *testing.T, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// upload sends a form with these fields and, at its end, a file.
func (c *client) uploadFile(filename, body string, fields ...[2]string) *response {
	c.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			c.t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", filename)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := part.Write([]byte(body)); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	return c.post("/media", form.String(), header("Content-Type", w.FormDataContentType()))
}

func TestShapesOfMedia(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	raw := picturePNG(t, 30, 20)
	var f mediaFileJSON
	c.uploadFile("Beach.jpg", raw, [2]string{"alt", "A beach"}).want(201).keys("", mediaKeys).json(&f)
	if f.Alt != "A beach" || f.ContentType != "image/png" || *f.Width != 30 || !strings.HasSuffix(f.URL, "/m/"+f.SHA256+"/beach.png") {
		t.Errorf("%+v", f)
	}
	if again := c.uploadFile("other.png", raw).want(200).id(); again != f.ID {
		t.Errorf("the same again is %d", again)
	}
	for _, bad := range []string{"", "<svg onload='alert(1)'/>", raw[:50]} {
		if p := c.uploadFile("x.png", bad).problem(400); len(p.locations()) != 1 || p.locations()[0] != "body.file" {
			t.Errorf("%+v", p)
		}
	}
	c.uploadFile("x.png", strings.Repeat("x", 22<<20)).problem(413)
	c.uploadFile("x.png", strings.Repeat("x", 20<<20+1)).problem(413)
	c.sendForm("/media", [2]string{"alt", "x"}).problem(400)
	c.post("/media", `{}`).problem(400)

	at := fmt.Sprint("/media/", f.ID)
	c.get("/media").want(200).keys("", "items next_cursor total total_exact").keys("items.0", mediaKeys)
	var p pageJSON[mediaFileJSON]
	if c.get("/media?q=beach&type=document").want(200).json(&p); len(p.Items) != 0 {
		t.Errorf("%+v", p)
	}
	c.get("/media?type=film").problem(400)
	c.get(at).want(200).keys("", mediaKeys)
	c.put(at, `{"name":"Sea","alt":"The sea"}`).want(200).keys("", mediaKeys)
	c.put(at, `{"name":""}`).problem(400)
	r := c.get(at + "/thumbnail").want(200)
	if h := r.Header(); h.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(h.Get("Cache-Control"), "private") || h.Get("Content-Security-Policy") != filePolicy {
		t.Errorf("%v", h)
	}
	c.post("/templates", fmt.Sprintf(`{"name":"T","html":"<img src='%s'>"}`, f.URL)).want(201)
	c.get(at+"/uses").want(200).keys("", "items").keys("items.0", "kind id name status sent")
	c.remove(at + "?broken_mails=true").problem(409)
	pdf := c.uploadFile("Terms.pdf", "%PDF-1.7\n%%EOF").want(201).keys("", mediaKeys).id()
	c.get(fmt.Sprint("/media/", pdf, "/thumbnail")).problem(404)
	c.remove(fmt.Sprint("/media/", pdf)).want(204)
	c.get("/media/999").problem(404)
	b.program(t, "campaigns:read").uploadFile("x.png", raw).problem(403)
}

func TestShapesOfMediaStorages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	c.get("/media-storages").want(200).keys("", "items").keys("items.0", storageKeys)
	const bucket = `{"name":"B","endpoint":"http://127.0.0.1:1","bucket":"pictures","access_key":"a","secret_key":"very-secret","path_style":true}`
	r := c.post("/media-storages", bucket).want(201).keys("", storageKeys)
	if strings.Contains(r.Body.String(), "very-secret") {
		t.Error("the secret comes back")
	}
	at := fmt.Sprint("/media-storages/", r.id())
	c.get(at).want(200).keys("", storageKeys)
	c.put(at, strings.Replace(bucket, `"secret_key":"very-secret",`, "", 1)).want(200).keys("", storageKeys)
	c.put(at, `{"name":"B","bucket":"UPPER","access_key":"a"}`).problem(400)
	c.post(at+"/test", "").want(200).keys("", "ok steps remedy").keys("steps.0", "step ok detail ms")
	c.post(at+"/use", "").problem(409)
	c.remove("/media-storages/1").problem(409)
	c.post("/media-storages/1/use", "").want(200).keys("", storageKeys)
	c.remove(at).want(204)
	c.get(at).problem(404)
	b.program(t, "campaigns:write").get("/media-storages").problem(403)
}

func TestMediaForReaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	raw := picturePNG(t, 300, 200)
	var f mediaFileJSON
	c.uploadFile("Beach.png", raw).want(201).json(&f)
	reader := b.client(t)
	path := f.URL[strings.Index(f.URL, "/m/"):]
	r := reader.do(http.MethodGet, path, "").want(200)
	for name, want := range map[string]string{
		"Content-Type": "image/png", "Cache-Control": "public, max-age=31536000, immutable", "Etag": `"` + f.SHA256 + `"`, "X-Content-Type-Options": "nosniff", "Set-Cookie": "",
		"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "cross-origin", "Accept-Ranges": "bytes", "Content-Encoding": "",
		"Content-Length": fmt.Sprint(len(raw)),
	} {
		if got := r.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.Body.String() != raw {
		t.Error("the content is another")
	}
	if r := reader.do(http.MethodHead, path, "").want(200); r.Body.Len() != 0 || r.Header().Get("Content-Length") != fmt.Sprint(len(raw)) {
		t.Errorf("HEAD: %d bytes, %v", r.Body.Len(), r.Header())
	}
	if r := reader.do(http.MethodGet, path, "", header("Range", "bytes=1-3")).want(206); r.Body.String() != "PNG" {
		t.Errorf("a range: %q", r.Body)
	}
	reader.do(http.MethodGet, path, "", header("If-None-Match", `"`+f.SHA256+`"`)).want(304)
	reader.do(http.MethodGet, "/m/"+f.SHA256+"/any-other-name", "").want(200)
	for _, unknown := range []string{"/m/" + strings.Repeat("0", 64) + "/a.png", "/m/x/a.png", "/m/" + f.SHA256[:63] + "/a.png"} {
		if r := reader.do(http.MethodGet, unknown, "").want(404); strings.Contains(r.Header().Get("Cache-Control"), "public") {
			t.Errorf("%s may be kept: %v", unknown, r.Header())
		}
	}
	var pdf mediaFileJSON
	c.uploadFile("Terms & more.pdf", "%PDF-1.7\n%%EOF").want(201).json(&pdf)
	r = reader.do(http.MethodGet, pdf.URL[strings.Index(pdf.URL, "/m/"):], "").want(200)
	if got := r.Header().Get("Content-Disposition"); got != "attachment; filename=terms-more.pdf" || r.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("%q, %v", got, r.Header())
	}
}
