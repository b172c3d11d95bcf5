package templates

// Content is what an author wrote: the sources of a mail, in Liquid. Subject is needed to send, not to compile. When Text is empty the text
// part is made from the HTML.
type Content struct {
	Subject, Preheader, HTML, Text string
}

// Options say what Compile prepares the mail for. The zero value tracks nothing.
type Options struct {
	TrackOpens, TrackClicks bool
	// Data says that there will be Vars.Data. Without, content that shows any gets a warning.
	Data bool
}

// Person is the recipient as templates see one: {{ subscriber.email }}, .id, .name, .first_name, {{ subscriber.attributes.city }} and, shorter,
// {{ subscriber.city }}. first_name is the attribute of that name, else the first word of the name. Attributes holds decoded JSON.
type Person struct {
	ID          int64
	Email, Name string
	Attributes  map[string]any
}

// CampaignVars is {{ campaign.name }} and {{ campaign.subject }}; an empty Subject stands for the rendered subject of the mail.
type CampaignVars struct {
	Name, Subject string
}

// Vars is everything a template can show. UnsubscribeURL and PreferencesURL win over what URLs says; one of the two must be there.
type Vars struct {
	Subscriber     Person
	Campaign       CampaignVars
	UnsubscribeURL string
	PreferencesURL string
	Organization   string // {{ organization }}
	PostalAddress  string // {{ postal_address }}
	// Confirm is set in a mail by which people confirm that they want to be on lists. It has no unsubscribe link, and no footer with one.
	Confirm *ConfirmVars
	// Data is {{ data.… }}: what a program says with a message to one person. Values are those of DecodeData.
	Data map[string]any
	// NoFooter leaves out the footer that is added to mail that does not show the unsubscribe link.
	NoFooter bool
}

// bare says that no footer is added.
func (v *Vars) bare() bool { return v.NoFooter || v.Confirm != nil }

// ConfirmVars is {{ confirm_url }}, {{ list_names }} ("A, B") and {{ days }}, for which the link works.
type ConfirmVars struct {
	URL       string
	ListNames []string
	Days      int
}

// URLs gives the addresses that are signed for one delivery. They must be absolute http or https URLs.
type URLs interface {
	// Open is the address of the pixel; asked only when opens are tracked.
	Open() string
	// Click is the address that counts a click on Link.N and sends the person on; asked only when clicks are tracked. Number 0 is a link that no person sees: whoever
	// follows it follows every link, and is a machine.
	Click(n int) string
	// Unsubscribe is the page for leaving.
	Unsubscribe() string
	// Preferences is the page for choosing lists, a pause and a frequency.
	Preferences() string
}

// Link is one target that clicks are counted for: N from 1, in order of first appearance; the same URL twice is one link. URL can hold Liquid,
// which RenderLink fills in.
type Link struct {
	N   int
	URL string
}

// Rendered is one person's mail. Render reuses its buffers, so a Rendered kept per worker makes no garbage.
type Rendered struct {
	Subject    string
	HTML, Text []byte
	// HTMLTo and TextTo take a part instead, piece by piece, when they are set and HTMLLiterals or TextLiterals gives the pieces.
	HTMLTo, TextTo PartWriter
}

// PartWriter takes a part: pieces that are the same for everybody by their number among the literals, and what is this person's.
type PartWriter interface {
	Literal(n int)
	Personal(b []byte)
}

// Limits of a template and of a mail.
const (
	maxSource       = 1 << 20 // bytes of one source
	maxSubject      = 998     // bytes: RFC 5322 §2.1.1, a line
	maxExpression   = 2000    // bytes in one {{ }} or {% %}
	maxRange        = 1000    // numbers in a literal range (1..n)
	maxIterations   = 10_000  // loop turns in one render of one part
	maxOutput       = 1 << 20 // bytes of one rendered part
	maxValue        = 256 << 10
	maxLinks        = 1000
	maxNesting      = 50
	gmailClipsAfter = 102 << 10
)
