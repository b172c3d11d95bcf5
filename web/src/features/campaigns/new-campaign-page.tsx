import { Button, Group, Paper, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { listsQuery } from '@/features/lists/queries';
import { settingsQuery } from '@/features/settings/queries';
import { templateQuery, templatesQuery } from '@/features/templates/queries';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { starterHtml } from '@/ui/mail-editor/starter';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { campaignQuery, createCampaign } from './queries';

const BLANK = 'blank';
const route = getRouteApi('/shell/campaigns/new');

/** Name it and choose what to begin with; everything else is asked on the draft's own page, which can be left and come back to. */
export function NewCampaignPage() {
  const { t } = useTranslation();
  const { template } = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const templates = useQuery(templatesQuery({ role: 'content' }));
  const settings = useQuery(settingsQuery);
  const lists = useQuery(listsQuery());
  const form = useForm({ initialValues: { name: '', template: template ? String(template) : BLANK } });
  const create = useMutation({
    mutationFn: async (values: typeof form.values) => {
      const chosen =
        values.template === BLANK ? null : await queryClient.fetchQuery(templateQuery(Number(values.template)));
      const only = lists.data?.items.length === 1 ? lists.data.items[0] : undefined;
      return createCampaign({
        name: values.name,
        template_id: chosen?.id ?? null,
        subject: chosen?.subject ?? '',
        preheader: chosen?.preheader ?? '',
        kind: chosen?.kind ?? 'html',
        layout_id: chosen?.layout_id ?? null,
        inline_css: chosen?.inline_css ?? true,
        html: chosen?.html ?? starterHtml,
        text: chosen?.text ?? '',
        from_name: settings.data?.default_from_name ?? '',
        from_email: settings.data?.default_from_email ?? '',
        list_ids: only ? [only.id] : [],
      });
    },
    onMutate: () => setProblem(null),
    onSuccess: async (campaign) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, campaign);
      void queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
      await navigate({ to: '/campaigns/$id', params: { id: String(campaign.id) } });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <>
      <PageHeader
        title={t('campaigns.new')}
        back={
          <LinkAnchor to="/campaigns" className="link">
            {t('nav.campaigns')}
          </LinkAnchor>
        }
      />
      <Paper p="lg" maw={640}>
        <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
          <Stack>
            <FormAlert message={problem} />
            <TextInput
              label={t('common.name')}
              description={t('campaigns.nameHint')}
              required
              data-autofocus
              {...form.getInputProps('name')}
            />
            <QueryView query={templates}>
              {(page) => (
                <Radio.Group label={t('campaigns.startFrom')} {...form.getInputProps('template')}>
                  <Stack gap={6} mt={6}>
                    <Choice value={BLANK} name={t('campaigns.blank')} text={t('campaigns.blankText')} />
                    {page.items.map((one) => (
                      <Choice key={one.id} value={String(one.id)} name={one.name} text={one.subject} />
                    ))}
                  </Stack>
                </Radio.Group>
              )}
            </QueryView>
            <Group justify="flex-end">
              <LinkButton to="/campaigns" variant="default">
                {t('common.cancel')}
              </LinkButton>
              <Button type="submit" loading={create.isPending}>
                {t('campaigns.createDraft')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Paper>
    </>
  );
}

function Choice({ value, name, text }: { value: string; name: string; text: string }) {
  return (
    <Radio.Card value={value} p="sm" aria-label={name}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator mt={2} />
        <div style={{ minWidth: 0 }}>
          <Text fw={550}>{name}</Text>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {text}
          </Text>
        </div>
      </Group>
    </Radio.Card>
  );
}
