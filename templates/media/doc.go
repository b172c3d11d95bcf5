// Package media keeps the images and documents that mails show or link to. It owns the tables media_files, media_storages and media_leftovers.
//
// The way of a file: Upload reads it within bounds, tells by its content what it is (kind.go), takes out what it says about who made it and where (strip_*.go),
// decodes it once within a bound of pixels, makes a thumbnail, and puts it into the current storage (folder.go, s3.go) under the SHA-256 of what is left. Open finds it
// again by that hash, which is what stands in mails: /m/{hash}/{name}. A mail that is out keeps showing its pictures whatever becomes of names and storages.
//
// Invariant: an object that a storage holds is named by media_files, or by media_leftovers. The latter is written before the object is, and again before anything is
// removed, so that a process can end at any moment and nothing stays behind for good. Objects never get the name of an earlier one, so that a late removal takes nothing new.
package media
