import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import type { Campaign, CampaignMail, RawMail } from '@/api/types';
import { keepsLines } from '@/ui/mail-editor/kinds';
import { Preview, type PreviewAs } from '@/ui/mail-editor/preview';
import { rawOptions, rawQuery, renderQuery } from '@/ui/mail-editor/queries';
import { letter } from './variants';

/** The mail of a campaign that is no draft: as it was frozen at the start, or as it was written when it was cancelled before that. */
export function MailTab({ campaign }: { campaign: Campaign }) {
  return campaign.started_at ? <FrozenMail campaign={campaign} /> : <WrittenMail campaign={campaign} />;
}

type Asked = { variant?: number | undefined; subscriber_id?: number | undefined };

const mailQuery = (id: number, asked: Asked & Pick<PreviewAs, 'scheme' | 'images'>) =>
  queryOptions({
    queryKey: ['campaign-mail', id, asked],
    queryFn: ({ signal }) => api.get<CampaignMail>(`/campaigns/${id}/mail`, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });

const rawMailQuery = (id: number, asked: Asked) =>
  rawOptions(JSON.stringify([id, asked]), (signal) => api.get<RawMail>(`/campaigns/${id}/mail/raw`, asked, signal));

function FrozenMail({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const [as, setAs] = useState<PreviewAs>({ scheme: 'light', images: 'on', subscriber: null });
  const [variant, setVariant] = useState(1);
  const asked = { variant: variant > 1 ? variant : undefined, subscriber_id: as.subscriber?.id };
  const mail = useQuery(mailQuery(campaign.id, { ...asked, scheme: as.scheme, images: as.images }));
  const variants = mail.data?.variants ?? 0;
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          {t('campaigns.live.mailFrozen')}
        </Text>
        {variants > 0 && (
          <SegmentedControl
            size="xs"
            aria-label={t('campaigns.ab.variants')}
            value={String(variant)}
            onChange={(next) => setVariant(Number(next))}
            data={Array.from({ length: variants }, (_, index) => ({
              value: String(index + 1),
              label: t('campaigns.ab.variant', { letter: letter(index + 1) }),
            }))}
          />
        )}
      </Group>
      <Preview
        rendered={mail.data}
        error={mail.error}
        fetching={mail.isFetching}
        plain={campaign.kind === 'text'}
        raw={rawMailQuery(campaign.id, asked)}
        exactLines={false}
        as={as}
        onAs={setAs}
      />
    </Stack>
  );
}

function WrittenMail({ campaign }: { campaign: Campaign }) {
  const [as, setAs] = useState<PreviewAs>({ scheme: 'light', images: 'on', subscriber: null });
  const { subject, preheader, kind, layout_id, inline_css, html, text } = campaign;
  const seen = {
    ...{ subject, preheader, kind, layout_id, inline_css, html, text },
    campaign_id: campaign.id,
    ...(as.subscriber && { subscriber_id: as.subscriber.id }),
  };
  const rendered = useQuery(renderQuery({ ...seen, scheme: as.scheme, images: as.images }));
  const { from_name, from_email, reply_to } = campaign;
  return (
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
}
