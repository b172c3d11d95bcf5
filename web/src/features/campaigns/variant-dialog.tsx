import { Modal, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AbTestInput, CampaignInput } from '@/api/types';
import { CodeEditor } from '@/ui/mail-editor/code-editor';
import { keepsLines } from '@/ui/mail-editor/kinds';
import { Preview, type PreviewAs } from '@/ui/mail-editor/preview';
import { mergeTagsQuery, rawQuery, renderQuery } from '@/ui/mail-editor/queries';
import { asVariant, letter } from './variants';

type Form = UseFormReturnType<CampaignInput>;
type Props = { form: Form; campaignId: number; index: number; writes: boolean; onClose: () => void };

const RENDER_AFTER_MS = 400;

/** A variant as its people will see it, beside its own content when the variants differ in that. */
export function VariantDialog({ form, campaignId, index, writes, onClose }: Props) {
  const { t } = useTranslation();
  const variant = (form.values.ab_test as AbTestInput | null)?.variants[index];
  const mail = asVariant(form.values, variant);
  const { kind, layout_id, inline_css, subject, preheader, html, text } = mail;
  const { from_name, from_email, reply_to } = mail;
  const [as, setAs] = useState<PreviewAs>({ scheme: 'light', images: 'on', subscriber: null });
  const [settled] = useDebouncedValue({ kind, layout_id, inline_css, subject, preheader, html, text }, RENDER_AFTER_MS);
  const seen = {
    ...settled,
    campaign_id: campaignId,
    ...(as.subscriber && { subscriber_id: as.subscriber.id }),
  };
  const rendered = useQuery(renderQuery({ ...seen, scheme: as.scheme, images: as.images }));
  const preview = (
    <Preview
      rendered={rendered.data}
      error={rendered.error}
      fetching={rendered.isFetching}
      plain={kind === 'text'}
      raw={rawQuery({ ...seen, from_name, from_email, reply_to })}
      exactLines={keepsLines(kind, layout_id)}
      as={as}
      onAs={setAs}
    />
  );
  return (
    <Modal
      opened
      onClose={onClose}
      size={writes ? '90rem' : 'xl'}
      title={t('campaigns.ab.variant', { letter: letter(index + 1) })}
    >
      <Stack>
        <div>
          <Text size="sm" c="dimmed">
            {from_name || t('campaigns.fromName')} {from_email && `<${from_email}>`}
          </Text>
          <Text fw={600}>{rendered.data?.subject || subject || t('editor.noSubject')}</Text>
        </div>
        {writes ? (
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Source form={form} index={index} mail={mail} />
            {preview}
          </SimpleGrid>
        ) : (
          preview
        )}
      </Stack>
    </Modal>
  );
}

function Source({ form, index, mail }: { form: Form; index: number; mail: CampaignInput }) {
  const { t } = useTranslation();
  const tags = useQuery(mergeTagsQuery);
  const kind = mail.kind ?? 'html';
  const plain = kind === 'text';
  const [chosen, setPart] = useState<'html' | 'text'>('html');
  const part = plain ? 'text' : chosen;
  return (
    <Stack gap="xs">
      {!plain && (
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
      <div style={{ height: '60vh', border: '1px solid var(--app-border)', overflow: 'hidden' }}>
        <CodeEditor
          key={part}
          label={part === 'text' ? t('editor.textSource') : t('editor.sourceOf', { kind: t(`editor.kinds.${kind}`) })}
          language={part === 'text' ? 'text' : kind}
          value={mail[part]}
          onChange={(next) => form.setFieldValue(`ab_test.variants.${index}.${part}`, next as never)}
          mergeTags={tags.data?.items ?? []}
          marks={[]}
        />
      </div>
    </Stack>
  );
}
