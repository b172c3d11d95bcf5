package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/auth"
)

// The groups of the documentation, in its order.
const (
	tagSession     = "Set-up and session"
	tagSettings    = "Settings and API keys"
	tagLists       = "Lists"
	tagForms       = "Sign-up"
	tagSubscribers = "Subscribers"
	tagBulk        = "Bulk actions"
	tagSegments    = "Segments"
	tagSuppression = "Suppressions"
	tagImports     = "Imports"
	tagTemplates   = "Templates and content"
	tagMedia       = "Media library"
	tagCampaigns   = "Campaigns"
	tagMessages    = "Messages"
	tagNewsletters = "Newsletters"
	tagReports     = "Reports"
	tagRelays      = "Relays"
	tagMailboxes   = "Mailboxes"
	tagDomains     = "Sending domains"
	tagInbox       = "Built-in inbox"
	tagWebhooks    = "Webhooks"
	tagSystem      = "Overview"
)

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagSession, Description: "The first user, and signing in with a browser. Programs use an API key instead."},
		{Name: tagSettings, Description: "What the installation says about itself, and the keys of programs."},
		{Name: tagLists, Description: "Lists of people."},
		{Name: tagForms, Description: "Forms by which people sign up by themselves, and the mails by which they confirm it."},
		{Name: tagSubscribers, Description: "People and the lists they are on."},
		{Name: tagSegments, Description: "Saved definitions of whom you mean, by fields, lists, consent and activity; who is in a segment is asked anew each time."},
		{Name: tagBulk, Description: "One thing done to many people: count them, start, follow, take back."},
		{Name: tagSuppression, Description: "Addresses and domains that are never mailed, with the reason."},
		{Name: tagImports, Description: "Many people at once, from a file of CSV, TSV or XLSX: upload it, say what its columns mean, start."},
		{Name: tagTemplates, Description: "Stored content, and what content looks like for a person."},
		{Name: tagMedia, Description: "Images and documents for mails, and where they are kept."},
		{Name: tagCampaigns, Description: "Mailings: content, audience, relay and time."},
		{Name: tagMessages, Description: "Messages to single people that a program sends, such as receipts: through the same ledger, before all campaigns."},
		{Name: tagNewsletters, Description: "Mailings that come again and again: schedule, content, and their issues, each of which becomes a campaign."},
		{Name: tagReports, Description: "What became of a mailing, up to the single delivery."},
		{Name: tagRelays, Description: "The SMTP servers that mail is sent through."},
		{Name: tagMailboxes, Description: "The mailboxes in which bounces are read, by IMAP or POP3."},
		{Name: tagDomains, Description: "The domains that mail is sent from, their DKIM keys and DNS records."},
		{Name: tagInbox, Description: "The capture server for trying things out, where it is switched on."},
		{Name: tagWebhooks, Description: "Other programs that hear of what happens: signed messages (Standard Webhooks), their log, and sending them again."},
		{Name: tagSystem, Description: "How the installation is doing."},
	}
}

