import { Alert, Button, Group, Stack, Tabs } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertTriangle, IconPlayerStop, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookInput, WebhookSecret } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { confirmAction } from '@/ui/confirm';
import { CopyField } from '@/ui/copy-field';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { createWebhook, deleteWebhook, updateWebhook, webhookQuery } from './queries';
import { SecretCard } from './secret-card';
import { TestCard } from './test-card';
import { WebhookFields } from './webhook-fields';
import { WebhookLog } from './webhook-log';
import { WebhookBadge } from './webhook-state';

const route = getRouteApi('/shell/webhooks/$id');
const POLL_MS = 5_000;

export function WebhookPage() {
  const id = Number(route.useParams().id);
  const { tab = 'log' } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery({ ...webhookQuery(id), refetchInterval: POLL_MS });
  const setTab = (value: string | null) =>
    void navigate({
      search: ({ tab: _, ...rest }) => (value && value !== 'log' ? { ...rest, tab: value } : rest),
      replace: true,
    });
  return (
    <QueryView query={query}>
      {(webhook) => <Editor key={webhook.id} webhook={webhook} tab={tab} onTab={setTab} />}
    </QueryView>
  );
}

export function NewWebhookPage() {
  const [made, setMade] = useState<WebhookSecret | null>(null);
  return made ? <Made made={made} /> : <Editor onMade={setMade} />;
}

const inputOf = (webhook?: Webhook): WebhookInput => ({
  url: webhook?.url ?? '',
  description: webhook?.description ?? '',
  event_types: webhook?.event_types ?? [],
  list_ids: webhook?.list_ids ?? [],
  campaign_ids: webhook?.campaign_ids ?? [],
  enabled: webhook?.enabled ?? true,
});

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

type EditorProps = {
  webhook?: Webhook;
  tab?: string;
  onTab?: (tab: string | null) => void;
  onMade?: (made: WebhookSecret) => void;
};

function Editor({ webhook, tab = 'log', onTab, onMade }: EditorProps) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const formId = useId();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<WebhookInput>({ initialValues: inputOf(webhook) });
  const save = useMutation({
    mutationFn: async (values: WebhookInput) => {
      if (webhook) return { webhook: await updateWebhook({ id: webhook.id, ...values }), secret: '' };
      return createWebhook(values);
    },
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.setValues(inputOf(saved.webhook));
      form.resetDirty(inputOf(saved.webhook));
      queryClient.setQueryData(webhookQuery(saved.webhook.id).queryKey, saved.webhook);
      void queryClient.invalidateQueries({ queryKey: ['webhooks'] });
      notifySuccess(t('common.saved'));
      onMade?.(saved);
    },
    onError: (error) => {
      setProblem(applyProblem(form, error));
      const wrong = firstWrongField(form, error);
      if (wrong) requestAnimationFrame(() => form.getInputNode(wrong)?.focus());
    },
  });
  const fields = (
    <form id={formId} onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <WebhookFields form={form} isNew={!webhook} />
    </form>
  );
  return (
    <>
      <PageHeader
        title={webhook ? webhook.description || hostOf(webhook.url) : t('webhooks.new')}
        badge={webhook && <WebhookBadge webhook={webhook} />}
        back={<Back />}
        actions={
          <>
            {webhook && <DeleteButton webhook={webhook} />}
            {(!webhook || tab === 'settings') && (
              <Button type="submit" form={formId} loading={save.isPending}>
                {webhook ? t('common.save') : t('webhooks.add')}
              </Button>
            )}
          </>
        }
      />
      <SaveGuard dirty={form.isDirty() && !save.isPending && !save.isSuccess} />
      <Stack maw={960}>
        <FormAlert message={problem} />
        {webhook && <Trouble webhook={webhook} onEnable={() => save.mutate({ ...inputOf(webhook), enabled: true })} />}
        {webhook ? (
          <Tabs value={tab === 'settings' ? tab : 'log'} {...(onTab && { onChange: onTab })}>
            <Tabs.List mb="md">
              <Tabs.Tab value="log">{t('webhooks.log')}</Tabs.Tab>
              <Tabs.Tab value="settings">{t('nav.settings')}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="log">
              <Stack>
                <TestCard webhook={webhook} />
                <WebhookLog webhook={webhook} />
              </Stack>
            </Tabs.Panel>
            <Tabs.Panel value="settings">
              <Stack>
                {fields}
                <SecretCard webhook={webhook} />
              </Stack>
            </Tabs.Panel>
          </Tabs>
        ) : (
          fields
        )}
      </Stack>
    </>
  );
}

function Back() {
  const { t } = useTranslation();
  return (
    <LinkAnchor to="/webhooks" className="link">
      {t('nav.webhooks')}
    </LinkAnchor>
  );
}

/** The secret of a webhook that was just made. */
function Made({ made }: { made: WebhookSecret }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t('webhooks.made')} back={<Back />} />
      <Stack maw={720}>
        <Section title={t('webhooks.secret')} description={t('webhooks.madeText')}>
          <Stack align="flex-start">
            <CopyField value={made.secret} label={t('webhooks.secret')} />
            <LinkButton to="/webhooks/$id" params={{ id: String(made.webhook.id) }}>
              {t('webhooks.toPage')}
            </LinkButton>
          </Stack>
        </Section>
      </Stack>
    </>
  );
}

/** Why nothing, or nothing at the moment, is sent. */
function Trouble({ webhook, onEnable }: { webhook: Webhook; onEnable: () => void }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  if (!webhook.enabled && webhook.disabled_reason) {
    return (
      <Alert variant="default" icon={<IconPlayerStop color="var(--app-bad)" />} title={t('webhooks.stoppedTitle')}>
        <Group justify="space-between">
          <span style={{ overflowWrap: 'anywhere', minWidth: 0 }}>{webhook.disabled_reason}</span>
          <Button size="xs" variant="default" onClick={onEnable}>
            {t('webhooks.enable')}
          </Button>
        </Group>
      </Alert>
    );
  }
  if (!webhook.enabled || !webhook.failing_since) return null;
  const resting = webhook.rest_until && Date.parse(webhook.rest_until) > Date.now();
  return (
    <Alert variant="default" icon={<IconAlertTriangle color="var(--app-bad)" />} title={t('webhooks.failingTitle')}>
      {t('webhooks.failingText', { since: formatDateTime(webhook.failing_since, timeZone) })}{' '}
      {resting && t('webhooks.restText', { until: formatDateTime(webhook.rest_until ?? '', timeZone) })}
    </Alert>
  );
}

function DeleteButton({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteWebhook(webhook.id),
    onSuccess: async () => {
      notifySuccess(t('webhooks.deleted'));
      await navigate({ to: '/webhooks', ignoreBlocker: true });
      queryClient.removeQueries({ queryKey: ['webhooks', webhook.id] });
      await queryClient.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconTrash size={16} />}
      loading={remove.isPending}
      onClick={() =>
        confirmAction({
          title: t('webhooks.deleteTitle'),
          body: <span style={{ overflowWrap: 'anywhere' }}>{t('webhooks.deleteText', { url: webhook.url })}</span>,
          confirm: t('common.delete'),
          onConfirm: () => remove.mutate(),
        })
      }
    >
      {t('common.delete')}
    </Button>
  );
}
