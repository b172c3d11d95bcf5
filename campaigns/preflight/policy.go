package preflight

// policy is what a finding of a code means. The order of the table is that in which a person works through findings of one severity.
type policy struct {
	code     string
	severity Severity
	title    string
	why      string // why it matters; a finding may say it in more fitting words
	remedy   string
	at       int
}

// policies says for each code how bad it is. Blocking: see doc.go for when. Beside each severity that could be disputed stands its reason.
var policies = []policy{
	{code: "cannot_start", severity: Blocking, title: "The campaign is not complete", why: "Start refuses the campaign as it is.", remedy: "Fill in what is named."},
	{code: "render_fails", severity: Blocking, title: "The mail cannot be made for a recipient",
		why: "Filling the content in fails for somebody who is to get it.", remedy: "Mend the template, or the person's data."},
	{code: "audience_nobody", severity: Blocking, title: "Nobody would get this mail", why: "Of the people on the chosen lists none can be mailed.", remedy: "Choose other lists or segments."},
	// RFC 5322 §3.6 allows each once; Gmail and others refuse mail that has From or Subject twice.
	{code: "header_twice", severity: Blocking, title: "A header field stands there twice", why: "Receivers refuse mail that has one of these fields more than once.", remedy: "Leave all but one out."},
	{code: "header_missing", severity: Blocking, title: "A header field is missing", why: "No mail may go out without From and Date.", remedy: "Add it."},
	{code: "mime_broken", severity: Blocking, title: "The message is not well formed", why: "Some mail programs show such a message wrongly or not at all, and filters take it for the work of a spammer's program.", remedy: "Have the message made anew by the program that wrote it."},
	{code: "subject_empty", severity: Blocking, title: "The subject is empty", why: "Mail without a subject is taken for spam or for a mistake.", remedy: "Write a subject that holds for everybody, also for people of whom little is known."},
	{code: "empty_body", severity: Blocking, title: "The mail says nothing", why: "There are neither words nor pictures in it.", remedy: "Write the message."},
	// Gmail and Yahoo refuse bulk mail without RFC 8058 since 2024, Microsoft since 2025.
	{code: "no_list_unsubscribe", severity: Blocking, title: "No List-Unsubscribe header", why: "Gmail, Yahoo and Microsoft ask of bulk mail that readers can leave with one click in the mail program (RFC 8058).", remedy: "Add List-Unsubscribe with an https address; mail sent by Postrider has it."},
	{code: "no_one_click", severity: Blocking, title: "Unsubscribing takes more than one click", why: "Without List-Unsubscribe-Post: List-Unsubscribe=One-Click and an https address mail programs show no button for leaving (RFC 8058 §3.1).", remedy: "Add the field and an https address."},
	{code: "no_unsubscribe_link", severity: Blocking, title: "No link to unsubscribe in the mail", why: "The law of most countries, and every large receiver, wants it in the body too.", remedy: "Put {{ unsubscribe_url }} into the content."},
	{code: "link_placeholder", severity: Blocking, title: "A link is still a placeholder", why: "What stands there is no address: the link leads nowhere for everybody.", remedy: "Put the real address there."},

	{code: "dns_dkim", severity: Warning, title: "DKIM record", why: "Receivers cannot check the signature.", remedy: "Publish the record that Sending domains shows."},
	{code: "dns_spf", severity: Warning, title: "SPF record", why: "The servers that send are not named as allowed.", remedy: "Publish the record that Sending domains shows."},
	{code: "dns_dmarc", severity: Warning, title: "DMARC record", why: "Gmail and Yahoo want one of whoever sends much.", remedy: "Publish the record that Sending domains shows."},
	{code: "dns_alignment", severity: Warning, title: "Alignment", why: "Neither the signature nor the return path belongs to the From domain.", remedy: "See Sending domains."},
	{code: "dns_bounce_mx", severity: Warning, title: "Mail server for bounces", why: "Undeliverable mail does not come back to where it is read.", remedy: "Publish the record that Sending domains shows."},
	{code: "dns_ptr", severity: Warning, title: "Name of the sending address", why: "Large receivers refuse mail from an address without a name.", remedy: "Ask whoever gave you the address for a PTR record."},
	// A warning: the law of many countries wants it (CAN-SPAM §5(a)(5), § 5 DDG), not of all, and not in every mail.
	{code: "no_postal_address", severity: Warning, title: "No postal address", why: "The law of many countries, CAN-SPAM among them, wants the sender's postal address in commercial mail.", remedy: "Enter it in the settings, and let the content show {{ postal_address }}."},
	// A warning: only its author knows whether a mail is for many or for one. A receipt needs no way to leave.
	{code: "unsubscribe_missing", severity: Warning, title: "No way to leave", why: "Mail to many needs the header fields of RFC 8058 and a link to unsubscribe. A message to one person, such as a receipt or a password, does not.",
		remedy: "Add both if this is not for one person alone."},
	{code: "unsubscribe_shortened", severity: Warning, title: "The unsubscribe link goes through a link shortener", why: "Filters distrust shorteners, and readers cannot see where they leave.", remedy: "Link to the page itself."},
	{code: "from_name_address", severity: Warning, title: "The From name looks like another address", why: "A name that shows an address of another domain is what phishing looks like.", remedy: "Use a name without an address in it."},
	{code: "reply_noreply", severity: Warning, title: "Replies go nowhere", why: "People answer, also to say that they want no more mail; and filters take replies for a good sign.", remedy: "Set an address that somebody reads."},
	{code: "subject_shouts", severity: Warning, title: "The subject shouts", why: "Capitals and rows of exclamation marks are what filters and people look for in spam.", remedy: "Write it as you would say it."},
	{code: "subject_fake_reply", severity: Warning, title: "The subject pretends to be an answer", why: "Re: or Fwd: in a mailing is deceptive (CAN-SPAM forbids it), and raises complaints.", remedy: "Leave it out."},
	{code: "subject_characters", severity: Warning, title: "The subject holds characters that nobody sees", why: "Control characters, zero-width characters and marks that turn the direction of writing are used to get past filters.", remedy: "Type the subject anew instead of pasting it."},
	{code: "subject_very_long", severity: Warning, title: "The subject is very long", why: "No mail program shows so much of it.", remedy: "Say it in 50 characters."},
	{code: "header_raw", severity: Warning, title: "A header field is not encoded", why: "Letters beyond ASCII must be encoded in a header (RFC 2047); some servers refuse or garble them.", remedy: "Encode the field."},
	{code: "long_lines", severity: Warning, title: "A line is too long", why: "Lines over 998 characters are broken by servers anywhere, in the middle of a tag say, which also breaks DKIM (RFC 5322 §2.1.1).", remedy: "Send the part as quoted-printable or base64."},
	// A warning: prose about templates may show them on purpose.
	{code: "leftover", severity: Warning, title: "A merge tag was left over", why: "Readers would see it as it stands.", remedy: "Write it in the form {{ subscriber.name }}, or take it out."},
	{code: "lorem_ipsum", severity: Warning, title: "Filler text was left over", why: "Readers would see it.", remedy: "Write the text."},
	{code: "empty_greeting", severity: Warning, title: "A greeting greets nobody", why: "A name is missing where the mail greets.", remedy: "Say what stands there without one: {{ subscriber.first_name | default: \"reader\" }}."},
	{code: "merge_empty", severity: Warning, title: "A field is empty for some recipients", why: "There is a gap in their mail.", remedy: "Say what stands there instead: {{ subscriber.city | default: \"your town\" }}."},
	{code: "link_script", severity: Warning, title: "A link runs a script", why: "No mail program runs scripts: the link does nothing, and filters take it for an attack.", remedy: "Link to a page."},
	{code: "link_empty", severity: Warning, title: "A link leads nowhere", why: "Its address is empty or #.", remedy: "Give it an address, or take the link away."},
	{code: "link_relative", severity: Warning, title: "An address without a server", why: "A mail has no site to which it could be relative: it leads nowhere.", remedy: "Write the whole address, with https://."},
	{code: "link_example", severity: Warning, title: "A link leads to an example", why: "example.org and its like are reserved for documentation, and yourdomain.com and its like stand for a name that was to be filled in.", remedy: "Put the real address there."},
	{code: "link_private", severity: Warning, title: "A link leads to a private network", why: "Readers cannot reach it.", remedy: "Link to a public address."},
	{code: "link_deceptive", severity: Warning, title: "A link shows another domain than it leads to", why: "This is how phishing looks, and filters treat it so.", remedy: "Let the text be words, or show the domain that it leads to."},
	{code: "link_http", severity: Warning, title: "A link without encryption", why: "Browsers warn of http pages, and filters count them.", remedy: "Use https."},
	// A warning and not blocking, as everything that another machine answered: it may differ in an hour, and for other visitors.
	{code: "link_broken", severity: Warning, title: "A link is broken", why: "The page is not there.", remedy: "Mend the address, or publish the page before the mail goes out."},
	{code: "link_long_way", severity: Warning, title: "A link is redirected many times", why: "Each redirect costs readers time and some of them the page.", remedy: "Link to where it ends."},
	{code: "image_broken", severity: Warning, title: "An image is not there", why: "Readers see an empty box.", remedy: "Mend the address, or upload the image."},
	{code: "image_private", severity: Warning, title: "An image that readers cannot load", why: "Its address is on a private network, on a disk, or none.", remedy: "Put it where everybody can load it."},
	{code: "image_no_alt", severity: Warning, title: "An image without alternative text", why: "People who do not see images (by choice, by their mail program, or because they are blind) get nothing, or the file's name.", remedy: "Add alt; for pure decoration alt=\"\"."},
	{code: "image_link_no_alt", severity: Warning, title: "A linked image without words", why: "Without the image nobody knows what the link is for.", remedy: "Say in alt where the link leads."},
	{code: "image_http", severity: Warning, title: "An image without encryption", why: "Several mail programs do not load images by http.", remedy: "Use https."},
	{code: "image_data", severity: Warning, title: "An image inside of the HTML", why: "Gmail and Outlook do not show data: images, and they count for Gmail's clipping.", remedy: "Put the image on a server and link to it."},
	{code: "image_heavy", severity: Warning, title: "A heavy image", why: "On a phone it takes seconds to load.", remedy: "Make it under 1 MB: no wider than 1200 pixels, JPEG or compressed PNG."},
	{code: "images_heavy", severity: Warning, title: "The images are heavy together", why: "On a phone the mail takes seconds to load.", remedy: "Make them under 2 MB together."},
	{code: "image_only", severity: Warning, title: "Hardly any words, only images", why: "Many mail programs load no images until asked, and filters distrust mail without words.", remedy: "Say the most important in text."},
	{code: "text_missing", severity: Warning, title: "No text part", why: "Some people read text only, watches and screen readers too; filters count its lack.", remedy: "Add a text part; Postrider makes one from the HTML when you leave it empty."},
	{code: "text_differs", severity: Warning, title: "The text part says something else", why: "Readers of text get another mail, and filters take it for a trick.", remedy: "Write the text anew, or leave it empty to have it made from the HTML."},
	{code: "clipped", severity: Warning, title: "Gmail will cut this mail off", why: "Gmail shows the first 102 kB of the HTML; the rest, with the unsubscribe link and the pixel, is behind a link.", remedy: "Shorten the mail, or take styles and comments out."},
	{code: "message_large", severity: Warning, title: "The message is large", why: "Large messages send slowly, are refused by some, and fill mailboxes.", remedy: "Link to files and images instead of attaching them."},
	{code: "forecast_never", severity: Warning, title: "The campaign would not end", why: "By the limits as they are it is not through in years, or waits for somebody.", remedy: "Look at the limit that is named."},
	{code: "forecast_late", severity: Warning, title: "The campaign ends late", why: "By the limits as they are it takes longer than a day, or than the mail is good for.", remedy: "Start earlier, add a relay, or raise the limit that decides."},
	{code: "no_warmup", severity: Warning, title: "A first large mailing from a new domain", why: "Receivers do not know the domain yet, and put off or refuse much mail from it.", remedy: "Set a warm-up plan for the domain, or begin with the people who read most."},
	{code: "spam_high", severity: Warning, title: "A spam filter takes this mail for spam", why: "Its score is over the filter's threshold.", remedy: "Look at the rules with the highest scores."},

	{code: "audience", severity: Info, title: "Recipients", why: "", remedy: ""},
	{code: "audience_aliases", severity: Info, title: "Some mailboxes get it more than once", why: "Addresses that differ only in a tag (name+tag@) are mostly one mailbox.", remedy: "Put those people together, if it is not on purpose."},
	{code: "one_provider", severity: Info, title: "Nearly all mailboxes are at one provider", why: "Its limits decide how fast the mail gets through, and its filter whether.", remedy: "Watch the first hundred replies, and send slowly."},
	{code: "merge_guarded", severity: Info, title: "A field is empty for some recipients", why: "The content says what stands there instead.", remedy: ""},
	{code: "forecast", severity: Info, title: "When it will be through", why: "", remedy: ""},
	{code: "dns_note", severity: Info, title: "DNS of the sending domain", why: "", remedy: ""},
	{code: "domain_unknown", severity: Info, title: "Nothing is known of the From domain", why: "It is not among the sending domains, so its records are not looked at.", remedy: "Add it under Sending domains."},
	{code: "from_name_missing", severity: Info, title: "No From name", why: "Readers see a bare address.", remedy: "Give a name that they know."},
	{code: "from_noreply", severity: Info, title: "The From address invites no answer", why: "People are less likely to trust or answer a no-reply address.", remedy: "Use one that somebody reads."},
	{code: "subject_cut", severity: Info, title: "Phones cut the subject off", why: "They show about 40 characters, other mail programs about 70.", remedy: "Put the most important first."},
	{code: "preheader_missing", severity: Info, title: "No preheader", why: "Beside the subject the inbox shows the first words of the mail, whatever they are.", remedy: "Write a preheader of 40 to 100 characters."},
	{code: "preheader_length", severity: Info, title: "The preheader's length", why: "Mail programs show 40 to 140 characters of it.", remedy: "Write 40 to 100 characters."},
	{code: "image_no_size", severity: Info, title: "An image without a width", why: "Outlook shows it in its own size, and everywhere the text jumps when it loads.", remedy: "Add width and height."},
	{code: "clip_near", severity: Info, title: "Near to where Gmail cuts off", why: "Gmail cuts at 102 kB.", remedy: "Leave some room."},
	{code: "link_redirected", severity: Info, title: "A link is redirected", why: "It works, on a longer way.", remedy: "Link to where it ends."},
	{code: "link_unsure", severity: Info, title: "A link could not be checked", why: "The server did not answer as to a reader: it may keep programs away, or have trouble.", remedy: "Look at it in a browser."},
	{code: "link_unchecked", severity: Info, title: "Not all links were checked", why: "There was no time for all of them.", remedy: "Run the check again; what is known by now is kept for some minutes."},
	{code: "spam_score", severity: Info, title: "Spam score", why: "", remedy: ""},
	{code: "spam_unavailable", severity: Info, title: "The spam filter could not be asked", why: "", remedy: "Look whether it runs where the settings say."},
	{code: "not_built", severity: Info, title: "The message could not be made", why: "What needs the message itself was not checked.", remedy: "Mend what blocks, and run the check again."},
}

// policyOf gives what a code means; those of mail clients come from the support tables.
func policyOf(code string) policy {
	if p, ok := policyByCode[code]; ok {
		return p
	}
	return policy{code: code, severity: Info, title: code, at: len(policyByCode)}
}

var policyByCode = func() map[string]policy {
	all := policies
	for _, f := range support.order {
		name := support.Families[f]
		all = append(all,
			policy{code: codeOf(f, true), severity: Warning, title: name + " does not do this", why: "Without it the mail falls apart, or a part of it cannot be seen or used, in " + name + ".",
				remedy: "Use tables and plain styles for what must be seen, or give those readers something else."},
			policy{code: codeOf(f, false), severity: Info, title: name + " ignores this", why: "The mail looks plainer there.", remedy: "Nothing, if it is good without."})
	}
	out := make(map[string]policy, len(all))
	for i, p := range all {
		p.at = i
		out[p.code] = p
	}
	return out
}()

// Known reports whether there is such a code.
func Known(code string) bool { _, ok := policyByCode[code]; return ok }
