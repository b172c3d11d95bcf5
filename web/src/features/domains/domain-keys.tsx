import { Box, Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus, IconRotateClockwise } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { DkimKey, Domain } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';
import { addKey, keepDomain, retireKey } from './queries';

const keyTone: Record<DkimKey['status'], Tone> = { pending: 'warn', active: 'good', retired: 'quiet' };

export function DomainKeys({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const live = domain.keys.filter((key) => key.status !== 'retired');
  return (
    <Section
      title={t('domains.keys')}
      description={t('domains.keysText')}
      actions={
        <Group gap="xs">
          {!live.some((key) => key.algorithm === 'ed25519') && <AddEd25519 domain={domain} />}
          {!live.some((key) => key.algorithm === 'rsa2048' && key.status === 'pending') && <Rotate domain={domain} />}
        </Group>
      }
    >
      <Stack gap="md">
        {[...live, ...domain.keys.filter((key) => key.status === 'retired').reverse()].map((key) => (
          <KeyRow key={key.id} domain={domain} item={key} />
        ))}
      </Stack>
    </Section>
  );
}

function KeyRow({ domain, item }: { domain: Domain; item: DkimKey }) {
  const { t } = useTranslation();
  const text = useKeyText(domain, item);
  const lastRSA =
    item.algorithm === 'rsa2048' &&
    !domain.keys.some((key) => key.id !== item.id && key.status !== 'retired' && key.algorithm === 'rsa2048');
  return (
    <Group component="section" justify="space-between" align="flex-start" gap="xs" aria-label={item.selector}>
      <Box flex="1 1 260px" miw={0}>
        <Group gap="xs">
          <Text className="mono" fw={600}>
            {item.selector}
          </Text>
          <Text size="sm" c="dimmed">
            {t(`domains.algorithms.${item.algorithm}`)}
          </Text>
          <StatusBadge tone={keyTone[item.status]}>{t(`domains.keyStatus.${item.status}`)}</StatusBadge>
        </Group>
        <Text size="sm" c="dimmed">
          {text}
        </Text>
      </Box>
      {item.status !== 'retired' && !lastRSA && <Retire item={item} />}
    </Group>
  );
}

/** What the state of a key means now and what comes next. */
function useKeyText(domain: Domain, key: DkimKey): string {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const at = (time: string | null) => formatDateTime(time ?? key.created_at, timeZone);
  if (key.status === 'retired') {
    const over = !key.keep_until || Date.parse(key.keep_until) < Date.now();
    return over ? t('domains.keyText.remove') : t('domains.keyText.keep', { at: at(key.keep_until) });
  }
  if (key.status === 'active') {
    return t(`domains.keyText.${key.algorithm === 'ed25519' ? 'activeSecond' : 'active'}`, {
      at: at(key.activated_at),
    });
  }
  if (key.seen_at) return t('domains.keyText.seen', { at: at(key.seen_at) });
  const other = domain.keys.some((one) => one.status === 'active' && one.algorithm === 'rsa2048');
  return t(`domains.keyText.${other || key.algorithm === 'ed25519' ? 'pending' : 'first'}`);
}

function Rotate({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const add = useMutation({
    mutationFn: () => addKey(domain.id, 'rsa2048'),
    onSuccess: (saved) => {
      keepDomain(queryClient, saved);
      notifySuccess(t('domains.rotated'));
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconRotateClockwise size={16} />}
      loading={add.isPending}
      onClick={() =>
        confirmAction({
          title: t('domains.rotateTitle', { name: domain.domain }),
          body: t('domains.rotateText'),
          confirm: t('domains.rotate'),
          danger: false,
          onConfirm: () => add.mutate(),
        })
      }
    >
      {t('domains.rotate')}
    </Button>
  );
}

function AddEd25519({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const add = useMutation({
    mutationFn: () => addKey(domain.id, 'ed25519'),
    onSuccess: (saved) => {
      keepDomain(queryClient, saved);
      notifySuccess(t('domains.added'));
    },
    onError: notifyError,
  });
  return (
    <Button variant="default" leftSection={<IconPlus size={16} />} loading={add.isPending} onClick={() => add.mutate()}>
      {t('domains.addEd25519')}
    </Button>
  );
}

function Retire({ item }: { item: DkimKey }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const retire = useMutation({
    mutationFn: () => retireKey(item.id),
    onSuccess: (saved) => {
      keepDomain(queryClient, saved);
      notifySuccess(t('domains.retired', { selector: item.selector }));
    },
    onError: notifyError,
  });
  const signing = item.algorithm === 'ed25519' ? 'domains.retireSecond' : 'domains.retireActive';
  return (
    <Button
      variant="default"
      size="xs"
      loading={retire.isPending}
      aria-label={t('domains.retireOf', { selector: item.selector })}
      onClick={() =>
        confirmAction({
          title: t('domains.retireTitle', { selector: item.selector }),
          body: t(item.status === 'pending' ? 'domains.retirePending' : signing),
          confirm: t('domains.retire'),
          onConfirm: () => retire.mutate(),
        })
      }
    >
      {t('domains.retire')}
    </Button>
  );
}
