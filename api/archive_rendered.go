package api

import "sync"

// maxRendered bounds what is kept of rendered issues, in bytes.
const maxRendered = 32 << 20

// renderedIssue is an issue filled in for nobody.
type renderedIssue struct {
	subject, html string
}

// issueKey names what a rendered issue depends on.
type issueKey struct {
	newsletter, issue           string
	updated                     int64
	base, organization, address string
}

// renderedIssues keeps rendered issues, so that a feed does not render twenty of them for each reader.
type renderedIssues struct {
	mu    sync.Mutex
	kept  map[issueKey]renderedIssue
	order []issueKey // oldest first
	size  int
}

func newRenderedIssues() *renderedIssues {
	return &renderedIssues{kept: map[issueKey]renderedIssue{}}
}

// get gives what is kept, else what render gives, which then is kept. Two readers at once may render the same issue twice.
func (c *renderedIssues) get(key issueKey, render func() (renderedIssue, error)) (renderedIssue, error) {
	c.mu.Lock()
	m, ok := c.kept[key]
	c.mu.Unlock()
	if ok {
		return m, nil
	}
	m, err := render()
	if err == nil {
		c.keep(key, m)
	}
	return m, err
}

func (c *renderedIssues) keep(key issueKey, m renderedIssue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; ok {
		return
	}
	c.kept[key] = m
	c.order = append(c.order, key)
	c.size += len(m.html)
	for c.size > maxRendered && len(c.order) > 1 {
		c.size -= len(c.kept[c.order[0]].html)
		delete(c.kept, c.order[0])
		c.order = c.order[1:]
	}
}