// routes is the list of all routes of the REST API, each with the scope that its caller needs.
func (s *server) routes() {
	add(s, get("/setup", "getSetup", tagSession, public, "Say whether somebody has to set Postrider up"), s.getSetup)
	add(s, post("/setup", "setUp", tagSession, public, "Make the first user and sign in").returns(http.StatusCreated), s.setup)
	add(s, post("/session", "signIn", tagSession, public, "Sign in"), s.login)
	add(s, remove("/session", "signOut", tagSession, inBrowser, "Sign out"), s.logout)
	add(s, get("/me", "getMe", tagSession, anybody, "Tell who is asking"), s.getMe)
	add(s, post("/me/password", "changePassword", tagSession, inBrowser, "Change the own password").returns(http.StatusNoContent).
		note("Ends all other sessions of the user."), s.changePassword)

	add(s, get("/settings", "getSettings", tagSettings, auth.SettingsRead, "Read the settings"), s.getSettings)
	add(s, put("/settings", "putSettings", tagSettings, auth.SettingsWrite, "Replace the settings"), s.putSettings)
	add(s, get("/api-keys", "listAPIKeys", tagSettings, inBrowser, "List the API keys"), s.listAPIKeys)
	add(s, post("/api-keys", "createAPIKey", tagSettings, inBrowser, "Make an API key").returns(http.StatusCreated).
		note("The answer is the only one that holds the key itself."), s.createAPIKey)
	add(s, remove("/api-keys/{id}", "deleteAPIKey", tagSettings, inBrowser, "Delete an API key, which stops working at once"), s.deleteAPIKey)

	add(s, get("/lists", "listLists", tagLists, auth.AudienceRead, "List the lists by name"), s.listLists)
	add(s, post("/lists", "createList", tagLists, auth.AudienceWrite, "Make a list").returns(http.StatusCreated).once(), s.createList)
	add(s, get("/lists/{id}", "getList", tagLists, auth.AudienceRead, "Read a list"), s.getList)
	add(s, put("/lists/{id}", "updateList", tagLists, auth.AudienceWrite, "Change a list"), s.updateList)
	add(s, put("/lists/{id}/public", "publishList", tagLists, auth.AudienceWrite, "Show a list on the preference pages of those on it, or hide it"), s.publishList)
	add(s, remove("/lists/{id}", "deleteList", tagLists, auth.AudienceWrite, "Delete a list; the people stay"), s.deleteList)

	add(s, get("/subscribers", "listSubscribers", tagSubscribers, auth.AudienceRead, "Find people"), s.listSubscribers)
	add(s, post("/subscribers", "createSubscriber", tagSubscribers, auth.AudienceWrite, "Add a person").returns(http.StatusCreated).once().content(), s.createSubscriber)
	add(s, get("/subscribers/{id}", "getSubscriber", tagSubscribers, auth.AudienceRead, "Read a person"), s.getSubscriber)
	add(s, put("/subscribers/{id}", "updateSubscriber", tagSubscribers, auth.AudienceWrite, "Change a person").content().
		note("Replaces the address, the name and all attributes."), s.updateSubscriber)
	add(s, remove("/subscribers/{id}", "deleteSubscriber", tagSubscribers, auth.AudienceWrite, "Delete a person"), s.deleteSubscriber)
	add(s, put("/subscribers/{id}/subscriptions/{list_id}", "setSubscription", tagSubscribers, auth.AudienceWrite, "Put a person on a list, or change how they are on it"), s.setSubscription)
	add(s, remove("/subscribers/{id}/subscriptions/{list_id}", "deleteSubscription", tagSubscribers, auth.AudienceWrite, "Take a person off a list without a trace").
		returns(http.StatusOK).note("To keep the fact that they left, set the status unsubscribed instead."), s.deleteSubscription)
	add(s, remove("/subscribers/{id}/pause", "liftPause", tagSubscribers, auth.AudienceWrite, "End a pause that a person chose").returns(http.StatusOK), s.liftPause)
	add(s, get("/subscribers/{id}/unsubscribes", "listSubscriberUnsubscribes", tagSubscribers, auth.AudienceRead, "List when and why a person left, newest first"),
		s.listSubscriberUnsubscribes)
	add(s, get("/subscribers/{id}/deliveries", "listSubscriberDeliveries", tagSubscribers, auth.AudienceRead, "List what was sent to a person, newest first"), s.listSubscriberDeliveries)
	add(s, get("/subscribers/{id}/events", "listSubscriberEvents", tagSubscribers, auth.AudienceRead, "List what a person did, newest first"), s.listSubscriberEvents)

	s.peopleRoutes()
	s.segmentRoutes()

	add(s, get("/imports", "listImports", tagImports, auth.AudienceRead, "List imports, newest first"), s.listImports)
	add(s, post("/imports", "uploadImport", tagImports, auth.AudienceWrite, "Upload a file of CSV, TSV or XLSX").returns(http.StatusCreated).takes(uploadForm()), s.uploadImport)
	add(s, get("/imports/encodings", "listEncodings", tagImports, auth.AudienceRead, "List the encodings in which a file can be read"), s.listEncodings)
	add(s, get("/imports/{id}", "getImport", tagImports, auth.AudienceRead, "Read an import"), s.getImport)
	add(s, put("/imports/{id}/format", "formatImport", tagImports, auth.AudienceWrite, "Correct how the file is read"), s.formatImport)
	add(s, post("/imports/{id}/preview", "previewImport", tagImports, auth.AudienceWrite, "Show the first rows as they would be understood"), s.previewImport)
	add(s, post("/imports/{id}/check", "checkImport", tagImports, auth.AudienceWrite, "Read the whole file and say what an import would do").returns(http.StatusAccepted).
		note("A dry run: nothing about people is changed. Progress and result are in the import."), s.checkImport)
	add(s, remove("/imports/{id}/check", "stopImportCheck", tagImports, auth.AudienceWrite, "Stop a dry run").returns(http.StatusOK), s.stopImportCheck)
	add(s, get("/imports/{id}/samples", "listImportSamples", tagImports, auth.AudienceRead, "List examples of what the last dry run found").
		note("At most 200 of each kind."), s.listImportSamples)
	add(s, post("/imports/{id}/undo", "undoImport", tagImports, auth.AudienceWrite, "Take an import back").returns(http.StatusAccepted).
		note("Exactly what it changed, unless that was changed since; what is left for that reason is listed."), s.undoImport)
	add(s, get("/imports/{id}/kept", "listKeptByUndo", tagImports, auth.AudienceRead, "List what the undoing of an import left as it was"), s.listKeptByUndo)
	add(s, post("/imports/{id}/start", "startImport", tagImports, auth.AudienceWrite, "Start an import").returns(http.StatusAccepted).once(), s.startImport)
	add(s, post("/imports/{id}/cancel", "cancelImport", tagImports, auth.AudienceWrite, "Cancel an import; what was taken stays"), s.cancelImport)
	add(s, get("/imports/{id}/errors", "listImportErrors", tagImports, auth.AudienceRead, "List the rows that were left out"), s.listImportErrors)
	add(s, get("/imports/{id}/errors.csv", "downloadImportErrors", tagImports, auth.AudienceRead, "Download the rows that were left out, with the reasons").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadImportErrors)
	add(s, get("/imports/{id}/progress", "importProgress", tagImports, auth.AudienceRead, "Follow an import").
		streams("text/event-stream", streamOf("Import")), s.importProgress)

	add(s, get("/templates", "listTemplates", tagTemplates, auth.CampaignsRead, "List templates, layouts and snippets by name"), s.listTemplates)
	add(s, post("/templates", "createTemplate", tagTemplates, auth.CampaignsWrite, "Make a template").returns(http.StatusCreated).once().content(), s.createTemplate)
	add(s, get("/templates/{id}", "getTemplate", tagTemplates, auth.CampaignsRead, "Read a template"), s.getTemplate)
	add(s, put("/templates/{id}", "updateTemplate", tagTemplates, auth.CampaignsWrite, "Change a template").content(), s.updateTemplate)
	add(s, remove("/templates/{id}", "deleteTemplate", tagTemplates, auth.CampaignsWrite, "Delete a template"), s.deleteTemplate)
	add(s, get("/templates/{id}/versions", "listTemplateVersions", tagTemplates, auth.CampaignsRead, "List the versions of a template, newest first").
		note("Every save makes one. A template keeps 200; the oldest go, first of those without a note."), s.listTemplateVersions)
	add(s, get("/templates/{id}/versions/{version}", "getTemplateVersion", tagTemplates, auth.CampaignsRead, "Read a version of a template"), s.getTemplateVersion)
	add(s, get("/templates/{id}/versions/{version}/diff", "diffTemplateVersion", tagTemplates, auth.CampaignsRead, "Compare a version with the one before, or with another"), s.diffTemplateVersion)
	add(s, post("/templates/{id}/versions/{version}/diff", "diffTemplateUnsaved", tagTemplates, auth.CampaignsRead, "Compare a version with what is not saved").content().
		note("Stores nothing. Lines that came are those that were sent: what saving them over that version would change."), s.diffTemplateUnsaved)
	add(s, post("/templates/{id}/versions/{version}/restore", "restoreTemplateVersion", tagTemplates, auth.CampaignsWrite, "Save an old version anew, as the newest one"), s.restoreTemplateVersion)
	add(s, post("/templates/import-mailchimp", "importMailchimp", tagTemplates, auth.CampaignsRead, "Translate the merge tags of Mailchimp").content().
		note("Stores nothing. The report says of each tag what became of it."), s.importMailchimp)
	add(s, post("/render", "render", tagTemplates, auth.CampaignsRead, "Show content as a person would get it").content().
		note("Changes nothing. Errors in the Liquid source are problems with the line in their message."), s.render)
	add(s, post("/render/raw", "renderRaw", tagTemplates, auth.CampaignsRead, "Compose the message that a person would get, with its headers").content().
		note("Sends nothing. It is signed where its domain has a key. Its links belong to no delivery."), s.renderRaw)
	add(s, get("/merge-tags", "listMergeTags", tagTemplates, auth.CampaignsRead, "List what content can say about a person"), s.listMergeTags)

	s.mediaRoutes()
	s.signUpRoutes()
	s.campaignRoutes()
	s.messageRoutes()
	s.newsletterRoutes()
	s.sendingRoutes()
	s.webhookRoutes()
	s.mailboxRoutes()
}

