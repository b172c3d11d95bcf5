import { Button, Group, List, PasswordInput, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { WebhookProvider, WebhookSource } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { CopyField } from '@/ui/copy-field';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { keepSource, updateWebhookSource } from './queries';
import { stepShows } from './webhook-state';

/** What a person does at the provider, one step after the other, with what to copy there and back. */
export function SetUpCard({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const provider = t(`providerWebhooks.names.${source.provider}`);
  const steps = t(`providerWebhooks.steps.${source.provider}`, { returnObjects: true });
  const shows = stepShows[source.provider];
  return (
    <Section
      title={t('providerWebhooks.setUp', { provider })}
      description={t('providerWebhooks.setUpText', { key: source.needs_key ? t('providerWebhooks.butKey') : '' })}
    >
      <List type="ordered" spacing="md" styles={{ itemWrapper: { display: 'inline' } }}>
        {steps.map((step, index) => (
          <List.Item key={step}>
            <Text span>{step}</Text>
            {index === shows.address && <Address source={source} />}
            {index === shows.key && <KeyForm source={source} />}
          </List.Item>
        ))}
      </List>
    </Section>
  );
}

function Address({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const note = source.url ? !source.url.startsWith('https:') && 'notSecure' : 'noAddress';
  return (
    <div style={{ marginTop: 'var(--mantine-spacing-xs)' }}>
      {source.url && <CopyField value={source.url} label={t('providerWebhooks.address')} />}
      {note && (
        <Stack gap={2} mt={6}>
          <Text size="sm">
            <IconInfoCircle size={15} aria-hidden style={{ verticalAlign: 'text-bottom' }} />{' '}
            {t(`providerWebhooks.${note}`)}
          </Text>
          <LinkAnchor to="/settings" className="link" size="sm">
            {t('providerWebhooks.toSettings')}
          </LinkAnchor>
        </Stack>
      )}
    </div>
  );
}

function KeyForm({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const hint = useKeyHint(source.provider);
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { signing_key: '' } });
  const save = useMutation({
    mutationFn: ({ signing_key }: typeof form.values) =>
      updateWebhookSource({ id: source.id, name: source.name, signing_key }),
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      keepSource(queryClient, saved);
      form.reset();
      notifySuccess(t('providerWebhooks.keySaved'));
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack mt="xs" gap="xs" maw={560}>
        <FormAlert message={problem} />
        <PasswordInput
          label={t('providerWebhooks.key')}
          description={source.has_key ? t('providerWebhooks.keyStored') : hint}
          autoComplete="off"
          required
          {...form.getInputProps('signing_key')}
        />
        <Group>
          <Button type="submit" variant={source.has_key ? 'default' : 'filled'} loading={save.isPending}>
            {t('providerWebhooks.saveKey')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function useKeyHint(provider: WebhookProvider): string {
  const { t } = useTranslation();
  switch (provider) {
    case 'sendgrid':
    case 'mailgun':
    case 'mandrill':
    case 'resend':
      return t(`providerWebhooks.keyHint.${provider}`);
    default:
      return '';
  }
}
