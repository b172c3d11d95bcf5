package dsn

// What is read of a message at most. What is over a limit is left unread; the facts found so far stand.
const (
	// MaxMessage is the most bytes of a message that are looked at. Reports stand before the message that they return.
	MaxMessage = 1 << 20
	// MaxRecipients is the most recipients that one report may speak of.
	MaxRecipients = 300

	maxDepth      = 8        // multiparts within multiparts
	maxParts      = 64       // parts of a message
	maxFields     = 1000     // header fields of a message or part
	maxFieldBytes = 8 << 10  // bytes of one header field
	maxLines      = 4000     // lines of a text that are searched for recipients
	maxLine       = 1000     // bytes of a line that are searched
	maxText       = 64 << 10 // bytes of a text that are searched
	maxBlock      = 3000     // bytes of what is said of one recipient in a text
	maxIDs        = 50       // addresses and ids of each kind
	maxAddress    = 320      // bytes of an address: 64 + 1 + 255
)
