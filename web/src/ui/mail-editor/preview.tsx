import { ActionIcon, Badge, Group, Loader, Paper, SegmentedControl, Skeleton, Text, Tooltip } from '@mantine/core';
import {
  IconAlertCircle,
  IconAlertTriangle,
  IconDeviceDesktop,
  IconDeviceMobile,
  IconMoon,
  IconPhotoOff,
} from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Rendered, RenderWarning } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { MailFrame } from '../mail-frame';
import classes from './mail-editor.module.css';
import { type Note, notesOf } from './notes';
import { type Person, PersonPicker } from './person-picker';
import type { RawQuery } from './queries';
import { RawView } from './raw-view';

/** How the preview is looked at: as whom, on which screen. */
export type PreviewAs = { scheme: 'light' | 'dark'; images: 'on' | 'off'; subscriber: Person | null };
type Part = 'html' | 'text' | 'raw';

type Props = {
  rendered: Rendered | undefined;
  error: unknown;
  fetching: boolean;
  /** The mail has no HTML part. */
  plain: boolean;
  /** What the whole message is made of; null for what is no message by itself. */
  raw: RawQuery | null;
  /** Lines of notes are lines of what was written. */
  exactLines: boolean;
  as: PreviewAs;
  onAs: (as: PreviewAs) => void;
};

/** A phone's width in CSS pixels, as most mail is read. */
const PHONE = 375;

/** The mail as the server renders it: the same path that a real sending takes. */
export function Preview({ rendered, error, fetching, plain, raw, exactLines, as, onAs }: Props) {
  const { t } = useTranslation();
  const [width, setWidth] = useState<'desktop' | 'mobile'>('desktop');
  const [chosen, setPart] = useState<Part>('html');
  const part = (chosen === 'html' && plain) || (chosen === 'raw' && !raw) ? 'text' : chosen;
  const dark = as.scheme === 'dark';
  const parts: { value: Part; label: string }[] = [
    ...(plain ? [] : [{ value: 'html' as const, label: t('editor.html') }]),
    { value: 'text', label: t('editor.text') },
    ...(raw ? [{ value: 'raw' as const, label: t('editor.raw') }] : []),
  ];
  return (
    <Paper className={classes.pane} component="section" aria-label={t('editor.preview')}>
      <div className={classes.bar}>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={t('editor.previewPart')}
            value={part}
            onChange={(value) => setPart(value as Part)}
            data={parts}
          />
          {fetching && <Loader size="xs" aria-label={t('editor.rendering')} />}
        </Group>
        <PersonPicker value={as.subscriber} onChange={(subscriber) => onAs({ ...as, subscriber })} />
      </div>
      {part === 'html' && (
        <div className={classes.bar}>
          <Group gap={6}>
            <Toggle
              label={t('editor.desktop')}
              on={width === 'desktop'}
              onClick={() => setWidth('desktop')}
              icon={<IconDeviceDesktop size={16} />}
            />
            <Toggle
              label={t('editor.mobile')}
              on={width === 'mobile'}
              onClick={() => setWidth('mobile')}
              icon={<IconDeviceMobile size={16} />}
            />
            <Toggle
              label={t('editor.dark')}
              on={dark}
              onClick={() => onAs({ ...as, scheme: dark ? 'light' : 'dark' })}
              icon={<IconMoon size={16} />}
            />
            <Toggle
              label={t('editor.imagesOff')}
              on={as.images === 'off'}
              onClick={() => onAs({ ...as, images: as.images === 'off' ? 'on' : 'off' })}
              icon={<IconPhotoOff size={16} />}
            />
          </Group>
          {rendered && (
            <Text size="xs" c="dimmed" className="tabular">
              {formatBytes(rendered.size_bytes)}
            </Text>
          )}
        </div>
      )}
      {rendered && raw && part !== 'raw' && (
        <div className={classes.envelope}>
          <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
            {rendered.subject || <span style={{ fontWeight: 400 }}>{t('editor.noSubject')}</span>}
          </Text>
        </div>
      )}
      <div className={classes.stage}>
        {!rendered && !error && <Skeleton m="md" height={240} />}
        {rendered && part === 'html' && (
          <MailFrame
            title={t('editor.previewFrame')}
            html={rendered.html}
            height="100%"
            width={width === 'mobile' ? PHONE : '100%'}
            dark={dark}
          />
        )}
        {rendered && part === 'text' && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: text that scrolls must be reachable by keyboard
          <pre className={classes.plain} tabIndex={0}>
            {rendered.text_generated && (
              <Badge mb="sm" variant="default">
                {t('editor.textGenerated')}
              </Badge>
            )}
            {rendered.text_generated && '\n'}
            {rendered.text}
          </pre>
        )}
        {raw && part === 'raw' && !error && <RawView query={raw} />}
      </div>
      <Notes error={error} warnings={rendered?.warnings ?? []} exactLines={exactLines} />
    </Paper>
  );
}

type NotesProps = { error: unknown; warnings: RenderWarning[]; exactLines: boolean };

function Notes({ error, warnings, exactLines }: NotesProps) {
  const { t } = useTranslation();
  if (!error && warnings.length === 0) return null;
  const placeText = ({ part, line }: Note['places'][number]) => {
    const name = t(`editor.parts.${part}`);
    // Subject and preview text are one line each.
    if (line === undefined || part === 'subject' || part === 'preheader') return name;
    return part === 'html' && !exactLines ? t('editor.builtLine', { line }) : t('editor.line', { part: name, line });
  };
  return (
    <ul className={classes.warnings} aria-label={t('editor.warnings')} aria-live="polite">
      {error != null && (
        <li>
          <IconAlertCircle size={16} color="var(--app-bad)" style={{ flexShrink: 0, marginTop: 2 }} />
          <span>{errorMessage(error)}</span>
        </li>
      )}
      {notesOf(warnings).map(({ message, places }) => (
        <li key={message}>
          <IconAlertTriangle size={16} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 2 }} />
          <span>
            {message}
            {places.length > 0 && (
              <Text span size="sm" c="dimmed">
                {' '}
                ({places.map(placeText).join('; ')})
              </Text>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Toggle({
  label,
  on,
  onClick,
  icon,
}: {
  label: string;
  on: boolean;
  onClick: () => void;
  icon: React.ReactNode;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon size={28} variant={on ? 'filled' : 'default'} aria-label={label} aria-pressed={on} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
