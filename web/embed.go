// Package web carries the built admin interface inside the binary.
//
// The files come from `npm run build` in this directory and are not in git: a checkout without them still compiles and serves the API, and
// the server then tells how to build the interface.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built interface, rooted at its index.html. ok is false when this binary was built without it.
func FS() (files fs.FS, ok bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, false
	}
	return files, true
}
