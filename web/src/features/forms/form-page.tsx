import { Button, Stack, Tabs, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconExternalLink, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SignUpForm, SignUpFormInput } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { confirmAction } from '@/ui/confirm';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { FormFields } from './form-fields';
import classes from './form-page.module.css';
import { FormPreview } from './form-preview';
import { FormSnippets } from './form-snippets';
import { FormStats } from './form-stats';
import { FormBadge } from './forms-page';
import { createForm, deleteForm, formQuery, updateForm } from './queries';

const route = getRouteApi('/shell/forms/$id');
const newRoute = getRouteApi('/shell/forms/new');

export function FormPage() {
  const id = Number(route.useParams().id);
  const { tab = 'edit' } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(formQuery(id));
  const setTab = (value: string | null) =>
    void navigate({ search: value && value !== 'edit' ? { tab: value } : {}, replace: true });
  return (
    <QueryView query={query}>{(form) => <Editor key={form.id} stored={form} tab={tab} onTab={setTab} />}</QueryView>
  );
}

export function NewFormPage() {
  const { list } = newRoute.useSearch();
  return <Editor list={list} />;
}

function inputOf(form?: SignUpForm, list?: number): SignUpFormInput {
  return {
    name: form?.name ?? '',
    enabled: form?.enabled ?? true,
    language: form?.language ?? 'en',
    title: form?.title ?? '',
    intro: form?.intro ?? '',
    button: form?.button ?? '',
    consent: form?.consent ?? '',
    consent_required: form?.consent_required ?? false,
    list_ids: form?.list_ids ?? (list ? [list] : []),
    choose: form?.choose ?? false,
    fields: form?.fields.map(({ name, label, required }) => ({ name, label, required })) ?? [],
    success_title: form?.success_title ?? '',
    success_text: form?.success_text ?? '',
    redirect_url: form?.redirect_url ?? '',
    allowed_origins: form?.allowed_origins ?? [],
    max_per_hour: form?.max_per_hour ?? 10,
  };
}

type EditorProps = {
  stored?: SignUpForm;
  list?: number | undefined;
  tab?: string;
  onTab?: (tab: string | null) => void;
};

function Editor({ stored, list, tab = 'edit', onTab }: EditorProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const formId = useId();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<SignUpFormInput>({ initialValues: inputOf(stored, list) });
  const save = useMutation({
    mutationFn: (values: SignUpFormInput) => (stored ? updateForm({ id: stored.id, ...values }) : createForm(values)),
    onMutate: () => setProblem(null),
    onSuccess: async (saved) => {
      form.setValues(inputOf(saved));
      form.resetDirty(inputOf(saved));
      queryClient.setQueryData(formQuery(saved.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['forms', 'all'] });
      notifySuccess(t('common.saved'));
      if (!stored) {
        await navigate({
          to: '/forms/$id',
          params: { id: String(saved.id) },
          search: { tab: 'share' },
          ignoreBlocker: true,
        });
      }
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const dirty = form.isDirty();
  const edit = (
    <div className={classes.columns}>
      <form id={formId} onSubmit={form.onSubmit((values) => save.mutate(values))} noValidate>
        <FormFields form={form} />
      </form>
      <FormPreview input={form.values} />
    </div>
  );
  return (
    <>
      <PageHeader
        title={stored ? stored.name : t('forms.new')}
        badge={stored && <FormBadge form={stored} />}
        back={
          <LinkAnchor to="/forms" className="link">
            {t('nav.forms')}
          </LinkAnchor>
        }
        actions={
          <>
            {dirty && stored && (
              <Text size="sm" c="dimmed">
                {t('common.unsaved')}
              </Text>
            )}
            {stored && <DeleteButton form={stored} />}
            {stored && (
              <Button
                variant="default"
                component="a"
                href={stored.url}
                target="_blank"
                rel="noreferrer"
                leftSection={<IconExternalLink size={16} />}
              >
                {t('forms.open')}
              </Button>
            )}
            {tab === 'edit' && (
              <Button type="submit" form={formId} disabled={stored !== undefined && !dirty} loading={save.isPending}>
                {stored ? t('common.save') : t('forms.create')}
              </Button>
            )}
          </>
        }
      />
      <SaveGuard dirty={dirty && !save.isPending} />
      <Stack>
        <FormAlert message={problem} />
        {stored && onTab ? (
          <Tabs value={tab} onChange={onTab} keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="edit">{t('forms.tabs.edit')}</Tabs.Tab>
              <Tabs.Tab value="share">{t('forms.tabs.share')}</Tabs.Tab>
              <Tabs.Tab value="stats">{t('forms.tabs.stats')}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="edit">{edit}</Tabs.Panel>
            <Tabs.Panel value="share">
              <FormSnippets form={stored} />
            </Tabs.Panel>
            <Tabs.Panel value="stats">
              <FormStats id={stored.id} />
            </Tabs.Panel>
          </Tabs>
        ) : (
          edit
        )}
      </Stack>
    </>
  );
}

function DeleteButton({ form }: { form: SignUpForm }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteForm(form.id),
    onSuccess: async () => {
      notifySuccess(t('forms.deleted', { name: form.name }));
      await navigate({ to: '/forms', ignoreBlocker: true });
      await queryClient.invalidateQueries({ queryKey: ['forms', 'all'] });
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconTrash size={16} />}
      onClick={() =>
        confirmAction({
          title: t('forms.deleteTitle', { name: form.name }),
          body: t('forms.deleteText'),
          confirm: t('forms.delete'),
          onConfirm: () => remove.mutate(),
        })
      }
    >
      {t('common.delete')}
    </Button>
  );
}