// peopleRoutes are about what is known of people, beside the people themselves.
func (s *server) peopleRoutes() {
	add(s, get("/subscribers/{id}/timeline", "getSubscriberTimeline", tagSubscribers, auth.AudienceRead, "Read everything that was sent to a person and what came of it, newest first"),
		s.subscriberTimeline)
	add(s, get("/subscribers/{id}/consents", "listSubscriberConsents", tagSubscribers, auth.AudienceRead, "Read how a person stands and stood with each list, with the evidence").
		note("What holds now comes first, by name of the list; then what was before, newest first, at most 200."), s.listConsents)
	add(s, get("/subscribers/{id}/export", "exportSubscriber", tagSubscribers, auth.AudienceRead, "Download everything that is kept about a person").
		streams("application/octet-stream", &huma.Schema{Type: huma.TypeString, Format: "binary"}), s.exportSubscriber)
	add(s, post("/erasures", "erasePerson", tagSubscribers, auth.AudienceWrite, "Erase everything that is kept about whoever has an address").returns(http.StatusCreated).
		note("It cannot be undone. What remains is a keyed hash, by which no import and no program brings the person back."), s.erase)
	add(s, get("/erasures", "listErasures", tagSubscribers, auth.AudienceRead, "List when somebody was erased, newest first"), s.listErasures)

	add(s, get("/fields", "listFields", tagSubscribers, auth.AudienceRead, "List the custom fields by name"), s.listFields)
	add(s, post("/fields", "createField", tagSubscribers, auth.AudienceWrite, "Make a custom field").returns(http.StatusCreated).once(), s.createField)
	add(s, put("/fields/{name}", "updateField", tagSubscribers, auth.AudienceWrite, "Change the label or the type of a custom field").
		note("With another type the values that people have are converted. When some cannot be, it is a conflict that names them, and nothing changes."), s.updateField)
	add(s, get("/fields/{name}/use", "countField", tagSubscribers, auth.AudienceRead, "Count who has a value in a custom field"), s.countField)
	add(s, remove("/fields/{name}", "deleteField", tagSubscribers, auth.AudienceWrite, "Delete a custom field with the values that people have").returns(http.StatusAccepted), s.deleteField)

	add(s, post("/bulk-actions/preview", "previewBulkAction", tagBulk, auth.AudienceRead, "Count whom an action would be about").
		note("Changes nothing."), s.previewBulk)
	add(s, post("/bulk-actions", "startBulkAction", tagBulk, auth.AudienceWrite, "Do something to many people").returns(http.StatusAccepted).once().
		note("Whom it is about is fixed with this request. It can be taken back for 24 hours. Who left or is suppressed is never subscribed by it."), s.startBulk)
	add(s, get("/bulk-actions", "listBulkActions", tagBulk, auth.AudienceRead, "List bulk actions, newest first"), s.listBulk)
	add(s, get("/bulk-actions/{id}", "getBulkAction", tagBulk, auth.AudienceRead, "Read a bulk action"), s.getBulk)
	add(s, get("/bulk-actions/{id}/kept", "listBulkActionKept", tagBulk, auth.AudienceRead, "List whom a bulk action passed over, or whom its undoing left as they were, and why"), s.listBulkKept)
	add(s, post("/bulk-actions/{id}/cancel", "cancelBulkAction", tagBulk, auth.AudienceWrite, "Cancel a bulk action; what is done stays"), s.cancelBulk)
	add(s, post("/bulk-actions/{id}/undo", "undoBulkAction", tagBulk, auth.AudienceWrite, "Take back what a bulk action changed").returns(http.StatusAccepted).
		note("But for what was changed since, and for those who left since."), s.undoBulk)
	add(s, get("/bulk-actions/{id}/progress", "bulkActionProgress", tagBulk, auth.AudienceRead, "Follow a bulk action").
		streams("text/event-stream", streamOf("Bulk")), s.bulkProgress)

	add(s, get("/suppressions", "listSuppressions", tagSuppression, auth.AudienceRead, "List suppressed addresses and domains, newest first"), s.listSuppressions)
	add(s, post("/suppressions", "createSuppression", tagSuppression, auth.AudienceWrite, "Never mail an address or a domain again").returns(http.StatusCreated).once(), s.createSuppression)
	add(s, remove("/suppressions/{email}", "deleteSuppression", tagSuppression, auth.AudienceWrite, "Allow mail to an address or a domain again"), s.deleteSuppression)
	add(s, post("/suppressions/import", "importSuppressions", tagSuppression, auth.AudienceWrite, "Suppress many addresses and domains from a file").takes(suppressionForm()).
		note("Whoever is suppressed keeps their evidence, so that the same file may come again."), s.importSuppressions)
	add(s, get("/suppressions.csv", "downloadSuppressions", tagSuppression, auth.AudienceRead, "Download suppressed addresses and domains").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadSuppressions)
	add(s, get("/suppression-log", "listSuppressionLog", tagSuppression, auth.AudienceRead, "List what was suppressed and what was lifted, by whom and why, newest first"), s.suppressionLog)
}

func (s *server) segmentRoutes() {
	add(s, get("/segments", "listSegments", tagSegments, auth.AudienceRead, "List the segments by name"), s.listSegments)
	add(s, post("/segments", "createSegment", tagSegments, auth.AudienceWrite, "Save a segment").returns(http.StatusCreated).once(), s.createSegment)
	add(s, post("/segments/count", "countSegment", tagSegments, auth.AudienceRead, "Count whom a definition means").
		note("Within about a second. What no index answers in that time is estimated, and says so."), s.countSegment)
	add(s, post("/segments/sample", "sampleSegment", tagSegments, auth.AudienceRead, "Show some of the people whom a definition means"), s.sampleSegment)
	add(s, get("/segments/vocabulary", "getVocabulary", tagSegments, auth.AudienceRead, "List the custom fields that conditions can be about"), s.getVocabulary)
	add(s, get("/segments/{id}", "getSegment", tagSegments, auth.AudienceRead, "Read a segment"), s.getSegment)
	add(s, put("/segments/{id}", "updateSegment", tagSegments, auth.AudienceWrite, "Change a segment").
		note("Campaigns that have started keep the definition that they started with."), s.updateSegment)
	add(s, remove("/segments/{id}", "deleteSegment", tagSegments, auth.AudienceWrite, "Delete a segment").
		note("One that a campaign uses which has not ended, or that another segment names, is a conflict that says which."), s.deleteSegment)
	add(s, post("/segments/{id}/count", "countSavedSegment", tagSegments, auth.AudienceRead, "Count whom a saved segment means, and remember it"), s.countSavedSegment)
}

