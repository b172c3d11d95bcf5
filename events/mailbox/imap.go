package mailbox

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// This file is the only one that knows the IMAP library, which is a beta: everything else speaks to imapSession.

const (
	searchWindow = 20_000    // UIDs that are asked for at once, so that the answer is bounded
	searchAnswer = 512 << 10 // of a window: 20,000 numbers of ten digits, and room
)

// imapSession is a connection that is logged in, or about to.
type imapSession struct {
	c       *imapclient.Client
	w       *wire
	timeout time.Duration
	news    chan struct{} // the server told of a change in the folder
	stop    func() bool
}

// folderState is what SELECT says.
type folderState struct {
	messages    int64
	uidValidity int64
	uidNext     int64 // 0: the server does not say
}

// letter is a message as it stands in the mailbox.
type letter struct {
	uid      int64
	size     int64
	received time.Time
}

// replayed is a connection whose first bytes have been read already.
type replayed struct {
	net.Conn
	r io.Reader
}

func (c replayed) Read(p []byte) (int, error) { return c.r.Read(p) }

// openIMAP connects and logs in. Ending ctx ends the session.
func openIMAP(ctx context.Context, t target) (*imapSession, error) {
	w, r, greeting, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	// The library waits for a greeting, which is behind us; after STARTTLS there is none, and what it said in clear text must not be believed.
	if greeting == "" {
		greeting = "* OK"
	}
	s := &imapSession{w: w, timeout: t.timeout, news: make(chan struct{}, 1)}
	told := func() {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
	s.c = imapclient.New(replayed{w, io.MultiReader(strings.NewReader(greeting+"\r\n"), r)}, &imapclient.Options{
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				told()
			}
		}},
	})
	s.stop = context.AfterFunc(ctx, func() { w.fail(context.Cause(ctx)) })
	began := time.Now()
	how, err := s.login(ctx, t)
	if t.tell(StepLogin, "logged in with "+how, began, err) != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close ends the session without a word. Nothing is lost by that in IMAP.
func (s *imapSession) close() {
	s.stop()
	_ = s.w.raw.Close()
	_ = s.c.Close()
}

// logout says goodbye first.
func (s *imapSession) logout() {
	_ = s.do(StepRead, usualAnswer, func() error { return s.c.Logout().Wait() })
	s.close()
}

// do runs one exchange. An answer of the server that says no has its words in the error.
func (s *imapSession) do(step string, answer int64, exchange func() error) error {
	return s.w.within(s.timeout, answer, step, func() error {
		err := exchange()
		var no *imap.Error
		if errors.As(err, &no) {
			text := string(no.Type) + " "
			if no.Code != "" {
				text += "[" + string(no.Code) + "] "
			}
			return refused{text + no.Text}
		}
		if err != nil && strings.Contains(err.Error(), "panic reading response") {
			return errors.New("the server sent something that is not IMAP")
		}
		return err
	})
}

// has reports whether the server offers something.
func (s *imapSession) has(c imap.Cap) bool { return s.c.Caps().Has(c) }

// login logs in and says how.
func (s *imapSession) login(ctx context.Context, t target) (string, error) {
	if err := s.do(StepLogin, usualAnswer, func() error {
		if err := s.c.WaitGreeting(); err != nil {
			return err
		}
		if s.c.Caps() == nil {
			return errors.New("the server does not say what it can do (CAPABILITY)")
		}
		return nil
	}); err != nil {
		return "", err
	}
	s.w.hide(t.username, t.password)
	if t.tokens != nil {
		return "XOAUTH2", s.loginToken(ctx, t)
	}
	if s.has(imap.AuthCap(sasl.Plain)) {
		return "PLAIN", s.do(StepLogin, usualAnswer, func() error { return s.c.Authenticate(sasl.NewPlainClient("", t.username, t.password)) })
	}
	if s.has(imap.CapLoginDisabled) {
		return "", &stepError{Step: StepLogin, Text: "the server takes no password on this connection (LOGINDISABLED)"}
	}
	return "LOGIN", s.do(StepLogin, usualAnswer, func() error { return s.c.Login(t.username, t.password).Wait() })
}

func (s *imapSession) loginToken(ctx context.Context, t target) error {
	if !s.has(imap.AuthCap("XOAUTH2")) {
		return &stepError{Step: StepLogin, Text: "the server does not offer XOAUTH2"}
	}
	token, err := t.tokens.Token(ctx)
	if err != nil {
		return &stepError{Step: StepToken, Text: oneLine(err.Error()), Err: err}
	}
	s.w.hide(t.username, token)
	x := &xoauth2{username: t.username, token: token}
	err = s.do(StepLogin, usualAnswer, func() error { return s.c.Authenticate(x) })
	if x.challenge != "" {
		return t.tokenRefused(token, err)
	}
	return err
}

// selectFolder opens a folder, or looks at it without opening it for changes.
func (s *imapSession) selectFolder(name string, readOnly bool) (folderState, error) {
	var f folderState
	err := s.do(StepFolder, usualAnswer, func() error {
		d, err := s.c.Select(name, &imap.SelectOptions{ReadOnly: readOnly}).Wait()
		if err != nil {
			return err
		}
		f = folderState{messages: int64(d.NumMessages), uidValidity: int64(d.UIDValidity), uidNext: int64(d.UIDNext)}
		return nil
	})
	if err == nil && f.uidValidity == 0 {
		err = &stepError{Step: StepFolder, Text: "the server gives no UIDVALIDITY, without which messages cannot be told apart"}
	}
	return f, err
}

