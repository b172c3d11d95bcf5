import { Button, Group, Modal, Stack, TagsInput, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { TestResult } from '@/api/types';
import { meQuery } from '@/features/auth/queries';
import { FormAlert } from '@/ui/form-alert';
import { sendTest } from './queries';

/** The server takes no more addresses for one test. */
const MAX_ADDRESSES = 5;

type Props = { campaignId: number; opened: boolean; onClose: () => void };

/** Sends the draft to a few addresses now and shows what the mail server said to each. */
export function TestDialog({ campaignId, opened, onClose }: Props) {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const [chosen, setChosen] = useState<string[] | null>(null);
  const to = chosen ?? (me.data ? [me.data.email] : []);
  const send = useMutation({ mutationFn: () => sendTest({ id: campaignId, to }) });
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
        {send.data?.results.map((result) => (
          <Result key={result.to} result={result} />
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

function Result({ result }: { result: TestResult }) {
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
        <Text size="sm" c="dimmed" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {result.reply}
        </Text>
      </div>
    </Group>
  );
}
