package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/auth"
	"postrider/internal/errs"
	"postrider/templates/media"
)

type mediaFileJSON struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Alt          string    `json:"alt" doc:"What is shown in place of the image, and read aloud"`
	URL          string    `json:"url" doc:"For mails: absolute once the public URL is set. It stays good when the name changes"`
	ContentType  string    `json:"content_type" enum:"image/png,image/jpeg,image/gif,image/webp,application/pdf"`
	SizeBytes    int       `json:"size_bytes"`
	Width        *int      `json:"width" doc:"null for documents"`
	Height       *int      `json:"height" doc:"null for documents"`
	Animated     bool      `json:"animated"`
	SHA256       string    `json:"sha256" doc:"Of the content as it is kept"`
	ThumbnailURL *string   `json:"thumbnail_url" doc:"For whoever is signed in; null for documents"`
	StorageID    int64     `json:"storage_id"`
	StorageName  string    `json:"storage_name"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

type mediaInputJSON struct {
	Name string `json:"name"`
	Alt  string `json:"alt" required:"false"`
}

type mediaUseJSON struct {
	Kind   string `json:"kind" enum:"template,campaign,newsletter,confirmation" doc:"A confirmation is the sign-up mail of a list"`
	ID     int64  `json:"id" doc:"Of the template, the campaign, the newsletter or the list"`
	Name   string `json:"name"`
	Status string `json:"status" doc:"Of a campaign or newsletter; else empty"`
	Sent   bool   `json:"sent" doc:"The mails are out, and no more are to come"`
}

type mediaQuery struct {
	Paging
	Q    string `query:"q" maxLength:"200" doc:"A part of the name or of the alternative text"`
	Type string `query:"type" enum:"image,document" doc:"Only these"`
}

type mediaDeletion struct {
	ID          int64 `path:"id" minimum:"1"`
	BrokenMails bool  `query:"broken_mails" doc:"true: it is known that mails that are out will show a gap"`
}

// uploaded is a file with whether it is new.
type uploaded struct {
	Status int
	Body   mediaFileJSON
}

// mediaRoutes are the media library.
func (s *server) mediaRoutes() {
	add(s, get("/media", "listMedia", tagMedia, auth.CampaignsRead, "List images and documents, newest first"), s.listMedia)
	add(s, post("/media", "uploadMedia", tagMedia, auth.CampaignsWrite, "Upload an image or a document").returns(http.StatusCreated).takes(mediaForm()).
		note("PNG, JPEG, GIF, WebP and PDF up to 20 MB and 25 million pixels, told by the content. Place, camera and other such data are taken out of images, and they are turned upright. "+
			"Content that is there already is no second file: the answer is the first one, with status 200."), s.uploadMedia)
	add(s, get("/media/{id}", "getMedia", tagMedia, auth.CampaignsRead, "Read what is known about a file"), s.getMedia)
	add(s, put("/media/{id}", "updateMedia", tagMedia, auth.CampaignsWrite, "Change name and alternative text of a file"), s.updateMedia)
	add(s, remove("/media/{id}", "deleteMedia", tagMedia, auth.CampaignsWrite, "Delete a file").
		note("Refused while a template, a confirmation mail or a campaign that is not finished uses it, and, without broken_mails, when mails that are out do."), s.deleteMedia)
	add(s, get("/media/{id}/uses", "listMediaUses", tagMedia, auth.CampaignsRead, "List what uses a file"), s.listMediaUses)
	add(s, get("/media/{id}/thumbnail", "getMediaThumbnail", tagMedia, auth.CampaignsRead, "Download a small image of a file, at most 320 pixels wide and high").
		streams("image/*", &huma.Schema{Type: huma.TypeString, Format: "binary"}), s.mediaThumbnail)
	s.mediaStorageRoutes()
}

// mediaForm documents the form that uploadMedia takes.
func mediaForm() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"},
		Properties: map[string]*huma.Schema{
			"name": {Type: huma.TypeString, Description: "Left out: the name of the file; comes before the file"},
			"alt":  {Type: huma.TypeString, Description: "What is shown in place of the image; comes before the file"},
			"file": {Type: huma.TypeString, Format: "binary", Description: "PNG, JPEG, GIF, WebP or PDF"},
		},
	}}}}
}

// uploadMedia gives the file of the form to the library as it arrives.
func (s *server) uploadMedia(ctx context.Context, in *uploadInput) (*uploaded, error) {
	in.request.Body = http.MaxBytesReader(in.writer, &patientBody{ReadCloser: in.request.Body, control: requestOf(ctx).control}, media.MaxBytes+formBytes)
	form, err := in.request.MultipartReader()
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "send a multipart form with the part file")
	}
	var u media.Upload
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errs.InvalidField("file", "the form has no file")
		}
		if err != nil {
			return nil, mediaUploadError(err)
		}
		switch part.FormName() {
		case "name", "alt":
			text, err := io.ReadAll(io.LimitReader(part, 4<<10))
			if err != nil {
				return nil, mediaUploadError(err)
			}
			if part.FormName() == "name" {
				u.Name = string(text)
			} else {
				u.Alt = string(text)
			}
		case "file":
			u.Filename, u.Content = part.FileName(), wholePart{part}
			return s.takeMedia(ctx, u)
		}
	}
}

func (s *server) takeMedia(ctx context.Context, u media.Upload) (*uploaded, error) {
	f, added, err := s.deps.Media.Upload(ctx, u)
	if err != nil {
		return nil, mediaUploadError(err)
	}
	encode, err := s.encodeMedia(ctx)
	if err != nil {
		return nil, err
	}
	out := &uploaded{Status: http.StatusOK, Body: encode(f)}
	if added {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// mediaUploadError is uploadError for files whose limit nobody can raise.
func mediaUploadError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errs.Because(errs.TooLarge, err, "the file is larger than %d MB: scale the image down", media.MaxBytes>>20)
	}
	return uploadError(err)
}

// encodeMedia needs the address under which readers reach this server.
func (s *server) encodeMedia(ctx context.Context) (func(media.File) mediaFileJSON, error) {
	public, err := s.deps.Settings.PublicURL(ctx)
	if err != nil {
		return nil, err
	}
	return func(f media.File) mediaFileJSON {
		out := mediaFileJSON{
			ID: f.ID, Name: f.Name, Alt: f.Alt, URL: public + f.Path(), ContentType: f.ContentType, SizeBytes: f.SizeBytes, Animated: f.Animated, SHA256: f.HashText(),
			StorageID: f.StorageID, StorageName: f.StorageName, CreatedAt: f.CreatedAt.UTC(), UpdatedAt: f.UpdatedAt.UTC(),
		}
		if f.ContentType != media.PDF {
			thumbnail := thumbnailPath(f.ID)
			out.Width, out.Height, out.ThumbnailURL = &f.Width, &f.Height, &thumbnail
		}
		return out
	}, nil
}

func (s *server) replyMedia(ctx context.Context, f media.File, err error) (*answer[mediaFileJSON], error) {
	if err != nil {
		return nil, err
	}
	encode, err := s.encodeMedia(ctx)
	if err != nil {
		return nil, err
	}
	return reply(f, nil, encode)
}

func (s *server) listMedia(ctx context.Context, in *mediaQuery) (*answer[pageJSON[mediaFileJSON]], error) {
	encode, err := s.encodeMedia(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.deps.Media.List(ctx, media.Query{Query: in.query(), Search: in.Q, Images: in.Type == "image", Documents: in.Type == "document"})
	return replyPage(p, err, encode)
}

func (s *server) getMedia(ctx context.Context, in *byID) (*answer[mediaFileJSON], error) {
	f, err := s.deps.Media.Get(ctx, in.ID)
	return s.replyMedia(ctx, f, err)
}

func (s *server) updateMedia(ctx context.Context, in *onID[mediaInputJSON]) (*answer[mediaFileJSON], error) {
	f, err := s.deps.Media.Update(ctx, in.ID, media.Details(in.Body))
	return s.replyMedia(ctx, f, err)
}

func (s *server) deleteMedia(ctx context.Context, in *mediaDeletion) (*nothing, error) {
	return done(s.deps.Media.Delete(ctx, in.ID, in.BrokenMails))
}

func (s *server) listMediaUses(ctx context.Context, in *byID) (*answer[itemsJSON[mediaUseJSON]], error) {
	uses, err := s.deps.Media.Uses(ctx, in.ID)
	return replyItems(uses, err, func(u media.Use) mediaUseJSON {
		return mediaUseJSON{Kind: u.Kind, ID: u.ID, Name: u.Name, Status: u.Status, Sent: u.Sent}
	})
}

// smallImage is the answer of mediaThumbnail.
type smallImage struct {
	ContentType string `header:"Content-Type"`
	Cache       string `header:"Cache-Control"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}

// mediaThumbnail may be kept by the browser that asked: the content of a file never changes.
func (s *server) mediaThumbnail(ctx context.Context, in *byID) (*smallImage, error) {
	body, contentType, err := s.deps.Media.Thumbnail(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &smallImage{ContentType: contentType, Cache: "private, max-age=31536000, immutable", Policy: filePolicy, Body: body}, nil
}
