import { Autocomplete, Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import type { SiteLimits } from '@/api/types';
import { relaysQuery } from '@/features/relays/queries';
import { applyProblem } from '@/lib/form-problem';
import { siteName, siteOf } from '@/lib/sites';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { heldLimit, isSet, type LimitKey, withLimit } from './site-limits';
import { useSetLimits } from './use-set-limits';

/** Which limit the dialog is about. What is fixed cannot be changed in it. */
export type LimitDraft = LimitKey & { fixed: 'nothing' | 'site' | 'both' };

type Props = { limits: SiteLimits; draft: LimitDraft | null; onClose: () => void };

export function LimitDialog({ limits, draft, onClose }: Props) {
  const { t } = useTranslation();
  const title = draft?.site
    ? t('siteLimits.dialog.for', { site: siteName(limits.known, draft.site) })
    : t('siteLimits.add');
  return (
    <Modal opened={draft !== null} onClose={onClose} title={title}>
      {draft && <LimitForm limits={limits} draft={draft} onClose={onClose} />}
    </Modal>
  );
}

const figures = ['in_flight', 'per_minute', 'per_hour'] as const;
const ALL = 'all';

function LimitForm({ limits, draft, onClose }: Props & { draft: LimitDraft }) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);
  const relays = useQuery(relaysQuery);
  const set = useSetLimits();
  const form = useForm({ initialValues: heldLimit(limits, draft) });
  const submit = (values: typeof form.values) => {
    const limit = { ...values, site: siteOf(limits.known, values.site) };
    const former = draft.fixed === 'both' && isSet(limits, draft) ? draft : undefined;
    let at = 0;
    setProblem(null);
    set.mutate(
      (all) => {
        const changed = withLimit(all, limit, former);
        at = changed.at;
        return changed.items;
      },
      {
        onSuccess: () => {
          notifySuccess(t('common.saved'));
          onClose();
        },
        onError: (error) => setProblem(applyProblem(form, ofItem(error, at))),
      },
    );
  };
  const choices = (relays.data?.items ?? [])
    .filter((relay) => relay.site_limits || relay.id === draft.relay_id)
    .filter((relay) => draft.fixed !== 'site' || !isSet(limits, { site: draft.site, relay_id: relay.id }))
    .map((relay) => ({ value: String(relay.id), label: relay.name }));
  const unlimited = figures.every((figure) => form.values[figure] === null);
  return (
    <form onSubmit={form.onSubmit(submit)}>
      <Stack>
        <FormAlert message={problem ?? (draft.fixed === 'nothing' ? null : (form.errors.site as string | undefined))} />
        {draft.fixed === 'nothing' && (
          <Autocomplete
            label={t('siteLimits.site')}
            description={t('siteLimits.dialog.siteHint')}
            data={limits.known.map(({ name }) => name)}
            required
            data-autofocus
            {...form.getInputProps('site')}
          />
        )}
        <Select
          label={t('siteLimits.holdsFor')}
          allowDeselect={false}
          readOnly={draft.fixed === 'both'}
          data={[...(draft.fixed === 'site' ? [] : [{ value: ALL, label: t('siteLimits.allRelays') }]), ...choices]}
          {...form.getInputProps('relay_id')}
          value={form.values.relay_id === null ? ALL : String(form.values.relay_id)}
          onChange={(id) => form.setFieldValue('relay_id', id === ALL ? null : Number(id))}
        />
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          {figures.map((figure) => (
            <NumberInput
              key={figure}
              label={t(`siteLimits.${figure}`)}
              placeholder={t('relays.noLimit')}
              allowDecimal={false}
              thousandSeparator=","
              hideControls
              {...form.getInputProps(figure)}
              value={form.values[figure] ?? ''}
              onChange={(value) => form.setFieldValue(figure, typeof value === 'number' ? value : null)}
            />
          ))}
        </SimpleGrid>
        <Text size="sm" c="dimmed">
          {t(unlimited ? 'siteLimits.dialog.unlimited' : 'siteLimits.dialog.hint')}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={set.isPending}>
            {t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The objections to one entry of the list as objections to the form that holds it. */
function ofItem(error: unknown, at: number): unknown {
  if (!(error instanceof Problem)) return error;
  const errors = error.errors.map(({ location, ...rest }) => ({
    ...rest,
    location: location?.replace(`body.items[${at}].`, 'body.') ?? '',
  }));
  return new Problem(error.status, { title: error.title, detail: error.detail, errors });
}
