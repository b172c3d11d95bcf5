package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osteele/liquid/values"
)

// SafeHTML in the data of Expand goes into HTML without being escaped: HTML that was sanitised where it came from. In a subject or text it is a text.
type SafeHTML string

// issueRoots are the names that belong to an issue, whether its data has them or not.
var issueRoots = []string{"feed", "data", "issue"}

// Expand fills in what belongs to an issue of a newsletter, once for everybody: feed, data, issue, and whatever else data has. What belongs to the person stays Liquid. Loops over
// data of the issue are unrolled, conditions about it decided, values escaped for the place where they stand; no value can become Liquid. An expression that asks about both gets the
// values of the issue as literals, or is refused, with its line, when that cannot be: with a list, say.
//
// The source must be assembled: layouts and snippets can ask about the issue too.
func Expand(src Source, data map[string]any) (Source, error) {
	for _, p := range []struct {
		field string
		part  *string
		form  form
	}{
		{"subject", &src.Subject, plainForm}, {"preheader", &src.Preheader, plainForm}, {"text", &src.Text, plainForm}, {"html", &src.HTML, formOf(src.Kind)},
	} {
		out, serr := expand(*p.part, data, p.form)
		if serr != nil {
			return src, inField(p.field, serr)
		}
		*p.part = out
	}
	return src, nil
}

// form is how a value is written.
type form int

const (
	plainForm form = iota
	htmlForm
	mjmlForm
	markdownForm
)

func formOf(k Kind) form {
	switch k.OrHTML() {
	case KindMarkdown:
		return markdownForm
	case KindMJML:
		return mjmlForm
	case KindText:
		return plainForm
	}
	return htmlForm
}

// expander expands one part.
type expander struct {
	engine *engine
	form   form
	tokens []token
	inTags map[int]bool    // the outputs in attributes of tags, by their place
	env    map[string]any  // what the issue's names stand for here
	issue  map[string]bool // the names of env, and those that an issue always has
	// moving are names that a person's data decides about somewhere: they stay Liquid.
	moving map[string]bool
	st     renderState
	grab   grabbed
	out    []byte
	err    *sourceError
}

// grabbed is what the engine hands out of an evaluation.
type grabbed struct {
	value  any
	values []any
}

const grabName = stateName + "_grab"

func expand(src string, data map[string]any, f form) (string, *sourceError) {
	tokens, serr := scan(src)
	if serr != nil || !hasLiquid(src) {
		return src, serr
	}
	e := newEngine(f != plainForm)
	if _, serr := checkPart(e, src, tokens); serr != nil {
		return "", serr
	}
	x := expander{engine: e, form: f, tokens: trimmed(tokens), env: map[string]any{}, issue: map[string]bool{}, moving: map[string]bool{}}
	e.liquid.RegisterFilter("_grab", func(v any, g *grabbed) any {
		g.value = v
		g.values = append(g.values, v)
		return v
	})
	for _, name := range issueRoots {
		x.issue[name] = true
	}
	if f != plainForm {
		if x.inTags, serr = outputsInTags(src, tokens, f); serr != nil {
			return "", serr
		}
	}
	for name, v := range data {
		x.env[name], x.issue[name] = plainData(v, f != plainForm, 0), true
	}
	x.st = renderState{vars: &Vars{}, urls: noURLs{}}
	x.st.reset()
	x.findMoving()
	if x.nodes(0, len(x.tokens), false); x.err != nil {
		return "", x.err
	}
	return string(x.out), nil
}

