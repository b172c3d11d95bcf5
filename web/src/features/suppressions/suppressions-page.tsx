import {
  ActionIcon,
  Button,
  Group,
  Modal,
  Paper,
  Select,
  Stack,
  Switch,
  Tabs,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconBan, IconPlus, IconTrash, IconUpload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Suppression, SuppressionReason } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { useFirstWhenEmpty, usePosition } from '@/lib/use-position';
import { BothWaysPager } from '@/ui/both-ways-pager';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { LiftDialog, type Lifted } from '@/ui/lift-dialog';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { SearchInput } from '@/ui/search-input';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';
import { ImportDialog, reasons } from './import-dialog';
import { createSuppression, suppressionsQuery } from './queries';
import { SuppressionLog } from './suppression-log';

const route = getRouteApi('/shell/suppressions');
const reasonTone: Record<SuppressionReason, Tone> = {
  bounce: 'bad',
  complaint: 'bad',
  unsubscribe: 'quiet',
  manual: 'info',
};

export function SuppressionsPage() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [opened, dialog] = useDisclosure();
  const [importing, importDialog] = useDisclosure();
  return (
    <>
      <PageHeader
        title={t('nav.suppressions')}
        description={t('suppressions.text')}
        actions={
          <>
            <Button variant="default" leftSection={<IconUpload size={16} />} onClick={importDialog.open}>
              {t('suppressions.import')}
            </Button>
            <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
              {t('suppressions.add')}
            </Button>
          </>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <Tabs
          value={search.tab ?? 'list'}
          onChange={(tab) => void navigate({ search: tab === 'log' ? { tab } : {}, replace: true })}
          keepMounted={false}
        >
          <Tabs.List px="md">
            <Tabs.Tab value="list">{t('suppressions.list')}</Tabs.Tab>
            <Tabs.Tab value="log">{t('suppressions.log')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="list">
            <Suppressed />
          </Tabs.Panel>
          <Tabs.Panel value="log">
            <SuppressionLog />
          </Tabs.Panel>
        </Tabs>
      </Paper>
      <Modal opened={opened} onClose={dialog.close} title={t('suppressions.add')}>
        <AddForm onClose={dialog.close} />
      </Modal>
      <ImportDialog opened={importing} onClose={importDialog.close} />
    </>
  );
}

type Search = { q?: string; reason?: string; domains?: number };

function Suppressed() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = { q: search.q, reason: search.reason, domains: search.domains ? true : undefined };
  const position = usePosition(JSON.stringify(filter));
  const query = useQuery(suppressionsQuery(filter, position.at));
  useFirstWhenEmpty(position, query);
  const [lifted, setLifted] = useState<Lifted>();
  const columns = useColumns(setLifted);
  const filtered = Boolean(search.q || search.reason || search.domains);
  const change = (next: Search) =>
    void navigate({
      search: (now: Search) =>
        Object.fromEntries(Object.entries({ ...now, ...next }).filter(([, value]) => value)) as Search,
      replace: true,
    });
  return (
    <>
      <Group p="md" gap="sm">
        <SearchInput label={t('suppressions.search')} value={search.q ?? ''} onChange={(q) => change({ q })} />
        <Select
          aria-label={t('suppressions.filterReason')}
          placeholder={t('suppressions.anyReason')}
          clearable
          w={190}
          value={search.reason ?? null}
          onChange={(reason) => change({ reason: reason ?? '' })}
          data={reasons.map((reason) => ({ value: reason, label: t(`suppressions.reason.${reason}`) }))}
        />
        <Switch
          label={t('suppressions.onlyDomains')}
          checked={Boolean(search.domains)}
          onChange={(event) => change({ domains: event.currentTarget.checked ? 1 : 0 })}
        />
        <CsvLink path="/suppressions.csv" query={filter} what={t('suppressions.export')} />
      </Group>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconBan}
              title={filtered ? t('suppressions.noMatch') : t('suppressions.empty')}
              text={filtered ? undefined : t('suppressions.emptyText')}
            />
          ) : (
            <>
              <DataTable
                label={t('nav.suppressions')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.email}
              />
              <BothWaysPager position={position} page={page} />
            </>
          )
        }
      </QueryView>
      <LiftDialog lifted={lifted} onClose={() => setLifted(undefined)} />
    </>
  );
}

function useColumns(onLift: (lifted: Lifted) => void): Column<Suppression>[] {
  const { t } = useTranslation();
  return [
    { key: 'email', header: t('common.email'), width: '28%', render: (row) => <Address email={row.email} /> },
    {
      key: 'reason',
      header: t('common.reason'),
      render: (row) => (
        <StatusBadge tone={reasonTone[row.reason]}>{t(`suppressions.reason.${row.reason}`)}</StatusBadge>
      ),
    },
    {
      key: 'evidence',
      header: t('suppressions.evidence'),
      width: '38%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <Text size="sm">
            {row.source}
            {(row.reason === 'bounce' || row.reason === 'complaint') && (
              <>
                {' · '}
                <LinkAnchor
                  to="/bounces"
                  search={{ q: row.email }}
                  className="link"
                  size="sm"
                  aria-label={t('reports.evidenceOf', { email: row.email })}
                >
                  {t('reports.evidence')}
                </LinkAnchor>
              </>
            )}
          </Text>
          {row.detail && (
            <Text size="sm" c="dimmed" lineClamp={2} title={row.detail} style={{ overflowWrap: 'anywhere' }}>
              {row.detail}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'when',
      header: t('suppressions.since'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
    {
      key: 'remove',
      header: '',
      width: 56,
      render: (row) => (
        <Tooltip label={t('suppressions.remove')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('suppressions.removeOf', { email: row.email })}
            onClick={() => onLift(row)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
}

function Address({ email }: { email: string }) {
  const { t } = useTranslation();
  return (
    <div>
      <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
        {email}
      </Text>
      {email.startsWith('@') && (
        <Text size="sm" c="dimmed">
          {t('suppressions.domain')}
        </Text>
      )}
    </div>
  );
}

function AddForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { email: '', detail: '' } });
  const add = useMutation({
    mutationFn: createSuppression,
    onMutate: () => setProblem(null),
    onSuccess: async () => {
      onClose();
      void queryClient.invalidateQueries({ queryKey: ['subscribers'] });
      await queryClient.invalidateQueries({ queryKey: ['suppressions'] });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput
          label={t('suppressions.what')}
          description={t('suppressions.whatHint')}
          required
          data-autofocus
          {...form.getInputProps('email')}
        />
        <TextInput
          label={t('suppressions.detail')}
          description={t('suppressions.detailHint')}
          {...form.getInputProps('detail')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('suppressions.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
