package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"postrider/api"
	"postrider/sender"
	"postrider/web"
)

type serveCmd struct {
	config
	httpConfig
	bounceConfig
}

// Run serves until a signal comes.
func (c serveCmd) Run(ctx context.Context) error {
	a, err := startApp(ctx, c.config, c.logger())
	if err != nil {
		return err
	}
	defer a.stop()
	if err := a.firstRelay(ctx); err != nil {
		return err
	}
	if err := a.listenForBounces(ctx, c.bounceConfig); err != nil {
		return err
	}
	s, err := a.listen(c.httpConfig)
	if err != nil {
		return err
	}
	a.spawn(a.sweepMedia)
	a.logger.Info("postrider is up", "version", version, "url", s.url, "private_database", a.database != nil)
	return s.wait(ctx, a)
}

// sweepMedia removes what is left of media files that are gone. Workers do not: they need not have the media folder.
func (a *app) sweepMedia(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := a.media.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.logger.Warn("some media files could not be removed; they are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// firstRelay gives a new installation the built-in inbox to send to, so that trying things out needs no mail server.
func (a *app) firstRelay(ctx context.Context) error {
	needed, err := a.auth.NeedsSetup(ctx)
	if err != nil || !needed || a.inbox == nil {
		return err
	}
	relays, err := a.sender.ListRelays(ctx)
	if err != nil || len(relays) > 0 {
		return err
	}
	_, err = a.sender.CreateRelay(ctx, sender.RelayInput{Name: "Built-in inbox", Kind: sender.RelayInbox, DKIM: sender.DKIMOff})
	return err
}

// server is the API and interface, listening.
type server struct {
	http   *http.Server
	url    string
	done   chan struct{}
	failed chan error
}

// listen puts API and interface on the network.
func (a *app) listen(cfg httpConfig) (*server, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening: %w; choose another address with --listen", err)
	}
	s := &server{url: "http://" + ln.Addr().String(), done: make(chan struct{}), failed: make(chan error, 1)}
	handler, err := a.handler(cfg, s.done)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn),
	}
	go func() { s.failed <- s.http.Serve(ln) }()
	return s, nil
}

func (a *app) handler(cfg httpConfig, done <-chan struct{}) (http.Handler, error) {
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	ui, _ := web.FS() // nil when the interface is not built in; the server says so
	return api.New(api.Config{
		Version: version, PublicURL: cfg.PublicURL, UI: ui, Ready: a.pool.Ping, System: a.system, InboxAddr: a.inboxAddr, Archive: api.NewsletterArchive(a.newsletters), Done: done, TrustedProxies: proxies, Logger: a.logger,
	}, api.Deps{
		Auth: a.auth, Settings: a.settings, Idempotency: a.idem, Audience: a.audience, Templates: a.templates, Media: a.media, Campaigns: a.campaigns, Newsletters: a.newsletters,
		Confirm: a.confirm,
		Events:  a.events, Hooks: a.hooks, Sender: a.sender, Inbox: a.store, Webhooks: a.webhooks, Mailboxes: a.mailboxes,
	})
}

func (a *app) system(ctx context.Context) (api.System, error) {
	sys := api.System{Started: a.started, PrivateDatabase: a.database != nil}
	if err := a.pool.QueryRow(ctx, `SHOW server_version`).Scan(&sys.PostgresVersion); err != nil {
		return sys, fmt.Errorf("asking the database for its version: %w", err)
	}
	var err error
	sys.Nodes, err = sender.LiveNodes(ctx, a.pool)
	return sys, err
}

// wait returns when ctx ends or a part of the program fails, after open requests are answered.
func (s *server) wait(ctx context.Context, a *app) error {
	partFailed := make(chan error, 1)
	go func() { partFailed <- a.group.Wait() }()
	var err error
	select {
	case <-ctx.Done():
		a.logger.Info("stopping; messages on the wire are finished first")
	case err = <-s.failed:
	case err = <-partFailed:
	}
	close(s.done)
	shutdown, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if e := s.http.Shutdown(shutdown); e != nil {
		_ = s.http.Close()
	}
	return err
}
