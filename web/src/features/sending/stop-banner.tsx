import { Button, Group, Text } from '@mantine/core';
import { IconHandStop, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Sending } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { resumeSending, sendingQuery } from './queries';
import classes from './stop-banner.module.css';

/** On every page while nothing at all is sent: who stopped it, when and why, and the way on. */
export function StopBanner() {
  const sending = useQuery(sendingQuery);
  return sending.data?.stopped ? <Banner sending={sending.data} /> : null;
}

function Banner({ sending }: { sending: Sending }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const resume = useMutation({
    mutationFn: resumeSending,
    onSuccess: (next) => {
      queryClient.setQueryData(sendingQuery.queryKey, next);
      void queryClient.invalidateQueries({ queryKey: ['campaigns'] });
      void queryClient.invalidateQueries({ queryKey: ['overview'] });
      notifySuccess(t('sending.resumed'));
    },
    onError: notifyError,
  });
  const ask = () =>
    confirmAction({
      title: t('sending.resumeTitle'),
      body: t('sending.resumeText'),
      confirm: t('sending.resume'),
      danger: false,
      onConfirm: () => resume.mutate(),
    });
  return (
    <section className={classes.banner} role="alert" aria-label={t('sending.stopped')}>
      <IconHandStop size={22} className={classes.icon} aria-hidden />
      <div className={classes.words}>
        <Text fw={650}>{t('sending.stopped')}</Text>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('sending.by', { name: sending.stopped_by })} <DateTime at={sending.stopped_at} /> (
          <RelativeTime at={sending.stopped_at} />)
        </Text>
        {sending.reason && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {t('sending.why', { reason: sending.reason })}
          </Text>
        )}
      </div>
      <Group>
        <Button
          variant="white"
          color="red.9"
          leftSection={<IconPlayerPlay size={16} />}
          loading={resume.isPending}
          onClick={ask}
        >
          {t('sending.resumeOpen')}
        </Button>
      </Group>
    </section>
  );
}
