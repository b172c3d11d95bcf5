import {
  Button,
  Divider,
  Group,
  Modal,
  NumberInput,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { List, OptIn, OptInInput } from '@/api/types';
import { meQuery } from '@/features/auth/queries';
import { languages } from '@/features/forms/queries';
import { relaysQuery } from '@/features/relays/queries';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { optInInput, optInQuery, testOptIn, updateOptIn } from './queries';

const TAGS = '{{ confirm_url }}, {{ list_names }}, {{ days }}, {{ organization }}, {{ postal_address }}';

type Props = { list: List; optIn: OptIn; opened: boolean; onClose: () => void };

/** The mail that asks people to confirm. */
export function OptInDialog({ list, optIn, opened, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t('optIn.mailTitle')} size="xl">
      <Editor list={list} optIn={optIn} onClose={onClose} />
    </Modal>
  );
}

function Editor({ list, optIn, onClose }: Omit<Props, 'opened'>) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const relays = useQuery(relaysQuery);
  const form = useForm<OptInInput>({ initialValues: optInInput(optIn) });
  const [own, setOwn] = useState(optIn.html !== '' || optIn.text !== '');
  const refused = (error: unknown) => setProblem(applyProblem(form, error));
  const save = useMutation({
    mutationFn: updateOptIn,
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      queryClient.setQueryData(optInQuery(list.id).queryKey, saved);
      notifySuccess(t('common.saved'));
      onClose();
    },
    onError: refused,
  });
  const choose = (kind: string) => {
    setOwn(kind === 'own');
    form.setValues(kind === 'own' ? optIn.usual : { subject: '', html: '', text: '' });
  };
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate({ id: list.id, ...values }))} noValidate>
      <Stack>
        <FormAlert message={problem} />
        <Radio.Group value={own ? 'own' : 'usual'} onChange={choose} aria-label={t('optIn.mailTitle')}>
          <Stack gap="sm">
            <Radio value="usual" label={t('optIn.usual')} description={t('optIn.usualText')} />
            <Radio value="own" label={t('optIn.own')} description={t('optIn.ownText', { tags: TAGS })} />
          </Stack>
        </Radio.Group>
        {own ? (
          <>
            <TextInput label={t('optIn.subject')} required {...form.getInputProps('subject')} />
            <Textarea
              label={t('optIn.html')}
              autosize
              minRows={6}
              maxRows={16}
              classNames={{ input: 'mono' }}
              {...form.getInputProps('html')}
            />
            <Textarea
              label={t('optIn.textPart')}
              description={t('optIn.textHint')}
              autosize
              minRows={3}
              maxRows={12}
              classNames={{ input: 'mono' }}
              {...form.getInputProps('text')}
            />
          </>
        ) : (
          <Select
            label={t('optIn.language')}
            allowDeselect={false}
            data={[
              { value: '', label: t('optIn.languageOfForm') },
              ...languages.map((value) => ({ value, label: t(`forms.languages.${value}`) })),
            ]}
            {...form.getInputProps('language')}
          />
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label={t('optIn.fromName')} {...form.getInputProps('from_name')} />
          <TextInput
            label={t('optIn.fromEmail')}
            description={t('optIn.fromHint')}
            {...form.getInputProps('from_email')}
          />
          <Select
            label={t('optIn.relay')}
            placeholder={t('optIn.anyRelay')}
            clearable
            data={(relays.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
            value={form.values.relay_id === null ? null : String(form.values.relay_id)}
            onChange={(id) => form.setFieldValue('relay_id', id === null ? null : Number(id))}
            error={form.errors.relay_id}
          />
          <NumberInput
            label={t('optIn.expireDays')}
            min={1}
            max={60}
            allowDecimal={false}
            {...form.getInputProps('expire_days')}
          />
        </SimpleGrid>
        <Divider />
        <TestSend listId={list.id} values={form.values} onProblem={refused} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type TestProps = { listId: number; values: OptInInput; onProblem: (error: unknown) => void };

function TestSend({ listId, values, onProblem }: TestProps) {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const [typed, setTyped] = useState<string | null>(null);
  const to = typed ?? me.data?.email ?? '';
  const send = useMutation({ mutationFn: () => testOptIn({ id: listId, to, ...values }), onError: onProblem });
  return (
    <Stack gap="xs">
      <Group align="flex-end" gap="sm">
        <TextInput
          style={{ flex: 1, minWidth: 200 }}
          label={t('optIn.testTo')}
          type="email"
          value={to}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button variant="default" disabled={to === ''} loading={send.isPending} onClick={() => send.mutate()}>
          {t('optIn.test')}
        </Button>
      </Group>
      {send.data && (
        <Text size="sm" role="status" c={send.data.ok ? 'var(--app-good)' : 'var(--app-bad)'}>
          {t('optIn.testOk', { to: send.data.to, reply: send.data.reply })}
        </Text>
      )}
      {send.isError && (
        <Text size="sm" c="var(--app-bad)">
          {errorMessage(send.error)}
        </Text>
      )}
    </Stack>
  );
}
