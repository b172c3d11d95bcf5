package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"golang.org/x/sync/errgroup"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/campaigns/confirm"
	"postrider/campaigns/journal"
	"postrider/campaigns/newsletters"
	"postrider/campaigns/preflight"
	"postrider/campaigns/sources"
	"postrider/events"
	"postrider/events/hooksource"
	"postrider/events/mailbox"
	"postrider/events/outgoing"
	"postrider/internal/auth"
	"postrider/internal/idempotency"
	"postrider/internal/pg/pgboot"
	"postrider/internal/safehttp"
	"postrider/internal/secret"
	"postrider/internal/settings"
	"postrider/migrations"
	"postrider/sender"
	"postrider/sender/dkim"
	"postrider/sender/inbox"
	"postrider/templates"
	"postrider/templates/media"
)

// app is the program's parts, put together. Both serve and worker run it; serve puts the API in front.
type app struct {
	cfg    config
	dir    string
	logger *slog.Logger
	now    func() time.Time

	database    *pgboot.Server // nil when the database is somebody else's
	pool        *pgxpool.Pool
	settings    *settings.Service
	auth        *auth.Service
	idem        *idempotency.Store
	audience    *audience.Service
	templates   *templates.Service
	media       *media.Service
	events      *events.Service
	hooks       *hooksource.Service
	tokens      events.Tokens
	sender      *sender.Service
	store       *sender.InboxStore
	inbox       *inbox.Server // nil when it is off
	node        *sender.Node
	journal     *journal.Journal
	pools       *sender.Pools
	campaigns   *campaigns.Service
	newsletters *newsletters.Service
	confirm     *confirm.Service
	webhooks    *outgoing.Service
	mailboxes   *mailbox.Service
	sources     *sources.Service
	river       *river.Client[pgx.Tx]

	started time.Time
	// background ends the long-lived parts that must outlast the jobs; group waits for them. The store of the inbox ends after the inbox.
	background context.CancelFunc
	group      *errgroup.Group
	spawn      func(part func(ctx context.Context) error) // adds a long-lived part
	endStore   context.CancelFunc
	stored     chan error
}

// startApp brings everything up as far as sending. When it fails, what was started is stopped again.
func startApp(ctx context.Context, cfg config, logger *slog.Logger) (_ *app, err error) {
	a := &app{cfg: cfg, logger: logger, started: time.Now()}
	defer func() {
		if err != nil {
			a.stop()
		}
	}()
	if a.now, err = cfg.clock(); err != nil {
		return nil, err
	}
	if a.dir, err = cfg.dataDir(); err != nil {
		return nil, err
	}
	databaseURL, err := a.startDatabase(ctx)
	if err != nil {
		return nil, err
	}
	report, err := migrations.Up(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	if len(report.Steps) > 0 {
		logger.Info("database brought up to date", "migrations", len(report.Steps))
	}
	if err := a.connect(ctx, databaseURL); err != nil {
		return nil, err
	}
	if err := a.build(ctx); err != nil {
		return nil, err
	}
	return a, a.run(ctx)
}

func (a *app) startDatabase(ctx context.Context) (string, error) {
	if a.cfg.DatabaseURL != "" {
		return a.cfg.DatabaseURL, nil
	}
	server, err := pgboot.Start(ctx, pgboot.Config{
		DataDir: filepath.Join(a.dir, "postgres"), CacheDir: filepath.Join(a.dir, "cache"), BinDir: a.cfg.PGBin, Logger: a.logger,
	})
	if err != nil {
		return "", fmt.Errorf("starting the private Postgres: %w", err)
	}
	a.database = server
	return server.URL(), nil
}

func (a *app) connect(ctx context.Context, databaseURL string) error {
	pc, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return errors.New("DATABASE_URL is not a Postgres address such as postgres://user:password@host:5432/postrider?sslmode=require")
	}
	// Each worker needs one connection at a time, those of messages as well, requests and regular work a few more.
	pc.MaxConns = int32(a.cfg.Workers + 24)
	// A process that is frozen or unplugged in the middle of something must not hold others up for longer than this.
	for name, value := range map[string]string{
		"application_name": "postrider", "idle_in_transaction_session_timeout": fmt.Sprint(a.cfg.lease().Milliseconds()),
		"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3",
	} {
		pc.ConnConfig.RuntimeParams[name] = value
	}
	if a.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	if err := a.pool.Ping(ctx); err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	return nil
}

