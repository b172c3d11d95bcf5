import { Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
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
import { BounceDomainForm } from './bounce-domain-form';
import { CheckBadge } from './check-badge';
import { CheckCard } from './check-card';
import { DomainKeys } from './domain-keys';
import { DomainPlanForm } from './domain-plan-form';
import { checkDomain, deleteDomain, domainQuery, keepDomain } from './queries';

const route = getRouteApi('/shell/domains/$id');

export function DomainPage() {
  const id = Number(route.useParams().id);
  const query = useQuery(domainQuery(id));
  return <QueryView query={query}>{(domain) => <DomainView key={domain.id} domain={domain} />}</QueryView>;
}

function DomainView({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const check = useMutation({
    mutationFn: () => checkDomain(domain.id),
    onSuccess: (saved) => {
      keepDomain(queryClient, saved);
      notifySuccess(t('domains.checked'));
    },
    onError: notifyError,
  });
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
        <Records domain={domain} />
        <DomainPlanForm domain={domain} />
        <DomainKeys domain={domain} />
        <BounceDomainForm domain={domain} />
      </Stack>
    </>
  );
}

function Records({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const known = domain.checks.filter((one) => one.status !== 'skipped');
  const good = known.filter((one) => one.status === 'ok').length;
  return (
    <Stack component="section" gap="sm" aria-label={t('domains.records')}>
      <Group justify="space-between" gap="xs">
        <div>
          <Title order={2}>{t('domains.records')}</Title>
          <Text size="sm" c="dimmed">
            {t('domains.recordsText')}
          </Text>
        </div>
        <Group gap="xs" role="status">
          <CheckBadge status={domain.health} />
          <Text size="sm" c="dimmed">
            {domain.checked_at ? (
              <>
                {t('domains.goodOf', { good, total: known.length })} · {t('domains.lastLooked')}{' '}
                <RelativeTime at={domain.checked_at} />
              </>
            ) : (
              t('domains.neverLooked')
            )}
          </Text>
        </Group>
      </Group>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="sm">
        {domain.checks.map((one) => (
          <CheckCard key={`${one.purpose}-${one.name}`} check={one} />
        ))}
      </SimpleGrid>
    </Stack>
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
