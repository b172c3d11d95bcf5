// Package api is everything that speaks HTTP: the REST API under /api/v1, its documentation, the public pages that mails link to, and the admin
// interface's files.
//
// A handler decodes, calls one method of one service, and encodes. All routes are in routes.go, each with the scope it needs; errors.go turns the kinds of
// errs into RFC 9457 problems. The JSON types stand beside their handlers and are not the domain's types.
package api
