import { Button, Group, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MediaStorage, MediaStorageInput } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { SecretInput } from '@/ui/secret-input';
import { createStorage, storagesQuery, updateStorage } from './storage-queries';

type Values = Required<Omit<MediaStorageInput, '$schema'>>;
type Props = { storage?: MediaStorage | undefined; onClose: () => void };

/** A bucket of Amazon S3 or of a service with its protocol. */
export function StorageForm({ storage, onClose }: Props) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<Values>({ initialValues: valuesOf(storage) });
  const save = useMutation({
    mutationFn: ({ secret_key, ...values }: Values) => {
      const input = { ...values, ...(secret_key && { secret_key }) };
      return storage ? updateStorage({ id: storage.id, ...input }) : createStorage(input);
    },
    onMutate: () => setProblem(null),
    onSuccess: async () => {
      notifySuccess(t('common.saved'));
      await queryClient.invalidateQueries({ queryKey: storagesQuery.queryKey });
      onClose();
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))} autoComplete="off">
      <Stack>
        <FormAlert message={problem} />
        <TextInput label={t('common.name')} required data-autofocus {...form.getInputProps('name')} />
        <TextInput
          label={t('settings.media.endpoint')}
          description={t('settings.media.endpointHint')}
          placeholder="https://s3.example.org"
          {...form.getInputProps('endpoint')}
        />
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          <TextInput label={t('settings.media.bucket')} required {...form.getInputProps('bucket')} />
          <TextInput label={t('settings.media.region')} placeholder="us-east-1" {...form.getInputProps('region')} />
          <TextInput label={t('settings.media.prefix')} {...form.getInputProps('prefix')} />
        </SimpleGrid>
        <Switch
          label={t('settings.media.pathStyle')}
          description={t('settings.media.pathStyleHint')}
          {...form.getInputProps('path_style', { type: 'checkbox' })}
        />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label={t('settings.media.accessKey')}
            required
            autoComplete="off"
            {...form.getInputProps('access_key')}
          />
          <SecretInput
            label={t('settings.media.secretKey')}
            required={!storage}
            placeholder={storage?.has_secret_key ? t('settings.media.secretKept') : ''}
            {...form.getInputProps('secret_key')}
          />
        </SimpleGrid>
        <TextInput
          label={t('settings.media.publicUrl')}
          description={t('settings.media.publicUrlHint')}
          placeholder="https://cdn.example.org"
          {...form.getInputProps('public_url')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t(storage ? 'common.save' : 'common.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function valuesOf(storage?: MediaStorage): Values {
  return {
    name: storage?.name ?? '',
    endpoint: storage?.endpoint ?? '',
    region: storage?.region ?? '',
    bucket: storage?.bucket ?? '',
    prefix: storage?.prefix ?? '',
    access_key: storage?.access_key ?? '',
    secret_key: '',
    path_style: storage?.path_style ?? true,
    public_url: storage?.public_url ?? '',
  };
}
