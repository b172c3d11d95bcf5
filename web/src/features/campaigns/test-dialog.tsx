import { Button, Group, Modal, Select, Stack, TagsInput, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Campaign, TestResult } from '@/api/types';
import { meQuery } from '@/features/auth/queries';
import { relaysQuery } from '@/features/relays/queries';
import { FormAlert } from '@/ui/form-alert';
import { sendTest } from './queries';
import { letter } from './variants';

/** The server takes no more addresses for one test. */
const MAX_ADDRESSES = 5;

type Props = { campaign: Pick<Campaign, 'id' | 'relay_ids' | 'ab_test'>; opened: boolean; onClose: () => void };

/** Sends the draft to a few addresses now and shows what the mail server said to each. */
export function TestDialog({ campaign, opened, onClose }: Props) {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const [chosen, setChosen] = useState<string[] | null>(null);
  const to = chosen ?? (me.data ? [me.data.email] : []);
  const several = campaign.relay_ids.length > 1;
  const variants = campaign.ab_test?.variants ?? [];
  const [wanted, setWanted] = useState(1);
  const variant = variants.length > 0 ? Math.min(wanted, variants.length) : null;
  const [asked, setAsked] = useState<number | null>(null);
  // One that was taken out of the campaign meanwhile is no choice any more.
  const relayId = asked !== null && campaign.relay_ids.includes(asked) ? asked : null;
  const send = useMutation({ mutationFn: () => sendTest({ id: campaign.id, to, relayId, variant }) });
  const close = () => {
    send.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t('campaigns.test.title')}>
      <Stack>
        {send.error && <FormAlert message={errorMessage(send.error)} />}
        <TagsInput
          label={t('campaigns.test.to')}
          description={t('campaigns.test.toHint', { count: MAX_ADDRESSES })}
          value={to}
          onChange={setChosen}
          maxTags={MAX_ADDRESSES}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
        />
        {variant !== null && (
          <Select
            label={t('campaigns.ab.variantColumn')}
            allowDeselect={false}
            data={variants.map((one, index) => ({
              value: String(index + 1),
              label: [letter(index + 1), one.subject ?? one.from_name].filter(Boolean).join(' · '),
            }))}
            value={String(variant)}
            onChange={(value) => {
              setWanted(Number(value));
              send.reset();
            }}
          />
        )}
        {several && <RelayChoice ids={campaign.relay_ids} value={relayId} onChange={setAsked} />}
        {send.data?.results.map((result) => (
          <Result key={result.to} result={result} tellRelay={several} />
        ))}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.close')}
          </Button>
          <Button disabled={to.length === 0} loading={send.isPending} onClick={() => send.mutate()}>
            {t('campaigns.test.send')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

type ChoiceProps = { ids: number[]; value: number | null; onChange: (id: number | null) => void };

/** Each address through the relay that the campaign would take for it, or all through one. */
function RelayChoice({ ids, value, onChange }: ChoiceProps) {
  const { t } = useTranslation();
  const { data } = useQuery(relaysQuery);
  const relays = (data?.items ?? []).filter((relay) => ids.includes(relay.id));
  return (
    <Select
      label={t('campaigns.test.relay')}
      description={t('campaigns.test.relayHint')}
      placeholder={t('campaigns.test.anyRelay')}
      data={relays.map((relay) => ({ value: String(relay.id), label: relay.name }))}
      value={value === null ? null : String(value)}
      onChange={(id) => onChange(id === null ? null : Number(id))}
      clearable
    />
  );
}

function Result({ result, tellRelay }: { result: TestResult; tellRelay: boolean }) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" role="status">
      {result.ok ? (
        <IconCircleCheck size={20} color="var(--app-good)" aria-label={t('campaigns.test.ok')} />
      ) : (
        <IconCircleX size={20} color="var(--app-bad)" aria-label={t('campaigns.test.failed')} />
      )}
      <div style={{ minWidth: 0 }}>
        <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
          {result.to}
        </Text>
        {tellRelay && <Text size="sm">{t('campaigns.test.through', { name: result.relay_name })}</Text>}
        <Text size="sm" c="dimmed" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {result.reply}
        </Text>
      </div>
    </Group>
  );
}