func (s *server) signUpRoutes() {
	add(s, get("/forms", "listForms", tagForms, auth.AudienceRead, "List the sign-up forms by name"), s.listForms)
	add(s, post("/forms", "createForm", tagForms, auth.AudienceWrite, "Make a sign-up form").returns(http.StatusCreated).once(), s.createForm)
	add(s, get("/forms/fields", "listFormFields", tagForms, auth.AudienceRead, "List what a form can ask for"), s.listFormFields)
	add(s, post("/forms/preview", "previewForm", tagForms, auth.AudienceRead, "Show the page of a form that is not stored"), s.previewForm)
	add(s, get("/forms/{id}", "getForm", tagForms, auth.AudienceRead, "Read a form"), s.getForm)
	add(s, put("/forms/{id}", "updateForm", tagForms, auth.AudienceWrite, "Change a form").
		note("Replaces everything but its address; what is left out gets its default."), s.updateForm)
	add(s, remove("/forms/{id}", "deleteForm", tagForms, auth.AudienceWrite, "Delete a form; the people stay"), s.deleteForm)
	add(s, get("/forms/{id}/stats", "getFormStats", tagForms, auth.AudienceRead, "Read what came of a form"), s.getFormStats)
	add(s, get("/lists/{id}/opt-in", "getOptIn", tagForms, auth.AudienceRead, "Read how a list takes people, and the mail by which they confirm"), s.getOptIn)
	add(s, put("/lists/{id}/opt-in", "putOptIn", tagForms, auth.AudienceWrite, "Change how a list takes people").content().
		note("Replaces everything; what is left out gets its default."), s.putOptIn)
	add(s, post("/lists/{id}/opt-in/test", "testOptIn", tagForms, auth.CampaignsSend, "Send the mail of a list to an address now, as it would be with these settings").content().once().
		note("Its link leads to a page that does nothing."), s.testOptIn)
	add(s, get("/lists/{id}/optin-requests", "listOptInRequests", tagForms, auth.AudienceRead, "List who was asked to confirm a list, newest first"), s.listOptInRequests)
	add(s, post("/lists/{id}/optin-requests/{request_id}/resend", "resendOptIn", tagForms, auth.AudienceWrite, "Send another mail that asks to confirm").
		returns(http.StatusNoContent).once().note("A conflict says why none may be sent: too soon, too many, or an address that is never mailed."), s.resendOptIn)
}

func (s *server) mailboxRoutes() {
	add(s, get("/mailboxes", "listMailboxes", tagMailboxes, auth.SendingRead, "List the mailboxes"), s.listMailboxes)
	add(s, post("/mailboxes", "createMailbox", tagMailboxes, auth.SendingWrite, "Add a mailbox, which is read from then on").returns(http.StatusCreated).once(), s.createMailbox)
	add(s, post("/mailboxes/test", "tryMailbox", tagMailboxes, auth.SendingWrite, "Try a mailbox that is not stored").
		note("Connects, signs in, opens the folder and counts; reads no message and changes nothing."), s.tryMailbox)
	add(s, get("/mailboxes/{id}", "getMailbox", tagMailboxes, auth.SendingRead, "Read about a mailbox"), s.getMailbox)
	add(s, put("/mailboxes/{id}", "updateMailbox", tagMailboxes, auth.SendingWrite, "Change a mailbox").
		note("Replaces everything but the status. Another server, account or folder is read from its beginning."), s.updateMailbox)
	add(s, remove("/mailboxes/{id}", "deleteMailbox", tagMailboxes, auth.SendingWrite, "Delete a mailbox; its mail stays at the server"), s.deleteMailbox)
	add(s, get("/mailboxes/{id}/messages", "listMailboxMessages", tagMailboxes, auth.SendingRead, "List messages of a mailbox that could not be taken, newest first").
		note("At most 50."), s.listMailboxMessages)
	add(s, post("/mailboxes/{id}/pause", "pauseMailbox", tagMailboxes, auth.SendingWrite, "Read a mailbox no more for now"), s.pauseMailbox)
	add(s, post("/mailboxes/{id}/resume", "resumeMailbox", tagMailboxes, auth.SendingWrite, "Read a mailbox again"), s.resumeMailbox)
	add(s, post("/mailboxes/{id}/check", "checkMailbox", tagMailboxes, auth.SendingWrite, "Have a mailbox read within seconds").
		note("Also tries messages again that could not be taken. A conflict says why it cannot be read now."), s.checkMailbox)
	add(s, post("/mailboxes/{id}/test", "testMailbox", tagMailboxes, auth.SendingWrite, "Try a mailbox").
		note("Connects, signs in, opens the folder and counts; reads no message and changes nothing."), s.testMailbox)
}

