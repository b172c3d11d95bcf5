import { Button, Group, Paper, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { listsQuery } from '@/features/lists/queries';
import { relaysQuery } from '@/features/relays/queries';
import { settingsQuery } from '@/features/settings/queries';
import { applyProblem } from '@/lib/form-problem';
import { toZoned } from '@/lib/zoned-time';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { useUsualZone } from '@/ui/sending-plan/zone-select';
import { createNewsletter, newsletterQuery } from './queries';
import { starterFor } from './starter';

const kinds = ['feed', 'draft', 'json'] as const;
type Values = { name: string; source: { kind: (typeof kinds)[number]; url: string } };

/** Name it and say what its issues are made of; when it runs and to whom is asked on its own page. */
export function NewNewsletterPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const zone = useUsualZone();
  useQuery(settingsQuery);
  useQuery(listsQuery());
  useQuery(relaysQuery);
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<Values>({ initialValues: { name: '', source: { kind: 'feed', url: '' } } });
  const { kind, url } = form.values.source;
  const create = useMutation({
    // Whoever types fast is not made to wait, and yet gets the only list and relay.
    mutationFn: async ({ name }: Values) => {
      const [settings, lists, relays] = await Promise.all([
        queryClient.ensureQueryData(settingsQuery),
        queryClient.ensureQueryData(listsQuery()),
        queryClient.ensureQueryData(relaysQuery),
      ]);
      return createNewsletter({
        name,
        source: { kind, url: kind === 'draft' ? '' : url },
        list_ids: only(lists.items),
        relay_ids: only(relays.items),
        content: { kind: 'html', ...starterFor(kind), text: '' },
        schedule: { rule: 'FREQ=WEEKLY;BYDAY=MO', zone, start: `${toZoned(new Date(), zone).slice(0, 10)}T09:00` },
        rules: usualRules(kind),
        mailing: {
          from_name: settings.default_from_name,
          from_email: settings.default_from_email,
        },
      });
    },
    onMutate: () => setProblem(null),
    onSuccess: async (made) => {
      queryClient.setQueryData(newsletterQuery(made.id).queryKey, made);
      void queryClient.invalidateQueries({ queryKey: ['newsletters', 'page'] });
      await navigate({ to: '/newsletters/$id', params: { id: String(made.id) }, search: { tab: 'schedule' } });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <>
      <PageHeader
        title={t('newsletters.new')}
        back={
          <LinkAnchor to="/newsletters" className="link">
            {t('nav.newsletters')}
          </LinkAnchor>
        }
      />
      <Paper p="lg" maw={640}>
        <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
          <Stack>
            <FormAlert message={problem} />
            <TextInput
              label={t('common.name')}
              description={t('newsletters.nameHint')}
              required
              data-autofocus
              {...form.getInputProps('name')}
            />
            <Radio.Group label={t('newsletters.source.label')} {...form.getInputProps('source.kind')}>
              <Stack gap={6} mt={6}>
                {kinds.map((one) => (
                  <Radio.Card key={one} value={one} p="sm" aria-label={t(`newsletters.source.${one}`)}>
                    <Group wrap="nowrap" align="flex-start" gap="sm">
                      <Radio.Indicator mt={2} />
                      <div>
                        <Text fw={550}>{t(`newsletters.source.${one}`)}</Text>
                        <Text size="sm" c="dimmed">
                          {t(`newsletters.source.${one}Text`)}
                        </Text>
                      </div>
                    </Group>
                  </Radio.Card>
                ))}
              </Stack>
            </Radio.Group>
            {kind !== 'draft' && (
              <TextInput
                type="url"
                required
                label={t(`newsletters.source.${kind}Url`)}
                placeholder={kind === 'feed' ? 'https://example.org/feed.xml' : 'https://example.org/news.json'}
                {...form.getInputProps('source.url')}
              />
            )}
            <Group justify="flex-end">
              <LinkButton to="/newsletters" variant="default">
                {t('common.cancel')}
              </LinkButton>
              <Button type="submit" loading={create.isPending}>
                {t('newsletters.create')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Paper>
    </>
  );
}

/** The choice, where there is none. */
function only(items: { id: number }[]): number[] {
  return items.length === 1 && items[0] ? [items[0].id] : [];
}

/** A day to look at each issue, and two hours after the end of the day for what was down; a draft needs a time by which it is written. */
function usualRules(kind: Values['source']['kind']) {
  const rules = { min_items: kind === 'feed' ? 1 : 0, max_items: 20, lead_minutes: 24 * 60, late_hours: 2 };
  return kind === 'draft' ? { ...rules, deadline_minutes: 60, reminder_hours: [4] } : rules;
}
