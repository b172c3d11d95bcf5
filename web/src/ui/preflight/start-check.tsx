import { Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconOctagon } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ErrorState } from '@/ui/error-state';
import { LinkAnchor } from '@/ui/link';
import { CheckProgress } from '@/ui/preflight/check-progress';
import { FindingCard } from '@/ui/preflight/finding-card';
import type { useCheck } from '@/ui/preflight/use-check';

type Props = { campaignId: number; check: ReturnType<typeof useCheck>; onLeave: () => void };

/** What the check says right before sending: what blocks and where it is mended, and the warnings that somebody has to have seen. */
export function StartCheck({ campaignId, check, onLeave }: Props) {
  const { t } = useTranslation();
  const { query, run, acknowledge, running, current } = check;
  const error = run.error ?? (query.data === undefined ? query.error : null);
  if (error) return <ErrorState error={error} onRetry={() => run.mutate()} />;
  if (running || !current) return <CheckProgress />;
  const blocking = current.findings.filter((one) => one.severity === 'blocking');
  const open = current.findings.filter((one) => current.unacknowledged.includes(one.code));
  const [Icon, color] =
    blocking.length > 0
      ? [IconOctagon, 'var(--app-bad)']
      : open.length > 0
        ? [IconAlertTriangle, 'var(--app-warn)']
        : [IconCircleCheck, 'var(--app-good)'];
  return (
    <Stack
      gap="sm"
      p="sm"
      component="section"
      aria-label={t('preflight.title')}
      style={{ border: '1px solid var(--app-border)', borderRadius: 'var(--mantine-radius-md)' }}
    >
      <Group justify="space-between" gap="xs">
        <Group gap={8} wrap="nowrap">
          <Icon size={18} color={color} aria-hidden style={{ flexShrink: 0 }} />
          <Text fw={600} role="status">
            {blocking.length > 0
              ? t('preflight.start.blocked', { count: blocking.length })
              : open.length > 0
                ? t('preflight.start.warnings', { count: open.length })
                : t('preflight.start.ready')}
          </Text>
        </Group>
        <LinkAnchor
          to="/campaigns/$id"
          params={{ id: String(campaignId) }}
          search={{ tab: 'check' }}
          className="link"
          fz="sm"
          onClick={onLeave}
        >
          {t('preflight.start.all')}
        </LinkAnchor>
      </Group>
      {blocking.length + open.length > 0 && (
        <Stack gap="md" component="ul" p={0} m={0}>
          {[...blocking, ...open].map((finding) => (
            <FindingCard
              key={finding.code}
              finding={finding}
              campaignId={campaignId}
              short
              onAcknowledge={() => acknowledge.mutate([finding.code])}
              busy={acknowledge.isPending}
              onLeave={onLeave}
            />
          ))}
        </Stack>
      )}
      {open.length > 1 && (
        <Button
          variant="default"
          size="xs"
          loading={acknowledge.isPending}
          onClick={() => acknowledge.mutate(current.unacknowledged)}
          style={{ alignSelf: 'flex-start' }}
        >
          {t('preflight.acknowledgeAll', { count: open.length })}
        </Button>
      )}
    </Stack>
  );
}