// build makes the services. Nothing runs yet.
func (a *app) build(ctx context.Context) error {
	box, err := a.cfg.box(a.dir)
	if err != nil {
		return err
	}
	a.settings = settings.New(a.pool, a.now)
	if err := a.settings.CheckKey(ctx, box.Fingerprint()); err != nil {
		return err
	}
	a.auth = auth.New(a.pool, a.now)
	a.idem = idempotency.New(a.pool, a.now)
	a.audience = audience.New(a.pool, a.logger, a.now)
	a.audience.SetUploadLimits(audience.UploadLimits{Stored: int64(a.cfg.MaxUpload), Unpacked: int64(a.cfg.MaxUpload)})
	lists, err := a.cfg.addressLists()
	if err != nil {
		return err
	}
	a.audience.SetAddressLists(lists)
	a.templates = templates.New(a.pool, a.now)
	a.media = media.New(a.pool, box, media.Config{Folder: a.cfg.mediaDir(a.dir)}, a.logger, a.now)
	a.events = events.NewWith(events.Config{Windows: a.cfg.Windows}, a.pool, a.logger, a.now)
	a.tokens = events.NewTokens(box.Derive("link tokens"))
	signing := dkim.Open(a.cfg.Signing).OnFirstKey(roomForSigners)
	a.logger.Info("DKIM signing", "rsa", signing.String())
	a.sender = sender.New(a.pool, box, sender.Config{InboxAddr: a.inboxAddr, DefaultFrom: a.defaultFrom, Signing: signing}, a.logger, a.now)
	a.store = sender.NewInboxStore(a.pool, net.DefaultResolver, a.logger, time.Now)
	if addr := a.cfg.inboxAddr(); addr != "" {
		a.inbox = inbox.New(inbox.Config{Addr: addr, Store: a.store, Logger: a.logger})
	}
	if a.node, err = sender.StartNode(ctx, a.pool, a.cfg.lease(), a.logger, time.Now); err != nil {
		return err
	}
	if a.journal, err = journal.Open(a.journalDir(), a.node.ID); err != nil {
		return err
	}
	a.pools = sender.NewPools(a.sender, a.pool, a.node, a.logger, time.Now)
	a.tokens = linkTokens(box)
	a.sources = sources.New(a.pool, safehttp.NewGetter(safehttp.Config{AllowPrivate: a.cfg.FetchPriv, Agent: a.agent, Now: a.now}), a.now)
	a.campaigns = campaigns.New(campaigns.Config{Workers: a.cfg.Workers}, campaigns.Deps{
		Pool: a.pool, Audience: a.audience, Events: a.events, Tokens: a.tokens, Sender: a.sender, Settings: a.settings,
		Templates: a.templates, Node: a.node, Pools: a.pools, Journal: a.journal, Prober: preflight.NewProber(a.cfg.FetchPriv, a.now), Logger: a.logger, Now: a.now,
	})
	a.newsletters = newsletters.New(newsletters.Deps{
		Pool: a.pool, Campaigns: a.campaigns, Fetch: newsletters.Documents{Sources: a.sources}, Fill: newsletters.Templates{Service: a.templates}, PublicURL: a.settings.PublicURL, Logger: a.logger, Now: a.now,
	})
	a.confirm = confirm.New(confirm.Deps{
		Audience: a.audience, Tokens: a.tokens, Sender: a.sender, Settings: a.settings, Pools: a.pools, Now: a.now,
	})
	a.hooks = hooksource.New(a.pool, box, a.campaigns, hooksource.Config{PublicURL: a.settings.PublicURL}, a.logger, a.now)
	a.webhooks = outgoing.New(a.pool, box, outgoing.Config{
		AllowPrivate: a.cfg.HookPrivate, Keep: a.cfg.HookKeep, LinkURL: a.campaigns.LinkURL,
	}, a.logger, a.now)
	a.mailboxes = mailbox.New(a.pool, box, a.campaigns, mailbox.Config{}, a.logger, a.now)
	a.audience.SetErasure(box.Derive("erasures/v1"),
		audience.Eraser{Name: "deliveries", Do: a.campaigns.EraseTx}, audience.Eraser{Name: "events", Do: a.events.EraseTx},
		audience.Eraser{Name: "webhooks", Do: a.webhooks.EraseTx}, audience.Eraser{Name: "mailboxes", Do: a.mailboxes.EraseTx},
		audience.Eraser{Name: "relays", Do: a.sender.EraseTx}, audience.Eraser{Name: "answers", Do: a.idem.EraseTx})
	workers := river.NewWorkers()
	a.campaigns.Workers(workers)
	a.audience.Workers(workers)
	a.audience.SignupWorkers(workers)
	a.confirm.Workers(workers)
	queues := a.campaigns.Queues(10 * time.Millisecond)
	queues[audience.QueueSignups] = river.QueueConfig{MaxWorkers: 4, FetchCooldown: 10 * time.Millisecond}
	queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 4}
	queues[audience.QueueIndex] = river.QueueConfig{MaxWorkers: 1}
	a.river, err = river.NewClient(riverpgxv5.New(a.pool), &river.Config{
		ID:                   a.node.ID,
		Logger:               a.riverLogger(),
		Queues:               queues,
		RescueStuckJobsAfter: campaigns.RescueAfter,
		Workers:              workers,
	})
	if err != nil {
		return fmt.Errorf("making the job queue: %w", err)
	}
	a.campaigns.SetJobs(a.river)
	a.audience.SetJobs(a.river)
	return nil
}

