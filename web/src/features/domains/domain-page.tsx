import { Button, Group, Stack, Table, Text } from '@mantine/core';
import { IconRefresh, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Domain } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import { BounceDomainForm } from './bounce-domain-form';
import { DnsRecordCard } from './dns-record-card';
import { checkDomain, deleteDomain, domainQuery } from './queries';

const route = getRouteApi('/shell/domains/$id');

export function DomainPage() {
  const id = Number(route.useParams().id);
  const query = useQuery(domainQuery(id));
  return <QueryView query={query}>{(domain) => <DomainView key={domain.id} domain={domain} />}</QueryView>;
}

function DomainView({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const check = useMutation({ mutationFn: () => checkDomain(domain.id), onError: notifyError });
  const checks = check.data?.checks ?? [];
  const good = checks.filter((one) => one.status === 'ok').length;
  return (
    <>
      <PageHeader
        title={domain.domain}
        description={t('domains.pageText')}
        back={
          <LinkAnchor to="/domains" className="link">
            {t('nav.domains')}
          </LinkAnchor>
        }
        actions={
          <>
            <DeleteButton domain={domain} />
            <Button leftSection={<IconRefresh size={16} />} loading={check.isPending} onClick={() => check.mutate()}>
              {t('domains.check')}
            </Button>
          </>
        }
      />
      <Stack>
        <Section
          title={t('domains.records')}
          description={t('domains.recordsText')}
          actions={
            check.data && (
              <Text role="status" fw={550}>
                {t('domains.checked', { good, total: checks.length })}
              </Text>
            )
          }
        >
          <Stack gap="lg">
            {domain.records.map((record) => (
              <DnsRecordCard
                key={`${record.purpose}-${record.name}`}
                record={record}
                check={checks.find((one) => one.purpose === record.purpose && one.name === record.name)}
              />
            ))}
          </Stack>
        </Section>
        <Section title={t('domains.keys')} flush>
          <Keys domain={domain} />
        </Section>
        <BounceDomainForm domain={domain} />
      </Stack>
    </>
  );
}

function Keys({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('domains.selector')}</Table.Th>
          <Table.Th>{t('domains.algorithm')}</Table.Th>
          <Table.Th>{t('common.status')}</Table.Th>
          <Table.Th>{t('common.created')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {domain.keys.map((key) => (
          <Table.Tr key={key.id}>
            <Table.Td className="mono">{key.selector}</Table.Td>
            <Table.Td>{key.algorithm}</Table.Td>
            <Table.Td>
              <StatusBadge tone={key.status === 'active' ? 'good' : 'quiet'}>
                {t(`domains.keyStatus.${key.status}`)}
              </StatusBadge>
            </Table.Td>
            <Table.Td>
              <RelativeTime at={key.created_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function DeleteButton({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteDomain(domain.id),
    onSuccess: async () => {
      notifySuccess(t('domains.deleted', { name: domain.domain }));
      await navigate({ to: '/domains' });
      await queryClient.invalidateQueries({ queryKey: ['domains', 'all'] });
    },
    onError: notifyError,
  });
  return (
    <Group>
      <Button
        variant="default"
        leftSection={<IconTrash size={16} />}
        loading={remove.isPending}
        onClick={() =>
          confirmAction({
            title: t('domains.deleteTitle', { name: domain.domain }),
            body: t('domains.deleteText', { count: domain.keys.length }),
            confirm: t('common.delete'),
            onConfirm: () => remove.mutate(),
          })
        }
      >
        {t('common.delete')}
      </Button>
    </Group>
  );
}
