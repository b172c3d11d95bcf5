import { Group, Paper, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MailKind, TemplateRole } from '@/api/types';
import { confirmAction } from '../confirm';
import { InsertMedia } from '../media/insert-media';
import { CodeEditor, type CodeEditorHandle } from './code-editor';
import { KindFields } from './kind-fields';
import { keepsLines, mediaCode } from './kinds';
import classes from './mail-editor.module.css';
import { codeMarks } from './marks';
import { MergeTagMenu } from './merge-tag-menu';
import { Preview, type PreviewAs } from './preview';
import { mergeTagsQuery, rawQuery, renderQuery } from './queries';
import { SnippetMenu } from './snippet-menu';
import { starter, starterLayout, untouched } from './starter';

export type MailContent = {
  kind: MailKind;
  layout_id: number | null;
  inline_css: boolean;
  subject: string;
  preheader: string;
  html: string;
  text: string;
};

type Props = {
  value: MailContent;
  onChange: (change: Partial<MailContent>) => void;
  errors?: Partial<Record<string, ReactNode>>;
  campaignId?: number;
  /** What is written: only contents have a subject of their own. */
  role?: TemplateRole;
  /** The stored template that this is. */
  self?: number | undefined;
  /** What else a "raw message" needs to know of the campaign. */
  sender?: { from_name: string; from_email: string; reply_to: string };
  /** Stands in the source's bar. */
  tools?: ReactNode;
};

const RENDER_AFTER_MS = 400;

