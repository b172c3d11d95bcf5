import { Group, Paper, Text } from '@mantine/core';
import { IconForms, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { SignUpForm } from '@/api/types';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { formsQuery } from './queries';

export function FormsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const query = useQuery(formsQuery);
  const columns: Column<SignUpForm>[] = [
    {
      key: 'name',
      header: t('forms.form'),
      width: '40%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <LinkAnchor to="/forms/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {row.url}
          </Text>
        </div>
      ),
    },
    {
      key: 'lists',
      header: t('forms.lists'),
      render: (row) => (
        <div>
          {row.list_names.join(', ')}
          <Text size="sm" c="dimmed">
            {row.double ? t('forms.double') : t('forms.single')}
          </Text>
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <FormBadge form={row} /> },
    {
      key: 'updated',
      header: t('common.updated'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.updated_at} />,
    },
  ];
  const create = (
    <LinkButton to="/forms/new" leftSection={<IconPlus size={16} />}>
      {t('forms.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.forms')} description={t('forms.text')} actions={create} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <EmptyState icon={IconForms} title={t('forms.empty')} text={t('forms.emptyText')} action={create} />
            ) : (
              <DataTable
                label={t('nav.forms')}
                columns={columns}
                rows={items}
                rowKey={(row) => row.id}
                onRowClick={(row) => void navigate({ to: '/forms/$id', params: { id: String(row.id) } })}
              />
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

/** Whether people can sign up by a form. */
export function FormBadge({ form }: { form: SignUpForm }) {
  const { t } = useTranslation();
  return (
    <Group>
      <StatusBadge tone={form.enabled ? 'good' : 'quiet'}>{form.enabled ? t('forms.on') : t('forms.off')}</StatusBadge>
    </Group>
  );
}
