import { Group, Progress, Stack, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Overview } from '@/api/types';
import { LinkButton } from '@/ui/link';
import { Section } from '@/ui/section';
import classes from './checklist.module.css';

const steps = [
  { key: 'relay', to: '/relays/new' },
  { key: 'domain', to: '/domains' },
  { key: 'list', to: '/imports/new' },
  { key: 'campaign', to: '/campaigns/new' },
] as const;

/** The way to the first mailing; it goes away when it has been walked. */
export function Checklist({ checklist }: { checklist: Overview['checklist'] }) {
  const { t } = useTranslation();
  const done = steps.filter((step) => checklist[step.key]).length;
  const next = steps.find((step) => !checklist[step.key])?.key;
  return (
    <Section title={t('overview.checklist.title')} description={t('overview.checklist.text')}>
      <Progress
        value={(done / steps.length) * 100}
        aria-label={t('overview.checklist.progress', { done, total: steps.length })}
        mb="md"
        size="sm"
      />
      <Stack gap={4} component="ol" className={classes.steps}>
        {steps.map((step) => (
          <li key={step.key} className={classes.step}>
            <Group gap="sm" wrap="nowrap" align="flex-start" style={{ minWidth: 0 }}>
              {checklist[step.key] ? (
                <IconCircleCheck size={20} color="var(--app-good)" aria-label={t('campaigns.ready.done')} />
              ) : (
                <IconCircleDashed
                  size={20}
                  color="var(--mantine-color-dimmed)"
                  aria-label={t('overview.checklist.open')}
                />
              )}
              <div>
                <Text fw={550}>{t(`overview.checklist.${step.key}`)}</Text>
                {!checklist[step.key] && (
                  <Text size="sm" c="dimmed">
                    {t(`overview.checklist.${step.key}Text`)}
                  </Text>
                )}
              </div>
            </Group>
            {!checklist[step.key] && (
              <LinkButton to={step.to} size="xs" variant={step.key === next ? 'filled' : 'default'}>
                {t(`overview.checklist.${step.key}Action`)}
              </LinkButton>
            )}
          </li>
        ))}
      </Stack>
    </Section>
  );
}