func (s *server) campaignRoutes() {
	add(s, get("/campaigns", "listCampaigns", tagCampaigns, auth.CampaignsRead, "List campaigns, newest first"), s.listCampaigns)
	add(s, post("/campaigns", "createCampaign", tagCampaigns, auth.CampaignsWrite, "Make a draft, or with start, start_at or local_at a campaign that starts").returns(http.StatusCreated).once().content().
		note("Starting it asks for the scope campaigns:send too."), s.createCampaign)
	add(s, get("/campaigns/{id}", "getCampaign", tagCampaigns, auth.CampaignsRead, "Read a campaign"), s.getCampaign)
	add(s, put("/campaigns/{id}", "updateCampaign", tagCampaigns, auth.CampaignsWrite, "Change a campaign that has not started").content().
		note("Replaces everything; what is left out gets its default. One that is scheduled stays so, and must be able to start."), s.updateCampaign)
	add(s, remove("/campaigns/{id}", "deleteCampaign", tagCampaigns, auth.CampaignsWrite, "Delete a campaign with all that is known of its deliveries"), s.deleteCampaign)
	add(s, get("/campaigns/{id}/audience", "countAudience", tagCampaigns, auth.CampaignsRead, "Count whom a campaign would reach if it started now"), s.countAudience)
	add(s, post("/campaigns/audience", "countDraftAudience", tagCampaigns, auth.CampaignsRead, "Count whom a campaign that is not saved would reach").
		note("Within about a second; a large audience is estimated, and says so."), s.countDraftAudience)
	add(s, get("/campaigns/{id}/selection", "getSelection", tagCampaigns, auth.CampaignsRead, "Read whom a campaign is for, as that was frozen at its start").
		note("With how many were left out, by reason."), s.getSelection)
	add(s, get("/campaigns/{id}/mail", "getCampaignMail", tagCampaigns, auth.CampaignsRead, "Show what a started campaign sends, as a person gets it").
		note("As it was frozen at the start: what was changed in layouts and snippets since then is not in it."), s.getCampaignMail)
	add(s, get("/campaigns/{id}/mail/raw", "getCampaignRaw", tagCampaigns, auth.CampaignsRead, "Compose the message that a person gets of a started campaign, with its headers").
		note("Sends nothing. Its links belong to no delivery."), s.getCampaignRaw)
	add(s, post("/campaigns/{id}/fields-use", "countFieldsUse", tagCampaigns, auth.AudienceRead, "Count which recipients lack fields that the content shows without a default"), s.countFieldsUse)
	add(s, get("/campaigns/{id}/audience/{who}", "getWhy", tagCampaigns, auth.AudienceRead, "Say why a person got a campaign, or why not").
		note("The place and the reason are those of the ledger; before the start, those that it would be now."), s.getWhy)
	add(s, get("/campaigns/{id}/audience.csv", "downloadAudience", tagReports, auth.CampaignsRead, "Download everybody in a campaign's ledger, in or out, with the reason").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadAudience)
	add(s, get("/campaigns/{id}/ab-test", "getABTest", tagReports, auth.CampaignsRead, "Read how an A/B test stands, and what was decided"), s.getABTest)
	add(s, post("/campaigns/{id}/ab-test/decide", "decideABTest", tagCampaigns, auth.CampaignsSend, "Send a variant of an A/B test to the rest now").once().
		note("At any time after the start, whatever the figures say. Asked again for the same variant it changes nothing; for another one it is a conflict. To send the rest nothing, cancel the campaign."), s.decideABTest)
	add(s, get("/campaigns/{id}/gates", "listGates", tagCampaigns, auth.CampaignsRead, "List when the parts of a campaign may go that wait for their time, in that order"), s.listGates)
	add(s, get("/campaigns/{id}/forecast", "getCampaignForecast", tagCampaigns, auth.CampaignsRead, "Say when the last message of a campaign will have gone out").
		note("By the limits of its relays and its From domain, when those have nothing else to send."), s.getCampaignForecast)
	add(s, post("/campaigns/{id}/start", "startCampaign", tagCampaigns, auth.CampaignsSend, "Start sending").once().
		note("Freezes the content and the audience. A second start does nothing and says so (already_started); for a cancelled campaign it is a conflict."), s.startCampaign)
	add(s, get("/campaigns/{id}/runs", "listRuns", tagCampaigns, auth.CampaignsRead, "List the runs of a campaign, and what they came to together"), s.listRuns)
	add(s, post("/campaigns/{id}/runs", "createRun", tagCampaigns, auth.CampaignsSend, "Send a campaign again to those who did not get or open it").returns(http.StatusCreated).once().
		note("A campaign of its own (parent_id) with the content of the first run. Nobody gets it who got it in any run, but those who got it and did not open it where that is asked for."), s.createRun)
	add(s, post("/campaigns/{id}/runs/count", "countRun", tagCampaigns, auth.CampaignsRead, "Count whom another run of a campaign would be for"), s.countRun)
	s.preflightRoutes()
	add(s, post("/campaigns/{id}/schedule", "scheduleCampaign", tagCampaigns, auth.CampaignsSend, "Let a campaign start by itself later").once(), s.scheduleCampaign)
	add(s, post("/campaigns/{id}/unschedule", "unscheduleCampaign", tagCampaigns, auth.CampaignsSend, "Make a scheduled campaign a draft again"), s.unscheduleCampaign)
	add(s, post("/campaigns/{id}/pause", "pauseCampaign", tagCampaigns, auth.CampaignsSend, "Pause sending"), s.pauseCampaign)
	add(s, post("/campaigns/{id}/resume", "resumeCampaign", tagCampaigns, auth.CampaignsSend, "Go on sending").once(), s.resumeCampaign)
	add(s, post("/campaigns/{id}/cancel", "cancelCampaign", tagCampaigns, auth.CampaignsSend, "End a campaign for good"), s.cancelCampaign)
	add(s, post("/campaigns/{id}/test", "testCampaign", tagCampaigns, auth.CampaignsSend, "Send the campaign to a few addresses now").once().
		note("Test messages are in no report. What keeps the campaign from starting, short of its lists, keeps it from being tested."), s.testCampaign)
	add(s, post("/campaigns/{id}/unconfirmed", "resolveUnconfirmed", tagCampaigns, auth.CampaignsSend, "Decide what becomes of deliveries whose reply was lost").once(), s.resolveUnconfirmed)

	add(s, get("/campaigns/{id}/stats", "getStats", tagReports, auth.CampaignsRead, "Read the figures of a campaign"), s.getStats)
	add(s, get("/campaigns/{id}/outcomes", "getOutcomes", tagReports, auth.CampaignsRead, "Read what became of a campaign, by reason, relay and recipient provider").
		note("As of one moment: the sums over reasons, relays and providers are those of the total, which are those of the ledger."), s.getOutcomes)
	add(s, get("/campaigns/{id}/stats.csv", "downloadStats", tagReports, auth.CampaignsRead, "Download a table of a campaign's figures").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadStats)
	add(s, get("/lists/{id}/stats", "getListStats", tagReports, auth.CampaignsRead, "Read what became of the campaigns to a list, newest first"), s.getListStats)
	add(s, get("/lists/{id}/growth", "getListGrowth", tagReports, auth.AudienceRead, "Read how a list grew, by week"), s.getListGrowth)
	add(s, get("/lists/{id}/stats.csv", "downloadListStats", tagReports, auth.CampaignsRead, "Download a table of a list's figures").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadListStats)
	add(s, get("/relays/{id}/stats", "getRelayStats", tagReports, auth.SendingRead, "Read what came of the mail through a relay"), s.getRelayStats)
	add(s, get("/relays/{id}/stats.csv", "downloadRelayStats", tagReports, auth.SendingRead, "Download what came of the mail through a relay").
		streams("text/csv", &huma.Schema{Type: huma.TypeString}), s.downloadRelayStats)
	add(s, get("/campaigns/{id}/progress", "campaignProgress", tagReports, auth.CampaignsRead, "Follow a campaign").
		streams("text/event-stream", streamOf("CampaignProgress")), s.campaignProgress)
	add(s, get("/campaigns/{id}/timeline", "getTimeline", tagReports, auth.CampaignsRead, "Read what happened over time"), s.getTimeline)
	add(s, get("/campaigns/{id}/links", "listLinks", tagReports, auth.CampaignsRead, "List the links with their clicks"), s.listLinks)
	add(s, get("/campaigns/{id}/deliveries", "listDeliveries", tagReports, auth.CampaignsRead, "List the deliveries"), s.listDeliveries)
	add(s, get("/campaigns/{id}/deliveries/{seq}", "getDelivery", tagReports, auth.CampaignsRead, "Read all that is known of one delivery"), s.getDelivery)
	add(s, get("/campaigns/{id}/exclusions", "listExclusions", tagReports, auth.CampaignsRead, "List who was left out, and why"), s.listExclusions)
	add(s, get("/reports", "listReports", tagReports, auth.CampaignsRead, "List bounces and complaints that came back, newest first"), s.listReports)
	add(s, get("/reports/{id}", "getReport", tagReports, auth.CampaignsRead, "Read a report with the message as it was received"), s.getReport)
	add(s, get("/campaigns/{id}/unsubscribes", "listUnsubscribes", tagReports, auth.CampaignsRead, "List who left after a mail of a campaign, newest first"), s.listUnsubscribes)
	add(s, get("/campaigns/{id}/unsubscribe-reasons", "countUnsubscribeReasons", tagReports, auth.CampaignsRead, "Count why people left after a mail of a campaign").
		note("Whoever took it back is not counted."), s.countUnsubscribeReasons)
	add(s, get("/events", "listEvents", tagReports, auth.CampaignsRead, "List what recipients did, newest first"), s.listEvents)
	add(s, get("/overview", "getOverview", tagSystem, auth.CampaignsRead, "Read the figures of the first page"), s.getOverview)
	add(s, get("/system", "getSystem", tagSystem, auth.SettingsRead, "Read about the machinery"), s.getSystem)
}

