package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Made-up people as real lists have them: some mailbox providers hold most addresses, some cities most people.
var (
	benchFirst   = []string{"Anna", "Ivan", "Maria", "John", "Petra", "Ahmed", "Li", "Olga", "Sven", "Emma", "Noah", "Lucas", "Mia", "Jonas", "Sofia", "Elena", "Žofie", "José"}
	benchLast    = []string{"Ivanov", "Smith", "Mueller", "Garcia", "Silva", "Khan", "Chen", "Rossi", "Novak", "Berg", "Costa", "Dubois", "Jansen", "Kim", "Lopez", "Olsen", "Popov", "Quinn", "Weber"}
	benchCities  = []string{"Berlin", "Paris", "Madrid", "Rome", "Vienna", "Lisbon", "Oslo", "Porto", "Lyon", "Graz", "Minsk", "Warsaw", "Prague", "Ghent", "Basel", "Turin", "Cork", "Leeds", "Bergen", "Tartu"}
	benchPlans   = []string{"free", "free", "free", "free", "pro", "team"}
	benchDomains = []struct {
		domain string
		until  uint64 // of 100
	}{{"gmail.com", 38}, {"yahoo.com", 50}, {"outlook.com", 60}, {"hotmail.com", 66}, {"icloud.com", 70}, {"mail.ru", 74}, {"gmx.de", 77}}
)

// mix spreads numbers, always the same way (splitmix64).
func mix(i int) uint64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

type madePerson struct {
	email, name string
	attributes  map[string]any
}

// foundersPart: one in so many people is from the first days and of one domain, so that those who have it are many and none is new.
const foundersPart = 10

// makePerson makes person i, whose address nobody else has.
func makePerson(i int) madePerson {
	h := mix(i)
	first, last := benchFirst[h%uint64(len(benchFirst))], benchLast[h/32%uint64(len(benchLast))]
	pick := h / 1024 % 100
	domain := fmt.Sprintf("company%d.example", h/4096%5000)
	for _, d := range benchDomains {
		if pick < d.until {
			domain = d.domain
			break
		}
	}
	ascii := strings.NewReplacer("ž", "z", "é", "e").Replace(strings.ToLower(first))
	share := float64(h>>40%1000) / 1000
	p := madePerson{email: fmt.Sprintf("%s.%s%d@%s", ascii, strings.ToLower(last), i, domain), name: first + " " + last, attributes: map[string]any{
		"city": benchCities[int(share*share*float64(len(benchCities)))], "plan": benchPlans[h>>20%uint64(len(benchPlans))],
		"member_since": time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(h>>24%3650)).Format(time.DateOnly),
	}}
	if h>>50%10 != 0 {
		p.attributes["age"] = 18 + h>>54%60
	}
	return p
}

// loadAudience fills the database as imports would: the last tenth of the people is not in the search index yet, the tables are
// vacuumed as at the end of imports and of indexing.
func loadAudience(ctx context.Context, pool *pgxpool.Pool, people int, screen *demoScreen) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	c := conn.Conn()
	indexed := people - people/10
	for _, sql := range []string{
		// Statistics that come in the middle would make the first phase another one.
		`ALTER TABLE subscribers SET (autovacuum_enabled = off)`, `ALTER TABLE subscriptions SET (autovacuum_enabled = off)`,
		`ALTER TABLE subscriber_search SET (autovacuum_enabled = off)`, `ALTER TABLE suppressions SET (autovacuum_enabled = off)`,
		`INSERT INTO fields (name, type) VALUES ('city', 'text'), ('plan', 'text'), ('member_since', 'date'), ('age', 'number')`,
		`INSERT INTO lists (name) VALUES ('Everybody'), ('A fifth'), ('The oldest'), ('A hundredth'), ('A few')`,
		`SET postrider.search_later = 'on'`,
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return fmt.Errorf("preparing the database: %w", err)
		}
	}
	defer func() { _, _ = c.Exec(context.WithoutCancel(ctx), `RESET postrider.search_later`) }()
	const part = 50_000
	for lo := 0; lo < people; lo += part {
		hi := min(lo+part, people)
		screen.bar("Making people", int64(hi), int64(people))
		if err := copyPeople(ctx, c, lo, hi, people); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		what, sql string
		args      []any
	}{
		{"lists", `INSERT INTO subscriptions (list_id, subscriber_id, status, source)
			SELECT l.id, u.id, CASE WHEN u.id % 50 = 0 THEN 'unsubscribed' WHEN u.id % 97 = 0 THEN 'unconfirmed' ELSE 'subscribed' END, 'import' FROM subscribers u,
			(VALUES (1, 1, $1::bigint), (2, 5, $1), (3, 1, $1 / 20), (4, 100, $1), (5, 10000, $1)) AS l (id, every, until) WHERE u.id % l.every = 0 AND u.id <= l.until`, []any{people}},
		{"the search index", `INSERT INTO subscriber_search SELECT id, email_key || ' ' || lower(name) FROM subscribers WHERE id <= $1`, []any{indexed}},
		{"its backlog", `INSERT INTO subscriber_search_backlog VALUES ($1::bigint + 1, $2)`, []any{indexed, people}},
		// A fifth are people here, and the rest are strangers, as in a list that was bought and never should have been.
		{"suppressions", `INSERT INTO suppressions (email_key, reason, source, detail, created_at)
			SELECT email_key, 'bounce', 'bench', '550 5.1.1 no such user', now() - id * interval '1 second' FROM subscribers WHERE id % 5 = 1
			UNION ALL SELECT 'stranger' || n || '@' || CASE WHEN n % 3 = 0 THEN 'gmail.com' ELSE 'company' || n % 5000 || '.example' END, 'manual', 'bench', '', now() - interval '1 day'
			FROM generate_series(1, $1::bigint * 4 / 5) n`, []any{people}},
		{"imports", `INSERT INTO imports (list_id, filename, status, format, columns) SELECT 1, 'people-' || n || '.csv', 'done',
			'{"delimiter": ",", "encoding": "UTF-8", "has_header": true}', '[]' FROM generate_series(1, 500) n`, nil},
	} {
		screen.say("Making %s …", step.what)
		if _, err := c.Exec(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("making %s: %w", step.what, err)
		}
	}
	_, err = c.Exec(ctx, `VACUUM (ANALYZE) subscribers, subscriptions, subscriber_search`)
	return err
}

func copyPeople(ctx context.Context, c *pgx.Conn, lo, hi, people int) error {
	_, err := c.CopyFrom(ctx, pgx.Identifier{"subscribers"}, []string{"email", "email_key", "name", "attributes"}, pgx.CopyFromSlice(hi-lo, func(i int) ([]any, error) {
		p := makePerson(lo + i)
		if lo+i < people/foundersPart {
			local, _, _ := strings.Cut(p.email, "@")
			p.email = local + "@founders.example"
		}
		attributes, err := json.Marshal(p.attributes)
		return []any{p.email, p.email, p.name, attributes}, err
	}))
	if err != nil {
		return fmt.Errorf("making people: %w", err)
	}
	return nil
}
