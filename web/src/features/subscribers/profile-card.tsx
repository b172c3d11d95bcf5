import { Button, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Subscriber } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { fromRows, toRows } from './attributes';
import { AttributesInput } from './attributes-input';
import { subscriberQuery, updateSubscriber } from './queries';

export function ProfileCard({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: {
      email: subscriber.email,
      name: subscriber.name,
      attributes: toRows(subscriber.attributes),
      no_tracking: subscriber.no_tracking,
    },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      updateSubscriber({
        id: subscriber.id,
        email: values.email,
        name: values.name,
        attributes: fromRows(values.attributes, subscriber.attributes),
        no_tracking: values.no_tracking,
      }),
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.resetDirty();
      queryClient.setQueryData(subscriberQuery(subscriber.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
      notifySuccess(t('common.saved'));
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const dirty = form.isDirty();
  return (
    <Section title={t('subscribers.profile')}>
      <SaveGuard dirty={dirty} />
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <FormAlert message={problem} />
          <TextInput label={t('common.email')} type="email" required {...form.getInputProps('email')} />
          <TextInput label={t('common.name')} {...form.getInputProps('name')} />
          <AttributesInput rows={form.values.attributes} onChange={(rows) => form.setFieldValue('attributes', rows)} />
          <Switch
            label={t('subscribers.noTracking')}
            description={t('subscribers.noTrackingHint')}
            {...form.getInputProps('no_tracking', { type: 'checkbox' })}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={!dirty} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
