package audience

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// ErasedAddress stands where the address of an erased person stood. It is an address that nobody can have (RFC 2606 §2).
const ErasedAddress = "erased@erased.invalid"

// erasedText stands in free text where something of an erased person stood.
const erasedText = "[erased]"

// Erasing is who is to be erased, for those who have something about them. SubscriberIDs are theirs, in the ledgers also those of earlier rows of the same address,
// none when nobody has it. Addresses are the forms of the address in which it may be written, in lower case, with those that they had before; none is empty.
type Erasing struct {
	SubscriberIDs []int64
	Addresses     []string
}

// EraseTx removes in the caller's transaction what a package keeps about a person, or makes it say nothing of them where counts depend on the row. It says in how many rows.
type EraseTx func(ctx context.Context, tx pgx.Tx, subscriberIDs []int64, addresses []string) (rows int64, err error)

// Eraser is a package's EraseTx under the name by which its rows are reported, such as "deliveries".
type Eraser struct {
	Name string
	Do   EraseTx
}

// Erasure is what became of a request to erase: in which places something was removed, in their order; places with nothing are left out.
type Erasure struct {
	ErasedAt time.Time
	Places   []ErasedPlace
}

// ErasedPlace counts rows that were removed or emptied.
type ErasedPlace struct {
	Name string
	Rows int64
}

// SetErasure gives the key of the hashes by which erased people are known, and what the other packages do when somebody is erased, in their order. Nobody can be erased before.
func (s *Service) SetErasure(key [32]byte, others ...Eraser) {
	s.erasureKey, s.erasers = &key, others
}

// ErasedTx says in the caller's transaction whether the person who had an address had it erased.
func (s *Service) ErasedTx(ctx context.Context, tx pgx.Tx, emailKey string) (bool, error) {
	gone, err := s.erased(ctx, tx, []string{emailKey})
	return gone[emailKey], err
}

// erased gives those of the normalised addresses whose people were erased. Where nobody ever was, that is one look at an empty table.
func (s *Service) erased(ctx context.Context, db pg.DB, keys []string) (map[string]bool, error) {
	var any bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM erasures)`).Scan(&any); err != nil {
		return nil, fmt.Errorf("looking for erased people: %w", err)
	}
	if !any || len(keys) == 0 {
		return nil, nil
	}
	byHash := make(map[string]string, len(keys))
	hashes := make([][]byte, 0, len(keys))
	for _, key := range keys {
		h, err := s.erasureHash(key)
		if err != nil {
			return nil, err
		}
		if _, double := byHash[string(h)]; !double {
			byHash[string(h)] = key
			hashes = append(hashes, h)
		}
	}
	rows, err := db.Query(ctx, `SELECT e.hash FROM unnest($1::bytea[]) AS k (hash) JOIN erasures e ON e.hash = k.hash`, hashes)
	if err != nil {
		return nil, fmt.Errorf("looking for erased people: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("looking for erased people: %w", err)
	}
	out := make(map[string]bool, len(found))
	for _, h := range found {
		out[byHash[string(h)]] = true
	}
	return out, nil
}

// erasedOf gives those of the people who were erased and have not come back: somebody signed up with their address and has not confirmed it.
func (s *Service) erasedOf(ctx context.Context, tx pgx.Tx, ids []int64) ([]int64, error) {
	byKey := make(map[string]int64, len(ids))
	rows, err := tx.Query(ctx, `SELECT id, email_key FROM subscribers WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	var id int64
	var key string
	if _, err := pgx.ForEachRow(rows, []any{&id, &key}, func() error { byKey[key] = id; return nil }); err != nil {
		return nil, err
	}
	gone, err := s.erased(ctx, tx, slices.Collect(maps.Keys(byKey)))
	if err != nil {
		return nil, err
	}
	out := make([]int64, 0, len(gone))
	for key := range gone {
		out = append(out, byKey[key])
	}
	return out, nil
}

func (s *Service) erasureHash(emailKey string) ([]byte, error) {
	if s.erasureKey == nil {
		return nil, errors.New("there are erased people, but no key to know them by: SetErasure was not called")
	}
	mac := hmac.New(sha256.New, s.erasureKey[:])
	_, _ = mac.Write([]byte(emailKey)) // a hash takes whatever comes
	return mac.Sum(nil), nil
}

