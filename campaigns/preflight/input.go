package preflight

import "time"

// Sample is a mail as one recipient gets it.
type Sample struct {
	Person int64 // the subscriber's id, 0 for a made-up person or none
	// Raw is the message as it is sent. Plain is the same without the links that count clicks, so that it shows where they lead; nil when Raw has none.
	Raw, Plain []byte
	// Err is why the message of this person cannot be built; the rest is empty then.
	Err error
}

// Input is everything that Check goes by.
type Input struct {
	Samples []Sample
	Facts   Facts
	// Probes is what is known of links and images by their URL; nil when nobody has looked. Unprobed is how many were not reached in the time there was.
	Probes   map[string]Probe
	Unprobed int
	Spam     *SpamResult // nil: nobody was asked
	Now      time.Time   // zero: the present is not known
}

// Facts is what is known besides the messages. The zero value is that of a file about which nothing is known.
type Facts struct {
	// Missing is what keeps the campaign from starting, in the words of Start.
	Missing []Where
	Sender  *SenderFacts
	// PostalAddress is what the settings say; nil: not known.
	PostalAddress *string
	// OwnHosts are those of our own links, which are never followed. Local says that the mail does not leave this machine.
	OwnHosts []string
	Local    bool
	Audience *AudienceFacts
	Forecast *ForecastFacts
	// TextGenerated says that the text part was made from the HTML by the program.
	TextGenerated bool
	// SpamConfigured says whether a spam filter is to be asked.
	SpamConfigured bool
}

// SenderFacts is what the sending domain's checks found.
type SenderFacts struct {
	Domain  string
	Known   bool // there is a sending domain of that name
	Checked bool
	// SignedHere says that at least one relay leaves the signature to us.
	SignedHere bool
	Records    []Record
	// FirstSeen is since when the domain is set up, Largest the largest campaign From it so far, WarmedUp whether a warm-up plan bounds it.
	FirstSeen time.Time
	Largest   int
	WarmedUp  bool
}

// Record is a check of DNS: Purpose and Status are those of package sender.
type Record struct{ Purpose, Name, Status, Message string }

// AudienceFacts is whom the mail is for.
type AudienceFacts struct {
	Mailable int64
	Exact    bool
	// Reasons is why others get none.
	Reasons string
	Gaps    []FieldGap
	// Aliases is how many addresses are another one with a tag (name+tag@).
	Aliases   int64
	Providers []Provider
}

// FieldGap is a field of the subscriber that the mail shows, and how many real recipients have no value in it.
type FieldGap struct {
	Field   string
	Missing int64
	Guarded bool // the content says what stands there instead
	People  []int64
}

// Provider is where recipients have their mailboxes. PerMinute is the limit that is kept towards it, 0 for none.
type Provider struct {
	Name      string
	People    int64
	PerMinute float64
}

// ForecastFacts is when the mailing will be through.
type ForecastFacts struct {
	Start   time.Time
	End     *time.Time // nil: no limit decides, or with Decider: never
	Decider string     // in words, "" for none
	// Expires is after how long a message that was deferred is given up; By is the moment by which it must be through, zero for none.
	Expires time.Duration
	By      time.Time
	// Zone is in which moments are said; nil is UTC.
	Zone *time.Location
}

// Report is what Check found.
type Report struct {
	Findings []Finding   `json:"findings"`
	Links    []LinkState `json:"links"`
	Sizes    Sizes       `json:"sizes"`
	Spam     *SpamResult `json:"spam"`
	Samples  int         `json:"samples"`
}

// Sizes of the sample messages in bytes, as they are sent: the largest, and of the HTML part also the smallest.
type Sizes struct {
	HTML      int `json:"html_bytes"`
	LeastHTML int `json:"least_html_bytes"`
	Message   int `json:"message_bytes"`
	Images    int `json:"image_bytes"`
}

// LinkState is one link of the mail with what is known of where it leads.
type LinkState struct {
	URL    string   `json:"url"`
	Text   string   `json:"text"`
	Line   int      `json:"line"`
	State  string   `json:"state"` // ok, redirected, broken, unsure, own, unchecked
	Status int      `json:"status"`
	Chain  []string `json:"chain"`
	Note   string   `json:"note"`
}
