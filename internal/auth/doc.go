// Package auth knows who is asking: the people who sign in, their browser sessions, and the API keys of programs.
//
// It owns the tables users, sessions, api_keys and login_attempts. A person signs in with an email address and a password (argon2id) and
// gets a session cookie; a program sends an API key with scopes. Neither a session token nor an API key is stored in a form that lets the
// reader of a stolen table sign in.
package auth
