import { Button, Group, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { UploadProgress } from '@/api/client';
import { Problem, UNREACHABLE } from '@/api/problem';
import type { List } from '@/api/types';
import { createList } from '@/features/lists/queries';
import { applyProblem } from '@/lib/form-problem';
import { formatNumber } from '@/lib/format';
import { FileDrop } from '@/ui/file-drop';
import { FormAlert } from '@/ui/form-alert';
import { LinkButton } from '@/ui/link';
import { ACCEPT, fileProblem } from './file-check';
import { readPasted } from './paste';
import { importQuery, uploadImport } from './queries';
import { UploadMeter } from './upload-meter';

type Values = { from: 'file' | 'paste'; into: 'known' | 'new'; list_id: string; name: string; text: string };

/** A file or pasted rows, and the list that the people join. */
export function UploadForm({ lists, preferred }: { lists: List[]; preferred?: number | undefined }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const first = lists.find((list) => list.id === preferred) ?? lists[0];
  const form = useUploadForm(first);
  const { send, progress, stop } = useUpload(form, setProblem);
  const wrong = file && fileProblem(file);
  const pasted = readPasted(form.values.text);
  const chosen = form.values.from === 'paste' ? pasted?.file : wrong ? null : file;
  return (
    <form
      onSubmit={form.onSubmit((values) => {
        if (chosen) send.mutate({ values, chosen });
        else setProblem(t(wrong ? 'imports.chooseAnother' : 'imports.chooseFirst'));
      })}
    >
      <Stack>
        <FormAlert message={problem} />
        <fieldset disabled={send.isPending} style={{ all: 'unset', display: 'contents' }}>
          <SegmentedControl
            aria-label={t('imports.from.label')}
            data={[
              { value: 'file', label: t('imports.from.file') },
              { value: 'paste', label: t('imports.from.paste') },
            ]}
            {...form.getInputProps('from')}
          />
          {form.values.from === 'file' ? (
            <div>
              <FileDrop
                label={t('imports.drop')}
                hint={t('imports.dropHint')}
                accept={ACCEPT}
                file={file}
                onFile={(next) => {
                  setFile(next);
                  setProblem(null);
                }}
              />
              {wrong && (
                <Text mt="xs" c="var(--app-bad)" role="alert">
                  {t(`imports.files.${wrong}`)}
                </Text>
              )}
            </div>
          ) : (
            <Textarea
              label={t('imports.paste.label')}
              description={t('imports.paste.text')}
              placeholder={t('imports.paste.placeholder')}
              autosize
              minRows={8}
              maxRows={18}
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              {...form.getInputProps('text')}
            />
          )}
          {form.values.from === 'paste' && (
            <Text size="sm" c="dimmed" role="status" mt={-8}>
              {pasted ? t(`imports.paste.${pasted.kind}`, { count: pasted.rows }) : ''}
            </Text>
          )}
          <ListChoice form={form} lists={lists} />
        </fieldset>
        {progress ? (
          <UploadMeter progress={progress} onStop={stop} />
        ) : (
          <Group justify="flex-end">
            <LinkButton to="/imports" variant="default">
              {t('common.cancel')}
            </LinkButton>
            <Button type="submit" loading={send.isPending}>
              {t('imports.upload')}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

function useUploadForm(first: List | undefined) {
  const { t } = useTranslation();
  return useForm({
    initialValues: {
      from: 'file',
      into: first ? 'known' : 'new',
      list_id: first ? String(first.id) : '',
      name: '',
      text: '',
    } as Values,
    validate: {
      name: (name: string, values: Values) => (values.into === 'new' && !name.trim() ? t('imports.nameNeeded') : null),
      text: (text: string, values: Values) =>
        values.from === 'paste' && !readPasted(text) ? t('imports.paste.nothing') : null,
    },
  });
}

type Form = ReturnType<typeof useUploadForm>;

function ListChoice({ form, lists }: { form: Form; lists: List[] }) {
  const { t } = useTranslation();
  return (
    <div>
      <Text fw={500} size="sm" mb={6} id="import-into">
        {t('imports.whichList')}
      </Text>
      {lists.length > 0 && (
        <SegmentedControl
          mb="xs"
          aria-labelledby="import-into"
          data={[
            { value: 'known', label: t('imports.knownList') },
            { value: 'new', label: t('imports.newList') },
          ]}
          {...form.getInputProps('into')}
        />
      )}
      {form.values.into === 'known' ? (
        <Select
          aria-label={t('imports.list')}
          allowDeselect={false}
          searchable
          data={lists.map((one) => ({
            value: String(one.id),
            label: `${one.name} (${formatNumber(one.counts.subscribed)})`,
          }))}
          {...form.getInputProps('list_id')}
        />
      ) : (
        <TextInput
          label={t('imports.listName')}
          description={t('imports.listNameHint')}
          required
          {...form.getInputProps('name')}
        />
      )}
    </div>
  );
}

type Sending = { values: Values; chosen: File };

/** Makes the list when it is new, and sends the file with a way to stop. */
function useUpload(form: Form, setProblem: (problem: string | null) => void) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  const abort = useRef<AbortController | null>(null);
  const send = useMutation({
    mutationFn: async ({ values, chosen }: Sending) => {
      const stop = new AbortController();
      abort.current = stop;
      let listId = Number(values.list_id);
      if (values.into === 'new') {
        const made = await createList({ name: values.name.trim(), description: '' });
        listId = made.id;
        // Should the upload fail now, the next try must use this list and not make it a second time.
        await queryClient.invalidateQueries({ queryKey: ['lists'] });
        form.setValues({ into: 'known', list_id: String(made.id) });
      }
      setProgress({ sent: 0, total: chosen.size });
      return uploadImport({ listId, file: chosen, onProgress: setProgress, signal: stop.signal });
    },
    onMutate: () => setProblem(null),
    onSuccess: async (job) => {
      queryClient.setQueryData(importQuery(job.id).queryKey, job);
      void queryClient.invalidateQueries({ queryKey: ['imports', 'page'] });
      await navigate({ to: '/imports/$id', params: { id: String(job.id) } });
    },
    onError: (error) => {
      if (error instanceof DOMException && error.name === 'AbortError') setProblem(null);
      else if (error instanceof Problem && error.status === UNREACHABLE) setProblem(t('imports.broken'));
      else setProblem(applyProblem(form, error));
    },
    onSettled: () => setProgress(null),
  });
  // A file half sent is lost with the page.
  useEffect(() => {
    if (!send.isPending) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [send.isPending]);
  useEffect(() => () => abort.current?.abort(), []);
  return { send, progress, stop: () => abort.current?.abort() };
}