/** A mail in the language of its kind, beside the preview that the server renders of it. */
export function MailEditor({ value, onChange, errors = {}, campaignId, role = 'content', self, sender, tools }: Props) {
  const { t } = useTranslation();
  const plain = value.kind === 'text';
  const [chosenPart, setPart] = useState<'html' | 'text'>('html');
  const part = plain ? 'text' : chosenPart;
  const [as, setAs] = useState<PreviewAs>({ scheme: 'light', images: 'on', subscriber: null });
  const code = useRef<CodeEditorHandle>(null);
  const tags = useQuery(mergeTagsQuery);
  const mergeTags = useMemo(() => tags.data?.items ?? [], [tags.data]);

  const { kind, layout_id, inline_css, subject, preheader, html, text } = value;
  const source = useMemo(
    () => ({ kind, layout_id, inline_css, subject, preheader, html, text }),
    [kind, layout_id, inline_css, subject, preheader, html, text],
  );
  const [settled] = useDebouncedValue(source, RENDER_AFTER_MS);
  const seen = {
    ...settled,
    ...(campaignId && { campaign_id: campaignId }),
    ...(as.subscriber && { subscriber_id: as.subscriber.id }),
  };
  const rendered = useQuery(renderQuery({ ...seen, scheme: as.scheme, images: as.images }));
  const marks = useMemo(() => {
    const exact = !rendered.isPlaceholderData && (part === 'text' ? layout_id === null : keepsLines(kind, layout_id));
    // An error of MJML in a layout names a line of both together.
    const error = part === 'html' && kind === 'mjml' && layout_id !== null ? null : rendered.error;
    return codeMarks(part, error, exact ? (rendered.data?.warnings ?? []) : []);
  }, [part, kind, layout_id, rendered.error, rendered.data, rendered.isPlaceholderData]);

  // A starter that nobody has written in follows the layout: only a mail without one has a frame of its own.
  const changeSettings = (change: Partial<MailContent>) => {
    const moved = change.layout_id !== undefined && (change.layout_id === null) !== (layout_id === null);
    if (!moved || role !== 'content' || !untouched(value)) return onChange(change);
    onChange({ ...change, ...starter(kind, change.layout_id !== null) });
  };
  const changeKind = (next: MailKind) => {
    const start = role === 'layout' ? starterLayout(next) : role === 'snippet' ? { html: '', text: '' } : starter(next);
    if (untouched(value)) return onChange({ kind: next, layout_id: null, ...start });
    const loses = next === 'text' && html !== '';
    const change = { kind: next, layout_id: null, ...(loses && { html: '', text: text || rendered.data?.text || '' }) };
    confirmAction({
      title: t('editor.changeKind', { kind: t(`editor.kinds.${next}`) }),
      body: t(loses ? 'editor.changeToText' : 'editor.changeKindText'),
      confirm: t('editor.changeKindButton'),
      danger: loses,
      onConfirm: () => onChange(change),
    });
  };

  return (
    <Stack>
      {role === 'content' && <Envelope value={value} onChange={onChange} errors={errors} mergeTags={mergeTags} />}
      <KindFields
        value={value}
        onKind={changeKind}
        onChange={changeSettings}
        errors={errors}
        self={self}
        withLayout={role !== 'snippet'}
      />
      <div className={classes.panes}>
        <Paper className={classes.pane} component="section" aria-label={t('editor.source')}>
          <div className={classes.bar}>
            {plain ? (
              <Text size="sm" fw={550}>
                {t('editor.text')}
              </Text>
            ) : (
              <SegmentedControl
                size="xs"
                aria-label={t('editor.sourcePart')}
                value={part}
                onChange={(next) => setPart(next === 'text' ? 'text' : 'html')}
                data={[
                  { value: 'html', label: t(`editor.kinds.${kind}`) },
                  { value: 'text', label: t('editor.text') },
                ]}
              />
            )}
            <Group gap="xs">
              {tools}
              <InsertMedia
                asLink={part === 'text'}
                onPick={(file) =>
                  part === 'text'
                    ? code.current?.insertLine(mediaCode('text', file))
                    : code.current?.insert(mediaCode(kind, file))
                }
              />
              <SnippetMenu kind={kind} onPick={(text) => code.current?.insert(text)} />
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
          {part === 'text' && !plain && !text && (
            <Text size="sm" c="dimmed" px="md" py={6}>
              {t('editor.textEmpty')}
            </Text>
          )}
          <div className={classes.fill}>
            <CodeEditor
              key={`${part} ${kind}`}
              ref={code}
              label={
                part === 'text' ? t('editor.textSource') : t('editor.sourceOf', { kind: t(`editor.kinds.${kind}`) })
              }
              language={part === 'text' ? 'text' : kind}
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
          plain={plain}
          raw={role === 'content' ? rawQuery({ ...seen, ...sender }) : null}
          exactLines={keepsLines(kind, layout_id)}
          as={as}
          onAs={setAs}
        />
      </div>
    </Stack>
  );
}

type EnvelopeProps = Pick<Props, 'value' | 'onChange'> & {
  errors: Partial<Record<string, ReactNode>>;
  mergeTags: React.ComponentProps<typeof MergeTagMenu>['tags'];
};

function Envelope({ value, onChange, errors, mergeTags }: EnvelopeProps) {
  const { t } = useTranslation();
  const subject = useRef<HTMLInputElement>(null);
  const insertInSubject = (tag: string) => {
    const input = subject.current;
    const from = input?.selectionStart ?? value.subject.length;
    const to = input?.selectionEnd ?? from;
    onChange({ subject: value.subject.slice(0, from) + tag + value.subject.slice(to) });
    input?.focus();
  };
  return (
    <>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          ref={subject}
          label={t('editor.subject')}
          value={value.subject}
          onChange={(event) => onChange({ subject: event.currentTarget.value })}
          error={errors.subject}
          style={{ flex: 1 }}
        />
        <div style={{ marginBottom: 5 }}>
          <MergeTagMenu tags={mergeTags} onPick={insertInSubject} label={t('editor.mergeTagSubject')} />
        </div>
      </Group>
      <TextInput
        label={t('editor.preheader')}
        description={t('editor.preheaderHint')}
        value={value.preheader}
        onChange={(event) => onChange({ preheader: event.currentTarget.value })}
        error={errors.preheader}
      />
    </>
  );
}
