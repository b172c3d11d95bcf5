import { Group, Text, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconFileTypePdf } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { MediaFile } from '@/api/types';
import { formatBytes } from '@/lib/format';
import classes from './media.module.css';

type Props = { files: MediaFile[]; onPick: (file: MediaFile) => void; action: 'open' | 'insert' };

/** Files as pictures to press. */
export function MediaGrid({ files, onPick, action }: Props) {
  const { t } = useTranslation();
  return (
    <ul className={classes.grid} aria-label={t('media.files')}>
      {files.map((file) => (
        <li key={file.id}>
          <UnstyledButton
            className={classes.card}
            aria-label={t(`media.${action}`, { name: file.name })}
            onClick={() => onPick(file)}
          >
            <MediaPicture file={file} />
            <div className={classes.words}>
              <Text size="sm" fw={550} truncate>
                {file.name}
              </Text>
              <Text size="xs" c="dimmed" className="tabular">
                {mediaFacts(file)}
              </Text>
              {lacksAlt(file) && (
                <Group gap={4} wrap="nowrap" mt={2}>
                  <IconAlertTriangle size={13} color="var(--app-warn)" aria-hidden />
                  <Text size="xs">{t('media.noAlt')}</Text>
                </Group>
              )}
            </div>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}

export function MediaPicture({ file }: { file: MediaFile }) {
  return (
    <div className={classes.picture}>
      {file.thumbnail_url ? (
        <img src={file.thumbnail_url} alt="" loading="lazy" />
      ) : (
        <IconFileTypePdf size={44} stroke={1.3} color="var(--mantine-color-dimmed)" aria-hidden />
      )}
    </div>
  );
}

/** "600 × 400 · 81 kB" */
export function mediaFacts(file: MediaFile): string {
  const size = formatBytes(file.size_bytes);
  return file.width && file.height ? `${file.width} × ${file.height} · ${size}` : size;
}

function lacksAlt(file: MediaFile): boolean {
  return file.content_type.startsWith('image/') && file.alt === '';
}