// plainData makes of the data what the engine reads.
func plainData(v any, html bool, depth int) any {
	if depth > maxNesting {
		return nil
	}
	switch v := v.(type) {
	case nil, string, bool, int, float64, time.Time:
		return v
	case int64:
		return int(v)
	case SafeHTML:
		if html {
			return values.SafeValue{Value: string(v)}
		}
		return safeText(string(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = plainData(x, html, depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainData(x, html, depth+1)
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainData(x, html, depth+1)
		}
		return out
	}
	b, err := json.Marshal(v)
	var out any
	if err != nil || json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}

// safeText is HTML as a text part shows it.
func safeText(html string) string {
	var b strings.Builder
	for _, p := range textFromHTML(html, []token{{kind: textToken, src: html, line: 1}}, &partInfo{plain: true}, &linkSet{nums: map[string]int{}}, false) {
		b.WriteString(p.text)
	}
	return strings.TrimSpace(b.String())
}

// trimmed takes away the white space that dashes in tags ask to, since some of the tags will be gone.
func trimmed(tokens []token) []token {
	out := slices.Clone(tokens)
	for i, t := range out {
		if t.trimLeft && i > 0 && out[i-1].kind == textToken && !out[i-1].hidden {
			out[i-1].src = strings.TrimRight(out[i-1].src, " \t\r\n")
		}
		if t.trimRight && i+1 < len(out) && out[i+1].kind == textToken && !out[i+1].hidden {
			out[i+1].src = strings.TrimLeft(out[i+1].src, " \t\r\n")
		}
	}
	return out
}

// exprOf is what a token asks about.
func exprOf(t token) string {
	switch t.name {
	case "assign":
		_, expr, _ := strings.Cut(t.args, "=")
		return expr
	case "for", "tablerow":
		return afterLoopName(t.args)
	case "capture", "else", "raw", "comment", "break", "continue":
		return ""
	}
	return t.args
}

func loopName(args string) string {
	args = strings.TrimSpace(args)
	return args[:identEnd(args)]
}

// sides says whether an expression asks about the issue and about the person. What names nothing is for either.
func (x *expander) sides(t token, expr string) (issue, person bool) {
	for _, p := range useOf(expr).paths {
		switch {
		case p[0] == "reversed" && t.name == "for":
		case x.issue[p[0]] && !x.moving[p[0]]:
			issue = true
		default:
			person = true
		}
	}
	return issue, person
}

// findMoving finds the names that change with the person: given by an expression about the person, or in a block that the person decides about.
func (x *expander) findMoving() {
	assigned := map[string]bool{}
	for _, t := range x.tokens {
		if t.kind == tagToken && (t.name == "assign" || t.name == "capture") {
			assigned[nameGiven(t)] = true
			x.moving[nameGiven(t)] = x.moving[nameGiven(t)] || t.name == "capture"
		}
	}
	for name := range assigned {
		x.issue[name] = true
	}
	for range len(assigned) + 1 {
		before := len(x.moving)
		var blocks []bool
		loops := []string{}
		for _, t := range x.tokens {
			if t.kind != tagToken || t.hidden {
				continue
			}
			_, person := x.sidesIn(t, exprOf(t), loops)
			inside := slices.Contains(blocks, true)
			switch {
			case t.name == "assign" && (person || inside):
				x.moving[nameGiven(t)] = true
			case (t.name == "elsif" || t.name == "when") && person && len(blocks) > 0:
				blocks[len(blocks)-1] = true
			case blockTags[t.name]:
				blocks = append(blocks, person)
				loops = append(loops, "")
				if (t.name == "for" || t.name == "tablerow") && !person {
					loops[len(loops)-1] = loopName(t.args)
				}
			case strings.HasPrefix(t.name, "end") && t.name != "endraw" && t.name != "endcomment" && len(blocks) > 0:
				blocks, loops = blocks[:len(blocks)-1], loops[:len(loops)-1]
			}
		}
		moving := 0
		for _, m := range x.moving {
			if m {
				moving++
			}
		}
		if len(x.moving) == before && moving == before {
			break
		}
	}
}

// sidesIn is sides with the variables of loops over issue data.
func (x *expander) sidesIn(t token, expr string, loops []string) (issue, person bool) {
	added := []string{}
	for _, name := range append([]string{"forloop"}, loops...) {
		if name != "" && len(loops) > 0 && !x.issue[name] {
			x.issue[name] = true
			added = append(added, name)
		}
	}
	issue, person = x.sides(t, expr)
	for _, name := range added {
		delete(x.issue, name)
	}
	return issue, person
}

func nameGiven(t token) string {
	if t.name == "capture" {
		return strings.TrimSpace(t.args)
	}
	name, _, _ := strings.Cut(t.args, "=")
	return strings.TrimSpace(name)
}

func (x *expander) fail(t token, format string, args ...any) {
	if x.err == nil {
		x.err = badLine(t.line, format, args...)
	}
}

// put writes source. A brace before it must not become Liquid with it.
func (x *expander) put(t token, text string) {
	if n := len(x.out); n > 0 && x.out[n-1] == '{' && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "%")) {
		x.out = append(x.out[:n-1], `{{ "{" }}`...)
	}
	if x.out = append(x.out, text...); len(x.out) > maxSource {
		x.fail(t, "with the data of the issue it is longer than %d kB; show fewer items", maxSource>>10)
	}
}

