package mailbox

// xoauth2 is the SASL mechanism XOAUTH2 (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol). Its error comes as a challenge that has to be answered
// with an empty response before the server says no.
type xoauth2 struct {
	username, token string
	challenge       string // what the server had against the token
}

func (x *xoauth2) response() []byte {
	return []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01")
}

// Start implements sasl.Client.
func (x *xoauth2) Start() (mechanism string, initial []byte, err error) {
	return "XOAUTH2", x.response(), nil
}

// Next implements sasl.Client.
func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	x.challenge = string(challenge)
	return []byte{}, nil
}
