package templates

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/osteele/liquid"
	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"
)

// Names that the guards use in the sources handed to the engine. Authors cannot: see checkName.
const (
	stateName = "_postrider"
	turnName  = "_postrider_turn"
)

// maxRenderTime is how long the loops of one part may run. A mail takes microseconds.
const maxRenderTime = 2 * time.Second

var (
	errTooBig  = errors.New("a value is too long")
	errTooMuch = fmt.Errorf("the mail would be larger than %d kB", maxOutput>>10)
	errTooMany = fmt.Errorf("its loops turn more than %d times", maxIterations)
	errTooSlow = fmt.Errorf("it takes longer than %v", maxRenderTime)
	errNoState = errors.New("the mail has no state")
)

// renderState is what one Render carries through the engine: what is left of its budgets, and the addresses of the delivery.
type renderState struct {
	urls     URLs
	unsub    string
	vars     *Vars
	part     *part // the one that the engine fills in
	turns    int
	bytes    int
	deadline time.Time
	// unsubSeen: the unsubscribe link is in the mail.
	unsubSeen bool
}

// preferences is the address of the preference page. Only mails that show it, and those that the engine fills in, have it made.
func (st *renderState) preferences() string {
	if st.vars.PreferencesURL != "" || st.urls == nil {
		return st.vars.PreferencesURL
	}
	return st.urls.Preferences()
}

func (st *renderState) reset() {
	st.turns, st.bytes, st.deadline = maxIterations, maxOutput, time.Time{}
}

// turn is called once for each turn of a loop.
func (st *renderState) turn() error {
	if st.turns--; st.turns < 0 {
		return errTooMany
	}
	return st.onTime()
}

func (st *renderState) onTime() error {
	now := time.Now()
	if st.deadline.IsZero() {
		st.deadline = now.Add(maxRenderTime)
	}
	if now.After(st.deadline) {
		return errTooSlow
	}
	return nil
}

func (st *renderState) spend(n int) error {
	if n > maxValue {
		return errTooBig
	}
	return st.write(n)
}

// write counts bytes of the mail.
func (st *renderState) write(n int) error {
	if st.bytes -= n; st.bytes < 0 {
		return errTooMuch
	}
	return nil
}

// engine is one Liquid engine: for HTML, where outputs are escaped, or for plain text.
type engine struct {
	liquid *liquid.Engine
	html   bool
}

// escaper is the engine's hook for outputs.
type escaper struct{}

func (escaper) WriteString(w io.Writer, s string) (int, error) {
	var buf [512]byte
	return w.Write(appendHTML(buf[:0], s))
}

func newEngine(html bool) *engine {
	e := &engine{liquid.NewEngine(), html}
	for _, tag := range []string{"include", "render"} {
		e.liquid.UnregisterTag(tag)
	}
	if html {
		e.liquid.SetAutoEscapeReplacer(escaper{})
	} else {
		e.liquid.RegisterFilter("safe", func(v any) any { return v })
	}
	for name, filter := range boundedFilters() {
		e.liquid.RegisterFilter(name, filter)
	}
	e.registerGuards()
	e.registerLiterals()
	return e
}

func (e *engine) registerGuards() {
	e.liquid.RegisterFilter("_meter", func(v any, st *renderState) (any, error) {
		return v, st.spend(sizeOf(v, maxValue))
	})
	e.liquid.RegisterFilter("_meter_unsubscribe", func(v any, st *renderState) (any, error) {
		st.unsubSeen = true
		return v, st.spend(sizeOf(v, maxValue))
	})
	e.liquid.RegisterFilter("_keep", func(v any, st *renderState) (any, error) {
		if sizeOf(v, maxValue) > maxValue {
			return nil, errTooBig
		}
		return v, st.onTime()
	})
	e.liquid.RegisterFilter("_turn", func(st *renderState) (any, error) {
		return nil, st.turn()
	})
	e.liquid.RegisterBlock("_link", guardBlock(linkSchemes))
	e.liquid.RegisterBlock("_image", guardBlock(imageSchemes))
	e.liquid.RegisterTag("_put", func(ctx render.Context) (string, error) {
		st, ok := ctx.Get(stateName).(*renderState)
		if !ok {
			return "", errNoState
		}
		n, err := strconv.Atoi(ctx.TagArgs())
		if err != nil {
			return "", err
		}
		b := appendSpecial(nil, st, n, e.html)
		return string(b), st.spend(len(b))
	})
}

func (e *engine) registerLiterals() {
	e.liquid.RegisterTag("_literal", func(ctx render.Context) (string, error) {
		st, ok := ctx.Get(stateName).(*renderState)
		if !ok {
			return "", errNoState
		}
		n, err := strconv.Atoi(ctx.TagArgs())
		if err != nil || st.part == nil || n < 0 || n >= len(st.part.texts) {
			return "", errNoState
		}
		text := st.part.texts[n]
		return text, st.write(len(text))
	})
}

func guardBlock(allowed schemes) liquid.Renderer {
	return func(ctx render.Context) (string, error) {
		s, err := ctx.InnerString()
		if err != nil {
			return "", err
		}
		return guardURL(s, allowed), nil
	}
}

// sizeOf is about how many bytes a value is when written. It stops counting when that is over limit.
func sizeOf(v any, limit int) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case values.SafeValue:
		return sizeOf(v.Value, limit)
	case []any:
		n := 2
		for i := 0; i < len(v) && n <= limit; i++ {
			n += sizeOf(v[i], limit-n) + 1
		}
		return n
	case []string:
		n := 2
		for i := 0; i < len(v) && n <= limit; i++ {
			n += len(v[i]) + 1
		}
		return n
	case map[string]any:
		n := 2
		for k, x := range v {
			if n > limit {
				break
			}
			n += len(k) + sizeOf(x, limit-n) + 2
		}
		return n
	}
	return 16
}

// parse compiles a source. The engine panics on some inputs (a number too large for an int); that is an error like any other.
func (e *engine) parse(src string) (t *liquid.Template, err *sourceError) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, badLine(1, "it cannot be read: %.200v", r)
		}
	}()
	t, serr := e.liquid.ParseTemplateLocation([]byte(src), "", 1)
	if serr != nil {
		return nil, liquidError(serr)
	}
	return t, nil
}

// run renders a compiled source and appends to buf.
func (e *engine) run(buf []byte, t *liquid.Template, bindings map[string]any) (out []byte, err error) {
	w := appender{buf}
	defer func() {
		if r := recover(); r != nil {
			out, err = w.b, badLine(0, "it cannot be filled in: %.200v", r)
		}
	}()
	if serr := t.FRender(&w, bindings); serr != nil {
		return w.b, liquidError(serr)
	}
	return w.b, nil
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	if len(a.b)+len(p) > maxOutput {
		return 0, errTooMuch
	}
	a.b = append(a.b, p...)
	return len(p), nil
}

func (a *appender) WriteString(s string) (int, error) {
	if len(a.b)+len(s) > maxOutput {
		return 0, errTooMuch
	}
	a.b = append(a.b, s...)
	return len(s), nil
}

// liquidError takes the engine's words without the source that our guards are in.
func liquidError(serr liquid.SourceError) *sourceError {
	var err error = serr
	for {
		c, ok := err.(interface{ Cause() error })
		if !ok || c.Cause() == nil {
			break
		}
		err = c.Cause()
	}
	return &sourceError{serr.LineNumber(), cleanMessage(err)}
}
