package hooksource

import (
	"context"
	"fmt"

	"postrider/events/hooks"
	"postrider/internal/errs"
)

// maxTopics bounds what waits at one source.
const maxTopics = 20

const notConfirmed = "Amazon did not confirm the subscription. In the console of SNS select it and press Request confirmation; the rest happens by itself."

// takeSNS takes a message of Amazon SNS.
func (s *Service) takeSNS(ctx context.Context, source Source, r hooks.Request) error {
	m, err := hooks.ParseSNS(r)
	if err != nil {
		return err
	}
	cert, err := s.certs.get(ctx, m.SigningCertURL, r.Now)
	if err != nil {
		return err
	}
	if err := m.Verify(cert); err != nil {
		return err
	}
	switch m.Type {
	case hooks.SNSSubscribe:
		return s.asked(ctx, source, m)
	case hooks.SNSUnsubscribe:
		if err := topicEnded(ctx, s.pool, source.ID, m.TopicARN, "The subscription was removed at Amazon. Subscribe this address again, if the reports are wanted."); err != nil {
			return err
		}
		return s.done(ctx, source, hooks.Proof{}, r.Body, 0)
	}
	if topic, ok := source.topic(m.TopicARN); !ok || topic.AcceptedAt == nil {
		return &hooks.Error{Kind: hooks.BadSignature, Text: fmt.Sprintf("the topic %s sends reports, but nobody has accepted it here", m.TopicARN)}
	}
	return s.takeOnce(ctx, source, m.Proof(), r, []byte(m.Message))
}

func (s Source) topic(arn string) (Topic, bool) {
	for _, t := range s.Topics {
		if t.ARN == arn {
			return t, true
		}
	}
	return Topic{}, false
}

// asked takes the wish of a topic to send here. One that a person has accepted is confirmed at once, another one waits.
func (s *Service) asked(ctx context.Context, source Source, m hooks.SNS) error {
	known, ok := source.topic(m.TopicARN)
	if !ok && len(source.Topics) >= maxTopics {
		return &hooks.Error{Kind: hooks.BadSignature, Text: "too many topics want to send here; remove those that are not yours"}
	}
	sealed := s.box.Seal([]byte(m.SubscribeURL), topicContext(source.ID, m.TopicARN))
	if err := putTopic(ctx, s.pool, source.ID, m.TopicARN, sealed, s.now()); err != nil {
		return err
	}
	if ok && known.AcceptedAt != nil {
		if err := s.confirm(ctx, source.ID, m.TopicARN, m.SubscribeURL); err != nil {
			return err
		}
	}
	return s.done(ctx, source, hooks.Proof{}, nil, 0)
}

// confirm tells Amazon that we want what the topic sends. The address was checked when it came.
func (s *Service) confirm(ctx context.Context, id int64, arn, url string) error {
	if _, err := s.cfg.Fetcher.Fetch(ctx, url, maxAnswer); err != nil {
		return errs.Because(errs.Unavailable, err, notConfirmed)
	}
	return topicConfirmed(ctx, s.pool, id, arn, s.now())
}

// AcceptTopic lets a topic send to a source, and confirms its subscription when it has asked for that. When Amazon does not answer, the topic is accepted all the
// same, and its Problem says what to do.
func (s *Service) AcceptTopic(ctx context.Context, id int64, arn string) (Source, error) {
	sealed, err := acceptTopic(ctx, s.pool, id, arn, s.now())
	if err != nil {
		return Source{}, err
	}
	if len(sealed) > 0 {
		url, err := s.box.Open(sealed, topicContext(id, arn))
		if err == nil {
			err = s.confirm(ctx, id, arn, string(url))
		}
		if err != nil {
			s.log.Warn("a topic could not be confirmed", "source_id", id, "error", err)
			if err := topicProblem(ctx, s.pool, id, arn, notConfirmed); err != nil {
				return Source{}, err
			}
		}
	}
	return s.Get(ctx, id)
}

// RemoveTopic keeps a topic out. To end its subscription somebody has to remove it at Amazon; until then what it sends is refused.
func (s *Service) RemoveTopic(ctx context.Context, id int64, arn string) (Source, error) {
	if err := deleteTopic(ctx, s.pool, id, arn); err != nil {
		return Source{}, err
	}
	return s.Get(ctx, id)
}
