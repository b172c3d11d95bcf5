import { Button, Group, Radio, Stack, Text, Textarea } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ImportMapping } from '@/api/types';
import { Section } from '@/ui/section';

export const MAX_CONSENT = 500;
const examples = ['form', 'customers', 'event', 'other'] as const;
const statuses = ['subscribed', 'unconfirmed'] as const;

type Props = {
  list: string;
  status: ImportMapping['status'] | null;
  consent: string;
  /** Somebody tried to go on, so that what is missing is said. */
  asked: boolean;
  onStatus: (status: ImportMapping['status']) => void;
  onConsent: (text: string) => void;
};

/** What these people agreed to, and how: nobody is made a subscriber by leaving a field alone. */
export function ConsentChoice({ list, status, consent, asked, onStatus, onConsent }: Props) {
  const { t } = useTranslation();
  return (
    <Section title={t('imports.consent.title')} description={t('imports.consent.text')}>
      <Stack id="import-consent">
        <Radio.Group
          label={t('imports.consent.may', { list })}
          withAsterisk
          value={status}
          onChange={(value) => onStatus(value === 'unconfirmed' ? 'unconfirmed' : 'subscribed')}
          error={asked && !status ? t('imports.consent.choose') : null}
        >
          <Stack gap="sm" mt="xs">
            {statuses.map((one) => (
              <Radio
                key={one}
                value={one}
                label={t(`imports.consent.${one}`)}
                description={t(`imports.consent.${one}Text`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {status && (
          <ConsentText required={status === 'subscribed'} value={consent} asked={asked} onChange={onConsent} />
        )}
      </Stack>
    </Section>
  );
}

type TextProps = { required: boolean; value: string; asked: boolean; onChange: (text: string) => void };

/** How these people agreed, in words that are kept with each of them. */
export function ConsentText({ required, value, asked, onChange }: TextProps) {
  const { t } = useTranslation();
  return (
    <div>
      <Textarea
        label={required ? t('imports.consent.how') : `${t('imports.consent.how')} (${t('common.optional')})`}
        description={t('imports.consent.howText')}
        withAsterisk={required}
        autosize
        minRows={2}
        maxLength={MAX_CONSENT}
        maw={640}
        value={value}
        error={asked && required && !value.trim() ? t('imports.consent.howNeeded') : null}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Group gap={6} mt={8}>
        <Text size="sm" c="dimmed">
          {t('imports.consent.examples')}
        </Text>
        {examples.map((one) => (
          <Button
            key={one}
            size="compact-sm"
            variant="default"
            onClick={() => onChange(t(`imports.consent.example.${one}`))}
          >
            {t(`imports.consent.example.${one}`)}
          </Button>
        ))}
      </Group>
    </div>
  );
}
