package api

import (
	"context"
	"net/http"
	"time"

	"postrider/internal/auth"
	"postrider/templates/media"
)

// MediaStorageFields are what a person sets on a bucket, and what is shown of it.
type MediaStorageFields struct {
	Name      string `json:"name"`
	Endpoint  string `json:"endpoint" required:"false" doc:"Address of the service, such as https://s3.example.org; empty: Amazon"`
	Region    string `json:"region" required:"false" doc:"Left out: us-east-1, which services without regions answer to"`
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix" required:"false" doc:"Folder in the bucket"`
	PathStyle bool   `json:"path_style" required:"false" doc:"The bucket stands in the path and not in the host name: most services but Amazon"`
	AccessKey string `json:"access_key"`
	PublicURL string `json:"public_url" required:"false" doc:"Where everybody can read what is under the prefix; readers are sent there. Empty: files are served from here"`
}

type mediaStorageJSON struct {
	ID   int64  `json:"id"`
	Kind string `json:"kind" enum:"folder,s3"`
	MediaStorageFields
	HasSecret bool      `json:"has_secret_key"`
	Current   bool      `json:"current" doc:"New files go here"`
	Files     int64     `json:"file_count"`
	Bytes     int64     `json:"size_bytes"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// MediaStorageInput is a bucket with the secret that nobody gets to see again.
type MediaStorageInput struct {
	MediaStorageFields
	SecretKey *string `json:"secret_key,omitempty" doc:"Left out in an update: the stored one stays, unless the endpoint changes"`
}

type mediaTestJSON struct {
	OK     bool                `json:"ok"`
	Steps  []mediaTestStepJSON `json:"steps"`
	Remedy *string             `json:"remedy" doc:"What a person can do about the step that failed"`
}

type mediaTestStepJSON struct {
	Step   string `json:"step" enum:"write,read,delete"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	MS     int64  `json:"ms"`
}

func (s *server) mediaStorageRoutes() {
	add(s, get("/media-storages", "listMediaStorages", tagMedia, auth.SettingsRead, "List where files are kept"), s.listMediaStorages)
	add(s, post("/media-storages", "createMediaStorage", tagMedia, auth.SettingsWrite, "Add a bucket of an S3 service").returns(http.StatusCreated).once(), s.createMediaStorage)
	add(s, get("/media-storages/{id}", "getMediaStorage", tagMedia, auth.SettingsRead, "Read a storage"), s.getMediaStorage)
	add(s, put("/media-storages/{id}", "updateMediaStorage", tagMedia, auth.SettingsWrite, "Change a bucket").
		note("Endpoint, region, bucket and prefix cannot be changed while files are in it."), s.updateMediaStorage)
	add(s, remove("/media-storages/{id}", "deleteMediaStorage", tagMedia, auth.SettingsWrite, "Forget a bucket that holds none of our files"), s.deleteMediaStorage)
	add(s, post("/media-storages/{id}/test", "testMediaStorage", tagMedia, auth.SettingsWrite, "Write a small object, read it back and delete it"), s.testMediaStorage)
	add(s, post("/media-storages/{id}/use", "useMediaStorage", tagMedia, auth.SettingsWrite, "Let new files go to a storage, when it passes its test").
		note("Files of before stay where they are and are served from there; postrider media move moves them."), s.useMediaStorage)
}

func encodeMediaStorage(v media.Storage) mediaStorageJSON {
	return mediaStorageJSON{
		ID: v.ID, Kind: v.Kind, HasSecret: v.HasSecret, Current: v.Current, Files: v.Files, Bytes: v.Bytes, CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
		MediaStorageFields: MediaStorageFields{Name: v.Name, Endpoint: v.Endpoint, Region: v.Region, Bucket: v.Bucket, Prefix: v.Prefix, PathStyle: v.PathStyle,
			AccessKey: v.AccessKey, PublicURL: v.PublicURL},
	}
}

func (in MediaStorageInput) input() media.StorageInput {
	return media.StorageInput{Name: in.Name, Endpoint: in.Endpoint, Region: in.Region, Bucket: in.Bucket, Prefix: in.Prefix, PathStyle: in.PathStyle, AccessKey: in.AccessKey,
		SecretKey: in.SecretKey, PublicURL: in.PublicURL}
}

func (s *server) listMediaStorages(ctx context.Context, _ *nothing) (*answer[itemsJSON[mediaStorageJSON]], error) {
	all, err := s.deps.Media.ListStorages(ctx)
	return replyItems(all, err, encodeMediaStorage)
}

func (s *server) createMediaStorage(ctx context.Context, in *with[MediaStorageInput]) (*answer[mediaStorageJSON], error) {
	v, err := s.deps.Media.CreateStorage(ctx, in.Body.input())
	return reply(v, err, encodeMediaStorage)
}

func (s *server) getMediaStorage(ctx context.Context, in *byID) (*answer[mediaStorageJSON], error) {
	v, err := s.deps.Media.GetStorage(ctx, in.ID)
	return reply(v, err, encodeMediaStorage)
}

func (s *server) updateMediaStorage(ctx context.Context, in *onID[MediaStorageInput]) (*answer[mediaStorageJSON], error) {
	v, err := s.deps.Media.UpdateStorage(ctx, in.ID, in.Body.input())
	return reply(v, err, encodeMediaStorage)
}

func (s *server) deleteMediaStorage(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Media.DeleteStorage(ctx, in.ID))
}

func (s *server) testMediaStorage(ctx context.Context, in *byID) (*answer[mediaTestJSON], error) {
	report, err := s.deps.Media.TestStorage(ctx, in.ID)
	return reply(report, err, func(v media.TestReport) mediaTestJSON {
		return mediaTestJSON{OK: v.OK, Remedy: orNull(v.Remedy), Steps: each(v.Steps, func(t media.TestStep) mediaTestStepJSON {
			return mediaTestStepJSON{Step: t.Step, OK: t.OK, Detail: t.Detail, MS: t.Took.Milliseconds()}
		})}
	})
}

func (s *server) useMediaStorage(ctx context.Context, in *byID) (*answer[mediaStorageJSON], error) {
	v, err := s.deps.Media.UseStorage(ctx, in.ID)
	return reply(v, err, encodeMediaStorage)
}
