import { Alert, Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconHistory, IconInfoCircle, IconSend } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import type { Template, TemplateRole } from '@/api/types';
import { meQuery } from '@/features/auth/queries';
import { settingsQuery } from '@/features/settings/queries';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { MailEditor } from '@/ui/mail-editor/mail-editor';
import { rerender } from '@/ui/mail-editor/queries';
import { starter, starterLayout } from '@/ui/mail-editor/starter';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { ConflictDialog } from './conflict-dialog';
import { createTemplate, type TemplateInput, templateQuery, updateTemplate } from './queries';
import { roleOf } from './roles';
import { VersionsDrawer } from './versions-drawer';

const route = getRouteApi('/shell/templates/$id');
const newRoute = getRouteApi('/shell/templates/new');

export function TemplatePage() {
  const id = Number(route.useParams().id);
  const query = useQuery(templateQuery(id));
  return <QueryView query={query}>{(template) => <StoredTemplate key={template.id} template={template} />}</QueryView>;
}

export function NewTemplatePage() {
  const role = roleOf(newRoute.useSearch().role);
  return <NewTemplate key={role} role={role} />;
}

function inputOf(template: Template): TemplateInput {
  const { name, role, kind, layout_id, inline_css, subject, preheader, html, text } = template;
  return { name, role, kind, layout_id, inline_css, subject, preheader, html, text };
}

function blank(role: TemplateRole): TemplateInput {
  const body = { content: starter('html'), layout: starterLayout('html'), snippet: { html: '', text: '' } }[role];
  return { name: '', role, kind: 'html', layout_id: null, inline_css: true, subject: '', preheader: '', ...body };
}

function NewTemplate({ role }: { role: TemplateRole }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<TemplateInput>({ initialValues: blank(role) });
  const create = useMutation({
    mutationFn: createTemplate,
    onMutate: () => setProblem(null),
    onSuccess: async (created) => {
      queryClient.setQueryData(templateQuery(created.id).queryKey, created);
      void queryClient.invalidateQueries({ queryKey: ['templates', 'page'] });
      void rerender(queryClient);
      notifySuccess(t('common.saved'));
      await navigate({ to: '/templates/$id', params: { id: String(created.id) }, ignoreBlocker: true });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
      <PageHeader
        title={t(`templates.roles.${role}.new`)}
        back={<Back role={role} />}
        actions={
          <Button type="submit" loading={create.isPending}>
            {t(`templates.roles.${role}.create`)}
          </Button>
        }
      />
      <SaveGuard dirty={form.isDirty() && !create.isPending} />
      <Fields form={form} problem={problem} />
    </form>
  );
}

function StoredTemplate({ template }: { template: Template }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [note, setNote] = useState('');
  // The version that this page shows and changes: another one may be on the server by now.
  const [began, setBegan] = useState(template.version);
  const [theirs, setTheirs] = useState<Template | null>(null);
  const [versionsOpen, versions] = useDisclosure();
  const form = useForm<TemplateInput>({ initialValues: inputOf(template) });

  const show = (saved: Template) => {
    form.setValues(inputOf(saved));
    form.resetDirty(inputOf(saved));
    setBegan(saved.version);
    setTheirs(null);
    setNote('');
  };
  const save = useMutation({
    mutationFn: ({ values, version }: { values: TemplateInput; version: number }) =>
      updateTemplate({ id: template.id, ...values, version, ...(note && { note }) }),
    onMutate: () => setProblem(null),
    onSuccess: (saved, { values }) => {
      // What was written while the answer was on its way stays.
      form.resetDirty(values);
      setBegan(saved.version);
      setTheirs(null);
      setNote('');
      queryClient.setQueryData(templateQuery(saved.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['templates', saved.id, 'versions'] });
      void queryClient.invalidateQueries({ queryKey: ['templates', 'page'] });
      void rerender(queryClient);
      notifySuccess(t('common.saved'));
    },
    onError: async (error, { version }) => {
      if (error instanceof Problem && error.status === 409) {
        // A conflict is also a name that is taken; only a newer version is one between two people.
        const newest = await queryClient.fetchQuery({ ...templateQuery(template.id), staleTime: 0 }).catch(() => null);
        if (newest && newest.version !== version) return setTheirs(newest);
      }
      setProblem(applyProblem(form, error));
    },
  });
  const dirty = form.isDirty();
  const { role } = template;
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate({ values, version: began }))}>
      <PageHeader
        title={template.name}
        badge={role !== 'content' && <Badge variant="default">{t(`templates.roles.${role}.one`)}</Badge>}
        back={<Back role={role} />}
        actions={
          <>
            {dirty && (
              <Text size="sm" c="dimmed">
                {t('common.unsaved')}
              </Text>
            )}
            <Button variant="default" leftSection={<IconHistory size={16} />} onClick={versions.open}>
              {t('templates.versions.button', { version: began })}
            </Button>
            {role === 'content' && (
              <LinkButton
                variant="default"
                to="/campaigns/new"
                search={{ template: template.id }}
                leftSection={<IconSend size={16} />}
              >
                {t('templates.use')}
              </LinkButton>
            )}
            <Button type="submit" disabled={!dirty} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </>
        }
      />
      <SaveGuard dirty={dirty && !save.isPending} />
      <Fields
        form={form}
        problem={problem}
        self={template.id}
        note={
          <TextInput
            label={t('templates.note')}
            placeholder={t('templates.noteHint')}
            maxLength={500}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            style={{ flex: '1 1 260px' }}
            maw={480}
          />
        }
      />
      <VersionsDrawer
        template={template}
        dirty={dirty}
        opened={versionsOpen}
        onClose={versions.close}
        onRestored={show}
      />
      <ConflictDialog
        began={began}
        theirs={theirs}
        mine={form.values}
        onClose={() => setTheirs(null)}
        onTakeTheirs={() => theirs && show(theirs)}
        onSaveMine={() => theirs && save.mutate({ values: form.getValues(), version: theirs.version })}
      />
    </form>
  );
}

type FieldsProps = {
  form: ReturnType<typeof useForm<TemplateInput>>;
  problem: string | null;
  self?: number;
  note?: React.ReactNode;
};

function Fields({ form, problem, self, note }: FieldsProps) {
  const { t } = useTranslation();
  const { role } = form.values;
  const settings = useQuery(settingsQuery);
  const me = useQuery(meQuery);
  // A template has no sender; its raw message shows the usual one, or whoever looks at it.
  const sender = {
    from_name: settings.data?.default_from_name ?? '',
    from_email: settings.data?.default_from_email || me.data?.email || '',
    reply_to: '',
  };
  return (
    <Stack>
      <FormAlert message={problem} />
      <Group align="flex-start">
        <TextInput
          label={t('common.name')}
          required
          style={{ flex: '1 1 260px' }}
          maw={480}
          {...form.getInputProps('name')}
        />
        {note}
      </Group>
      {role !== 'content' && (
        <Alert variant="default" icon={<IconInfoCircle color="var(--app-info)" />}>
          {t(`templates.roles.${role}.how`, { name: form.values.name || 'name' })}
        </Alert>
      )}
      <MailEditor
        value={form.values}
        onChange={(change) => form.setValues(change)}
        errors={form.errors}
        role={role}
        self={self}
        sender={sender}
      />
    </Stack>
  );
}

function Back({ role }: { role: TemplateRole }) {
  const { t } = useTranslation();
  return (
    <LinkAnchor to="/templates" search={role === 'content' ? {} : { role }} className="link">
      {t('nav.templates')}
    </LinkAnchor>
  );
}