func (s *server) messageRoutes() {
	add(s, post("/messages", "sendMessage", tagMessages, auth.MessagesSend, "Send a message to one person").returns(http.StatusAccepted).content().
		note("It needs no subscription, and whoever left a list gets it. An address that bounced, complained, or is never to be mailed is answered with the status skipped. "+
			"Fields that the template shows without a default must be in the data."), s.sendMessage)
	add(s, post("/messages/batch", "sendMessages", tagMessages, auth.MessagesSend, "Send up to 500 messages, each to one person").returns(http.StatusAccepted).content().
		note("Each is accepted or refused by itself."), s.sendMessages)
	add(s, get("/messages", "listMessages", tagMessages, auth.CampaignsRead, "List messages, newest first"), s.listMessages)
	add(s, get("/messages/{id}", "getMessage", tagMessages, auth.CampaignsRead, "Read all that is known of one message"), s.getMessage)
	add(s, get("/messages/{id}/preview", "previewMessage", tagMessages, auth.CampaignsRead, "Show a message as it is sent").
		note("With its data, which is kept for 30 days. Its links lead nowhere."), s.previewMessage)
	add(s, post("/messages/{id}/cancel", "cancelMessage", tagMessages, auth.MessagesSend, "Keep a message that waits from being sent"), s.cancelMessage)
}

func (s *server) newsletterRoutes() {
	add(s, post("/schedules/preview", "previewSchedule", tagNewsletters, auth.CampaignsRead, "Show the next runs of a schedule, and what it means in words").
		note("Changes nothing. description has a code with parameters, for clients that speak other languages."), s.previewSchedule)
	add(s, get("/newsletters", "listNewsletters", tagNewsletters, auth.CampaignsRead, "List the newsletters by name"), s.listNewsletters)
	add(s, post("/newsletters", "createNewsletter", tagNewsletters, auth.CampaignsWrite, "Make a newsletter, which does nothing until it is activated").returns(http.StatusCreated).once().content(), s.createNewsletter)
	add(s, get("/newsletters/{id}", "getNewsletter", tagNewsletters, auth.CampaignsRead, "Read a newsletter"), s.getNewsletter)
	add(s, put("/newsletters/{id}", "updateNewsletter", tagNewsletters, auth.CampaignsWrite, "Change a newsletter").content().
		note("Replaces everything; what is left out gets its default. Issues that have not been sent follow; those that somebody worked on are kept, and kept lists the ones that the schedule would not have. A newsletter that has ended stays so until it is activated again."), s.updateNewsletter)
	add(s, remove("/newsletters/{id}", "deleteNewsletter", tagNewsletters, auth.CampaignsWrite, "Delete a newsletter that is not active; the campaigns of its issues stay"), s.deleteNewsletter)
	add(s, post("/newsletters/{id}/activate", "activateNewsletter", tagNewsletters, auth.CampaignsSend, "Let a newsletter run, or run again when it has ended").once().
		note("The first time, what its feed holds already is taken as old, but for rules.first_items."), s.activateNewsletter)
	add(s, post("/newsletters/{id}/pause", "pauseNewsletter", tagNewsletters, auth.CampaignsSend, "Make no more issues for now, with a note for the public"), s.pauseNewsletter)
	add(s, post("/newsletters/{id}/resume", "resumeNewsletter", tagNewsletters, auth.CampaignsSend, "Go on with a newsletter that is paused").once(), s.resumeNewsletter)
	add(s, get("/newsletters/{id}/runs", "listNewsletterRuns", tagNewsletters, auth.CampaignsRead, "List the next runs, also those that are left out, and why"), s.listNewsletterRuns)
	add(s, post("/newsletters/{id}/skip-next", "skipRun", tagNewsletters, auth.CampaignsSend, "Let the next run, or that of a date, fall out"), s.skipRun)
	add(s, post("/newsletters/{id}/unskip", "unskipRun", tagNewsletters, auth.CampaignsSend, "Take back that a run is skipped which is still to come").
		note("Also of an issue that a person skipped: what somebody wrote stays, and needs to be approved again."), s.unskipRun)
	add(s, post("/newsletters/{id}/check-source", "checkSource", tagNewsletters, auth.CampaignsRead, "Fetch the source, and show what would come now").
		note("Changes nothing. A source that does not answer is an answer with an error."), s.checkSource)
	add(s, get("/newsletters/{id}/issues", "listIssues", tagNewsletters, auth.CampaignsRead, "List the issues of a newsletter, the latest date first"), s.listIssues)
	add(s, get("/issues/{id}", "getIssue", tagNewsletters, auth.CampaignsRead, "Read an issue with its items, and who did what to it"), s.getIssue)
	add(s, put("/issues/{id}/content", "editIssue", tagNewsletters, auth.CampaignsWrite, "Change the content of an issue by hand").content().
		note("From then on it is not gathered again. What had been approved needs to be approved again."), s.editIssue)
	add(s, post("/issues/{id}/prepare", "prepareIssue", tagNewsletters, auth.CampaignsWrite, "Make the content of an issue anew; what was edited by hand is lost, and one that is held stays held"), s.prepareIssue)
	add(s, post("/issues/{id}/approve", "approveIssue", tagNewsletters, auth.CampaignsSend, "Say that an issue, or a draft, is as it should be").
		note("When its campaign is changed afterwards, it has to be approved again. One that is held stays held."), s.approveIssue)
	add(s, post("/issues/{id}/hold", "holdIssue", tagNewsletters, auth.CampaignsSend, "Keep an issue from going out"), s.holdIssue)
	add(s, post("/issues/{id}/release", "releaseIssue", tagNewsletters, auth.CampaignsSend, "Let a held issue go on"), s.releaseIssue)
	add(s, post("/issues/{id}/skip", "skipIssue", tagNewsletters, auth.CampaignsSend, "Let an issue fall out; its items wait for the next"), s.skipIssue)
	add(s, post("/issues/{id}/send-now", "sendIssueNow", tagNewsletters, auth.CampaignsSend, "Let an issue go out at once, as it is").once().
		note("When something keeps it back, it is tried for rules.late_hours, six at least, and held then."), s.sendIssueNow)
}

