// Package libcrypto makes RSA signatures with the OpenSSL 3 of the system, about four times as fast as crypto/rsa.
//
// The library is loaded at run time and without cgo: the program is built without a C tool chain and works where there is no OpenSSL, since [Load] then
// returns an error that says why. Signatures are PKCS #1 v1.5 over SHA-256 and equal to those of crypto/rsa byte for byte, which is held when the library is
// loaded, when a key is, and by the tests.
//
// Built for Linux and macOS on amd64 and arm64. Elsewhere, and with the build tag "static", Load always returns an error. On Linux a program that holds this
// package is linked to the system's C library; with "static" it is not.
package libcrypto
