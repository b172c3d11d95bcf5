import { Button, Group, Paper, Progress, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { List, Page } from '@/api/types';
import { createList, listsQuery } from '@/features/lists/queries';
import { applyProblem } from '@/lib/form-problem';
import { formatNumber, formatPercent } from '@/lib/format';
import { FileDrop } from '@/ui/file-drop';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { importQuery, uploadImport } from './queries';

const route = getRouteApi('/shell/imports/new');

/** Step one of an import: which file, into which list. The next page asks what its columns mean. */
export function NewImportPage() {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  return (
    <>
      <PageHeader
        title={t('imports.new')}
        description={t('imports.newText')}
        back={
          <LinkAnchor to="/imports" className="link">
            {t('nav.imports')}
          </LinkAnchor>
        }
      />
      <Paper p="lg" maw={640}>
        <QueryView query={lists}>{(page) => <UploadForm lists={page} />}</QueryView>
      </Paper>
    </>
  );
}

function UploadForm({ lists }: { lists: Page<List> }) {
  const { t } = useTranslation();
  const { list } = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: {
      into: lists.items.length === 0 ? 'new' : 'known',
      list_id: list ? String(list) : (lists.items[0] && String(lists.items[0].id)) || '',
      name: '',
    },
    validate: { name: (name, values) => (values.into === 'new' && !name.trim() ? t('imports.nameNeeded') : null) },
  });
  const send = useMutation({
    mutationFn: async ({ values, chosen }: { values: typeof form.values; chosen: File }) => {
      let listId = Number(values.list_id);
      if (values.into === 'new') {
        const made = await createList({ name: values.name.trim(), description: '' });
        listId = made.id;
        // Should the upload fail now, the next try must use this list and not make it a second time.
        await queryClient.invalidateQueries({ queryKey: ['lists'] });
        form.setValues({ into: 'known', list_id: String(made.id) });
      }
      return uploadImport({ listId, file: chosen, onProgress: setSent });
    },
    onMutate: () => {
      setProblem(null);
      setSent(0);
    },
    onSuccess: async (job) => {
      queryClient.setQueryData(importQuery(job.id).queryKey, job);
      void queryClient.invalidateQueries({ queryKey: ['imports', 'page'] });
      await navigate({ to: '/imports/$id', params: { id: String(job.id) } });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form
      onSubmit={form.onSubmit((values) => {
        if (file) send.mutate({ values, chosen: file });
      })}
    >
      <Stack>
        <FormAlert message={problem} />
        <FileDrop
          label={t('imports.drop')}
          hint={t('imports.dropHint')}
          accept=".csv,.txt,.tsv,text/csv,text/plain,text/tab-separated-values"
          file={file}
          onFile={setFile}
        />
        {lists.items.length > 0 && (
          <SegmentedControl
            aria-label={t('imports.into')}
            data={[
              { value: 'known', label: t('imports.knownList') },
              { value: 'new', label: t('imports.newList') },
            ]}
            {...form.getInputProps('into')}
          />
        )}
        {form.values.into === 'known' ? (
          <Select
            label={t('imports.list')}
            allowDeselect={false}
            searchable
            data={lists.items.map((one) => ({
              value: String(one.id),
              label: `${one.name} (${formatNumber(one.counts.subscribed)})`,
            }))}
            {...form.getInputProps('list_id')}
          />
        ) : (
          <TextInput label={t('imports.listName')} required {...form.getInputProps('name')} />
        )}
        {send.isPending && (
          <div>
            <Progress value={sent * 100} aria-label={t('imports.uploading')} />
            <Text size="sm" c="dimmed" mt={4} role="status">
              {sent < 1 ? t('imports.uploadingPart', { percent: formatPercent(sent, 1) }) : t('imports.reading')}
            </Text>
          </div>
        )}
        <Group justify="flex-end">
          <LinkButton to="/imports" variant="default">
            {t('common.cancel')}
          </LinkButton>
          <Button type="submit" disabled={!file} loading={send.isPending}>
            {t('imports.upload')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