// agent is what servers of feeds and documents are told about who asks.
func (a *app) agent(ctx context.Context) string {
	name := "Postrider/" + version
	if set, err := a.settings.Get(ctx); err == nil && set.PublicURL != "" {
		name += " (+" + set.PublicURL + ")"
	}
	return name
}

// linkTokens sign what stands in mail. They are the same in all processes with the same key.
func linkTokens(box *secret.Box) events.Tokens { return events.NewTokens(box.Derive("link tokens")) }

// riverLogger keeps River to what a person should look at: its reports of jobs that come and go are ours to make.
func (a *app) riverLogger() *slog.Logger {
	return slog.New(minLevel{a.logger.Handler(), slog.LevelWarn})
}

func (a *app) journalDir() string { return filepath.Join(a.dir, "journal") }

func (a *app) inboxAddr() string {
	if a.inbox == nil {
		return ""
	}
	return a.inbox.Addr()
}

func (a *app) defaultFrom(ctx context.Context) string {
	set, err := a.settings.Get(ctx)
	if err != nil {
		return ""
	}
	return set.DefaultFromEmail
}

// run settles what an earlier process left behind and starts the parts that work by themselves.
func (a *app) run(ctx context.Context) error {
	if _, err := a.campaigns.SettleLocal(ctx, a.journalDir()); err != nil {
		return fmt.Errorf("accounting for an earlier process: %w", err)
	}
	// These live until stop ends them in the right order, not until the signal.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.background = cancel
	a.group, background = errgroup.WithContext(background)
	a.spawn = func(part func(context.Context) error) { a.group.Go(func() error { return part(background) }) }
	storing, endStore := context.WithCancel(context.WithoutCancel(ctx))
	a.endStore, a.stored = endStore, make(chan error, 1)
	go func() { a.stored <- a.store.Run(storing) }()
	if a.inbox != nil {
		a.group.Go(func() error { return a.inbox.Run(background) })
		select {
		case <-a.inbox.Listening():
		case <-background.Done():
			return a.group.Wait()
		}
	}
	a.group.Go(func() error { return a.node.Run(background) })
	a.group.Go(func() error { return a.events.Run(background) })
	a.group.Go(func() error { return a.campaigns.Run(background) })
	a.group.Go(func() error { return a.newsletters.Run(background) })
	a.group.Go(func() error { return a.audience.Run(background) })
	a.group.Go(func() error { return a.webhooks.Run(background) })
	a.group.Go(func() error { return a.sweep(background) })
	a.group.Go(func() error { return a.sender.RunChecks(background) })
	a.group.Go(func() error { return a.sender.RunSites(background) })
	a.group.Go(func() error { return a.mailboxes.Run(background) })
	if a.database != nil {
		a.group.Go(func() error {
			select {
			case <-a.database.Done():
				return errors.New("the private Postgres ended unexpectedly; its log is in the data folder")
			case <-background.Done():
				return nil
			}
		})
	}
	// Not on background, which ends when a part fails: what the jobs have in hand is still recorded then.
	if err := a.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the job queue: %w", err)
	}
	return nil
}