// signal is what a loop hears of its body.
type signal int

const (
	goOn signal = iota
	continueLoop
	breakLoop
)

// blockEnd gives the index of the tag that closes the block at i, and of the tags that divide it: elsif, else, when.
func (x *expander) blockEnd(i int) (end int, dividers []int) {
	depth := 0
	for j := i; j < len(x.tokens); j++ {
		t := x.tokens[j]
		switch {
		case t.kind != tagToken || t.hidden || t.name == "raw" || t.name == "endraw":
		case blockTags[t.name]:
			depth++
		case strings.HasPrefix(t.name, "end"):
			if depth--; depth == 0 {
				return j, dividers
			}
		case depth == 1 && (t.name == "elsif" || t.name == "else" || t.name == "when"):
			dividers = append(dividers, j)
		}
	}
	return len(x.tokens), dividers
}

// nodes expands tokens from..to. personal: they are in a block that the person decides about.
func (x *expander) nodes(from, to int, personal bool) signal {
	for i := from; i < to && x.err == nil; i++ {
		t := x.tokens[i]
		if serr := x.st.onTime(); serr != nil {
			x.fail(t, "%v", serr)
		}
		switch {
		case t.kind == textToken || t.hidden || t.name == "raw" || t.name == "endraw":
			x.put(t, t.src)
		case t.kind == outputToken:
			x.output(t)
		case blockTags[t.name]:
			end, dividers := x.blockEnd(i)
			if s := x.block(i, end, dividers, personal); s != goOn {
				return s
			}
			i = end
		case t.name == "assign":
			x.assign(t)
		case t.name == "break" || t.name == "continue":
			if s := x.leave(t, personal); s != goOn {
				return s
			}
		case t.name == "cycle":
			x.cycle(t)
		default:
			x.put(t, t.src)
		}
	}
	return goOn
}

func (x *expander) block(i, end int, dividers []int, personal bool) signal {
	switch t := x.tokens[i]; t.name {
	case "if", "unless":
		return x.condition(i, end, dividers, personal)
	case "case":
		return x.choice(i, end, dividers, personal)
	case "for":
		x.loop(i, end, dividers)
	case "tablerow":
		if issue, _ := x.sides(t, exprOf(t)); issue {
			x.fail(t, "tablerow cannot go over the data of an issue; write the rows with for")
		}
		x.personalBlock(i, end, t.src)
	default: // capture
		x.put(t, t.src)
		x.nodes(i+1, end, personal)
		x.put(x.tokens[end], x.tokens[end].src)
	}
	return goOn
}

func (x *expander) leave(t token, personal bool) signal {
	if x.loopDepth() == 0 {
		x.put(t, t.src)
		return goOn
	}
	if personal {
		x.fail(t, "a loop over the issue cannot be left for some people only; put the condition around what is shown")
	}
	if t.name == "break" {
		return breakLoop
	}
	return continueLoop
}

// loopDepth says whether the innermost loop is unrolled.
func (x *expander) loopDepth() int {
	if x.issue["forloop"] {
		return 1
	}
	return 0
}

