import { Alert, Button, Group, List, Stack, Text } from '@mantine/core';
import { IconBulb, IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Mailbox } from '@/api/types';
import { formatBytes, formatNumber } from '@/lib/format';
import { notifyError, notifySuccess } from '@/ui/notify';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { mailboxState } from './mailbox-state';
import { checkMailbox, mailboxMessagesQuery, POLL_MS } from './queries';

/** How reading the mailbox goes: since when, what came, what is in the way and what to do about it. */
export function MailboxStateCard({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const check = useMutation({
    mutationFn: () => checkMailbox(mailbox.id),
    onSuccess: () => {
      notifySuccess(t('mailboxes.checkAsked', { name: mailbox.name }));
      return queryClient.invalidateQueries({ queryKey: ['mailboxes'] });
    },
    onError: notifyError,
  });
  const day = mailbox.last_24_hours;
  return (
    <Section
      title={t('mailboxes.state')}
      description={<Summary mailbox={mailbox} />}
      actions={
        mailbox.status === 'active' && (
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            loading={check.isPending}
            onClick={() => check.mutate()}
          >
            {t('mailboxes.checkNow')}
          </Button>
        )
      }
    >
      <Stack>
        {mailbox.problem && (
          <Alert variant="default" icon={<IconBulb color="var(--app-warn)" />} title={t('mailboxes.problem')}>
            <Stack gap="xs">
              {mailbox.problem.remedy && <span>{mailbox.problem.remedy}</span>}
              <Text className="mono" size="sm" style={{ overflowWrap: 'anywhere' }}>
                {mailbox.problem.text}
              </Text>
              <Text size="sm" c="dimmed">
                <RelativeTime at={mailbox.problem.at} />
              </Text>
            </Stack>
          </Alert>
        )}
        <StatGrid
          stats={[
            {
              label: t('mailboxes.day.taken'),
              value: formatNumber(day.taken),
              hint: t('mailboxes.day.hint'),
            },
            {
              label: t('mailboxes.day.ignored'),
              value: formatNumber(day.ignored),
              hint: t('mailboxes.day.ignoredHint'),
            },
            {
              label: t('mailboxes.day.foreign'),
              value: formatNumber(day.foreign),
              hint: t('mailboxes.day.foreignHint'),
            },
            { label: t('mailboxes.day.bytes'), value: formatBytes(day.bytes_in), hint: t('mailboxes.day.hint') },
          ]}
        />
        {mailbox.retrying + mailbox.stuck > 0 && <SetAside mailbox={mailbox} />}
      </Stack>
    </Section>
  );
}

function Summary({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const state = mailboxState(mailbox, Date.now());
  return (
    <>
      {state === 'live' ? `${t('mailboxes.live')} ` : ''}
      {mailbox.checked_at ? (
        <>
          {t('mailboxes.checked')} <RelativeTime at={mailbox.checked_at} />
          {mailbox.message_count !== null && `, ${t('mailboxes.messages', { count: mailbox.message_count })}`}.{' '}
        </>
      ) : (
        `${t('mailboxes.never')} `
      )}
      {state === 'waiting' && (
        <>
          {t('mailboxes.waiting')} <DateTime at={mailbox.wait_until} />.
        </>
      )}
      {state !== 'waiting' && mailbox.next_check_at && (
        <>
          {t('mailboxes.next')} <RelativeTime at={mailbox.next_check_at} />.
        </>
      )}
    </>
  );
}

/** Messages that could not be taken: they are still in the mailbox. */
function SetAside({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const { data } = useQuery({ ...mailboxMessagesQuery(mailbox.id), refetchInterval: POLL_MS });
  return (
    <div>
      <Text fw={600}>{t('mailboxes.aside', { count: mailbox.retrying + mailbox.stuck })}</Text>
      <Text size="sm" c="dimmed">
        {t('mailboxes.asideText')}
      </Text>
      <List size="sm" mt="xs" spacing={4}>
        {(data?.items ?? []).map((one) => (
          <List.Item key={one.uid}>
            <Group gap="xs">
              <span style={{ overflowWrap: 'anywhere' }}>
                {t('mailboxes.asideOne', { uid: one.uid, count: one.attempts })} {one.error}
              </span>
              <Text size="sm" c="dimmed" component="span">
                {one.state === 'stuck' ? (
                  t('mailboxes.givenUp')
                ) : (
                  <>
                    {t('mailboxes.again')} <RelativeTime at={one.next_at} />
                  </>
                )}
              </Text>
            </Group>
          </List.Item>
        ))}
      </List>
    </div>
  );
}
