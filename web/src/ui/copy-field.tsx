import { ActionIcon, Code, Group, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { copyText } from '@/lib/clipboard';

/** A value to paste elsewhere. label names it for the copy button. */
export function CopyField({ value, label }: { value: string; label: string }) {
  return (
    <Group gap={6} wrap="nowrap" align="flex-start" style={{ minWidth: 0 }}>
      <Code
        style={{ overflowWrap: 'anywhere', flex: 1, minWidth: 0, background: 'var(--app-sunken)', padding: '5px 8px' }}
      >
        {value}
      </Code>
      <CopyButton value={value} label={label} />
    </Group>
  );
}

export function CopyButton({ value, label }: { value: string; label: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const text = copied ? t('common.copied') : t('common.copy', { what: label });
  return (
    <Tooltip label={text}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={28}
        aria-label={text}
        onClick={() => void copyText(value).then(setCopied)}
      >
        {copied ? <IconCheck size={16} color="var(--app-good)" /> : <IconCopy size={16} />}
      </ActionIcon>
    </Tooltip>
  );
}
