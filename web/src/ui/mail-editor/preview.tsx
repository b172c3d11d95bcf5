import { ActionIcon, Badge, Group, Loader, Paper, SegmentedControl, Skeleton, Text, Tooltip } from '@mantine/core';
import { IconAlertCircle, IconAlertTriangle, IconDeviceDesktop, IconDeviceMobile, IconMoon } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Rendered, RenderWarning } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { MailFrame } from '../mail-frame';
import classes from './mail-editor.module.css';

type Props = {
  rendered: Rendered | undefined;
  error: unknown;
  fetching: boolean;
  dark: boolean;
  onDark: (dark: boolean) => void;
};

/** A phone's width in CSS pixels, as most mail is read. */
const PHONE = 375;

/** The mail as the server renders it: the same path that a real sending takes. */
export function Preview({ rendered, error, fetching, dark, onDark }: Props) {
  const { t } = useTranslation();
  const [width, setWidth] = useState<'desktop' | 'mobile'>('desktop');
  const [part, setPart] = useState<'html' | 'text'>('html');
  return (
    <Paper className={classes.pane} component="section" aria-label={t('editor.preview')}>
      <div className={classes.bar}>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={t('editor.previewPart')}
            value={part}
            onChange={(value) => setPart(value === 'text' ? 'text' : 'html')}
            data={[
              { value: 'html', label: t('editor.html') },
              { value: 'text', label: t('editor.text') },
            ]}
          />
          {fetching && <Loader size="xs" aria-label={t('editor.rendering')} />}
        </Group>
        <Group gap={6}>
          {rendered && (
            <Text size="xs" c="dimmed" className="tabular">
              {formatBytes(rendered.size_bytes)}
            </Text>
          )}
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
          <Toggle label={t('editor.dark')} on={dark} onClick={() => onDark(!dark)} icon={<IconMoon size={16} />} />
        </Group>
      </div>
      {rendered && (
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
      </div>
      <Notes error={error} warnings={rendered?.warnings ?? []} />
    </Paper>
  );
}

function Notes({ error, warnings }: { error: unknown; warnings: RenderWarning[] }) {
  const { t } = useTranslation();
  if (!error && warnings.length === 0) return null;
  return (
    <ul className={classes.warnings} aria-label={t('editor.warnings')} aria-live="polite">
      {error != null && (
        <li>
          <IconAlertCircle size={16} color="var(--app-bad)" style={{ flexShrink: 0, marginTop: 2 }} />
          <span>{errorMessage(error)}</span>
        </li>
      )}
      {warnings.map((warning) => (
        <li key={`${warning.code}-${warning.line ?? ''}-${warning.message}`}>
          <IconAlertTriangle size={16} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 2 }} />
          <span>
            {warning.message}
            {warning.line !== undefined && (
              <Text span size="sm" c="dimmed">
                {' '}
                {t('editor.line', { line: warning.line })}
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