func (x *expander) cycle(t token) {
	if x.loopDepth() == 0 {
		x.put(t, t.src)
		return
	}
	var words []string
	for _, e := range lexExpr(t.args) {
		switch {
		case e.kind == stringExpr || e.kind == numberExpr:
			words = append(words, e.text)
		case e != exprToken{punctExpr, ","}:
			x.fail(t, "in a loop over the issue, cycle takes texts only: %s", t.src)
			return
		}
	}
	index, _ := x.env["forloop"].(map[string]any)["index0"].(int)
	if len(words) > 0 {
		x.put(t, x.neutral(words[index%len(words)]))
	}
}

// bindings are what an expression about the issue is evaluated with.
func (x *expander) bindings() map[string]any {
	b := maps.Clone(x.env)
	b[stateName], b[grabName] = &x.st, &x.grab
	return b
}

func (x *expander) run(t token, src string) string {
	tmpl, serr := x.engine.parse(src)
	if serr != nil {
		x.fail(t, "%s", serr.msg)
		return ""
	}
	x.grab = grabbed{}
	out, err := x.engine.run(nil, tmpl, x.bindings())
	if err != nil {
		x.fail(t, "%v", strings.TrimPrefix(err.Error(), "line 1: "))
	}
	return string(out)
}

func (x *expander) output(t token) {
	issue, person := x.sides(t, t.args)
	switch {
	case !issue:
		x.put(t, t.src)
	case person:
		left, right := dashes(t)
		x.put(t, "{{"+left+" "+x.fold(t, t.args)+" "+right+"}}")
	default:
		text := x.run(t, "{{ ("+t.args+") | _grab: "+grabName+" | _meter: "+stateName+" }}")
		_, safe := x.grab.value.(values.SafeValue)
		if safe && x.inTags[t.pos] {
			text, safe = string(appendHTML(nil, safeText(text))), false
		}
		x.put(t, x.written(text, safe))
	}
}

// written is a value as source in the language of the part.
func (x *expander) written(text string, safe bool) string {
	switch {
	case x.form == plainForm || x.form == htmlForm:
		return x.neutral(text)
	case safe:
		// Neither MJML nor Markdown looks into raw.
		return "{% raw %}" + braceReference(text) + "{% endraw %}"
	case x.form == markdownForm:
		return x.neutral(markdownEscape(text))
	}
	return x.neutral(text)
}

// neutral makes sure that a value is no Liquid. Markdown makes signs of references, so that only Liquid itself keeps a brace there.
func (x *expander) neutral(text string) string {
	if x.form == plainForm || x.form == markdownForm {
		return strings.ReplaceAll(text, "{", `{{ "{" }}`)
	}
	return braceReference(text)
}

func braceReference(text string) string { return strings.ReplaceAll(text, "{", "&#123;") }

// fold puts the values of the issue into an expression as literals.
func (x *expander) fold(t token, expr string) string {
	toks, spans := lexExprAt(expr)
	var b strings.Builder
	pos := 0
	for i := 0; i < len(toks); i++ {
		name := toks[i]
		afterPipe := i > 0 && toks[i-1] == exprToken{punctExpr, "|"}
		if name.kind != identExpr || afterPipe || exprWords[name.text] || !x.issue[name.text] || x.moving[name.text] {
			continue
		}
		end := operandEnd(toks, i)
		operand := expr[spans[i][0]:spans[end-1][1]]
		if _, person := x.sides(token{}, operand); person {
			x.fail(t, "%s picks something of the issue by something of the person; put it into an {%% if %%} for each case", operand)
			return expr
		}
		x.run(t, "{{ "+operand+" | _grab: "+grabName+" }}")
		lit, ok := literal(x.grab.value)
		if !ok {
			x.fail(t, "%s cannot stand in one expression with something of the person (%s); decide about one in an {%% if %%} around the other", operand, t.src)
			return expr
		}
		b.WriteString(expr[pos:spans[i][0]] + lit)
		pos = spans[end-1][1]
		i = end - 1
	}
	out := b.String() + expr[pos:]
	if len(out) > maxExpression {
		x.fail(t, "with the value of the issue this expression is longer than %d characters; show the value by itself", maxExpression)
	}
	return out
}