// sweep removes sessions, stored answers, marks of webhooks and sign-ups that have expired.
func (a *app) sweep(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		expired, err := a.audience.TidySignups(ctx)
		if expired > 0 {
			a.logger.Info("sign-ups expired that nobody confirmed", "count", expired)
		}
		if err := errors.Join(err, a.auth.Cleanup(ctx), a.idem.Cleanup(ctx), a.sender.ClearOldPace(ctx), a.hooks.Cleanup(ctx)); err != nil {
			a.logger.Warn("expired rows could not be removed", "error", err)
		}
	}
}

// stop ends everything in the order in which nothing is lost: no new claims, messages on the wire to their end, results, events, then the rest.
func (a *app) stop() {
	deadline := time.Now().Add(a.cfg.StopTimeout)
	stopCtx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	if a.campaigns != nil {
		a.campaigns.Drain()
	}
	if a.river != nil {
		if err := a.river.Stop(stopCtx); err != nil {
			a.logger.Warn("not every job ended in time; what was on the wire is settled at the next start")
			hardCtx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = a.river.StopAndCancel(hardCtx)
		}
	}
	if a.pools != nil {
		// A moment for what is between dot and reply, even when the jobs have used all the time up.
		ctx, cancel := context.WithTimeout(context.Background(), max(5*time.Second, time.Until(deadline)))
		defer cancel()
		a.pools.Close(ctx)
	}
	if a.journal != nil {
		if err := a.journal.Close(); err != nil {
			a.logger.Warn("closing the journal", "error", err)
		}
	}
	if a.background != nil {
		a.background()
		if err := a.group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			a.logger.Error("a part of the program ended with an error", "error", err)
		}
		a.endStore()
		if err := <-a.stored; err != nil {
			a.logger.Error("the inbox could not store everything", "error", err)
		}
	}
	if a.campaigns != nil && a.journal != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		a.leave(ctx)
	}
	if a.pool != nil {
		a.pool.Close()
	}
	if a.database != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := a.database.Stop(ctx); err != nil {
			a.logger.Warn("stopping the private Postgres", "error", err)
		}
	}
}

// leave settles this node itself, so that nobody has to wait for its lease to end.
func (a *app) leave(ctx context.Context) {
	if err := a.campaigns.Leave(ctx, a.journalDir()); err != nil {
		a.logger.Warn("this node could not sign off; the next start accounts for it", "error", err)
	}
}

// minLevel passes on records of a level and above.
type minLevel struct {
	slog.Handler
	least slog.Level
}

// Enabled reports whether a record of the level is passed on.
func (m minLevel) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= m.least && m.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the level.
func (m minLevel) WithAttrs(attrs []slog.Attr) slog.Handler {
	return minLevel{m.Handler.WithAttrs(attrs), m.least}
}

// WithGroup keeps the level.
func (m minLevel) WithGroup(name string) slog.Handler {
	return minLevel{m.Handler.WithGroup(name), m.least}
}

// roomForSigners doubles the threads that run Go. An RSA signature holds one for a quarter of a millisecond in OpenSSL, or a whole one in Go, and what serves the connections
// would wait for it meanwhile, or take its place among them and have to give it back. With twice as many 5 to 10 % more signed messages go out. Who sets GOMAXPROCS decides.
func roomForSigners() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
}
