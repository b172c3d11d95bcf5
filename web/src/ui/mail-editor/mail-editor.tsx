import { Group, Paper, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CodeEditor, type CodeEditorHandle } from './code-editor';
import classes from './mail-editor.module.css';
import { codeMarks } from './marks';
import { MergeTagMenu } from './merge-tag-menu';
import { Preview } from './preview';
import { mergeTagsQuery, renderQuery } from './queries';

export type MailContent = { subject: string; html: string; text: string };

type Props = {
  value: MailContent;
  onChange: (change: Partial<MailContent>) => void;
  errors?: Partial<Record<keyof MailContent, ReactNode>>;
  campaignId?: number;
  /** What stands between the subject and the source. */
  extra?: ReactNode;
  /** Stands in the source's bar. */
  tools?: ReactNode;
};

const RENDER_AFTER_MS = 400;

/** Subject, HTML and text of a mail beside the preview that the server renders of them. */
export function MailEditor({ value, onChange, errors = {}, campaignId, extra, tools }: Props) {
  const { t } = useTranslation();
  const [part, setPart] = useState<'html' | 'text'>('html');
  const [dark, setDark] = useState(false);
  const code = useRef<CodeEditorHandle>(null);
  const subject = useRef<HTMLInputElement>(null);
  const tags = useQuery(mergeTagsQuery);
  const mergeTags = useMemo(() => tags.data?.items ?? [], [tags.data]);

  const { subject: subjectText, html, text } = value;
  const source = useMemo(() => ({ subject: subjectText, html, text }), [subjectText, html, text]);
  const [settled] = useDebouncedValue(source, RENDER_AFTER_MS);
  const rendered = useQuery(
    renderQuery({ ...settled, ...(campaignId && { campaign_id: campaignId }), scheme: dark ? 'dark' : 'light' }),
  );
  const marks = useMemo(
    () => codeMarks(part, rendered.error, rendered.isPlaceholderData ? [] : (rendered.data?.warnings ?? [])),
    [part, rendered.error, rendered.data, rendered.isPlaceholderData],
  );

  const insertInSubject = (tag: string) => {
    const input = subject.current;
    const from = input?.selectionStart ?? subjectText.length;
    const to = input?.selectionEnd ?? from;
    onChange({ subject: subjectText.slice(0, from) + tag + subjectText.slice(to) });
    input?.focus();
  };

  return (
    <Stack>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          ref={subject}
          label={t('editor.subject')}
          value={subjectText}
          onChange={(event) => onChange({ subject: event.currentTarget.value })}
          error={errors.subject}
          style={{ flex: 1 }}
        />
        <div style={{ marginBottom: 5 }}>
          <MergeTagMenu tags={mergeTags} onPick={insertInSubject} label={t('editor.mergeTagSubject')} />
        </div>
      </Group>
      {extra}
      <div className={classes.panes}>
        <Paper className={classes.pane} component="section" aria-label={t('editor.source')}>
          <div className={classes.bar}>
            <SegmentedControl
              size="xs"
              aria-label={t('editor.sourcePart')}
              value={part}
              onChange={(next) => setPart(next === 'text' ? 'text' : 'html')}
              data={[
                { value: 'html', label: t('editor.html') },
                { value: 'text', label: t('editor.text') },
              ]}
            />
            <Group gap="xs">
              {tools}
              <MergeTagMenu
                tags={mergeTags}
                onPick={(tag) => code.current?.insert(tag)}
                label={t('editor.mergeTagSource')}
              />
            </Group>
          </div>
          {errors[part] && (
            <Text c="var(--app-bad)" size="sm" px="md" py={6} role="alert">
              {errors[part]}
            </Text>
          )}
          {part === 'text' && !text && (
            <Text size="sm" c="dimmed" px="md" py={6}>
              {t('editor.textEmpty')}
            </Text>
          )}
          <div className={classes.fill}>
            <CodeEditor
              key={part}
              ref={code}
              label={part === 'html' ? t('editor.htmlSource') : t('editor.textSource')}
              language={part}
              value={part === 'html' ? html : text}
              onChange={(next) => onChange({ [part]: next })}
              mergeTags={mergeTags}
              marks={marks}
            />
          </div>
        </Paper>
        <Preview
          rendered={rendered.data}
          error={rendered.error}
          fetching={rendered.isFetching}
          dark={dark}
          onDark={setDark}
        />
      </div>
    </Stack>
  );
}
