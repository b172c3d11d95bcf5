import { Button, Group, Modal, Paper, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconWorldCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Domain } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { NONE } from '@/lib/format';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { CheckBadge } from './check-badge';
import { createDomain, domainQuery, domainsQuery } from './queries';

const route = getRouteApi('/shell/domains');

export function DomainsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const query = useQuery(domainsQuery);
  const [opened, dialog] = useDisclosure();
  const open = (id: number) => void navigate({ to: '/domains/$id', params: { id: String(id) } });
  const columns: Column<Domain>[] = [
    {
      key: 'domain',
      header: t('domains.domain'),
      render: (row) => (
        <LinkAnchor to="/domains/$id" params={{ id: String(row.id) }} className="link-strong">
          {row.domain}
        </LinkAnchor>
      ),
    },
    { key: 'status', header: t('domains.status'), render: (row) => <CheckBadge status={row.health} /> },
    {
      key: 'checked',
      header: t('domains.lastCheck'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.checked_at} />,
    },
    { key: 'bounce', header: t('domains.bounceDomain'), render: (row) => row.bounce_domain ?? NONE },
    {
      key: 'selector',
      header: t('domains.selector'),
      render: (row) => (
        <span className="mono">
          {row.keys
            .filter((key) => key.status === 'active')
            .map((key) => key.selector)
            .join(', ') || NONE}
        </span>
      ),
    },
  ];
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
      {t('domains.new')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('nav.domains')} description={t('domains.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState icon={IconWorldCheck} title={t('domains.empty')} text={t('domains.emptyText')} action={add} />
            ) : (
              <DataTable
                label={t('nav.domains')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => open(row.id)}
              />
            )
          }
        </QueryView>
      </Paper>
      <Modal opened={opened} onClose={dialog.close} title={t('domains.new')}>
        <AddForm onClose={dialog.close} onAdded={(domain) => open(domain.id)} />
      </Modal>
    </>
  );
}

function AddForm({ onClose, onAdded }: { onClose: () => void; onAdded: (domain: Domain) => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { domain: '', bounce_domain: '' } });
  const add = useMutation({
    mutationFn: (values: typeof form.values) =>
      createDomain({ domain: values.domain.trim(), bounce_domain: values.bounce_domain.trim() || null }),
    onMutate: () => setProblem(null),
    onSuccess: async (domain) => {
      queryClient.setQueryData(domainQuery(domain.id).queryKey, domain);
      await queryClient.invalidateQueries({ queryKey: ['domains', 'all'] });
      onClose();
      onAdded(domain);
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput
          label={t('domains.domain')}
          description={t('domains.domainHint')}
          placeholder="example.com"
          required
          data-autofocus
          {...form.getInputProps('domain')}
        />
        <TextInput
          label={t('domains.bounceDomain')}
          description={t('domains.bounceHint')}
          placeholder="bounce.example.com"
          {...form.getInputProps('bounce_domain')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('domains.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
