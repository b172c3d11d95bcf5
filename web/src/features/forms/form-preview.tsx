import { Group, SegmentedControl, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SignUpFormInput } from '@/api/types';
import { MailFrame } from '@/ui/mail-frame';
import { Section } from '@/ui/section';
import classes from './form-page.module.css';
import { formPreviewQuery } from './queries';

const AFTER_MS = 350;

/** The form's page as the server makes it, while it is being edited. */
export function FormPreview({ input }: { input: SignUpFormInput }) {
  const { t } = useTranslation();
  const [settled] = useDebouncedValue(input, AFTER_MS);
  const [width, setWidth] = useState<'phone' | 'desktop'>('desktop');
  const query = useQuery(formPreviewQuery(settled));
  return (
    <div className={classes.preview}>
      <Section
        title={t('forms.preview')}
        flush
        actions={
          <SegmentedControl
            aria-label={t('forms.preview')}
            size="xs"
            value={width}
            onChange={(value) => setWidth(value as 'phone')}
            data={[
              { value: 'desktop', label: t('forms.desktop') },
              { value: 'phone', label: t('forms.phone') },
            ]}
          />
        }
      >
        {query.isError && (
          <Text size="sm" c="dimmed" px="md" pb="sm" role="status">
            {t('forms.previewBroken')}
          </Text>
        )}
        <Group justify="center" gap={0} style={{ background: 'var(--app-sunken)' }}>
          <MailFrame
            html={query.data?.html ?? ''}
            title={t('forms.previewOf')}
            height={620}
            width={width === 'phone' ? 340 : '100%'}
          />
        </Group>
      </Section>
    </div>
  );
}
