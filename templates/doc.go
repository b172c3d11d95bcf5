// Package templates turns what an author wrote into what one person gets: subject, HTML and text, in Liquid. It owns the tables
// templates, template_snippets and template_versions.
//
// The way of a mail: Assemble puts layout and snippets in (assemble.go), Expand fills in what belongs to an issue of a newsletter (expand.go), Build makes HTML of MJML and Markdown and
// inlines styles (build.go); then Compile once per campaign, Render once per recipient, RenderLink when somebody clicks.
//
// Compile scans the Liquid of each part (scan.go, expr.go), refuses what could fail or run away later, finds the links by tokenising the HTML
// source (html.go), makes the text part when there is none (text.go), and cuts each part into pieces (plan.go). A part that holds only plain
// outputs and simple filters becomes a list of segments that renders in microseconds (fast.go). Any other part goes to the Liquid engine
// with guards built in (engine.go). Both ways give the same bytes; a property test holds them to it.
//
// Invariant: no value of a subscriber can end an attribute, make a link with a scheme other than http, https, mailto or tel, or put a line
// break into the subject.
package templates