// operandEnd is behind the variable at i with its properties and indexes.
func operandEnd(toks []exprToken, i int) int {
	for i++; i < len(toks); {
		switch {
		case toks[i].kind == propertyExpr:
			i++
		case toks[i] == exprToken{punctExpr, "["}:
			for depth := 0; i < len(toks); {
				if toks[i].text == "[" && toks[i].kind == punctExpr {
					depth++
				}
				if toks[i].text == "]" && toks[i].kind == punctExpr {
					depth--
				}
				if i++; depth == 0 {
					break
				}
			}
		default:
			return i
		}
	}
	return i
}

// literal writes a value so that Liquid reads it back.
func literal(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "nil", true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		return s, len(s) < 30
	case time.Time:
		return `"` + v.Format("2006-01-02 15:04:05 -0700") + `"`, true
	case string:
		if strings.Contains(v, "}}") || strings.Contains(v, "%}") || strings.Contains(v, "{{") || strings.Contains(v, "{%") || !isText(v) {
			return "", false
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v) + `"`, true
	}
	return "", false
}

// isText: nothing that would end the line or the quotes in a way that no escape can say.
func isText(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == '\uFFFD' }) < 0
}

func (x *expander) assign(t token) {
	name, expr, _ := strings.Cut(t.args, "=")
	name = strings.TrimSpace(name)
	issue, person := x.sides(t, expr)
	if x.moving[name] {
		if issue {
			left, right := dashes(t)
			x.put(t, "{%"+left+" assign "+name+" = "+strings.TrimSpace(x.fold(t, expr))+" "+right+"%}")
			return
		}
		x.put(t, t.src)
		return
	}
	if person {
		x.put(t, t.src)
		return
	}
	x.run(t, "{% assign "+stateName+"_v = ("+expr+") | _keep: "+stateName+" %}{{ "+stateName+"_v | _grab: "+grabName+" }}")
	x.env[name] = x.grab.value
}

// holds decides a condition about the issue alone.
func (x *expander) holds(t token, cond string) bool {
	return x.run(t, "{% if "+cond+" %}1{% endif %}") != ""
}

func (x *expander) condition(i, end int, dividers []int, personal bool) signal {
	starts := append([]int{i}, dividers...)
	open := "" // the tag of what the person decides about, when something of that was written
	for n, at := range starts {
		t, to := x.tokens[at], end
		if n+1 < len(starts) {
			to = starts[n+1]
		}
		if t.name == "else" {
			if open != "" {
				x.put(t, t.src)
			}
			return x.closing(x.nodes(at+1, to, personal || open != ""), open, end)
		}
		issue, person := x.sides(t, t.args)
		if !person {
			if holds := x.holds(t, t.args); holds == (t.name == "unless") {
				continue
			}
			if open != "" {
				x.put(t, "{% else %}")
			}
			return x.closing(x.nodes(at+1, to, personal || open != ""), open, end)
		}
		tag := t.name
		if tag == "elsif" && open == "" {
			tag = "if"
		}
		switch {
		case issue || tag != t.name:
			left, right := dashes(t)
			x.put(t, "{%"+left+" "+tag+" "+x.fold(t, t.args)+" "+right+"%}")
		default:
			x.put(t, t.src)
		}
		if open == "" {
			open = tag
		}
		x.nodes(at+1, to, true)
	}
	return x.closing(goOn, open, end)
}

// closing writes the end of a condition of which something is left: open is the tag that it began with.
func (x *expander) closing(s signal, open string, end int) signal {
	t := x.tokens[end]
	switch {
	case open == "":
	case t.name == "end"+open:
		x.put(t, t.src)
	default:
		left, right := dashes(t)
		x.put(t, "{%"+left+" end"+open+" "+right+"%}")
	}
	return s
}

func (x *expander) choice(i, end int, dividers []int, personal bool) signal {
	head := x.tokens[i]
	issue, person := x.sides(head, head.args)
	for _, d := range dividers {
		a, b := x.sides(x.tokens[d], exprOf(x.tokens[d]))
		issue, person = issue || a, person || b
	}
	if !person {
		return x.chosen(i, end, dividers, personal)
	}
	write := func(t token) {
		if issue && t.name != "else" {
			x.put(t, "{% "+t.name+" "+x.fold(t, t.args)+" %}")
		} else {
			x.put(t, t.src)
		}
	}
	write(head)
	for n, d := range dividers {
		to := end
		if n+1 < len(dividers) {
			to = dividers[n+1]
		}
		write(x.tokens[d])
		x.nodes(d+1, to, true)
	}
	x.put(x.tokens[end], x.tokens[end].src)
	return goOn
}

