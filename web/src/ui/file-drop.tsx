import { Group, Text, UnstyledButton } from '@mantine/core';
import { IconFileSpreadsheet, IconUpload } from '@tabler/icons-react';
import { type DragEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatBytes } from '@/lib/format';
import classes from './file-drop.module.css';

type Props = { label: string; hint: string; accept: string; file: File | null; onFile: (file: File) => void };

/** A place to drop a file on, or to press to choose one. */
export function FileDrop({ label, hint, accept, file, onFile }: Props) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer.files[0];
    if (dropped) onFile(dropped);
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={accept}
        aria-label={label}
        hidden
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen) onFile(chosen);
        }}
      />
      <UnstyledButton
        className={classes.zone}
        data-over={over || undefined}
        onClick={() => input.current?.click()}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {file ? (
          <Group justify="center" gap="sm">
            <IconFileSpreadsheet size={26} stroke={1.6} />
            <div>
              <Text fw={550}>{file.name}</Text>
              <Text size="sm" c="dimmed">
                {formatBytes(file.size)} · {t('fileDrop.change')}
              </Text>
            </div>
          </Group>
        ) : (
          <Group justify="center" gap="sm">
            <IconUpload size={26} stroke={1.6} />
            <div>
              <Text fw={550}>{label}</Text>
              <Text size="sm" c="dimmed">
                {hint}
              </Text>
            </div>
          </Group>
        )}
      </UnstyledButton>
    </>
  );
}
