package audience

// Evidence is what is known of how somebody agreed, or left, beside time, source and import. It is stored as JSON; what is empty is not known.
type Evidence struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	// FormID and Form are the sign-up form, by the name that it had then, and Text is what it said that people agree to.
	FormID int64  `json:"form_id,omitempty"`
	Form   string `json:"form,omitempty"`
	Text   string `json:"text,omitempty"`
	// Page is the address of the page that the form was on.
	Page string `json:"page,omitempty"`
	// Note is what a person wrote about it.
	Note string `json:"note,omitempty"`
}