// chosen takes the branch that the issue chooses.
func (x *expander) chosen(i, end int, dividers []int, personal bool) signal {
	src := "{% case " + x.tokens[i].args + " %}"
	for n, d := range dividers {
		src += "{% " + x.tokens[d].name + " " + x.tokens[d].args + " %}" + strconv.Itoa(n)
	}
	n, err := strconv.Atoi(x.run(x.tokens[i], src+"{% endcase %}"))
	if err != nil || n >= len(dividers) {
		return goOn
	}
	to := end
	if n+1 < len(dividers) {
		to = dividers[n+1]
	}
	return x.nodes(dividers[n]+1, to, personal)
}

// personalBlock keeps a loop over something of the person.
func (x *expander) personalBlock(i, end int, src string) {
	t := x.tokens[i]
	restore := x.hide(loopName(t.args), "forloop")
	x.put(t, src)
	x.nodes(i+1, end, true)
	x.put(x.tokens[end], x.tokens[end].src)
	restore()
}

// hide makes names the person's for a while.
func (x *expander) hide(names ...string) func() {
	issue, env := maps.Clone(x.issue), maps.Clone(x.env)
	for _, n := range names {
		delete(x.issue, n)
		delete(x.env, n)
	}
	return func() {
		for _, n := range names {
			x.issue[n] = issue[n]
			if delete(x.env, n); env[n] != nil {
				x.env[n] = env[n]
			}
		}
	}
}

func (x *expander) loop(i, end int, dividers []int) {
	t := x.tokens[i]
	name := loopName(t.args)
	issue, person := x.sides(t, exprOf(t))
	if person {
		if issue {
			x.fail(t, "a loop can go over something of the issue or of the person, not over both: %s", t.src)
			return
		}
		x.personalBlock(i, end, t.src)
		return
	}
	x.run(t, "{% for "+name+afterLoopName(t.args)+" %}{% assign "+turnName+" = "+stateName+" | _turn %}{{ "+name+" | _grab: "+grabName+" }}{% endfor %}")
	items, bodyEnd := x.grab.values, end
	if len(dividers) > 0 {
		bodyEnd = dividers[0]
	}
	if len(items) == 0 && len(dividers) > 0 {
		x.nodes(bodyEnd+1, end, false)
		return
	}
	restore := x.hide(name, "forloop")
	defer restore()
	x.issue[name], x.issue["forloop"] = true, true
	for n, item := range items {
		x.env[name] = item
		x.env["forloop"] = map[string]any{"index": n + 1, "index0": n, "rindex": len(items) - n, "rindex0": len(items) - n - 1, "first": n == 0, "last": n == len(items)-1, "length": len(items)}
		if x.nodes(i+1, bodyEnd, false) == breakLoop || x.err != nil {
			return
		}
		if serr := x.st.turn(); serr != nil {
			x.fail(t, "%v", serr)
		}
	}
}

// markdownEscape keeps a value, which is escaped for HTML already, from meaning something in Markdown: its signs become references, which both a text and an attribute show as signs.
func markdownEscape(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	var b strings.Builder
	start := true
	for i := 0; i < len(text); i++ {
		c := text[i]
		inWord := i > 0 && i+1 < len(text) && isWordByte(text[i-1]) && isWordByte(text[i+1])
		switch {
		case strings.IndexByte("\\`*[]|~", c) >= 0, c == '_' && !inWord, start && strings.IndexByte("#+-=.)(:!", c) >= 0, c == '(' || c == ')':
			fmt.Fprintf(&b, "&#%d;", c)
		default:
			b.WriteByte(c)
		}
		if c != ' ' && (c < '0' || c > '9') {
			start = false
		}
	}
	return b.String()
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
