import { Alert, Badge, Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { DnsCheck, DnsCheckStatus, DnsRecord } from '@/api/types';
import { CopyField } from '@/ui/copy-field';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';

const checkTone: Record<DnsCheckStatus, Tone> = { ok: 'good', missing: 'bad', different: 'warn', error: 'warn' };

type Props = { record: DnsRecord; check: DnsCheck | undefined };

/** One record to publish, ready to copy, with what DNS says about it once it was checked. */
export function DnsRecordCard({ record, check }: Props) {
  const { t } = useTranslation();
  const purpose = t(`domains.purpose.${record.purpose}`);
  return (
    <section aria-label={purpose}>
      <Group gap="xs" mb={4}>
        <Text fw={600}>{purpose}</Text>
        <Badge variant="default">{record.type}</Badge>
        {!record.required && (
          <Text size="sm" c="dimmed">
            {t('common.optional')}
          </Text>
        )}
        {check && <StatusBadge tone={checkTone[check.status]}>{t(`domains.checkStatus.${check.status}`)}</StatusBadge>}
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {record.explanation}
      </Text>
      <Stack gap={6}>
        <CopyField value={record.name} label={t('domains.recordName', { purpose })} />
        <CopyField value={record.value} label={t('domains.recordValue', { purpose })} />
      </Stack>
      {check && check.status !== 'ok' && (
        <Alert variant="default" mt="xs">
          <Text>{check.message}</Text>
          {check.found.length > 0 && (
            <Stack gap={4} mt="xs">
              <Text size="sm" c="dimmed">
                {t('domains.found')}
              </Text>
              {check.found.map((value) => (
                <Code key={value} block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                  {value}
                </Code>
              ))}
            </Stack>
          )}
        </Alert>
      )}
    </section>
  );
}
