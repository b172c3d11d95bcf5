import { Badge, Button, Code, Grid, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeliveryStory, MessageStory } from '@/api/types';
import { templateQuery } from '@/features/templates/queries';
import { confirmAction } from '@/ui/confirm';
import { CopyField } from '@/ui/copy-field';
import { LinkAnchor } from '@/ui/link';
import { MailFrame } from '@/ui/mail-frame';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { Moments } from '@/ui/story/moments';
import { MessageBadge } from './message-badge';
import { cancelMessage, messagePreviewQuery, messageQuery } from './queries';

const route = getRouteApi('/shell/messages/$id');

/** One message: what became of it, what it said, and with what data. */
export function MessagePage() {
  const id = Number(route.useParams().id);
  const query = useQuery(messageQuery(id));
  return <QueryView query={query}>{(message) => <Shown message={message} />}</QueryView>;
}

function Shown({ message }: { message: MessageStory }) {
  const { t } = useTranslation();
  const { delivery } = message;
  const story: DeliveryStory = {
    ...delivery,
    queued_at: message.created_at,
    first_tried_at: message.first_tried_at,
    attempts_log: message.attempts_log,
    reports: message.reports,
    events: message.events,
  };
  return (
    <>
      <PageHeader
        title={t('messages.title', { email: delivery.email })}
        badge={<MessageBadge message={message} />}
        back={
          <LinkAnchor to="/messages" className="link">
            {t('nav.messages')}
          </LinkAnchor>
        }
        actions={(message.status === 'queued' || message.status === 'deferred') && <CancelButton message={message} />}
      />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            <Section title={t('story.timeline')}>
              <Moments delivery={story} />
            </Section>
            <Preview message={message} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack>
            <Facts message={message} />
            <Data message={message} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

function CancelButton({ message }: { message: MessageStory }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelMessage(message.id),
    onSuccess: (saved) => {
      queryClient.setQueryData(messageQuery(message.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['messages', 'page'] });
      notifySuccess(t('messages.cancelled'));
    },
    onError: (error) => {
      notifyError(error);
      void queryClient.invalidateQueries({ queryKey: messageQuery(message.id).queryKey });
    },
  });
  const { email } = message.delivery;
  return (
    <Button
      variant="default"
      c="var(--app-bad)"
      leftSection={<IconX size={16} />}
      loading={cancel.isPending}
      onClick={() =>
        confirmAction({
          title: t('messages.cancelTitle', { email }),
          body: t('messages.cancelText'),
          confirm: t('messages.cancel'),
          onConfirm: () => cancel.mutate(),
        })
      }
    >
      {t('messages.cancel')}
    </Button>
  );
}

function Preview({ message }: { message: MessageStory }) {
  const { t } = useTranslation();
  const [part, setPart] = useState('html');
  const query = useQuery({ ...messagePreviewQuery(message.id), enabled: !message.data_forgotten });
  if (message.data_forgotten) {
    return (
      <Section title={t('messages.preview')}>
        <Text c="dimmed">{t('messages.previewGone')}</Text>
      </Section>
    );
  }
  return (
    <Section title={t('messages.preview')} description={t('messages.previewText')}>
      <QueryView query={query}>
        {(mail) => (
          <Stack gap="sm">
            <Group justify="space-between" gap="sm">
              <div style={{ minWidth: 0 }}>
                <Text size="sm" c="dimmed">
                  {t('messages.subject')}
                </Text>
                <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
                  {mail.subject}
                </Text>
              </div>
              {mail.html && (
                <SegmentedControl
                  size="xs"
                  aria-label={t('messages.partLabel')}
                  value={part}
                  onChange={setPart}
                  data={[
                    { value: 'html', label: t('messages.part.html') },
                    { value: 'text', label: t('messages.part.text') },
                  ]}
                />
              )}
            </Group>
            <div style={{ border: '1px solid var(--app-border)', borderRadius: 8, overflow: 'hidden' }}>
              {mail.html && part === 'html' ? (
                <MailFrame html={mail.html} title={t('messages.preview')} height={420} />
              ) : (
                <Code
                  block
                  tabIndex={0}
                  aria-label={t('messages.preview')}
                  style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', background: 'var(--app-sunken)' }}
                >
                  {mail.text}
                </Code>
              )}
            </div>
          </Stack>
        )}
      </QueryView>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <div>{children}</div>
    </div>
  );
}

function Facts({ message }: { message: MessageStory }) {
  const { t } = useTranslation();
  const { delivery } = message;
  return (
    <Section title={t('messages.about')}>
      <Stack gap="sm">
        {delivery.subscriber_id !== null && (
          <Fact name={t('story.person')}>
            <LinkAnchor to="/subscribers/$id" params={{ id: String(delivery.subscriber_id) }} className="link-strong">
              {message.to_name ? `${message.to_name} <${delivery.email}>` : delivery.email}
            </LinkAnchor>
          </Fact>
        )}
        <Fact name={t('messages.template')}>
          {message.template_id === null ? t('messages.gone') : <TemplateLink id={message.template_id} />}
        </Fact>
        <Fact name={t('messages.created')}>
          <DateTime at={message.created_at} />
        </Fact>
        {message.send_at && (
          <Fact name={t('messages.sendAt')}>
            <DateTime at={message.send_at} />
          </Fact>
        )}
        <Fact name={t('messages.expires')}>
          <DateTime at={message.expires_at} />
        </Fact>
        {message.tags.length > 0 && (
          <Fact name={t('messages.tags')}>
            <Group gap={4}>
              {message.tags.map((tag) => (
                <LinkAnchor key={tag} to="/messages" search={{ tag }} underline="never">
                  <Badge variant="default">{tag}</Badge>
                </LinkAnchor>
              ))}
            </Group>
          </Fact>
        )}
        <Fact name={t('deliveries.relay')}>{delivery.relay_name ?? t('deliveries.noRelay')}</Fact>
        <Fact name={t('deliveries.messageId')}>
          <CopyField value={delivery.message_id} label={t('deliveries.messageId')} />
        </Fact>
      </Stack>
    </Section>
  );
}

function TemplateLink({ id }: { id: number }) {
  const { t } = useTranslation();
  const query = useQuery({ ...templateQuery(id), retry: false });
  return (
    <LinkAnchor to="/templates/$id" params={{ id: String(id) }} className="link-strong">
      {query.data?.name ?? t('messages.noTemplate', { id })}
    </LinkAnchor>
  );
}

function Data({ message }: { message: MessageStory }) {
  const { t } = useTranslation();
  return (
    <Section title={t('messages.data')} description={t('messages.dataText')}>
      {message.data ? (
        <Code
          block
          tabIndex={0}
          aria-label={t('messages.data')}
          style={{ background: 'var(--app-sunken)', maxHeight: 360 }}
        >
          {JSON.stringify(message.data, null, 2)}
        </Code>
      ) : (
        <Text c="dimmed">{t(message.data_forgotten ? 'messages.dataForgotten' : 'messages.noData')}</Text>
      )}
    </Section>
  );
}
