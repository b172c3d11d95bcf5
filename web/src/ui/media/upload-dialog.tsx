import { ActionIcon, Button, Group, Image, Modal, Progress, Stack, Text, TextInput, ThemeIcon } from '@mantine/core';
import { IconFile, IconFileTypePdf, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { MediaFile } from '@/api/types';
import { capitalized, formatBytes } from '@/lib/format';
import { type Chosen, isRefusal, objection } from './chosen';
import { uploadMedia } from './queries';

type Props = {
  /** What was dropped, pasted or chosen; a new array opens the dialog. */
  files: File[];
  onClose: () => void;
  onUploaded: (files: MediaFile[]) => void;
};

/** Asks for the words that stand for each image, then uploads one after the other; what fails stays with its reason. */
export function UploadDialog({ files, onClose, onUploaded }: Props) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    setChosen(
      files.map((file, key) => {
        const wrong = objection(file);
        return {
          key,
          file,
          alt: '',
          state: wrong ? 'refused' : 'waiting',
          sent: 0,
          error: wrong ? t(`media.refused.${wrong}`) : '',
        };
      }),
    );
  }, [files, t]);

  const change = (key: number, change: Partial<Chosen>) =>
    setChosen((all) => all.map((one) => (one.key === key ? { ...one, ...change } : one)));
  const sendable = chosen.filter((one) => one.state !== 'refused');
  const refused = chosen.length - sendable.length;
  const images = sendable.some(isImage);

  const send = async () => {
    setBusy(true);
    const done: MediaFile[] = [];
    let left = refused;
    for (const one of sendable) {
      change(one.key, { state: 'sending', sent: 0, error: '' });
      try {
        const onProgress = ({ sent, total }: { sent: number; total: number }) =>
          change(one.key, { sent: total > 0 ? sent / total : 0 });
        done.push(await uploadMedia(one.file, one.alt.trim(), onProgress));
        setChosen((all) => all.filter((other) => other.key !== one.key));
      } catch (error) {
        left++;
        change(one.key, {
          state: isRefusal(error) ? 'refused' : 'failed',
          error: capitalized(errorMessage(error)),
        });
      }
    }
    setBusy(false);
    if (done.length > 0) {
      void queryClient.invalidateQueries({ queryKey: ['media', 'page'] });
      onUploaded(done);
    }
    if (left === 0) onClose();
  };

  const remove = (key: number) => {
    const rest = chosen.filter((one) => one.key !== key);
    if (rest.length === 0) return onClose();
    setChosen(rest);
  };
  // What has been uploaded is out of it; nothing is left only while the dialog closes.
  const title =
    sendable.length > 0
      ? t('media.uploadTitle', { count: sendable.length })
      : refused > 0
        ? t('media.notUploaded', { count: refused })
        : t('media.upload');

  return (
    <Modal
      opened={files.length > 0}
      onClose={() => !busy && onClose()}
      title={title}
      size="lg"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        {images && (
          <Text size="sm" c="dimmed">
            {t('media.altAsk')}
          </Text>
        )}
        {chosen.map((one) => (
          <ChosenRow
            key={one.key}
            chosen={one}
            busy={busy}
            onAlt={(alt) => change(one.key, { alt })}
            onRemove={() => remove(one.key)}
          />
        ))}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} disabled={busy}>
            {t(sendable.length > 0 ? 'common.cancel' : 'common.close')}
          </Button>
          {sendable.length > 0 && (
            <Button onClick={() => void send()} loading={busy}>
              {t('media.uploadButton', { count: sendable.length })}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function isImage({ file }: Chosen): boolean {
  return file.type.startsWith('image/');
}

type RowProps = { chosen: Chosen; busy: boolean; onAlt: (alt: string) => void; onRemove: () => void };

function ChosenRow({ chosen, busy, onAlt, onRemove }: RowProps) {
  const { t } = useTranslation();
  const { file, state } = chosen;
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm">
      <LocalThumbnail file={file} />
      <Stack gap={6} style={{ flex: 1, minWidth: 0 }}>
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Text size="sm" fw={550} truncate>
            {file.name}
            <Text span size="sm" c="dimmed" fw={400}>
              {' '}
              {formatBytes(file.size)}
            </Text>
          </Text>
          <ActionIcon
            variant="subtle"
            color="gray"
            disabled={busy}
            aria-label={t('media.leaveOut', { name: file.name })}
            onClick={onRemove}
          >
            <IconX size={15} />
          </ActionIcon>
        </Group>
        {isImage(chosen) && state !== 'refused' && (
          <TextInput
            size="sm"
            aria-label={t('media.altOf', { name: file.name })}
            placeholder={t('media.altPlaceholder')}
            maxLength={500}
            value={chosen.alt}
            disabled={busy}
            onChange={(event) => onAlt(event.currentTarget.value)}
          />
        )}
        {state === 'sending' && (
          <Progress value={chosen.sent * 100} aria-label={t('media.progress', { name: file.name })} />
        )}
        {chosen.error && (
          <Text size="sm" c="var(--app-bad)" role="alert">
            {chosen.error}
          </Text>
        )}
      </Stack>
    </Group>
  );
}

function LocalThumbnail({ file }: { file: File }) {
  const [url, setUrl] = useState('');
  const [broken, setBroken] = useState(false);
  const image = file.type.startsWith('image/') && file.type !== 'image/svg+xml';
  useEffect(() => {
    if (!image) return;
    // As data and not as a blob: the policy of this site lets pages show only the former.
    const reader = new FileReader();
    reader.onload = () => setUrl(String(reader.result));
    reader.readAsDataURL(file);
    return () => reader.abort();
  }, [file, image]);
  if (!image || !url || broken) {
    return (
      <ThemeIcon variant="default" size={56} aria-hidden>
        {file.type === 'application/pdf' ? (
          <IconFileTypePdf size={26} stroke={1.5} />
        ) : (
          <IconFile size={26} stroke={1.5} />
        )}
      </ThemeIcon>
    );
  }
  return (
    <Image
      src={url}
      alt=""
      w={56}
      h={56}
      fit="contain"
      radius="sm"
      bg="var(--app-sunken)"
      onError={() => setBroken(true)}
    />
  );
}
