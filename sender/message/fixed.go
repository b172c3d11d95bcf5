package message

// Fixed are the header fields that are the same in all messages of a mailing,
// written once. It is immutable and safe for concurrent use.
type Fixed struct{ block []byte }

// Fix checks and writes From, Reply-To, List-Id, Feedback-ID and the hints against
// auto-replies of m. Errors are a *[HeaderError].
func Fix(m *Message) (*Fixed, error) {
	var c Composer
	block, err := c.appendMailbox(nil, "From", m.FromName, m.FromEmail)
	if err != nil {
		return nil, err
	}
	if m.ReplyTo != "" {
		if block, err = c.appendMailbox(block, "Reply-To", "", m.ReplyTo); err != nil {
			return nil, err
		}
	}
	if block, err = appendListFields(block, m); err != nil {
		return nil, err
	}
	return &Fixed{block}, nil
}