// search gives the UIDs from lo to hi that arrived since, in ascending order. No more than searchWindow may be expected.
func (s *imapSession) search(lo, hi int64, since time.Time) ([]int64, error) {
	var set imap.UIDSet
	set.AddRange(imap.UID(lo), imap.UID(hi))
	found := make(map[int64]bool)
	err := s.do(StepRead, searchAnswer, func() error {
		d, err := s.c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}, Since: since}, nil).Wait()
		if err != nil {
			return err
		}
		all, ok := d.All.(imap.UIDSet)
		if !ok && d.All != nil {
			return errors.New("the server answered a search for UIDs with something else")
		}
		steps := 0
		for _, r := range all {
			// What was not asked for does not count, and ranges without an end have one.
			for uid := max(lo, int64(r.Start)); uid <= min(hi, int64(r.Stop)); uid++ {
				if steps++; steps > 2*searchWindow {
					return errTooBig
				}
				found[uid] = true
			}
		}
		return nil
	})
	uids := make([]int64, 0, len(found))
	for uid := range found {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids, err
}

// look gives size and time of arrival of those messages that are there.
func (s *imapSession) look(uids []int64) ([]letter, error) {
	var letters []letter
	err := s.do(StepRead, usualAnswer, func() error {
		return s.collect(s.c.Fetch(uidSet(uids), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}), func(l letter, _ []byte) {
			if slices.Contains(uids, l.uid) && !slices.ContainsFunc(letters, func(other letter) bool { return other.uid == l.uid }) {
				letters = append(letters, l)
			}
		})
	})
	slices.SortFunc(letters, func(a, b letter) int { return int(a.uid - b.uid) })
	return letters, err
}

// collect goes through the answers to a FETCH: what is said of each message, and the first body, nil when there is none.
//
// The library's own Collect reads on from a literal that broke off, while its decoder reads on too. Here the connection is ended and the decoder with it, and nothing is read any more.
func (s *imapSession) collect(cmd *imapclient.FetchCommand, each func(l letter, body []byte)) error {
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		var l letter
		var body []byte
		for item := m.Next(); item != nil; item = m.Next() {
			var literal io.Reader
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				l.uid = int64(item.UID)
			case imapclient.FetchItemDataRFC822Size:
				l.size = max(0, item.Size)
			case imapclient.FetchItemDataInternalDate:
				l.received = item.Time
			case imapclient.FetchItemDataBodySection:
				if item.Literal != nil {
					literal = item.Literal
				}
			case imapclient.FetchItemDataBinarySection:
				if item.Literal != nil {
					literal = item.Literal
				}
			}
			if literal == nil {
				continue
			}
			read, err := io.ReadAll(literal)
			if err != nil {
				_ = s.w.raw.Close()
				select {
				case <-s.c.Closed():
				case <-time.After(s.timeout):
				}
				return err
			}
			if body == nil {
				body = read
			}
		}
		each(l, body)
	}
	return cmd.Close()
}

// fetch reads the first limit bytes of a message, without marking it as seen; nil when it is gone.
func (s *imapSession) fetch(uid, limit int64) ([]byte, error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: limit}}
	s.w.setDeaf(true)
	defer s.w.setDeaf(false)
	var raw []byte
	err := s.do(StepRead, limit+usualAnswer, func() error {
		return s.collect(s.c.Fetch(imap.UIDSetNum(imap.UID(uid)), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}), func(l letter, body []byte) {
			if l.uid == uid && body != nil {
				raw = body
			}
		})
	})
	if int64(len(raw)) > limit {
		raw = raw[:limit]
	}
	return raw, err
}

// move puts messages into another folder, which is made when it is missing: by MOVE (RFC 6851), else by COPY and deleting.
func (s *imapSession) move(uids []int64, folder string) error {
	err := s.moveOnce(uids, folder)
	var no refused
	if !errors.As(err, &no) {
		return err
	}
	// Servers should say TRYCREATE (RFC 9051 §6.4.7); not all do.
	if made := s.do(StepClear, usualAnswer, func() error { return s.c.Create(folder, nil).Wait() }); made != nil {
		return errors.Join(err, made)
	}
	return s.moveOnce(uids, folder)
}

func (s *imapSession) moveOnce(uids []int64, folder string) error {
	set := uidSet(uids)
	if s.has(imap.CapMove) {
		return s.do(StepClear, usualAnswer, func() error {
			_, err := s.c.Move(set, folder).Wait()
			return err
		})
	}
	if err := s.do(StepClear, usualAnswer, func() error {
		_, err := s.c.Copy(set, folder).Wait()
		return err
	}); err != nil {
		return err
	}
	return s.remove(uids)
}

// remove deletes messages. Without UID EXPUNGE (RFC 4315) they are only marked as deleted, because a plain EXPUNGE would take along what others have marked.
func (s *imapSession) remove(uids []int64) error {
	set := uidSet(uids)
	if err := s.do(StepClear, usualAnswer, func() error {
		return s.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close()
	}); err != nil || !s.has(imap.CapUIDPlus) {
		return err
	}
	return s.do(StepClear, usualAnswer, func() error { return s.c.UIDExpunge(set).Close() })
}

// idles reports whether the server tells of new mail (RFC 2177).
func (s *imapSession) idles() bool { return s.has(imap.CapIdle) || s.has(imap.CapIMAP4rev2) }

// idle waits until the server tells of a change, somebody wakes us, or the time is over. An error means that the session is over.
func (s *imapSession) idle(ctx context.Context, longest time.Duration, wake <-chan struct{}) error {
	var cmd *imapclient.IdleCommand
	if err := s.do(StepRead, usualAnswer, func() (err error) {
		cmd, err = s.c.Idle()
		return err
	}); err != nil {
		return err
	}
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-s.news:
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.c.Closed():
	}
	return s.do(StepRead, usualAnswer, func() error { return errors.Join(cmd.Close(), cmd.Wait()) })
}

func uidSet(uids []int64) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return set
}
