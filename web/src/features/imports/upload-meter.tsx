import { Button, Group, Progress, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { UploadProgress } from '@/api/client';
import { formatBytes, formatDuration, formatPercent } from '@/lib/format';
import { Milestone } from './milestone';
import { useSpeed } from './speed';

/** How far an upload is, how fast it goes and how long it takes, with a way to stop it. */
export function UploadMeter({ progress, onStop }: { progress: UploadProgress; onStop: () => void }) {
  const { t } = useTranslation();
  const { sent, total } = progress;
  const speed = useSpeed(sent, total);
  const part = total > 0 ? Math.min(1, sent / total) : 0;
  const out = part >= 1;
  const parts = [
    t('imports.uploaded', { sent: formatBytes(sent), total: formatBytes(total) }),
    speed && t('imports.uploadSpeed', { speed: formatBytes(speed.perSecond) }),
    speed && t('imports.moving.left', { time: formatDuration(Math.max(1, speed.secondsLeft)) }),
  ];
  return (
    <div>
      <Group justify="space-between" mb={6} wrap="nowrap">
        <Text fw={600} className="tabular">
          {out ? t('imports.reading') : t('imports.uploadingPart', { percent: formatPercent(part, 1) })}
        </Text>
        <Button variant="default" size="compact-sm" leftSection={<IconX size={14} />} onClick={onStop}>
          {t('imports.stopUpload')}
        </Button>
      </Group>
      <Progress value={part * 100} size="lg" animated={out} aria-label={t('imports.uploading')} />
      <Text size="sm" c="dimmed" mt={4} className="tabular">
        {out ? t('imports.readingText') : parts.filter(Boolean).join(' · ')}
      </Text>
      <Milestone label={t('imports.uploading')} progress={part} />
    </div>
  );
}
