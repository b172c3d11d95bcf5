import { Anchor, List, Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

type Props = {
  name: string;
  needs: { text: string; link: string }[];
  asOf: string;
  /** The provider's own page, where there is one to name. */
  docs?: string;
  children?: ReactNode;
};

/** What has to be done at a provider first, with the pages for it. */
export function ProviderNeeds({ name, needs, asOf, docs, children }: Props) {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="md" component="section" aria-label={t('relays.provider.needs', { name })}>
      <Stack gap="xs">
        <Text fw={600}>{t('relays.provider.needs', { name })}</Text>
        <List type="ordered" size="sm" spacing={4}>
          {needs.map((need) => (
            <List.Item key={need.text}>
              {need.text}{' '}
              <Anchor href={need.link} target="_blank" rel="noreferrer" inherit underline="always">
                {t('relays.provider.open', { host: new URL(need.link).host })}
              </Anchor>
            </List.Item>
          ))}
        </List>
        {children}
        <Text size="sm" c="dimmed">
          {t('relays.provider.asOf', { date: asOf })}{' '}
          {docs && (
            <Anchor href={docs} target="_blank" rel="noreferrer" inherit underline="always">
              {t('relays.provider.docs', { name })}
            </Anchor>
          )}
        </Text>
      </Stack>
    </Paper>
  );
}
