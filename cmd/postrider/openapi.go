package main

import (
	"os"

	"postrider/api"
)

type openapiCmd struct{}

// Run prints the document; it needs no database.
func (openapiCmd) Run() error {
	doc, err := api.OpenAPI(version)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(doc)
	return err
}
