import { Badge, Code, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DnsCheck } from '@/api/types';
import { CopyButton, CopyField } from '@/ui/copy-field';
import { CheckBadge, checkTone } from './check-badge';
import classes from './check-card.module.css';

/** One record: what it is for, what DNS has, and what it should have, ready to copy. */
export function CheckCard({ check }: { check: DnsCheck }) {
  const { t } = useTranslation();
  const purpose = t(`domains.purpose.${check.purpose}`);
  const open = check.status !== 'ok' && check.expected !== '';
  return (
    <Paper
      component="section"
      p="md"
      className={classes.card}
      style={{ '--check-tone': `var(--app-${checkTone[check.status]})` }}
      aria-label={purpose}
    >
      <Group gap="xs" justify="space-between" mb={4}>
        <Group gap="xs">
          <Text fw={600} component="h3" fz="md">
            {purpose}
          </Text>
          {check.type && <Badge variant="default">{check.type}</Badge>}
        </Group>
        <CheckBadge status={check.status} />
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {check.explanation}
      </Text>
      <Stack gap="xs">
        {check.status !== 'unchecked' && <Text className={classes.message}>{sentence(check.message)}</Text>}
        {check.type && check.name && (
          <Part label={t('domains.name')}>
            <CopyField value={check.name} label={t('domains.nameOf', { purpose })} />
          </Part>
        )}
        {check.type && check.status !== 'unchecked' && check.status !== 'skipped' && (
          <Part label={t('domains.thereNow')}>
            <Found values={check.found} />
          </Part>
        )}
        {open && (
          <Part label={t('domains.shouldBe')}>
            <CopyField value={check.expected} label={t('domains.valueOf', { purpose })} />
          </Part>
        )}
        {open && check.split && (
          <Group gap={6} wrap="nowrap" justify="space-between">
            <Text size="sm" c="dimmed">
              {t('domains.split')}
            </Text>
            <CopyButton value={check.split} label={t('domains.splitOf', { purpose })} />
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

/** The server's messages begin small; a name at the beginning stays as it is. */
function sentence(text: string): string {
  return /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function Part({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <div className={classes.label}>{label}</div>
      {children}
    </div>
  );
}

function Found({ values }: { values: string[] }) {
  const { t } = useTranslation();
  if (values.length === 0) return <Text c="dimmed">{t('domains.nothing')}</Text>;
  return (
    <Stack gap={4}>
      {values.map((value) => (
        <Code key={value} className={classes.found}>
          {value}
        </Code>
      ))}
    </Stack>
  );
}