func (s *server) sendingRoutes() {
	add(s, get("/sending", "getSending", tagSystem, auth.CampaignsRead, "Say whether anything is sent at all"), s.getSending)
	add(s, post("/sending/stop", "stopSending", tagSystem, auth.CampaignsSend, "Stop everything at once: campaigns, tests, mails that ask to confirm").
		note("Over all processes within a second. What is on the wire is finished; nothing is lost, and nothing is sent twice after it is resumed."), s.stopSending)
	add(s, post("/sending/resume", "resumeSending", tagSystem, auth.CampaignsSend, "Send again after everything was stopped"), s.resumeSending)
	add(s, get("/relays", "listRelays", tagRelays, auth.SendingRead, "List the relays"), s.listRelays)
	add(s, post("/relays", "createRelay", tagRelays, auth.SendingWrite, "Add a relay").returns(http.StatusCreated).once(), s.createRelay)
	add(s, post("/relays/test", "tryRelay", tagRelays, auth.SendingWrite, "Try a relay that is not stored").
		note("Connects, signs in and asks for sender and recipient; sends nothing."), s.tryRelay)
	add(s, get("/relays/{id}", "getRelay", tagRelays, auth.SendingRead, "Read a relay"), s.getRelay)
	add(s, put("/relays/{id}", "updateRelay", tagRelays, auth.SendingWrite, "Change a relay"), s.updateRelay)
	add(s, remove("/relays/{id}", "deleteRelay", tagRelays, auth.SendingWrite, "Delete a relay"), s.deleteRelay)
	add(s, get("/relays/{id}/pace", "getRelayPace", tagRelays, auth.SendingRead, "Read how fast a relay is used, and why"), s.getRelayPace)
	add(s, get("/relays/{id}/forecast", "getRelayForecast", tagRelays, auth.SendingRead, "Say when a number of messages would have gone out"), s.getRelayForecast)
	add(s, get("/relays/{id}/sites", "getRelaySites", tagRelays, auth.SendingRead, "Read how a relay stands with the recipients' sites"), s.getRelaySites)
	add(s, get("/site-limits", "listSiteLimits", tagRelays, auth.SendingRead, "List what may go to recipients' sites"), s.listSiteLimits)
	add(s, put("/site-limits", "setSiteLimits", tagRelays, auth.SendingWrite, "Set what may go to recipients' sites").
		note("Replaces everything that was set; what is not in it has the limits that came with the program."), s.setSiteLimits)
	add(s, post("/relays/{id}/pause", "pauseRelay", tagRelays, auth.SendingWrite, "Send nothing through a relay for now"), s.pauseRelay)
	add(s, post("/relays/{id}/resume", "resumeRelay", tagRelays, auth.SendingWrite, "Send through a relay again"), s.resumeRelay)
	add(s, post("/relays/{id}/test", "testRelay", tagRelays, auth.SendingWrite, "Try a relay").
		note("Connects, signs in and asks for sender and recipient; sends nothing."), s.testRelay)

	add(s, get("/webhook-sources", "listWebhookSources", tagRelays, auth.SendingRead, "List the webhooks of mail providers"), s.listWebhookSources)
	add(s, post("/webhook-sources", "createWebhookSource", tagRelays, auth.SendingWrite, "Set up a webhook of a mail provider").returns(http.StatusCreated).once().
		note("The answer holds the address to give to the provider, with a secret at its end."), s.createWebhookSource)
	add(s, get("/webhook-sources/{id}", "getWebhookSource", tagRelays, auth.SendingRead, "Read a webhook of a mail provider"), s.getWebhookSource)
	add(s, put("/webhook-sources/{id}", "updateWebhookSource", tagRelays, auth.SendingWrite, "Change the name or the signing key of a webhook"), s.updateWebhookSource)
	add(s, remove("/webhook-sources/{id}", "deleteWebhookSource", tagRelays, auth.SendingWrite, "Delete a webhook; what it reported stays"), s.deleteWebhookSource)
	add(s, post("/webhook-sources/{id}/renew", "renewWebhookSource", tagRelays, auth.SendingWrite, "Give a webhook another address").
		note("The old address stops working at once."), s.renewWebhookSource)
	add(s, post("/webhook-sources/{id}/topics/accept", "acceptWebhookTopic", tagRelays, auth.SendingWrite, "Let a topic of Amazon SNS send to a webhook").
		note("Confirms its subscription. When Amazon does not answer, the topic is accepted all the same and its problem says what to do."), s.acceptWebhookTopic)
	add(s, post("/webhook-sources/{id}/topics/remove", "removeWebhookTopic", tagRelays, auth.SendingWrite, "Keep a topic of Amazon SNS out"), s.removeWebhookTopic)

	add(s, get("/providers", "listProviders", tagRelays, auth.SendingRead, "List the known providers: servers, limits, and what to do there first").
		note("Figures are suggestions with their source and date; 0 means not published."), s.listProviders)
	add(s, post("/explain", "explainReply", tagRelays, auth.SendingRead, "Say what an SMTP reply means").
		note("Takes the reply alone, a line of a log, or a bounce's diagnostic. Connects to nothing."), s.explainReply)

	add(s, get("/domains", "listDomains", tagDomains, auth.SendingRead, "List the sending domains"), s.listDomains)
	add(s, post("/domains", "createDomain", tagDomains, auth.SendingWrite, "Add a sending domain and make its first key").returns(http.StatusCreated).once(), s.createDomain)
	add(s, get("/domains/{id}", "getDomain", tagDomains, auth.SendingRead, "Read a sending domain"), s.getDomain)
	add(s, put("/domains/{id}", "updateDomain", tagDomains, auth.SendingWrite, "Change the bounce domain, the warm-up and the window of a sending domain").
		note("Replaces all three; what is left out is taken away."), s.updateDomain)
	add(s, remove("/domains/{id}", "deleteDomain", tagDomains, auth.SendingWrite, "Delete a sending domain with its keys"), s.deleteDomain)
	add(s, get("/domains/{id}/pace", "getDomainPace", tagDomains, auth.SendingRead, "Read how much is sent From a domain, and what holds it up"), s.getDomainPace)
	add(s, get("/domains/{id}/forecast", "getDomainForecast", tagDomains, auth.SendingRead, "Say when a number of messages From a domain would have gone out"), s.getDomainForecast)
	add(s, post("/domains/{id}/check", "checkDomain", tagDomains, auth.SendingWrite, "Compare DNS with what should be there").
		note("Also puts keys into use whose records are seen. It happens by itself every few hours, and every few minutes while a new key waits."), s.checkDomain)
	add(s, post("/domains/{id}/keys", "addKey", tagDomains, auth.SendingWrite, "Make another DKIM key").returns(http.StatusCreated).once().
		note("It waits until its record is seen in DNS, and then takes over from the key of the same algorithm."), s.addKey)
	add(s, post("/dkim-keys/{id}/retire", "retireKey", tagDomains, auth.SendingWrite, "Sign nothing more with a DKIM key"), s.retireKey)

	add(s, get("/inbox", "getInbox", tagInbox, auth.SendingRead, "Say whether the inbox is switched on"), s.getInbox)
	add(s, get("/inbox/messages", "listInboxMessages", tagInbox, auth.SendingRead, "List captured messages, newest first"), s.listInbox)
	add(s, remove("/inbox/messages", "emptyInbox", tagInbox, auth.SendingWrite, "Delete all captured messages"), s.emptyInbox)
	add(s, get("/inbox/messages/{id}", "getInboxMessage", tagInbox, auth.SendingRead, "Read a captured message"), s.getInboxMessage)
}