// returnedTx forgets that somebody was erased. Only their own sign-up may call it.
func (s *Service) returnedTx(ctx context.Context, tx pgx.Tx, emailKey string) error {
	gone, err := s.erased(ctx, tx, []string{emailKey})
	if err != nil || !gone[emailKey] {
		return err
	}
	h, err := s.erasureHash(emailKey)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM erasures WHERE hash = $1`, h); err != nil {
		return fmt.Errorf("letting somebody return: %w", err)
	}
	return nil
}

// Erase removes everything personal that is kept about whoever has an address, also when nobody on any list has: the person, subscriptions with their history, suppression and
// its log, what they wrote and did. In the ledgers the rows stay without them, so that the figures of campaigns stay right. What remains is a keyed hash, by which neither
// an import nor a program brings them back. It cannot be undone. As long as a message to them is on its way it is a Conflict.
//
// The first transaction does all of it. What others had begun to write about the person meanwhile, and committed behind it, is removed by a second one: nothing new can come once
// the person is gone and the hash is there. When only the first was committed, since the process died or the second met a Conflict, the caller gets an error or no answer, and
// erases once more: nothing that could be used to catch up by itself may be kept.
func (s *Service) Erase(ctx context.Context, email string, by Actor) (Erasure, error) {
	a, err := addr.Normalize(email)
	if err != nil {
		return Erasure{}, asField("email", err)
	}
	out := Erasure{ErasedAt: s.clock(), Places: []ErasedPlace{}}
	var who Erasing
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var keys []string
		if who, keys, err = s.whoIsErased(ctx, tx, a); err != nil {
			return err
		}
		if err := s.eraseTx(ctx, tx, who, &out); err != nil {
			return err
		}
		return s.storeErasures(ctx, tx, keys, out.ErasedAt, by)
	})
	if err == nil {
		err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.eraseTx(ctx, tx, who, &out) })
	}
	if err != nil {
		var e *errs.E
		if errors.As(err, &e) {
			return Erasure{}, err
		}
		return Erasure{}, fmt.Errorf("erasing somebody: %w", err)
	}
	return out, nil
}

// eraseTx removes what there is about a person, and adds up where that was. It may be done again.
func (s *Service) eraseTx(ctx context.Context, tx pgx.Tx, who Erasing, out *Erasure) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('postrider.erasing', 'on', true)`); err != nil {
		return err
	}
	// The others first: a delivery that waits must be taken out of the queue before its person is gone, and one that is being sent stops all of it.
	// The lock of the imports is taken after them: what they search takes seconds where there is much.
	lock := Eraser{Do: func(ctx context.Context, tx pgx.Tx, _ []int64, _ []string) (int64, error) {
		return 0, mergeTurn(ctx, tx)
	}}
	for _, e := range slices.Concat(s.erasers, []Eraser{lock}, s.ownErasers()) {
		n, err := e.Do(ctx, tx, who.SubscriberIDs, who.Addresses)
		if err != nil {
			return err
		}
		out.add(e.Name, n)
	}
	return nil
}

func (e *Erasure) add(name string, rows int64) {
	if rows == 0 {
		return
	}
	i := slices.IndexFunc(e.Places, func(p ErasedPlace) bool { return p.Name == name })
	if i < 0 {
		e.Places, i = append(e.Places, ErasedPlace{Name: name}), len(e.Places)
	}
	e.Places[i].Rows += rows
}

func (s *Service) storeErasures(ctx context.Context, tx pgx.Tx, keys []string, at time.Time, by Actor) error {
	for _, key := range keys {
		h, err := s.erasureHash(key)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO erasures (hash, erased_at, erased_by) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE SET erased_at = excluded.erased_at`,
			h, at, by.Name); err != nil {
			return err
		}
	}
	return nil
}

// whoIsErased finds the person behind an address, with the addresses to which they were sent mail before. keys are the normalised ones, without those that somebody
// else has by now.
func (s *Service) whoIsErased(ctx context.Context, tx pgx.Tx, a addr.Address) (Erasing, []string, error) {
	var who Erasing
	rows, err := tx.Query(ctx, `SELECT id FROM subscribers WHERE email_key = $1`, a.Key)
	if err != nil {
		return who, nil, err
	}
	if who.SubscriberIDs, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return who, nil, err
	}
	// Whoever was deleted and came back has more than one number in the ledgers; an erasure is about the person.
	rows, err = tx.Query(ctx, `
		SELECT subscriber_id FROM bulk_changes WHERE before ? 'subscriber' AND before #>> '{subscriber,email_key}' = $1
		UNION SELECT subscriber_id FROM exclusions WHERE lower(email) = ANY ($2)
		UNION SELECT subscriber_id FROM deliveries WHERE lower(email) = ANY ($2)`, a.Key, []string{a.Key, strings.ToLower(a.Display)})
	if err != nil {
		return who, nil, err
	}
	earlier, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return who, nil, err
	}
	// An address may have been another person's before: who is there now under another address is not the one who asks.
	rows, err = tx.Query(ctx, `SELECT n FROM unnest($1::bigint[]) AS n WHERE NOT EXISTS (SELECT FROM subscribers WHERE id = n AND email_key <> $2)`, earlier, a.Key)
	if err != nil {
		return who, nil, err
	}
	if earlier, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return who, nil, err
	}
	who.SubscriberIDs = append(who.SubscriberIDs, earlier...)
	rows, err = tx.Query(ctx, `SELECT DISTINCT email FROM deliveries WHERE subscriber_id = ANY ($1)`, who.SubscriberIDs)
	if err != nil {
		return who, nil, err
	}
	before, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return who, nil, err
	}
	keys := []string{a.Key}
	forms := map[string]bool{a.Key: true, strings.ToLower(a.Display): true}
	for _, email := range before {
		old, err := addr.Normalize(email)
		if err != nil || old.Key == a.Key || email == ErasedAddress {
			continue
		}
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM subscribers WHERE email_key = $1)`, old.Key).Scan(&taken); err != nil {
			return who, nil, err
		}
		if !taken {
			keys = append(keys, old.Key)
			forms[old.Key], forms[strings.ToLower(old.Display)] = true, true
		}
	}
	for form := range forms {
		who.Addresses = append(who.Addresses, form)
	}
	return who, keys, nil
}

// ListErasures gives when somebody was erased, newest first, and on whose word. Who they were is not known any more.
func (s *Service) ListErasures(ctx context.Context, q page.Query) (page.Page[ErasureRecord], error) {
	var none page.Page[ErasureRecord]
	at, hash := time.Time{}, []byte{}
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &at, &hash); err != nil {
			return none, err
		}
	}
	rows, err := pg.Many[ErasureRecord](ctx, s.pool, "erasures", `SELECT erased_at, erased_by, hash FROM erasures
		WHERE $1 OR (erased_at, hash) < ($2, $3) ORDER BY erased_at DESC, hash DESC LIMIT $4`, q.Cursor == "", at, hash, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(r ErasureRecord) string { return page.Encode(r.ErasedAt, r.Hash) }), nil
}

// ErasureRecord says that somebody was erased.
type ErasureRecord struct {
	ErasedAt time.Time
	ErasedBy string
	Hash     []byte
}
