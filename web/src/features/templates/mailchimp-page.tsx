import { Badge, Button, Group, Modal, Paper, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconFileUpload } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { MailchimpNote, MailchimpOutput } from '@/api/types';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { CodeEditor } from '@/ui/mail-editor/code-editor';
import { PageHeader } from '@/ui/page-header';
import { marksOf } from './mailchimp';
import classes from './mailchimp-page.module.css';
import { createTemplate, templateQuery, translateMailchimp } from './queries';

const none = { subject: '', html: '' };

/** A mail of Mailchimp in the language of Postrider: what was translated, what was not, and a template of it. */
export function MailchimpPage() {
  const { t } = useTranslation();
  const [source, setSource] = useState(none);
  const [name, setName] = useState('');
  const translate = useMutation({
    mutationFn: () => translateMailchimp({ ...source, preheader: '', text: '' }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    translate.mutate();
  };
  return (
    <>
      <PageHeader
        title={t('templates.mailchimp.title')}
        description={t('templates.mailchimp.text')}
        back={
          <LinkAnchor to="/templates" className="link">
            {t('nav.templates')}
          </LinkAnchor>
        }
      />
      {translate.data ? (
        <Translated output={translate.data} name={name} onBack={() => translate.reset()} />
      ) : (
        <Paper p="lg" maw={900}>
          <form onSubmit={submit}>
            <Stack>
              <FormAlert message={translate.error && errorMessage(translate.error)} />
              <TextInput
                label={t('editor.subject')}
                value={source.subject}
                onChange={(event) => setSource({ ...source, subject: event.currentTarget.value })}
              />
              <SourceField
                value={source.html}
                onChange={(html, file) => {
                  setSource((now) => ({ ...now, html }));
                  if (file) setName(file.replace(/\.html?$/i, ''));
                }}
              />
              <Group justify="flex-end">
                <Button type="submit" disabled={!source.html.trim()} loading={translate.isPending}>
                  {t('templates.mailchimp.translate')}
                </Button>
              </Group>
            </Stack>
          </form>
        </Paper>
      )}
    </>
  );
}

type SourceProps = { value: string; onChange: (html: string, fileName?: string) => void };

function SourceField({ value, onChange }: SourceProps) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    if (file) onChange(await file.text(), file.name);
  };
  return (
    <Stack gap={6} align="stretch">
      <Textarea
        label={t('templates.mailchimp.source')}
        description={t('templates.mailchimp.sourceHint')}
        minRows={12}
        maxRows={22}
        autosize
        required
        spellCheck={false}
        classNames={{ input: 'mono' }}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          if (event.dataTransfer.files.length === 0) return;
          event.preventDefault();
          void read(event.dataTransfer.files[0]);
        }}
      />
      <div>
        <input
          ref={input}
          type="file"
          accept=".html,.htm,text/html"
          aria-label={t('templates.mailchimp.choose')}
          hidden
          onChange={(event) => void read(event.currentTarget.files?.[0])}
        />
        <Button
          variant="default"
          size="xs"
          leftSection={<IconFileUpload size={15} />}
          onClick={() => input.current?.click()}
        >
          {t('templates.mailchimp.choose')}
        </Button>
      </div>
    </Stack>
  );
}

type TranslatedProps = { output: MailchimpOutput; name: string; onBack: () => void };

function Translated({ output, name, onBack }: TranslatedProps) {
  const { t } = useTranslation();
  const [html, setHtml] = useState(output.html);
  const [naming, setNaming] = useState(false);
  const report = output.report ?? [];
  const left = report.filter((note) => !note.translated);
  const done = report.filter((note) => note.translated);
  return (
    <Stack>
      <Group justify="space-between">
        <Text>
          {t('templates.mailchimp.translated', { count: done.length })}{' '}
          {left.length > 0 && t('templates.mailchimp.left', { count: left.length })}
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={onBack}>
            {t('common.back')}
          </Button>
          <Button onClick={() => setNaming(true)}>{t('templates.mailchimp.make')}</Button>
        </Group>
      </Group>
      <div className={classes.panes}>
        <Paper className={classes.pane} component="section" aria-label={t('templates.mailchimp.result')}>
          {output.subject && (
            <Text fw={600} px="md" py={8} className={classes.subject}>
              {output.subject}
            </Text>
          )}
          <div className={classes.fill}>
            <CodeEditor
              label={t('templates.mailchimp.result')}
              language="html"
              value={html}
              onChange={setHtml}
              mergeTags={[]}
              marks={html === output.html ? marksOf(report) : []}
            />
          </div>
        </Paper>
        <Paper className={classes.pane} component="section" aria-label={t('templates.mailchimp.report')}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <div className={classes.report} tabIndex={0}>
            <Notes title={t('templates.mailchimp.notTranslated')} notes={left} />
            <Notes title={t('templates.mailchimp.wasTranslated')} notes={done} />
            {report.length === 0 && <Text c="dimmed">{t('templates.mailchimp.nothing')}</Text>}
          </div>
        </Paper>
      </div>
      <Make output={{ ...output, html }} name={name} opened={naming} onClose={() => setNaming(false)} />
    </Stack>
  );
}

function Notes({ title, notes }: { title: string; notes: MailchimpNote[] }) {
  const { t } = useTranslation();
  if (notes.length === 0) return null;
  return (
    <section aria-label={title}>
      <Title order={2} fz="md" mb="xs">
        {title}
      </Title>
      <ul className={classes.notes}>
        {notes.map((note, index) => (
          <li key={index}>
            {note.translated ? (
              <IconCheck size={16} color="var(--app-good)" aria-hidden />
            ) : (
              <IconAlertTriangle size={16} color="var(--app-warn)" aria-hidden />
            )}
            <div style={{ minWidth: 0 }}>
              <Group gap={6}>
                <code className={classes.code}>{note.source}</code>
                {note.result && (
                  <>
                    <span aria-hidden>→</span>
                    <code className={classes.code}>{note.result}</code>
                  </>
                )}
                <Badge variant="default" size="sm">
                  {t('templates.mailchimp.where', {
                    part: t(`templates.versions.parts.${note.part}`),
                    line: note.line,
                  })}
                </Badge>
              </Group>
              {note.note && <Text size="sm">{note.note}</Text>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

type MakeProps = { output: MailchimpOutput; name: string; opened: boolean; onClose: () => void };

function Make({ output, name: suggested, opened, onClose }: MakeProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [name, setName] = useState(suggested);
  const create = useMutation({
    mutationFn: () =>
      createTemplate({
        name,
        role: 'content',
        kind: 'html',
        layout_id: null,
        inline_css: true,
        subject: output.subject,
        preheader: output.preheader,
        html: output.html,
        text: output.text,
      }),
    onSuccess: async (created) => {
      queryClient.setQueryData(templateQuery(created.id).queryKey, created);
      void queryClient.invalidateQueries({ queryKey: ['templates', 'page'] });
      await navigate({ to: '/templates/$id', params: { id: String(created.id) } });
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('templates.mailchimp.make')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Stack>
          <FormAlert message={create.error && errorMessage(create.error)} />
          <TextInput
            label={t('common.name')}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('templates.roles.content.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
