import { Alert, Button, Group, Stack, Table, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Newsletter, SourceCheck } from '@/api/types';
import { formatDate } from '@/lib/format';
import { notifyError } from '@/ui/notify';
import { StatusBadge } from '@/ui/status-badge';
import { checkSource } from './queries';

const SHOWN = 20;
const tone = { new: 'good', sent: 'quiet', old: 'quiet' } as const;

/** Asks the source at once and shows what would come; the stored address is asked, so changes are saved before. */
export function SourceCheckButton({ newsletter, dirty = false }: { newsletter: Newsletter; dirty?: boolean }) {
  const { t } = useTranslation();
  const check = useMutation({ mutationFn: () => checkSource(newsletter.id), onError: notifyError });
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} />}
          disabled={dirty}
          loading={check.isPending}
          onClick={() => check.mutate()}
        >
          {t('newsletters.check.button')}
        </Button>
        {dirty && (
          <Text size="sm" c="dimmed">
            {t('newsletters.check.saveFirst')}
          </Text>
        )}
      </Group>
      <div role="status">{check.data && <Found check={check.data} kind={newsletter.source.kind} />}</div>
    </Stack>
  );
}

function Found({ check, kind }: { check: SourceCheck; kind: Newsletter['source']['kind'] }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      {check.error && (
        <Alert
          variant="default"
          icon={<IconAlertTriangle color="var(--app-bad)" />}
          title={t('newsletters.sourceTrouble')}
        >
          {check.error}
        </Alert>
      )}
      {!check.error && (
        <Text fw={550}>
          {kind === 'feed' ? t('newsletters.check.new', { count: check.new }) : t('newsletters.check.read')}
        </Text>
      )}
      {(check.items ?? []).length > 0 && (
        <Table aria-label={t('newsletters.check.items')}>
          <Table.Tbody>
            {check.items.slice(0, SHOWN).map((item) => (
              <Table.Tr key={item.id}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>
                  {item.title || item.url || item.id}
                  <Text size="sm" c="dimmed">
                    {item.published && formatDate(item.published)}
                  </Text>
                </Table.Td>
                <Table.Td ta="end">
                  <StatusBadge tone={tone[item.status]}>{t(`newsletters.check.${item.status}Item`)}</StatusBadge>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}
