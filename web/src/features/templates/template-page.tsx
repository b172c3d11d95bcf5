import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconSend } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Template } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { MailEditor } from '@/ui/mail-editor/mail-editor';
import { starterHtml } from '@/ui/mail-editor/starter';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { createTemplate, type TemplateInput, templateQuery, updateTemplate } from './queries';

const route = getRouteApi('/shell/templates/$id');

export function TemplatePage() {
  const id = Number(route.useParams().id);
  const query = useQuery(templateQuery(id));
  return <QueryView query={query}>{(template) => <TemplateEditor key={template.id} template={template} />}</QueryView>;
}

export function NewTemplatePage() {
  return <TemplateEditor />;
}

function inputOf(template: Template): TemplateInput {
  return {
    name: template.name,
    kind: template.kind,
    layout_id: template.layout_id,
    inline_css: template.inline_css,
    subject: template.subject,
    preheader: template.preheader,
    html: template.html,
    text: template.text,
  };
}

function TemplateEditor({ template }: { template?: Template }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<TemplateInput>({
    initialValues: template
      ? inputOf(template)
      : {
          name: '',
          kind: 'html',
          layout_id: null,
          inline_css: true,
          subject: '',
          preheader: '',
          html: starterHtml,
          text: '',
        },
  });
  const save = useMutation({
    mutationFn: (values: TemplateInput) =>
      template ? updateTemplate({ id: template.id, ...values }) : createTemplate(values),
    onMutate: () => setProblem(null),
    onSuccess: async (saved) => {
      form.resetDirty(inputOf(saved));
      queryClient.setQueryData(templateQuery(saved.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['templates', 'page'] });
      notifySuccess(t('common.saved'));
      if (!template) await navigate({ to: '/templates/$id', params: { id: String(saved.id) }, ignoreBlocker: true });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const dirty = form.isDirty();
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <PageHeader
        title={template ? template.name : t('templates.new')}
        back={
          <LinkAnchor to="/templates" className="link">
            {t('nav.templates')}
          </LinkAnchor>
        }
        actions={
          <>
            {dirty && template && (
              <Text size="sm" c="dimmed">
                {t('common.unsaved')}
              </Text>
            )}
            {template && (
              <LinkButton
                variant="default"
                to="/campaigns/new"
                search={{ template: template.id }}
                leftSection={<IconSend size={16} />}
              >
                {t('templates.use')}
              </LinkButton>
            )}
            <Button type="submit" disabled={template !== undefined && !dirty} loading={save.isPending}>
              {template ? t('common.save') : t('templates.create')}
            </Button>
          </>
        }
      />
      <SaveGuard dirty={dirty && !save.isPending} />
      <Stack>
        <FormAlert message={problem} />
        <TextInput label={t('common.name')} required maw={480} {...form.getInputProps('name')} />
        <MailEditor
          value={form.values}
          onChange={(change) => {
            for (const [field, text] of Object.entries(change)) form.setFieldValue(field as 'html', text);
          }}
          errors={form.errors}
        />
      </Stack>
    </form>
  );
}