func (s *server) webhookRoutes() {
	add(s, get("/webhook-event-types", "listWebhookEventTypes", tagWebhooks, auth.WebhooksRead, "List what webhooks can be told, with samples"), s.listWebhookEventTypes)
	add(s, get("/webhooks", "listWebhooks", tagWebhooks, auth.WebhooksRead, "List the webhooks"), s.listWebhooks)
	add(s, post("/webhooks", "createWebhook", tagWebhooks, auth.WebhooksWrite, "Add a webhook").returns(http.StatusCreated).
		note("It hears of what happens from then on. The answer holds the secret that its messages are signed with."), s.createWebhook)
	add(s, get("/webhooks/{id}", "getWebhook", tagWebhooks, auth.WebhooksRead, "Read a webhook"), s.getWebhook)
	add(s, put("/webhooks/{id}", "updateWebhook", tagWebhooks, auth.WebhooksWrite, "Change a webhook, or switch it on or off").
		note("While it is off nothing is collected for it. What waited before is sent when it is switched on."), s.updateWebhook)
	add(s, remove("/webhooks/{id}", "deleteWebhook", tagWebhooks, auth.WebhooksWrite, "Delete a webhook with its log"), s.deleteWebhook)
	add(s, get("/webhooks/{id}/secret", "getWebhookSecret", tagWebhooks, inBrowser, "Show the secret of a webhook"), s.getWebhookSecret)
	add(s, post("/webhooks/{id}/rotate", "rotateWebhookSecret", tagWebhooks, auth.WebhooksWrite, "Give a webhook a new secret").
		note("Messages are signed with both secrets for 24 hours."), s.rotateWebhookSecret)
	add(s, post("/webhooks/{id}/test", "testWebhook", tagWebhooks, auth.WebhooksWrite, "Send a message with sample data now, and say what came of it"), s.testWebhook)
	add(s, get("/webhooks/{id}/messages", "listWebhookMessages", tagWebhooks, auth.WebhooksRead, "List the messages of a webhook, newest first"), s.listWebhookMessages)
	add(s, get("/webhooks/{id}/messages/{message_id}", "getWebhookMessage", tagWebhooks, auth.WebhooksRead, "Read a message with its payload and attempts"), s.getWebhookMessage)
	add(s, post("/webhooks/{id}/messages/{message_id}/replay", "replayWebhookMessage", tagWebhooks, auth.WebhooksWrite, "Send a message again, with the same webhook-id"), s.replayWebhookMessage)
	add(s, post("/webhooks/{id}/replay", "replayWebhook", tagWebhooks, auth.WebhooksWrite, "Send all messages again that have failed since a moment").once(), s.replayWebhook)
}

func (s *server) preflightRoutes() {
	add(s, post("/campaigns/{id}/preflight", "runPreflight", tagCampaigns, auth.CampaignsWrite, "Check a campaign before it is sent").
		note("Makes the messages of a few real recipients as they would be sent and looks at everything: sender and DNS, links, images, merge fields, size, mail programs, spam filter, audience and time. "+
			"Takes up to 20 seconds; the result is kept. Blocking findings keep the campaign from starting."), s.runPreflight)
	add(s, get("/campaigns/{id}/preflight", "getPreflight", tagCampaigns, auth.CampaignsRead, "Read what the last check of a campaign found, and whether it has changed since"), s.getPreflight)
	add(s, post("/campaigns/{id}/preflight/acknowledge", "acknowledgePreflight", tagCampaigns, auth.CampaignsWrite, "Note that warnings were seen").
		note("Holds until content, audience or settings change. What blocks cannot be acknowledged."), s.acknowledgePreflight)
	add(s, post("/preflight", "preflightDraft", tagTemplates, auth.CampaignsWrite, "Check content or a message that is no campaign").content().
		note("For programs that make mail: give a whole message (raw) or content. Nothing is kept."), s.preflightDraft)
}
